/** Every setting of ACS Control against the table of pci-fabric 7.1 and 7.2, at each place where it can be. */
import { describe, expect, it } from 'vitest';
import type { HardwareMachine } from '../machine';
import { Fabric } from './fabric';
import type { FixtureNode } from './fixture';
import { fixtureMachine, switchMachine } from './fixture';
import { routeMemory } from './memory';
import type { AddressType, MemoryPacket } from './packet';
import type { FabricPath } from './path';

const SV = 0x01;
const TB = 0x02;
const RR = 0x04;
const UF = 0x10;
const EC = 0x20;
const DT = 0x40;

const TYPES: readonly AddressType[] = ['untranslated', 'translation-request', 'translated'];
const FULL = 0x1d;

type Result = 'direct' | 'up' | 'source-validation' | 'translation-blocking' | 'egress-control';

/** The rows of 7.2 after SV and TB; `held`: the target's bit in the vector. */
function expected(control: number, type: AddressType, held: boolean, forged: boolean, isPort: boolean): Result {
  if (isPort && control & SV && forged) return 'source-validation';
  if (isPort && control & TB && type !== 'untranslated') return 'translation-blocking';
  if (type === 'translated' && control & DT) return 'direct';
  if (control & EC) {
    if (!held) return 'direct';
    return control & RR ? 'up' : 'egress-control';
  }
  return control & RR ? 'up' : 'direct';
}

function route(machine: HardwareMachine, from: string, packet: MemoryPacket): FabricPath {
  const fabric = new Fabric(machine, { complex: { isMemory: () => false, translate: () => null } });
  return routeMemory(fabric, machine.functions.get(`0000:${from}`)!, packet);
}

/** What became of the packet at `at`. */
function resultAt(path: FabricPath, at: string): Result | string {
  if (path.ending.kind === 'refused' && path.ending.at === `0000:${at}`) return path.ending.why;
  if (path.bypassesIommu) return 'direct';
  return path.hops.some((hop) => hop.at === `0000:${at}` && hop.decision === 'redirects') ? 'up' : path.ending.kind;
}

interface Place {
  readonly at: string;
  readonly from: string;
  readonly target: bigint;
  /** Index of the target in the vector. */
  readonly index: number;
  readonly isPort: boolean;
  readonly machine: (control: number, vector: number) => HardwareMachine;
}

const endpoints = (control: number, vector: number): FixtureNode[] => [
  { at: '00:01.0', type: 'RootPort', buses: [1, 1], window: [0xe0000000, 0xe00fffff], acs: FULL },
  { at: '01:00.0', type: 'Endpoint', below: '00:01.0', bar: 0xe0000000, acs: control, vector },
  { at: '01:00.1', type: 'Endpoint', below: '00:01.0', bar: 0xe0001000 },
];
const rootPorts = (control: number, vector: number): FixtureNode[] =>
  [1, 2].flatMap((n): FixtureNode[] => [
    {
      at: `00:0${n}.0`,
      type: 'RootPort',
      buses: [n, n],
      window: [0xe0000000 + n * 0x100000, 0xe00fffff + n * 0x100000],
      port: n,
      acs: n === 1 ? control : FULL,
      ...(n === 1 && { vector }),
    },
    { at: `0${n}:00.0`, type: 'Endpoint', below: `00:0${n}.0`, bar: 0xe0000000 + n * 0x100000 },
  ]);

const PLACES: Readonly<Record<string, Place>> = {
  'a downstream port': {
    at: '02:00.0',
    from: '03:00.0',
    target: 0xe0100000n,
    index: 2,
    isPort: true,
    machine: (acs, vector) => switchMachine({ '02:00.0': { acs, vector } }),
  },
  'a root port': {
    at: '00:01.0',
    from: '01:00.0',
    target: 0xe0200000n,
    index: 2,
    isPort: true,
    machine: (acs, vector) => fixtureMachine(rootPorts(acs, vector)),
  },
  'a function of several': {
    at: '01:00.0',
    from: '01:00.0',
    target: 0xe0001000n,
    index: 1,
    isPort: false,
    machine: (acs, vector) => fixtureMachine(endpoints(acs, vector)),
  },
};

describe.each(Object.entries(PLACES))('%s', (_name, { at, from, target, index, isPort, machine }) => {
  it('does with each of the 128 settings, for each kind of address, what the table says', () => {
    const wrong: string[] = [];
    for (let control = 0; control < 0x80; control++) {
      for (const held of [false, true]) {
        const silicon = machine(control, held ? 1 << index : 0);
        for (const addressType of TYPES) {
          for (const forged of isPort ? [false, true] : [false]) {
            const packet: MemoryPacket = {
              kind: 'memory-write',
              address: target,
              length: 4,
              addressType,
              ...(forged && { requester: 0x7700 }),
            };
            const want = expected(control, addressType, held, forged, isPort);
            const got = resultAt(route(silicon, from, packet), at);
            if (got !== want) {
              wrong.push(
                `control ${control.toString(16)}, ${addressType}, held ${held}, forged ${forged}: ${got}, not ${want}`,
              );
            }
          }
        }
      }
    }
    expect(wrong).toEqual([]);
  });
});

it('upstream forwarding alone decides about what comes back to where it came from', () => {
  for (let control = 0; control < 0x80; control++) {
    const machine = fixtureMachine([
      { at: '00:01.0', type: 'RootPort', buses: [1, 1], window: [0xe0000000, 0xe00fffff], acs: control },
      { at: '01:00.0', type: 'Endpoint', below: '00:01.0', bar: 0xe0000000, acs: RR },
      { at: '01:00.1', type: 'Endpoint', below: '00:01.0', bar: 0xe0001000 },
    ]);
    const path = route(machine, '01:00.0', {
      kind: 'memory-read',
      address: 0xe0001000n,
      length: 4,
      addressType: 'untranslated',
    });
    const refused = path.ending.kind === 'refused' && path.ending.at === '0000:00:01.0';
    expect(refused, control.toString(16)).toBe((control & UF) === 0);
    if (refused) expect(path.answer).toBe('UR');
  }
});

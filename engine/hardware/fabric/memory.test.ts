/** The worked cases of access control (spec pci-fabric 7.2, 7.3, 7.5), numbered as there. */
import { describe, expect, it } from 'vitest';
import type { HardwareMachine } from '../machine';
import { applyMarks } from './errors';
import { Fabric } from './fabric';
import type { NodeChanges } from './fixture';
import { AT, fixtureMachine, switchMachine } from './fixture';
import { routeMemory } from './memory';
import type { MemoryPacket } from './packet';
import type { FabricPath } from './path';

const A = '03:00.0';
const X = '02:00.0';
const Y = '02:01.0';
const B = '0000:04:00.0';
/** B's BAR as the bus sees it, and an address that A's domain maps to it. */
const P = 0xe0100000n;
const T = 0x1000n;

const FULL = 0x1d;
const write = (address: bigint, more: Partial<MemoryPacket> = {}): MemoryPacket => ({
  kind: 'memory-write',
  address,
  length: 4,
  addressType: 'untranslated',
  ...more,
});
const read = (address: bigint, more: Partial<MemoryPacket> = {}): MemoryPacket =>
  write(address, { kind: 'memory-read', ...more });

const asked: number[] = [];

function route(machine: HardwareMachine, packet: MemoryPacket, from = A): FabricPath {
  asked.length = 0;
  const fabric = new Fabric(machine, {
    complex: {
      isMemory: (address) => address < 0x80000000n,
      translate: (_segment, requester, address) => {
        asked.push(requester);
        return address >= T && address < T + 0x1000n ? P + (address - T) : null;
      },
    },
  });
  return routeMemory(fabric, machine.functions.get(`0000:${from}`)!, packet);
}

const acs = (x: number | undefined, y: number | undefined, rp = FULL, more: NodeChanges = {}): NodeChanges => {
  const at = (address: string, value: number | undefined) => ({
    ...(value !== undefined && { acs: value }),
    ...more[address],
  });
  return { ...more, [X]: at(X, x), [Y]: at(Y, y), '00:01.0': { acs: rp } };
};

/** What the packet left: `02:00.0 Device Status 2`, in order; the header log is left out. */
const bits = (path: FabricPath): string[] =>
  path.marks
    .filter((mark) => !/Header|First/.test(mark.register))
    .map((mark) => `${mark.function.slice(5)} ${mark.register} ${mark.set.toString(16)}`);

const landed = (path: FabricPath): string | null => (path.ending.kind === 'function' ? path.ending.function : null);
const why = (path: FabricPath): string | null =>
  path.ending.kind === 'refused' ? `${path.ending.at} ${path.ending.why}` : null;

describe('peer-to-peer below a switch', () => {
  it.each([
    ['1', undefined],
    ['6', 0],
  ])('%s: a write lands and no IOMMU sees it when the source port does not redirect', (_case, x) => {
    const path = route(switchMachine(acs(x, FULL)), write(P));
    expect(landed(path)).toBe(B);
    expect(path).toMatchObject({ bypassesIommu: true, answer: 'none', marks: [] });
    expect(asked).toEqual([]);
  });

  it('2: a read brings data back directly', () => {
    const path = route(switchMachine(acs(undefined, undefined)), read(P));
    expect(path).toMatchObject({ answer: 'data', bypassesIommu: true, marks: [] });
    expect(path.completion.map(({ at, decision }) => [at, decision])).toEqual([['0000:02:01.0', 'direct']]);
  });

  it('3, 4: with isolation the raw address faults at the IOMMU', () => {
    const machine = switchMachine(acs(FULL, FULL));
    const written = route(machine, write(P));
    expect(why(written)).toBe('IOMMU iommu');
    expect(bits(written)).toEqual([]);
    expect(asked).toEqual([0x0300]);
    const fetched = route(machine, read(P));
    expect(fetched.answer).toBe('UR');
    expect(bits(fetched)).toEqual(['03:00.0 Status 2000']);
  });

  it('5: a mapped address comes back down through the root complex', () => {
    const path = route(switchMachine(acs(FULL, FULL)), read(T));
    expect(landed(path)).toBe(B);
    expect(path).toMatchObject({ bypassesIommu: false, answer: 'data', marks: [] });
    expect(path.completion.map(({ at, decision }) => `${at} ${decision}`)).toEqual([
      '0000:02:01.0 redirects',
      '0000:00:01.0 up',
      'root complex down',
    ]);
  });

  it('7: the completion takes the short way when the target port does not redirect it', () => {
    const path = route(switchMachine(acs(FULL, 0)), read(T));
    expect(path.completion.map(({ at, decision }) => `${at} ${decision}`)).toEqual(['0000:02:01.0 direct']);
    const relaxed = route(switchMachine(acs(FULL, FULL)), read(T, { relaxedOrdering: true }));
    expect(relaxed.completion).toHaveLength(1);
  });

  it('10: egress control drops a write, and the port tells the root', () => {
    const machine = switchMachine(acs(0x20, FULL, FULL, { [X]: { acs: 0x20, vector: 1 << 2 } }));
    const path = route(machine, write(P));
    expect(why(path)).toBe('0000:02:00.0 egress-control');
    expect(bits(path)).toEqual([
      '02:00.0 Device Status 2',
      '02:00.0 AER Uncorrectable Status 200000',
      '01:00.0 Secondary Status 4000',
      '00:01.0 Secondary Status 4000',
      '00:01.0 Root Error Status 24',
      '00:01.0 Error Source Identification 2000000',
    ]);
    expect(path.messages).toEqual([{ from: '0000:02:00.0', code: 'ERR_NONFATAL', endedAt: '0000:00:01.0' }]);
    applyMarks(machine, path.marks);
    const port = machine.functions.get('0000:02:00.0')!.config;
    expect(port.read(AT.aer + 4, 4)).toBe(1 << 21);
    expect(port.read(AT.aer + 0x18, 4) & 0x1f).toBe(21);
    expect(port.read(AT.aer + 0x1c, 4)).toBe(0x40000001);
    expect(port.read(AT.aer + 0x20, 4)).toBe(0x0300000f);
    expect(port.read(AT.aer + 0x24, 4)).toBe(0xe0100000);
    // The second one is not logged over the first.
    expect(route(machine, write(P)).marks.some((mark) => /Header/.test(mark.register))).toBe(false);
    expect(bits(route(machine, write(P)))).toContain('00:01.0 Root Error Status 28');
  });

  it('11: the same for a read is a completer abort and an advisory error', () => {
    const path = route(switchMachine(acs(0x20, FULL, FULL, { [X]: { acs: 0x20, vector: 1 << 2 } })), read(P));
    expect(path).toMatchObject({ answer: 'CA', messages: [] });
    expect(bits(path)).toEqual([
      '02:00.0 Device Status 1',
      '02:00.0 AER Uncorrectable Status 200000',
      '02:00.0 AER Correctable Status 2000',
      '02:00.0 Secondary Status 800',
      '03:00.0 Status 1000',
    ]);
  });

  // Columns RR, EC, vector bit, DT and address type of the table of 7.2.
  it.each([
    [0x00, 0, 'untranslated', 'direct'],
    [0x04, 0, 'untranslated', 'up'],
    [0x20, 0, 'untranslated', 'direct'],
    [0x24, 0, 'untranslated', 'direct'],
    [0x20, 4, 'untranslated', 'violation'],
    [0x24, 4, 'untranslated', 'up'],
    [0x44, 0, 'translated', 'direct'],
    [0x64, 4, 'translated', 'direct'],
    [0x44, 0, 'untranslated', 'up'],
    [0x04, 0, 'translated', 'up'],
    [0x46, 0, 'translated', 'violation'],
    [0x02, 0, 'translation-request', 'violation'],
  ] as const)('7.2: control %i, vector %i, %s: %s', (control, vector, addressType, result) => {
    const path = route(
      switchMachine(acs(control, FULL, FULL, { [X]: { acs: control, vector } })),
      write(P, { addressType }),
    );
    const redirected = path.hops.some(({ at, decision }) => at === `0000:${X}` && decision === 'redirects');
    if (result === 'direct') expect([landed(path), path.bypassesIommu]).toEqual([B, true]);
    else if (result === 'up') expect([redirected, path.bypassesIommu]).toEqual([true, false]);
    else expect(bits(path)).toContain('02:00.0 AER Uncorrectable Status 200000');
  });

  it('15, 16: source validation looks at the bus of the requester ID and no further', () => {
    const machine = switchMachine(acs(0x01, FULL));
    expect(why(route(machine, write(P, { requester: 0x0400 })))).toBe('0000:02:00.0 source-validation');
    expect(landed(route(machine, write(P, { requester: 0x0301 })))).toBe(B);
    route(switchMachine(acs(FULL, FULL)), write(P, { requester: 0x0301 }));
    expect(asked).toEqual([0x0301]);
  });

  it('17: a port without bus mastering answers UR', () => {
    const path = route(switchMachine(acs(FULL, FULL, FULL, { [X]: { command: 2 } })), write(P));
    expect(why(path)).toBe('0000:02:00.0 unsupported');
    // Unsupported Request Reporting is off: no message.
    expect(bits(path)).toEqual(['02:00.0 Device Status a', '02:00.0 AER Uncorrectable Status 100000']);
    expect(path.messages).toEqual([]);
  });

  it('18: a target that does not decode memory answers UR', () => {
    const path = route(switchMachine(acs(undefined, undefined, FULL, { '04:00.0': { command: 4 } })), read(P));
    expect(path.answer).toBe('UR');
    expect(bits(path)).toEqual([
      '04:00.0 Device Status 9',
      '04:00.0 AER Uncorrectable Status 100000',
      '04:00.0 AER Correctable Status 2000',
      '03:00.0 Status 2000',
    ]);
  });

  it('19: a closed window is nobody’s: the request goes up', () => {
    const path = route(switchMachine(acs(undefined, undefined, FULL, { [Y]: { command: 4 } })), read(P));
    expect(why(path)).toBe('IOMMU iommu');
    expect(bits(path)).toEqual(['03:00.0 Status 2000']);
  });

  it('20: a write to the interrupt range is an interrupt; a read is not', () => {
    const machine = switchMachine(acs(FULL, FULL));
    expect(route(machine, write(0xfee00000n)).ending).toEqual({ kind: 'interrupt' });
    expect(route(machine, read(0xfee00000n)).answer).toBe('UR');
    expect(asked).toEqual([]);
  });

  it('does not send without bus mastering, nor outside D0', () => {
    const machine = switchMachine({ [A]: { command: 2 } });
    expect(why(route(machine, write(P)))).toBe('0000:03:00.0 bus-master');
  });

  it('returns UR where no physical address answers', () => {
    const machine = switchMachine(acs(FULL, FULL));
    const fabric = new Fabric(machine, { complex: { isMemory: () => false } });
    const path = routeMemory(fabric, machine.functions.get('0000:03:00.0')!, write(0x5000n));
    expect(path.ending).toEqual({ kind: 'refused', at: 'root complex', why: 'unsupported' });
    expect(bits(path)).toContain('00:01.0 Device Status a');
  });
});

describe('functions of one device', () => {
  const device = (own: number | undefined, port: number): HardwareMachine =>
    fixtureMachine([
      { at: '00:01.0', type: 'RootPort', buses: [1, 3], window: [0xe0000000, 0xe00fffff], acs: FULL },
      { at: '01:00.0', type: 'UpstreamPort', below: '00:01.0', buses: [2, 3], window: [0xe0000000, 0xe00fffff] },
      {
        at: '02:00.0',
        type: 'DownstreamPort',
        below: '01:00.0',
        buses: [3, 3],
        window: [0xe0000000, 0xe00fffff],
        acs: port,
      },
      { at: '03:00.0', type: 'Endpoint', below: '02:00.0', bar: 0xe0000000, ...(own !== undefined && { acs: own }) },
      { at: '03:00.1', type: 'Endpoint', below: '02:00.0', bar: 0xe0001000 },
    ]);

  it('reach one another past every port when they have no ACS', () => {
    const path = route(device(undefined, FULL), write(0xe0001000n));
    expect(landed(path)).toBe('0000:03:00.1');
    expect(path.hops.map(({ at }) => at)).toEqual(['0000:03:00.0', '0000:03:00.0', '0000:03:00.1']);
  });

  it('8: redirected, the request is turned around at the root', () => {
    const path = route(device(0x04, FULL), write(0xe0001000n));
    expect(path.hops.slice(-4).map(({ at, decision }) => `${at} ${decision}`)).toEqual([
      '0000:02:00.0 up',
      '0000:01:00.0 up',
      '0000:00:01.0 up',
      'IOMMU refuses',
    ]);
    expect(path.marks).toEqual([]);
  });

  it('9: without upstream forwarding the port refuses it', () => {
    const path = route(device(0x04, 0x0d), write(0xe0001000n));
    expect(why(path)).toBe('0000:02:00.0 unsupported');
    expect(bits(path)).toEqual(['02:00.0 Device Status a', '02:00.0 AER Uncorrectable Status 100000']);
  });
});

describe('root ports', () => {
  const ports = (control: number | undefined): HardwareMachine =>
    fixtureMachine(
      [1, 2].flatMap((n) => [
        {
          at: `00:0${n}.0`,
          type: 'RootPort' as const,
          buses: [n, n] as const,
          window: [0xe0000000 + n * 0x100000, 0xe00fffff + n * 0x100000] as const,
          ...(control !== undefined && { acs: control }),
        },
        { at: `0${n}:00.0`, type: 'Endpoint' as const, below: `00:0${n}.0`, bar: 0xe0000000 + n * 0x100000 },
      ]),
    );

  it('21, 22: reach one another when the root complex lets them and they do not redirect', () => {
    expect(route(ports(undefined), write(0xe0200000n), '01:00.0').bypassesIommu).toBe(true);
    expect(why(route(ports(FULL), write(0xe0200000n), '01:00.0'))).toBe('IOMMU iommu');
    const machine = ports(undefined);
    const fabric = new Fabric(machine, { complex: { peerToPeer: false, translate: () => null } });
    expect(why(routeMemory(fabric, machine.functions.get('0000:01:00.0')!, write(0xe0200000n)))).toBe('IOMMU iommu');
  });
});

describe('a shared bus', () => {
  const machine = fixtureMachine([
    { at: '00:01.0', type: 'RootPort', buses: [1, 3], window: [0xe0000000, 0xe00fffff], acs: FULL },
    { at: '01:00.0', type: 'PcieToPciBridge', below: '00:01.0', buses: [2, 3], window: [0xe0000000, 0xe00fffff] },
    { at: '02:00.0', type: 'Conventional', below: '01:00.0', bar: 0xe0000000 },
    { at: '02:01.0', type: 'Conventional', below: '01:00.0', bar: 0xe0001000 },
    { at: '02:02.0', type: 'ConventionalBridge', below: '01:00.0', buses: [3, 3] },
    { at: '03:00.0', type: 'Conventional', below: '02:02.0', bar: 0xe0010000 },
  ]);

  it('23: its devices reach one another whatever the ports above do', () => {
    expect(route(machine, write(0xe0001000n), '02:00.0')).toMatchObject({ bypassesIommu: true });
  });

  it('24: the IOMMU sees the bridge’s secondary bus for all of them, nested bridges too', () => {
    for (const from of ['02:00.0', '03:00.0']) {
      route(machine, write(P), from);
      expect(asked).toEqual([0x0200]);
    }
    machine.functions.get('0000:01:00.0')!.config.set(0x19, 1, 9);
    machine.functions.get('0000:00:01.0')!.config.set(0x1a, 1, 9);
    route(machine, write(P), '02:00.0');
    expect(asked).toEqual([0x0900]);
  });
});

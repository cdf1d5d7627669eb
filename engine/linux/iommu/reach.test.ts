import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HardwareMachine } from '../../hardware/machine';
import { Fabric } from '../../hardware/fabric/fabric';
import { reachable } from '../../hardware/fabric/reach';
import { routeToward } from '../../hardware/fabric/memory';
import { acsVerdict } from '../pci/acs';
import type { PciDevice } from '../pci/device';
import { FabricIndex } from './fabric-index';
import type { FixtureFunction } from './fixture';
import { ACS_OFF, ACS_ON, fixtureDevices, PLAIN_ACS, randomTree } from './fixture';
import { predictGroups } from './predict';
import { explainReach, reachablePairs, reachLines } from './reach';

function machineOf(devices: readonly PciDevice[]): HardwareMachine {
  const machine = new HardwareMachine('intel-vtd');
  for (const device of devices) {
    device.function.physicalFunction = device.physicalFunction?.function ?? null;
    machine.add(device.function);
  }
  return machine;
}

/** Group number by function, by the kernel's rule. */
function groupsOf(devices: readonly PciDevice[]): Map<object, number> {
  const { numberOf } = predictGroups(devices, { acs: PLAIN_ACS });
  return new Map([...numberOf].map(([device, number]) => [device.function, number]));
}

const pairs = (machine: HardwareMachine, peerToPeer = true): string[] =>
  [...reachable(new Fabric(machine, { complex: { peerToPeer } }))].map(
    ({ from, to }) => `${from.name.slice(5)} ${to.name.slice(5)}`,
  );

/** The tree with all ports isolating, and functions of one device as well. */
const isolating = (specs: readonly FixtureFunction[]): FixtureFunction[] =>
  specs.map((spec) => {
    const port = spec.type === 'RootPort' || spec.type === 'DownstreamPort';
    const one =
      spec.multifunction &&
      (spec.type === 'Endpoint' || spec.type === 'IntegratedEndpoint' || spec.type === 'UpstreamPort');
    return port || one ? { ...spec, acs: ACS_ON } : spec;
  });

const sample = (seed: number): ((below: number) => number) => {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * below);
  };
};

const isConventional = (device: PciDevice): boolean => device.function.portType === null;

const switchTree = (acs: FixtureFunction['acs']): FixtureFunction[] => [
  { at: '00:01.0', type: 'RootPort', secondary: 1, acs: ACS_ON },
  { at: '01:00.0', type: 'UpstreamPort', below: '00:01.0', secondary: 2 },
  { at: '02:00.0', type: 'DownstreamPort', below: '01:00.0', secondary: 3, ...(acs && { acs }) },
  { at: '02:01.0', type: 'DownstreamPort', below: '01:00.0', secondary: 4, ...(acs && { acs }) },
  { at: '03:00.0', type: 'Endpoint', below: '02:00.0' },
  { at: '04:00.0', type: 'Endpoint', below: '02:01.0' },
];

describe('what reaches what past the IOMMU', () => {
  it('finds the hole of the kernel’s rule: downstream ports without ACS beside one another', () => {
    for (const acs of [undefined, ACS_OFF]) {
      const devices = fixtureDevices(switchTree(acs));
      const machine = machineOf(devices);
      expect(pairs(machine)).toEqual(['03:00.0 04:00.0', '04:00.0 03:00.0']);
      const group = groupsOf(devices);
      const [a, b] = ['0000:03:00.0', '0000:04:00.0'].map((name) => group.get(machine.functions.get(name)!));
      expect(a).not.toBe(b);
    }
    expect(pairs(machineOf(fixtureDevices(switchTree(ACS_ON))))).toEqual([]);
  });

  it('finds only what conventional functions send when every port and function isolates', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 80 }), fc.integer(), (count, seed) => {
        const devices = fixtureDevices(isolating(randomTree(count, sample(seed))));
        const byName = new Map(devices.map((device) => [device.name, device]));
        for (const { from, to } of reachable(new Fabric(machineOf(devices)))) {
          expect(isConventional(byName.get(from.name)!), `${from.name} ${to.name}`).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });

  // The sender decides: one function with ACS keeps what it sends, not what its sibling without ACS sends to it.
  it('with isolating ports crosses the kernel’s groups only within a device of mixed functions', () => {
    let across = 0;
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 80 }), fc.integer(), (count, seed) => {
        const specs = randomTree(count, sample(seed)).map((spec) =>
          spec.type === 'RootPort' || spec.type === 'DownstreamPort' ? { ...spec, acs: ACS_ON } : spec,
        );
        const devices = fixtureDevices(specs);
        const group = groupsOf(devices);
        const index = new FabricIndex(PLAIN_ACS);
        const verdict = new Map(devices.map((device) => [device.name, acsVerdict(device, index.settings)]));
        for (const { from, path } of reachable(new Fabric(machineOf(devices)))) {
          const [to] = path.slice(-1);
          const target = devices.find((device) => device.name === to)!.function;
          if (group.get(from) === group.get(target)) continue;
          across++;
          const slot = (name: string): string => name.slice(0, -1);
          const crossing = path.findIndex(
            (name, at) =>
              at > 0 &&
              slot(name) === slot(path[at - 1]!) &&
              verdict.get(name)!.isolated &&
              !verdict.get(path[at - 1]!)!.isolated,
          );
          expect(crossing, path.join(' ')).toBeGreaterThan(0);
        }
      }),
      { numRuns: 80, seed: 7 },
    );
    expect(across).toBeGreaterThan(0);
  });

  it('looks at all pairs although it asks only for some', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer(), fc.boolean(), (count, seed, peerToPeer) => {
        const machine = machineOf(fixtureDevices(randomTree(count, sample(seed))));
        const fabric = new Fabric(machine, { complex: { peerToPeer } });
        const agents = [...machine.functions.values()].filter((fn) => !fn.isBridge);
        const all = agents.flatMap((from) =>
          agents
            .filter((to) => to !== from && routeToward(fabric, from, to).bypassesIommu)
            .map((to) => `${from.name.slice(5)} ${to.name.slice(5)}`),
        );
        expect(pairs(machine, peerToPeer).sort()).toEqual(all.sort());
      }),
      { numRuns: 40 },
    );
  });

  it('takes the kernel’s list of isolating chipset ports, and not the override option, for hardware', () => {
    const ports = (id: string): FixtureFunction[] => [
      { at: '00:1c.0', type: 'RootPort', secondary: 1, id },
      { at: '00:1d.0', type: 'RootPort', secondary: 2, id },
      { at: '01:00.0', type: 'Endpoint', below: '00:1c.0' },
      { at: '02:00.0', type: 'Endpoint', below: '00:1d.0' },
    ];
    const count = (id: string): number => {
      const devices = fixtureDevices(ports(id));
      const override = { downstream: true, multifunction: true, ids: [] };
      const index = new FabricIndex({ ...PLAIN_ACS, override });
      for (const device of devices) index.add(device);
      return [...reachablePairs({ machine: machineOf(devices), iommu: { index, groupOf: () => null } })].length;
    };
    expect(count('8086:1c10')).toBe(0);
    expect(count('1234:1111')).toBe(2);
  });

  it('tells the way in words', () => {
    const devices = fixtureDevices(switchTree(undefined));
    const index = new FabricIndex(PLAIN_ACS);
    for (const device of devices) index.add(device);
    const source = { machine: machineOf(devices), iommu: { index, groupOf: () => null } };
    const explanation = explainReach(source, devices[4]!, devices[5]!);
    expect(explanation).toMatchObject({ direct: true, known: true, now: null });
    expect(reachLines(explanation)).toEqual([
      '0000:03:00.0 reaches 0000:04:00.0 past the IOMMU.',
      '  0000:03:00.0 sends: requester ID 03:00.0',
      '  0000:02:00.0 direct: to 0000:02:01.0: there is no ACS',
      '  0000:02:01.0 down: the address is in its window',
      '  0000:04:00.0 claims: BAR 0, offset 0x0',
    ]);
  });
});

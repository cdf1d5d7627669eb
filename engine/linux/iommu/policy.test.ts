import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PciDevice } from '../pci/device';
import type { FixtureFunction } from './fixture';
import { ACS_EMPTY, ACS_OFF, ACS_ON, bareMachine, fixtureDevices, PLAIN_ACS, randomTree } from './fixture';
import { predictGroups, predictRange } from './predict';
import { buildMachine } from '../../hardware/build';
import { pciDevicesOf } from '../pci/enumerate';
import { IommuCore } from './core';
import { KernelLog } from '../log';
import { WhyLog } from '../why';

/** `{a b} {c}` in the order of the groups' numbers, addresses without the segment 0000. */
function partition(devices: readonly PciDevice[], options: Partial<Parameters<typeof predictGroups>[1]> = {}): string {
  const { groups } = predictGroups(devices, { acs: PLAIN_ACS, ...options });
  return [...groups.values()]
    .map((members) => `{${members.map((device) => device.name.replace(/^0000:/, '')).join(' ')}}`)
    .join(' ');
}

const on = { acs: ACS_ON };
const off = { acs: ACS_OFF };
const rp = (at: string, secondary: number, more: object = {}): FixtureFunction => ({
  at,
  type: 'RootPort',
  secondary,
  ...more,
});
const end = (at: string, below: string, more: object = {}): FixtureFunction => ({
  at,
  type: 'Endpoint',
  below,
  ...more,
});
const multi = { multifunction: true };

/** Root port, switch with two downstream ports, an endpoint below each. */
const switchTree = (root: object, first: object, second: object, up: object = {}): FixtureFunction[] => [
  rp('00:01.0', 1, root),
  { at: '01:00.0', type: 'UpstreamPort', below: '00:01.0', secondary: 2, ...up },
  { at: '02:00.0', type: 'DownstreamPort', below: '01:00.0', secondary: 3, ...first },
  { at: '02:01.0', type: 'DownstreamPort', below: '01:00.0', secondary: 4, ...second },
  end('03:00.0', '02:00.0'),
  end('04:00.0', '02:01.0'),
];

const VECTORS: readonly [name: string, functions: FixtureFunction[], groups: string][] = [
  [
    'a port without ACS takes in what is below',
    [rp('00:01.0', 1), end('01:00.0', '00:01.0', multi), end('01:00.1', '00:01.0', multi)],
    '{00:01.0 01:00.0 01:00.1}',
  ],
  [
    'functions of one device without ACS stay together below an isolating port',
    [rp('00:01.0', 1, on), end('01:00.0', '00:01.0', multi), end('01:00.1', '00:01.0', multi)],
    '{00:01.0} {01:00.0 01:00.1}',
  ],
  [
    'an ACS capability that offers nothing isolates',
    [
      rp('00:01.0', 1, on),
      end('01:00.0', '00:01.0', { ...multi, acs: ACS_EMPTY }),
      end('01:00.1', '00:01.0', { ...multi, acs: ACS_EMPTY }),
    ],
    '{00:01.0} {01:00.0} {01:00.1}',
  ],
  [
    'ACS on one of two functions separates both',
    [rp('00:01.0', 1, on), end('01:00.0', '00:01.0', multi), end('01:00.1', '00:01.0', { ...multi, ...on })],
    '{00:01.0} {01:00.0} {01:00.1}',
  ],
  [
    'ports of one slot without ACS, with all below',
    [rp('00:1c.0', 1, multi), rp('00:1c.4', 2, multi), end('01:00.0', '00:1c.0'), end('02:00.0', '00:1c.4')],
    '{00:1c.0 00:1c.4 01:00.0 02:00.0}',
  ],
  [
    'an isolating port in a slot of ports without ACS',
    [
      rp('00:1c.0', 1, { ...multi, ...on }),
      rp('00:1c.4', 2, multi),
      rp('00:1c.5', 3, multi),
      end('01:00.0', '00:1c.0'),
      end('02:00.0', '00:1c.4'),
      end('03:00.0', '00:1c.5'),
    ],
    '{00:1c.0} {00:1c.4 00:1c.5 02:00.0 03:00.0} {01:00.0}',
  ],
  [
    'downstream ports without ACS do not merge with one another',
    switchTree(on, {}, {}),
    '{00:01.0} {01:00.0} {02:00.0 03:00.0} {02:01.0 04:00.0}',
  ],
  ['a switch with ACS', switchTree(on, on, on), '{00:01.0} {01:00.0} {02:00.0} {02:01.0} {03:00.0} {04:00.0}'],
  [
    'a switch where one port has ACS',
    switchTree(on, on, off),
    '{00:01.0} {01:00.0} {02:00.0} {02:01.0 04:00.0} {03:00.0}',
  ],
  ['the port above the switch decides', switchTree({}, on, on), '{00:01.0 01:00.0 02:00.0 02:01.0 03:00.0 04:00.0}'],
  [
    'an upstream port that is one of several functions pulls all in',
    [
      rp('00:01.0', 1, on),
      end('01:00.0', '00:01.0', multi),
      { at: '01:00.1', type: 'UpstreamPort', below: '00:01.0', secondary: 2, ...multi },
      { at: '02:00.0', type: 'DownstreamPort', below: '01:00.1', secondary: 3, ...on },
      end('03:00.0', '02:00.0'),
    ],
    '{00:01.0} {01:00.0 01:00.1 02:00.0 03:00.0}',
  ],
  [
    'below a PCIe-to-PCI bridge one requester ID is seen',
    [
      rp('00:01.0', 1, on),
      { at: '01:00.0', type: 'PcieToPciBridge', below: '00:01.0', secondary: 2 },
      { at: '02:04.0', type: 'Conventional', below: '01:00.0' },
      { at: '02:05.0', type: 'Conventional', below: '01:00.0' },
    ],
    '{00:01.0} {01:00.0 02:04.0 02:05.0}',
  ],
  [
    'below a conventional bridge',
    [
      { at: '00:1e.0', type: 'ConventionalBridge', secondary: 2 },
      { at: '02:04.0', type: 'Conventional', below: '00:1e.0' },
      { at: '02:05.0', type: 'Conventional', below: '00:1e.0' },
    ],
    '{00:1e.0 02:04.0 02:05.0}',
  ],
  [
    'a function that sends with its neighbour’s ID, although both isolate',
    [
      rp('00:01.0', 1, on),
      end('01:00.0', '00:01.0', { ...multi, acs: ACS_EMPTY, id: '1b4b:9230' }),
      end('01:00.1', '00:01.0', { ...multi, acs: ACS_EMPTY }),
    ],
    '{00:01.0} {01:00.0 01:00.1}',
  ],
  [
    'the same device at function 1 has no alias',
    [
      rp('00:01.0', 1, on),
      end('01:00.0', '00:01.0', { ...multi, acs: ACS_EMPTY }),
      end('01:00.1', '00:01.0', { ...multi, acs: ACS_EMPTY, id: '1b4b:9230' }),
    ],
    '{00:01.0} {01:00.0} {01:00.1}',
  ],
  [
    'conventional and isolating functions in one slot',
    [
      { at: '00:1f.0', type: 'Conventional', ...multi },
      { at: '00:1f.3', type: 'IntegratedEndpoint', ...multi },
      { at: '00:1f.6', type: 'IntegratedEndpoint', ...multi, acs: ACS_EMPTY },
    ],
    '{00:1f.0 00:1f.3} {00:1f.6}',
  ],
  [
    'virtual functions are alone below an isolating port',
    [
      rp('00:01.0', 1, on),
      end('01:00.0', '00:01.0', multi),
      end('01:00.1', '00:01.0', multi),
      end('01:10.0', '00:01.0', { virtualOf: '01:00.0' }),
      end('01:10.1', '00:01.0', { virtualOf: '01:00.1' }),
    ],
    '{00:01.0} {01:00.0 01:00.1} {01:10.0} {01:10.1}',
  ],
  [
    'virtual functions join the port that does not isolate',
    [rp('00:01.0', 1), end('01:00.0', '00:01.0'), end('01:00.1', '00:01.0', { virtualOf: '01:00.0' })],
    '{00:01.0 01:00.0 01:00.1}',
  ],
  [
    'a PLX NTB sends with every ID of its bus',
    [
      { at: '00:01.0', type: 'Conventional' },
      { at: '00:02.0', type: 'Conventional', id: '10b5:87b0' },
      { at: '00:03.0', type: 'Conventional' },
    ],
    '{00:01.0 00:02.0 00:03.0}',
  ],
  [
    'a desktop with a chipset of several functions',
    [
      { at: '00:01.0', type: 'Conventional', ...multi },
      rp('00:01.3', 1, { ...multi, ...on }),
      { at: '00:03.0', type: 'Conventional', ...multi },
      rp('00:03.1', 9, { ...multi, ...on }),
      end('01:00.0', '00:01.3', multi),
      end('01:00.1', '00:01.3', multi),
      { at: '01:00.2', type: 'UpstreamPort', below: '00:01.3', secondary: 2, ...multi },
      { at: '02:00.0', type: 'DownstreamPort', below: '01:00.2', secondary: 3 },
      { at: '02:04.0', type: 'DownstreamPort', below: '01:00.2', secondary: 4 },
      end('03:00.0', '02:00.0'),
      end('04:00.0', '02:04.0'),
      end('09:00.0', '00:03.1', multi),
      end('09:00.1', '00:03.1', multi),
    ],
    '{00:01.0} {00:01.3} {00:03.0} {00:03.1} {01:00.0 01:00.1 01:00.2 02:00.0 02:04.0 03:00.0 04:00.0} {09:00.0 09:00.1}',
  ],
];

describe('linux-6.12', () => {
  it.each(VECTORS)('%s', (_name, functions, groups) => {
    expect(partition(fixtureDevices(functions))).toBe(groups);
  });

  it.each([
    ['completion redirect off', [0x1f, 0x15], '{00:01.0 01:00.0}'],
    ['completion redirect not offered', [0x15, 0x15], '{00:01.0} {01:00.0}'],
    ['everything that matters on', [0x1f, 0x1d], '{00:01.0} {01:00.0}'],
  ] as const)('a root port with %s', (_name, acs, groups) => {
    expect(partition(fixtureDevices([rp('00:01.0', 1, { acs }), end('01:00.0', '00:01.0')]))).toBe(groups);
  });

  it('puts the functions of a VMD domain into the endpoint’s group', () => {
    const devices = fixtureDevices([
      { at: '0000:00:0e.0', type: 'IntegratedEndpoint', id: '8086:9a0b', classCode: 0x010400 },
      { at: '10000:e0:06.0', type: 'RootPort', secondary: 0xe1, acs: ACS_ON },
      { at: '10000:e1:00.0', type: 'Endpoint', below: '10000:e0:06.0' },
    ]);
    expect(partition(devices)).toBe('{00:0e.0 10000:e0:06.0 10000:e1:00.0}');
  });

  it('vouches for Intel integrated endpoints but not for conventional functions', () => {
    const devices = fixtureDevices([
      { at: '00:14.0', type: 'IntegratedEndpoint', id: '8086:7a60', ...multi },
      { at: '00:14.1', type: 'Conventional', id: '8086:7a61', ...multi },
      { at: '00:14.2', type: 'Conventional', id: '8086:7a62', ...multi },
    ]);
    expect(partition(devices)).toBe('{00:14.0} {00:14.1 00:14.2}');
  });

  it('reads the control of a Sunrise Point port at its own place', () => {
    const port = (control: number): PciDevice[] => {
      const devices = fixtureDevices([
        rp('00:1c.0', 1, { id: '8086:a110', acs: [0x1f, 0x1d] }),
        end('01:00.0', '00:1c.0'),
      ]);
      devices[0]!.config.set(0x104, 4, 0x1f);
      devices[0]!.config.set(0x108, 4, control);
      return devices;
    };
    expect(partition(port(0x1d))).toBe('{00:1c.0} {01:00.0}');
    expect(partition(port(0))).toBe('{00:1c.0 01:00.0}');
  });

  it('lets a PCH port isolate only while the chipset registers can be reached', () => {
    const machine = (base: number): PciDevice[] => {
      const devices = fixtureDevices([
        rp('00:1c.0', 1, { id: '8086:1c10' }),
        { at: '00:1f.0', type: 'Conventional', id: '8086:1c4e', ...multi },
        end('01:00.0', '00:1c.0'),
      ]);
      devices[1]!.config.set(0xf0, 4, base);
      return devices;
    };
    expect(partition(machine(0xfed1c001))).toBe('{00:1c.0} {00:1f.0} {01:00.0}');
    expect(partition(machine(0xfed1c000))).toBe('{00:1c.0 01:00.0} {00:1f.0}');
  });

  it('never lets an unlisted Zhaoxin port isolate', () => {
    const tree = (id: string) => fixtureDevices([rp('00:01.0', 1, { id, ...on }), end('01:00.0', '00:01.0')]);
    expect(partition(tree('1d17:0725'))).toBe('{00:01.0} {01:00.0}');
    expect(partition(tree('1d17:0999'))).toBe('{00:01.0 01:00.0}');
  });

  it('takes pcie_acs_override only where there is no ACS capability', () => {
    const acs = { ...PLAIN_ACS, override: { downstream: true, multifunction: true, ids: [] } };
    const without = fixtureDevices([rp('00:01.0', 1), end('01:00.0', '00:01.0')]);
    const withOff = fixtureDevices([rp('00:01.0', 1, off), end('01:00.0', '00:01.0')]);
    expect(partition(without, { acs })).toBe('{00:01.0} {01:00.0}');
    expect(partition(withOff, { acs })).toBe('{00:01.0 01:00.0}');
    const slot = fixtureDevices([
      { at: '00:04.0', type: 'Conventional', ...multi },
      { at: '00:04.1', type: 'Conventional', ...multi },
    ]);
    expect(partition(slot, { acs })).toBe('{00:04.0 00:04.1}');
  });

  it('says which step decided', () => {
    const devices = fixtureDevices([rp('00:01.0', 1, { acs: [0x1f, 0x11] }), end('01:00.0', '00:01.0')]);
    const decision = predictGroups(devices, { acs: PLAIN_ACS }).decisions.get(devices[1]!)!;
    const decided = decision.steps.filter((step) => step.decided);
    expect(decided).toHaveLength(1);
    expect(decided[0]).toMatchObject({ rule: 'path', subject: '0000:00:01.0', joins: '0000:00:01.0' });
    expect(decided[0]!.text).toContain('RR CR');
    expect(decision.joins).toBe(devices[0]);
  });
});

describe('what a dump hides', () => {
  it('gives the finest and the coarsest partition, and which functions differ', () => {
    const devices = fixtureDevices([
      rp('00:01.0', 1, on),
      end('01:00.0', '00:01.0'),
      rp('00:02.0', 2, on),
      end('02:00.0', '00:02.0'),
    ]);
    devices[0]!.config.known = new Uint8Array(4096).fill(0xff, 0, 0x34);
    devices[0]!.config.set(0x34, 1, 0);
    const range = predictRange(devices, { acs: PLAIN_ACS });
    expect(range.finest.groups.size).toBe(4);
    expect(range.coarsest.groups.size).toBe(3);
    expect(range.undecided.map((device) => device.name)).toEqual(['0000:00:01.0', '0000:01:00.0']);
  });

  it('takes an ACS capability without bits as what Linux leaves behind', () => {
    const devices = fixtureDevices([rp('00:01.0', 1, off), end('01:00.0', '00:01.0')]);
    devices[0]!.config.known = new Uint8Array(4096).fill(0xff, 0, 0x104);
    expect(partition(devices)).toBe('{00:01.0} {01:00.0}');
    expect(partition(devices, { acs: { ...PLAIN_ACS, enabledByLinux: false } })).toBe('{00:01.0 01:00.0}');
  });
});

const treeOf = (seed: number, count: number): FixtureFunction[] => {
  let state = seed >>> 0;
  return randomTree(count, (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  });
};
const trees = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 400 })).map(([seed, count]) => treeOf(seed, count));
const bySet = (groups: Map<number, PciDevice[]>): string[] =>
  [...groups.values()]
    .map((members) =>
      members
        .map((d) => d.name)
        .sort()
        .join(' '),
    )
    .sort();

describe('random trees', () => {
  it('are partitioned: every function is in one group', () => {
    fc.assert(
      fc.property(trees, (specs) => {
        const devices = fixtureDevices(specs);
        const { groups } = predictGroups(devices, { acs: PLAIN_ACS });
        const members = [...groups.values()].flat();
        expect(members).toHaveLength(devices.length);
        expect(new Set(members).size).toBe(devices.length);
      }),
      { numRuns: 60 },
    );
  });

  it('never merge groups when ACS bits are turned on', () => {
    fc.assert(
      fc.property(trees, fc.nat(), (specs, pick) => {
        const devices = fixtureDevices(specs);
        const before = predictGroups(devices, { acs: PLAIN_ACS });
        const withAcs = devices.filter((device) => device.config.findExtendedCapability(0x0d) !== 0);
        if (withAcs.length === 0) return;
        const changed = withAcs[pick % withAcs.length]!;
        const at = changed.config.findExtendedCapability(0x0d);
        changed.config.write(at + 6, 2, changed.config.read(at + 6, 2) | 0x1d);
        const after = predictGroups(devices, { acs: PLAIN_ACS });
        for (const members of after.groups.values()) {
          expect(new Set(members.map((device) => before.numberOf.get(device))).size).toBe(1);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('give the same groups one by one as all at once', () => {
    fc.assert(
      fc.property(trees, (specs) => {
        const description = bareMachine();
        const devices = fixtureDevices(specs);
        const core = new IommuCore({ description, log: new KernelLog(() => 0n), why: new WhyLog() });
        core.boot([]);
        for (const device of devices) core.addDevice(device);
        const fresh = predictGroups(devices, { acs: PLAIN_ACS });
        expect(bySet(new Map([...core.groups].map(([id, group]) => [id, group.devices])))).toEqual(bySet(fresh.groups));
      }),
      { numRuns: 30 },
    );
  });

  /** Random changes, one after the other; after each the groups of the running kernel equal those of a fresh look. */
  it('give the same groups after every edit as a fresh computation', () => {
    fc.assert(
      fc.property(trees, fc.array(fc.nat(), { minLength: 1, maxLength: 12 }), (specs, picks) => {
        const devices = fixtureDevices(specs);
        const core = new IommuCore({ description: bareMachine(), log: new KernelLog(() => 0n), why: new WhyLog() });
        core.boot(devices);
        const gone: PciDevice[] = [];
        for (const pick of picks) {
          const present = [...core.index.devices];
          const above = new Set(present.map((device) => device.parent));
          const leaves = present.filter((device) => !above.has(device));
          const back = gone.find((device) => device.parent === null || core.index.devices.has(device.parent));
          if (pick % 3 === 0 && back !== undefined) {
            gone.splice(gone.indexOf(back), 1);
            core.addDevice(back);
          } else if (leaves.length > 0) {
            const leaf = leaves[pick % leaves.length]!;
            gone.push(leaf);
            core.removeDevice(leaf);
          }
          const fresh = predictGroups(core.index.devices, { acs: PLAIN_ACS });
          expect(bySet(new Map([...core.groups].map(([id, { devices: members }]) => [id, members])))).toEqual(
            bySet(fresh.groups),
          );
        }
      }),
      { numRuns: 40 },
    );
  });

  it.each([1, 2, 3])('of 10,000 functions are partitioned, and ACS never merges groups (tree %i)', (seed) => {
    const devices = fixtureDevices(treeOf(seed, 10_000));
    const before = predictGroups(devices, { acs: PLAIN_ACS });
    const members = [...before.groups.values()].flat();
    expect(new Set(members).size).toBe(10_000);
    expect(members).toHaveLength(10_000);
    devices.forEach((device, index) => {
      const at = device.config.findExtendedCapability(0x0d);
      if (at !== 0 && index % 3 === seed % 3) device.config.write(at + 6, 2, device.config.read(at + 6, 2) | 0x1d);
    });
    const after = predictGroups(devices, { acs: PLAIN_ACS });
    expect(after.groups.size).toBeGreaterThanOrEqual(before.groups.size);
    for (const group of after.groups.values()) {
      expect(new Set(group.map((device) => before.numberOf.get(device))).size).toBe(1);
    }
  });

  it('of 10,000 functions keep their groups when a leaf leaves and comes back', () => {
    const devices = fixtureDevices(treeOf(7, 10_000));
    expect(devices).toHaveLength(10_000);
    const core = new IommuCore({ description: bareMachine(), log: new KernelLog(() => 0n), why: new WhyLog() });
    core.boot(devices);
    const before = bySet(new Map([...core.groups].map(([id, group]) => [id, group.devices])));
    const parents = new Set(devices.map((device) => device.parent));
    const leaf = devices.findLast((device) => !parents.has(device))!;
    const id = core.groupOf(leaf)!.id;
    core.removeDevice(leaf);
    core.addDevice(leaf);
    expect(bySet(new Map([...core.groups].map(([n, group]) => [n, group.devices])))).toEqual(before);
    expect(core.groupOf(leaf)!.id).toBe(id);
  });
});

const SHARED = new URL('../../../../shared/', import.meta.url);

describe('recorded machines', () => {
  const golden = new URL('oracle/golden/', SHARED);
  const files = existsSync(golden) ? readdirSync(golden).filter((name) => name.endsWith('.machine.json')) : [];
  it.skipIf(files.length === 0)(
    files.length === 0 ? 'skipped: recordings not present' : 'have the recorded groups, numbers, types and regions',
    async () => {
      const { readSnapshot } = await import('../../lab/import/snapshot');
      for (const file of files) {
        const description = readSnapshot(readFileSync(new URL(file, golden), 'utf8'));
        const core = new IommuCore({ description, log: new KernelLog(() => 0n), why: new WhyLog() });
        core.boot(pciDevicesOf(buildMachine(description), description));
        const got = Object.fromEntries(
          [...core.groups].map(([id, group]) => [
            id,
            {
              devices: group.devices.map((device) => device.name).sort(),
              type: core.typeOf(group),
              reserved: group.reserved.map((r) => [r.start, r.end, r.kind]),
            },
          ]),
        );
        const want = Object.fromEntries(
          Object.entries(description.recordedGroups!).map(([id, group]) => [
            id,
            {
              devices: [...group.devices].sort(),
              type: group.type,
              reserved: group.reserved.map(([start, last, kind]) => [BigInt(start), BigInt(last), kind]),
            },
          ]),
        );
        expect(got, file).toEqual(want);
      }
    },
  );
});

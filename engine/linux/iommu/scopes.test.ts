/** Several units: which serves whom, and how the order of their start numbers the groups (iommu-groups.md 5.1, 6.2). */
import { describe, expect, it } from 'vitest';
import type { IommuKind, IommuTable } from '../../hardware/description';
import { KernelLog } from '../log';
import { WhyLog } from '../why';
import { IommuCore } from './core';
import type { FixtureFunction } from './fixture';
import { ACS_ON, bareMachine, fixtureDevices } from './fixture';

const CLIENT: FixtureFunction[] = [
  { at: '00:00.0', type: 'Conventional' },
  { at: '00:01.0', type: 'RootPort', secondary: 1, acs: ACS_ON },
  { at: '00:02.0', type: 'IntegratedEndpoint', id: '8086:9bc8', classCode: 0x030000 },
  { at: '00:14.0', type: 'IntegratedEndpoint', classCode: 0x0c0330 },
  { at: '01:00.0', type: 'Endpoint', below: '00:01.0' },
];
const at = (address: string) => ({ at: `0000:${address}` });
const GRAPHICS_FIRST: IommuTable = {
  units: [
    { segment: 0, rest: false, scope: [at('00:02.0')] },
    { segment: 0, rest: true, scope: [] },
  ],
  reserved: [
    { start: '0x8b800000', end: '0x8fffffff', scope: [at('00:02.0')] },
    { start: '0x89e5c000', end: '0x89e7bfff', scope: [at('00:14.0'), at('00:01.0')] },
  ],
};

function boot(
  functions: FixtureFunction[],
  iommuTable: IommuTable | undefined,
  options: { iommu?: IommuKind; cmdline?: string } = {},
) {
  const log = new KernelLog(() => 0n);
  const core = new IommuCore({
    description: bareMachine({
      iommu: options.iommu ?? 'intel-vtd',
      ...(iommuTable && { iommuTable }),
      kernel: { build: 'iommufd', cmdline: options.cmdline ?? '' },
    }),
    log,
    why: new WhyLog(),
  });
  const devices = fixtureDevices(functions);
  core.boot(devices);
  const short = (name: string): string => name.replace(/^0000:/, '');
  return {
    core,
    at: (name: string) => devices.find((device) => short(device.name) === name)!,
    groups: [...core.groups.values()].map(
      ({ id, devices: members }) => `${id}: ${members.map((d) => short(d.name)).join(' ')}`,
    ),
  };
}

describe('VT-d', () => {
  it('numbers what the graphics’ own unit serves first, then the rest in the order of the list', () => {
    const { core, groups, at: device } = boot(CLIENT, GRAPHICS_FIRST);
    expect(groups).toEqual(['0: 00:02.0', '1: 00:00.0', '2: 00:01.0', '3: 00:14.0', '4: 01:00.0']);
    expect(core.units()).toEqual(['dmar0', 'dmar1']);
    expect(core.unitOf(device('00:02.0'))).toBe('dmar0');
    expect(core.unitOf(device('01:00.0'))).toBe('dmar1');
  });

  it('starts scoped units in the reverse order of the table, the one for the rest last wherever it stands', () => {
    const stack = (root: string, bus: number): FixtureFunction[] => [
      { at: `${root}.0`, type: 'RootPort', secondary: bus, acs: ACS_ON },
      { at: `${bus.toString(16).padStart(2, '0')}:00.0`, type: 'Endpoint', below: `${root}.0` },
    ];
    const functions = [...stack('00:01', 1), ...stack('40:01', 0x41), ...stack('80:01', 0x81)];
    const table: IommuTable = {
      units: [
        { segment: 0, rest: true, scope: [] },
        { segment: 0, rest: false, scope: [at('40:01.0')] },
        { segment: 0, rest: false, scope: [at('80:01.0')] },
      ],
      reserved: [],
    };
    const { core, groups, at: device } = boot(functions, table);
    expect(groups).toEqual(['0: 80:01.0', '1: 81:00.0', '2: 40:01.0', '3: 41:00.0', '4: 00:01.0', '5: 01:00.0']);
    expect(core.unitOf(device('81:00.0'))).toBe('dmar2');
  });

  it('leaves out units whose functions are not there, and the graphics’ own with igfx_off or on chipsets where it fails', () => {
    const { groups, core } = boot(CLIENT, {
      units: [{ segment: 0, rest: false, scope: [at('00:1b.0')] }, ...GRAPHICS_FIRST.units],
      reserved: [],
    });
    expect(groups[0]).toBe('0: 00:02.0');
    expect(core.units()).toEqual(['dmar1', 'dmar2']);
    const without = boot(CLIENT, GRAPHICS_FIRST, { cmdline: 'intel_iommu=on,igfx_off' });
    expect(without.core.units()).toEqual(['dmar1']);
    expect(without.core.groupOf(without.at('00:02.0'))).toBeNull();
    expect(without.groups[0]).toBe('0: 00:00.0');
    const broken = CLIENT.map((fn) => (fn.at === '00:02.0' ? { ...fn, id: '8086:1616' } : fn));
    expect(boot(broken, GRAPHICS_FIRST).core.units()).toEqual(['dmar1']);
  });

  it('serves each segment by its own unit, and a virtual function by that of its physical one', () => {
    const functions: FixtureFunction[] = [
      { at: '00:01.0', type: 'RootPort', secondary: 1, acs: ACS_ON },
      { at: '01:00.0', type: 'Endpoint', below: '00:01.0' },
      { at: '01:10.0', type: 'Endpoint', below: '00:01.0', virtualOf: '01:00.0' },
      { at: '0001:00:01.0', type: 'RootPort', secondary: 1, acs: ACS_ON },
    ];
    const table: IommuTable = {
      units: [
        { segment: 0, rest: false, scope: [at('00:01.0')] },
        { segment: 1, rest: true, scope: [] },
      ],
      reserved: [],
    };
    const { core, at: device } = boot(functions, table);
    expect(core.unitOf(device('01:10.0'))).toBe('dmar0');
    expect(core.unitOf(device('0001:00:01.0'))).toBe('dmar1');
  });

  it('maps firmware’s ranges for what they name and below; USB and graphics may do without', () => {
    const { core, at: device } = boot(CLIENT, GRAPHICS_FIRST);
    const kinds = (name: string): string[] => core.groupOf(device(name))!.reserved.map(({ kind }) => kind);
    expect(kinds('00:02.0')).toEqual(['direct-relaxable', 'msi']);
    expect(kinds('00:14.0')).toEqual(['direct-relaxable', 'msi']);
    expect(kinds('01:00.0')).toEqual(['direct', 'msi']);
    expect(core.claimDmaOwner(core.groupOf(device('01:00.0'))!, {})).toBeLessThan(0);
    expect(core.claimDmaOwner(core.groupOf(device('00:14.0'))!, {})).toBe(0);
  });
});

describe('a machine of which no table is known', () => {
  const without = (functions: FixtureFunction[]) => boot(functions, undefined);

  it('has one unit, and one for the graphics where they are integrated', () => {
    expect(without(CLIENT).groups).toEqual(boot(CLIENT, GRAPHICS_FIRST).groups);
    expect(without(CLIENT).core.units()).toEqual(['dmar0', 'dmar1']);
    const plain = CLIENT.filter(({ at: address }) => address !== '00:02.0');
    expect(without(plain).groups[0]).toBe('0: 00:00.0');
    expect(without(plain).core.units()).toEqual(['dmar0']);
  });
});

describe('AMD-Vi', () => {
  const functions: FixtureFunction[] = [
    { at: '00:00.0', type: 'Conventional' },
    { at: '00:00.2', type: 'Conventional', classCode: 0x080600 },
    { at: '00:01.0', type: 'Conventional' },
    { at: '40:00.0', type: 'Conventional' },
    { at: '40:01.0', type: 'Conventional' },
  ];
  const range = (from: string, to: string) => ({ from: `0000:${from}`, to: `0000:${to}` });
  const table: IommuTable = {
    units: [
      { segment: 0, rest: false, scope: [range('40:00.3', '5f:1f.7')] },
      { segment: 0, rest: false, scope: [range('00:00.3', '3f:1f.7')] },
    ],
    reserved: [{ start: '0x70000000', end: '0x7000ffff', scope: [range('00:01.0', '00:01.0')] }],
  };

  it('starts units in the order of the table and never groups what no range holds', () => {
    const { core, groups, at: device } = boot(functions, table, { iommu: 'amd-vi' });
    expect(groups).toEqual(['0: 40:01.0', '1: 00:01.0']);
    expect(core.groupOf(device('00:00.0'))).toBeNull();
    expect(core.groupOf(device('40:00.0'))).toBeNull();
    expect(core.unitOf(device('00:01.0'))).toBe('ivhd1');
    expect(core.groupOf(device('00:01.0'))!.reserved.map(({ kind }) => kind)).toEqual(['direct', 'msi', 'reserved']);
  });
});

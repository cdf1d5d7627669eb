import { describe, expect, it } from 'vitest';
import type { RecordedGroup } from '../../hardware/description';
import { ERRNO } from '../errno';
import { KernelLog } from '../log';
import { ProcessTable } from '../process/table';
import { WhyLog } from '../why';
import { IommuCore } from './core';
import type { FixtureFunction } from './fixture';
import { ACS_ON, bareMachine, fixtureDevices } from './fixture';
import { mergeRegions } from './platform';

const TREE: FixtureFunction[] = [
  { at: '00:01.0', type: 'RootPort', secondary: 1, acs: ACS_ON },
  { at: '00:02.0', type: 'RootPort', secondary: 2, acs: ACS_ON },
  { at: '01:00.0', type: 'Endpoint', below: '00:01.0' },
  { at: '02:00.0', type: 'Endpoint', below: '00:02.0' },
];

function machine(cmdline = '', recordedGroups: Record<string, RecordedGroup> | null = null) {
  const description = bareMachine({ source: 'sysfs', kernel: { cmdline }, recordedGroups });
  const log = new KernelLog(() => 0n);
  const why = new WhyLog();
  const core = new IommuCore({ description, log, why });
  const devices = fixtureDevices(TREE);
  core.boot(devices);
  const at = (name: string) => devices.find((device) => device.name === `0000:${name}`)!;
  const root = new ProcessTable().spawn({ name: 'root', uid: 0 });
  return { core, log, why, at, groupAt: (name: string) => core.groupOf(at(name))!, root };
}

describe('group numbers', () => {
  it('are used again, lowest first', () => {
    const { core, at } = machine();
    core.removeDevice(at('01:00.0'));
    core.removeDevice(at('02:00.0'));
    expect([...core.groups.keys()]).toEqual([0, 1]);
    core.addDevice(at('02:00.0'));
    expect(core.groupOf(at('02:00.0'))!.id).toBe(2);
  });
});

describe('DMA ownership', () => {
  it('is refused while a driver that uses the DMA API holds a member, and given afterwards', () => {
    const { core, at, groupAt } = machine();
    const group = groupAt('01:00.0');
    expect(core.claimForDriver(at('01:00.0'), false)).toBe(0);
    expect(core.claimDmaOwner(group, {})).toBe(-ERRNO.EPERM);
    core.releaseFromDriver(at('01:00.0'), false);
    expect(core.claimDmaOwner(group, {})).toBe(0);
    expect(group.domain.type).toBe('blocked');
  });

  it('keeps native drivers out while a user has the group; drivers that manage DMA themselves may bind', () => {
    const { core, at, groupAt } = machine();
    const group = groupAt('01:00.0');
    core.claimDmaOwner(group, {});
    expect(core.claimForDriver(at('01:00.0'), false)).toBe(-ERRNO.EBUSY);
    expect(core.claimForDriver(at('01:00.0'), true)).toBe(0);
    core.releaseDmaOwner(group);
    expect(group.domain.type).toBe(group.defaultDomain);
    expect(core.claimForDriver(at('01:00.0'), false)).toBe(0);
  });

  it('is counted for one owner and refused to another', () => {
    const { core, at, groupAt } = machine();
    const owner = {};
    expect(core.claimDeviceDmaOwner(at('01:00.0'), owner)).toBe(0);
    expect(core.claimDeviceDmaOwner(at('01:00.0'), owner)).toBe(0);
    expect(core.claimDeviceDmaOwner(at('01:00.0'), {})).toBe(-ERRNO.EPERM);
    core.releaseDeviceDmaOwner(at('01:00.0'));
    expect(groupAt('01:00.0').owner).toBe(owner);
    core.releaseDeviceDmaOwner(at('01:00.0'));
    expect(groupAt('01:00.0').owner).toBeNull();
  });

  it('is refused where firmware wants a direct mapping, with the kernel’s line', () => {
    const recorded: Record<string, RecordedGroup> = {
      '0': { devices: ['0000:00:01.0'], type: 'DMA', reserved: [] },
      '1': { devices: ['0000:00:02.0'], type: 'DMA', reserved: [] },
      '2': { devices: ['0000:01:00.0'], type: 'DMA', reserved: [['0x7a000000', '0x7a0fffff', 'direct']] },
      '3': { devices: ['0000:02:00.0'], type: 'DMA', reserved: [['0x7b000000', '0x7b0fffff', 'direct-relaxable']] },
    };
    const { core, log, groupAt } = machine('', recorded);
    expect(core.claimDmaOwner(groupAt('01:00.0'), {})).toBe(-ERRNO.EINVAL);
    expect(log.records.at(-1)!.text).toContain('Firmware has requested this device have a 1:1 IOMMU mapping');
    expect(core.claimDmaOwner(groupAt('02:00.0'), {})).toBe(0);
  });
});

describe('default domains', () => {
  it.each([
    ['', 'DMA-FQ'],
    ['iommu=pt', 'identity'],
    ['iommu.passthrough=1', 'identity'],
    ['iommu.strict=1', 'DMA'],
  ])('with “%s” are %s', (cmdline, type) => {
    const { core, groupAt } = machine(cmdline);
    expect(core.typeOf(groupAt('01:00.0'))).toBe(type);
  });

  it('change by sysfs in the kernel’s order of checks', () => {
    const { core, at, groupAt, root } = machine('iommu.strict=1');
    const group = groupAt('01:00.0');
    core.claimForDriver(at('01:00.0'), false);
    expect(core.setType(group, 'foo', root)).toBe(-ERRNO.EINVAL);
    expect(core.setType(group, 'identity', root)).toBe(-ERRNO.EPERM);
    expect(core.setType(group, 'DMA-FQ', root)).toBe(0);
    expect(core.setType(group, 'DMA', root)).toBe(-ERRNO.EPERM);
    core.releaseFromDriver(at('01:00.0'), false);
    expect(core.setType(group, 'identity', root)).toBe(0);
    expect(core.typeOf(group)).toBe('identity');
    expect(core.setType(group, 'auto', root)).toBe(0);
    expect(core.typeOf(group)).toBe('DMA');
  });
});

describe('reserved regions', () => {
  it('of one kind that touch are one line; kinds do not mix', () => {
    expect(
      mergeRegions([
        { start: 0x2000n, end: 0x2fffn, kind: 'direct' },
        { start: 0x1000n, end: 0x1fffn, kind: 'direct' },
        { start: 0x1800n, end: 0x4fffn, kind: 'reserved' },
      ]),
    ).toEqual([
      { start: 0x1000n, end: 0x2fffn, kind: 'direct' },
      { start: 0x1800n, end: 0x4fffn, kind: 'reserved' },
    ]);
  });
});

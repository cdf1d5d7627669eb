import { describe, expect, it } from 'vitest';
import type { PciDevice } from '../pci/device';
import type { FixtureFunction } from './fixture';
import { ACS_OFF, ACS_ON, fixtureDevices, PLAIN_ACS } from './fixture';
import { FabricIndex } from './fabric-index';
import { predictGroups } from './predict';
import type { GroupSource } from './separate';
import { explainPair, explanationLines } from './separate';
import type { IommuGroup } from './group';
import { LINUX_6_12 } from './policy';

function sourceOf(specs: readonly FixtureFunction[]): { source: GroupSource; at: (address: string) => PciDevice } {
  const devices = fixtureDevices(specs);
  const index = new FabricIndex(PLAIN_ACS);
  for (const device of devices) index.add(device);
  const { groups, numberOf, decisions } = predictGroups(devices, { acs: PLAIN_ACS });
  const asGroup = (id: number): IommuGroup => ({ id, devices: groups.get(id)! }) as unknown as IommuGroup;
  return {
    source: {
      index,
      policy: LINUX_6_12,
      groupOf: (device) => asGroup(numberOf.get(device)!),
      decisionOf: (device) => decisions.get(device) ?? null,
    },
    at: (address) => devices.find((device) => device.name === `0000:${address}`)!,
  };
}

const multi = { multifunction: true };

describe('explainPair', () => {
  it('finds the one port whose bits separate a device from its root port', () => {
    const { source, at } = sourceOf([
      { at: '00:01.0', type: 'RootPort', secondary: 1, acs: [0x1f, 0x11] },
      { at: '01:00.0', type: 'Endpoint', below: '00:01.0' },
    ]);
    const found = explainPair(source, at('01:00.0'), at('00:01.0'));
    expect(found.together).toBe(true);
    expect(found.separation.kind).toBe('bits');
    expect(found.separation.changes).toEqual([
      expect.objectContaining({ function: '0000:00:01.0', bits: ['RR', 'CR'], possible: true }),
    ]);
  });

  it('needs both ports of a path when both are open, and no more', () => {
    const { source, at } = sourceOf([
      { at: '00:01.0', type: 'RootPort', secondary: 1, acs: ACS_OFF },
      { at: '01:00.0', type: 'UpstreamPort', below: '00:01.0', secondary: 2 },
      { at: '02:00.0', type: 'DownstreamPort', below: '01:00.0', secondary: 3, acs: ACS_OFF },
      { at: '02:01.0', type: 'DownstreamPort', below: '01:00.0', secondary: 4, acs: ACS_OFF },
      { at: '03:00.0', type: 'Endpoint', below: '02:00.0' },
      { at: '04:00.0', type: 'Endpoint', below: '02:01.0' },
    ]);
    const siblings = explainPair(source, at('03:00.0'), at('04:00.0'));
    expect(siblings.separation.changes.map((change) => change.function)).toEqual(['0000:00:01.0']);
    const port = explainPair(source, at('03:00.0'), at('02:00.0'));
    expect(port.separation.changes.map((change) => change.function).sort()).toEqual(['0000:00:01.0', '0000:02:00.0']);
  });

  it('says that hardware would have to change where there is no ACS capability', () => {
    const { source, at } = sourceOf([
      { at: '00:01.0', type: 'RootPort', secondary: 1, acs: ACS_ON },
      { at: '01:00.0', type: 'Endpoint', below: '00:01.0', ...multi },
      { at: '01:00.1', type: 'Endpoint', below: '00:01.0', ...multi },
    ]);
    const found = explainPair(source, at('01:00.0'), at('01:00.1'));
    expect(found.separation.kind).toBe('hardware');
    expect(found.separation.changes).toHaveLength(1);
    expect(found.separation.changes[0]!.possible).toBe(false);
    expect(explanationLines(found)[0]).toBe('0000:01:00.0 and 0000:01:00.1 share IOMMU group 1.');
  });

  it('knows that nothing separates what sends with one requester ID', () => {
    const { source, at } = sourceOf([
      { at: '00:01.0', type: 'RootPort', secondary: 1, acs: ACS_ON },
      { at: '01:00.0', type: 'PcieToPciBridge', below: '00:01.0', secondary: 2 },
      { at: '02:04.0', type: 'Conventional', below: '01:00.0' },
      { at: '02:05.0', type: 'Conventional', below: '01:00.0' },
    ]);
    const found = explainPair(source, at('02:04.0'), at('02:05.0'));
    expect(found.separation.kind).toBe('nothing');
    expect(found.separation.text).toContain('requester ID 02:00.0');
  });

  it('tells two groups apart with the steps of both', () => {
    const { source, at } = sourceOf([
      { at: '00:01.0', type: 'RootPort', secondary: 1, acs: ACS_ON },
      { at: '01:00.0', type: 'Endpoint', below: '00:01.0' },
    ]);
    const found = explainPair(source, at('01:00.0'), at('00:01.0'));
    expect(found.together).toBe(false);
    expect(found.separation.kind).toBe('separate');
    expect(found.paths.every((path) => path.steps.some(({ step }) => step.rule === 'new'))).toBe(true);
  });
});

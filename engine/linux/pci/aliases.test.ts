/** Functions that send with ids of others, and what the log says of them (iommu-groups.md 2.2). */
import { describe, expect, it } from 'vitest';
import { fixtureDevices } from '../iommu/fixture';
import { aliasDevfns, aliasLines } from './aliases';

function of(at: string, id: string, more: { classCode?: number; proxyIds?: string; subsystem?: number } = {}) {
  const [device] = fixtureDevices([{ at, type: 'Endpoint', id, ...(more.classCode && { classCode: more.classCode }) }]);
  if (more.proxyIds) device!.attributes['proxyIds'] = more.proxyIds;
  if (more.subsystem) device!.config.set(0x2c, 4, more.subsystem);
  return { devfns: aliasDevfns(device!), lines: aliasLines(device!) };
}

describe('aliases', () => {
  it.each([
    ['01:03.1', '1180:e832', [0x18], ['Enabling fixed DMA alias to 03.0']],
    ['01:03.0', '1180:e476', [], []],
    ['01:00.0', '6766:3d41', [], []],
    ['01:00.0', '1b4b:9230', [1], ['Enabling fixed DMA alias to 00.1']],
    ['01:00.1', '1b4b:9230', [], []],
    ['01:1f.0', '1c28:0122', [0xf9], ['Enabling fixed DMA alias to 1f.1']],
    [
      '01:00.0',
      '8086:2264',
      [0x80, 0x88, 0x93],
      ['Enabling fixed DMA alias to 10.0', 'Enabling fixed DMA alias to 11.0', 'Enabling fixed DMA alias to 12.3'],
    ],
    ['01:00.0', '8086:9999', [], []],
  ] as const)('of %s %s', (at, id, devfns, lines) => {
    expect(of(at, id)).toEqual({ devfns, lines });
  });

  it('of an Adaptec controller go by its subsystem', () => {
    expect(of('01:0e.0', '9005:0285', { subsystem: 0x02bb9005 }).devfns).toEqual([8]);
    expect(of('01:0e.0', '9005:0285', { subsystem: 0x02999005 })).toEqual({ devfns: [], lines: [] });
  });

  it('are ranges where whole slots are meant', () => {
    const plx = of('01:00.0', '10b5:87b0');
    expect(plx.devfns).toHaveLength(255);
    expect(plx.lines).toEqual([
      'Setting PLX NTB proxy ID aliases',
      'Enabling fixed DMA alias for devfn range from 00.0 to 1f.7',
    ]);
    const accelerator = of('01:00.0', '8086:2954');
    expect(accelerator.devfns).toHaveLength(32 * 5 - 1);
    expect(accelerator.lines[31]).toBe('Enabling fixed DMA alias for devfn range from 1f.0 to 1f.4');
  });

  it('of a Switchtec bridge function are those of its proxy table, as far as it is told', () => {
    const ntb = { classCode: 0x068000, proxyIds: '01.0 1f.7' };
    expect(of('01:00.1', '11f8:8536', ntb)).toEqual({
      devfns: [0x08, 0xff],
      lines: [
        'Setting Switchtec proxy ID aliases',
        'Enabling fixed DMA alias to 01.0',
        'Enabling fixed DMA alias to 1f.7',
      ],
    });
    expect(of('01:00.1', '1055:1004', ntb).devfns).toEqual([0x08, 0xff]);
    expect(of('01:00.1', '11f8:8536', { classCode: 0x068000 }).devfns).toEqual([]);
    expect(of('01:00.0', '11f8:8536', { classCode: 0x058000, proxyIds: '01.0' }).devfns).toEqual([]);
    expect(of('01:00.1', '11f8:8537', ntb).devfns).toEqual([]);
  });
});

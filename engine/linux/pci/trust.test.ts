import { describe, expect, it } from 'vitest';
import { fixtureDevices } from '../iommu/fixture';
import { isTunneled } from './trust';

/** A port that leads out, a switch below it, a device on its link, and a switch of the world outside behind that. */
function names(usb4?: 0): string[] {
  const devices = fixtureDevices([
    { at: '00:01.0', type: 'RootPort' },
    { at: '00:02.0', type: 'RootPort' },
    { at: '01:00.0', type: 'UpstreamPort', below: '00:01.0' },
    { at: '02:00.0', type: 'DownstreamPort', below: '01:00.0' },
    { at: '03:00.0', type: 'Endpoint', below: '02:00.0' },
    { at: '02:01.0', type: 'DownstreamPort', below: '01:00.0' },
    { at: '04:00.0', type: 'UpstreamPort', below: '02:01.0' },
    { at: '05:00.0', type: 'DownstreamPort', below: '04:00.0' },
    { at: '06:00.0', type: 'Endpoint', below: '05:00.0' },
    { at: '07:00.0', type: 'Endpoint', below: '00:02.0' },
  ]);
  devices[0]!.attributes['externalFacing'] = 1;
  if (usb4 !== undefined) devices[0]!.attributes['usb4Host'] = usb4;
  const tunneled: string[] = [];
  for (const device of devices) {
    if (!isTunneled(device)) continue;
    device.attributes['untrusted'] = 1;
    tunneled.push(device.name.slice(5));
  }
  return tunneled;
}

describe('what is behind a port that leads out', () => {
  it('is not trusted', () => {
    expect(names()).toEqual(['01:00.0', '02:00.0', '03:00.0', '02:01.0', '04:00.0', '05:00.0', '06:00.0']);
  });

  it('is trusted as far as it is a controller soldered below the port', () => {
    expect(names(0)).toEqual(['04:00.0', '05:00.0', '06:00.0']);
  });
});

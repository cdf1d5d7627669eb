import { ConfigSpace } from '../../../hardware/pci/config-space';
import type { PciDevice } from '../../pci/device';
import { RESOURCE, resourceLength } from './bars';
import { ConfigFilter } from './config';
import type { FilterHost } from './filter';
import { buildLayout } from './layout';
import { factsOf } from './facts';

const COMMAND = 0x04;
const IO = 0x1;
const MEMORY = 0x2;
const MASTER = 0x4;
const INTX_DISABLE = 0x400;

/** A copy of the registers as opening the device would leave them: awake, decoding on, bus mastering and INTx mask off. */
function afterOpen(device: PciDevice): ConfigSpace {
  const copy = new ConfigSpace(device.config.size);
  copy.bytes.set(device.config.bytes);
  copy.writable.set(device.config.writable);
  copy.writeOneToClear.set(device.config.writeOneToClear);
  let command = copy.read(COMMAND, 2) & ~(MASTER | INTX_DISABLE);
  if (!device.isVirtual) {
    for (const resource of device.resources.slice(0, 6)) {
      if (resourceLength(resource) === 0n) continue;
      command |= resource.flags & RESOURCE.IO ? IO : MEMORY;
    }
  }
  copy.set(COMMAND, 2, command);
  const power = copy.findCapability(0x01);
  if (power !== 0) copy.set(power + 4, 2, copy.read(power + 4, 2) & ~3);
  return copy;
}

/** The filter that an open would give, on a copy of the registers: for the screen and for trying writes out. */
export function previewFilter(device: PciDevice): ConfigFilter {
  const hardware = afterOpen(device);
  const host: FilterHost = {
    resources: device.resources,
    isVirtual: device.isVirtual,
    noIntx: false,
    irqType: 'none',
    msiQmax: 0,
    revokeMappings: () => undefined,
    maskIntx: () => undefined,
    unmaskIntx: () => undefined,
    setPowerState: () => undefined,
    tryReset: () => undefined,
    maxPayload: () => 128,
    setMaxReadRequest: () => undefined,
    readVpd: () => null,
    writeVpd: () => false,
    log: () => undefined,
  };
  return new ConfigFilter(hardware, buildLayout(hardware, factsOf(device, false)), host);
}

/** What a vfio user would read right after opening the device. Opens and changes nothing. */
export function previewUserView(device: PciDevice): Uint8Array {
  const filter = previewFilter(device);
  const bytes = new Uint8Array(filter.size);
  filter.read(bytes, 0);
  return bytes;
}

import type { PciDevice } from '../../pci/device';
import type { FunctionFacts } from './layout';

const SRIOV = 0x10;
const VF_DEVICE_ID = 0x1a;

/** What the layout must know; virtual functions always have the extended space. */
export function factsOf(device: PciDevice, noIntx: boolean): FunctionFacts {
  const physical = device.physicalFunction;
  const iov = physical?.config.findExtendedCapability(SRIOV) ?? 0;
  return {
    size: device.isVirtual ? 4096 : device.config.size,
    isVirtual: device.isVirtual,
    vendor: physical?.vendor ?? device.vendor,
    device: physical !== null && iov !== 0 ? physical.config.read(iov + VF_DEVICE_ID, 2) : device.device,
    noIntx,
  };
}

/**
 * Which functions are behind a PCIe tunnel, and so not trusted (iommu-groups.md 4.2): below a root port that firmware
 * says leads outside, but for a Thunderbolt controller that is soldered there and leads outside itself.
 */
import { PortType } from '../../hardware/pci/function';
import type { PciDevice } from './device';

/** What firmware says of a root port. */
const FACES_OUT = 'externalFacing';
/** Firmware marks root ports that are part of a USB4 host; 0: a controller of its own is below the port. */
const USB4_HOST = 'usb4Host';

function rootPortOf(device: PciDevice): PciDevice | null {
  let at: PciDevice | null = device;
  while (at !== null && at.portType !== PortType.RootPort) at = at.parent;
  return at;
}

/** Part of the switch right below the port, or a device on one of its links. */
function inFirstSwitch(root: PciDevice, device: PciDevice): boolean {
  const { parent } = device;
  switch (device.portType) {
    case PortType.UpstreamPort:
      return parent === root;
    case PortType.DownstreamPort:
      return parent?.portType === PortType.UpstreamPort && parent.parent === root;
    case PortType.Endpoint: {
      const above = parent?.portType === PortType.DownstreamPort ? parent.parent : null;
      return above?.portType === PortType.UpstreamPort && above.parent === root;
    }
    default:
      return false;
  }
}

export function isTunneled(device: PciDevice): boolean {
  if (device.parent === null) return false;
  if (device.parent.attributes['untrusted'] === 1) return true;
  const root = rootPortOf(device);
  if (root === null || root === device || root.attributes[FACES_OUT] !== 1) return false;
  if (root.attributes[USB4_HOST] !== 0) return true;
  return !inFirstSwitch(root, device);
}

import { PortType } from '../../../hardware/pci/function';
import type { PciDevice } from '../../pci/device';

const DEVICE_CAPABILITIES_2 = 0x24;
const DEVICE_CONTROL_2 = 0x28;
const ROUTING = 0x40;
const EGRESS_BLOCK = 0x80;
const REQUESTER_ENABLE = 0x40;

/** Device Capabilities 2: completer bits for 32, 64 and 128 bits; and the flag of the vfio capability. */
const WIDTHS: readonly (readonly [completer: number, flag: number])[] = [
  [0x80, 1],
  [0x100, 2],
  [0x200, 4],
];

const requesterTypes: readonly (number | null)[] = [
  PortType.Endpoint,
  PortType.LegacyEndpoint,
  PortType.IntegratedEndpoint,
];

/** Whether AtomicOps of the widths in `mask` complete at the root port, with switches passing them on. */
function reachRoot(device: PciDevice, mask: number): boolean {
  if (device.isVirtual || !requesterTypes.includes(device.portType)) return false;
  for (let bridge = device.parent; bridge !== null; bridge = bridge.parent) {
    const at = bridge.config.findCapability(0x10);
    const capabilities = bridge.config.read(at + DEVICE_CAPABILITIES_2, 4);
    const port = bridge.portType;
    if (port === PortType.UpstreamPort || port === PortType.DownstreamPort) {
      if (!(capabilities & ROUTING)) return false;
    } else if (port === PortType.RootPort && (capabilities & mask) !== mask) {
      return false;
    }
    const blocks = bridge.config.read(at + DEVICE_CONTROL_2, 2) & EGRESS_BLOCK;
    if (port === PortType.UpstreamPort && blocks) return false;
  }
  return true;
}

/** Flags of the AtomicOp capability in GET_INFO, 0 for none. Asking turns the requester on, as in the kernel. */
export function atomicCompletion(device: PciDevice): number {
  const fn = device.physicalFunction ?? device;
  const at = fn.config.findCapability(0x10);
  if (at === 0 || (fn.config.read(at + 2, 2) & 0xf) < 2) return 0;
  const own = fn.config.read(at + DEVICE_CAPABILITIES_2, 4);
  let flags = 0;
  for (const [completer, flag] of WIDTHS) {
    if (!(own & completer) || !reachRoot(fn, completer)) continue;
    flags |= flag;
    fn.config.write(at + DEVICE_CONTROL_2, 2, fn.config.read(at + DEVICE_CONTROL_2, 2) | REQUESTER_ENABLE);
  }
  return flags;
}

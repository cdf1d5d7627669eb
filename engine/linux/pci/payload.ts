/** Payload sizes of a PCI Express hierarchy (pci-linux.md 6; PCIe 2.2.2): at each function, then from each port down. */
import { PortType } from '../../hardware/pci/function';
import type { PciDevice } from './device';
import type { LogicalBus } from './logical-bus';
import type { PayloadPolicy } from './options';
import { hasHotplugSlot } from './port-services';

const EXPRESS = 0x10;
const DEVICE_CAPABILITIES = 0x04;
const DEVICE_CONTROL = 0x08;
const PAYLOAD = 0xe0;
const READ_REQUEST = 0x7000;

export type Say = (text: string) => void;
export type SayOf = (device: PciDevice) => Say;

const expressOf = ({ config }: PciDevice): number => config.findCapability(EXPRESS);
const bytesOf = (code: number): number => 128 << code;
const control = (device: PciDevice): number => device.config.read(expressOf(device) + DEVICE_CONTROL, 2);
const payload = (device: PciDevice): number => (control(device) & PAYLOAD) >>> 5;
const readRequest = (device: PciDevice): number => (control(device) & READ_REQUEST) >>> 12;
const largest = (device: PciDevice): number => device.config.read(expressOf(device) + DEVICE_CAPABILITIES, 4) & 7;

function setPayload(device: PciDevice, code: number): void {
  device.config.write(expressOf(device) + DEVICE_CONTROL, 2, (control(device) & ~PAYLOAD) | (code << 5));
}

function setReadRequest(device: PciDevice, code: number): void {
  device.config.write(expressOf(device) + DEVICE_CONTROL, 2, (control(device) & ~READ_REQUEST) | (code << 12));
}

/**
 * When a function is found (pci_configure_mps): by default it takes over the size of the bridge above, and only a root
 * port gives way to it.
 */
export function matchPayload(device: PciDevice, policy: PayloadPolicy, sayOf: SayOf): void {
  const most = largest(device);
  if (device.portType === PortType.IntegratedEndpoint) {
    setPayload(device, policy === 'peer-to-peer' ? 0 : most);
    return;
  }
  const above = device.parent;
  if (above === null || above.portType === null) return;
  const say = sayOf(device);
  const own = payload(device);
  let wanted = payload(above);
  if (own === wanted) return;
  const advice = 'if necessary, use "pci=pcie_bus_safe" and report a bug';
  if (policy === 'tune-off') {
    say(`Max Payload Size ${bytesOf(own)}, but upstream ${above.name} set to ${bytesOf(wanted)}; ${advice}`);
    return;
  }
  if (policy !== 'default') return;
  if (most < wanted && above.portType === PortType.RootPort) {
    setPayload(above, most);
    const was = `was ${bytesOf(wanted)}, max ${bytesOf(largest(above))}`;
    say(`Upstream bridge's Max Payload Size set to ${bytesOf(most)} (${was})`);
    wanted = payload(above);
  }
  if (most < wanted) return say(`can't set Max Payload Size to ${bytesOf(wanted)}; ${advice}`);
  setPayload(device, wanted);
  say(`Max Payload Size set to ${bytesOf(wanted)} (was ${bytesOf(own)}, max ${bytesOf(most)})`);
}

/**
 * After everything behind a bridge was found (pcie_bus_configure_settings): one size for all, or for each the largest
 * that it and what is above it can do.
 */
export function settlePayloads(bus: LogicalBus, policy: PayloadPolicy, sayOf: SayOf): void {
  const { bridge } = bus;
  if (bridge === null || expressOf(bridge) === 0 || policy === 'default' || policy === 'tune-off') return;
  const all = [bridge, ...bus.functions()].filter((device) => !device.isVirtual && expressOf(device) !== 0);
  const common = policy === 'safe' ? Math.min(...all.map(safeSize)) : 0;
  for (const device of all) {
    const was = payload(device);
    setPayload(device, policy === 'performance' ? bestSize(device) : common);
    if (policy === 'performance') setReadRequest(device, payload(device));
    const size = (code: number): string => String(bytesOf(code)).padStart(4);
    sayOf(device)(
      `Max Payload Size set to ${size(payload(device))}/${size(largest(device))} (was ${size(was)}), Max Read Rq ${size(readRequest(device))}`,
    );
  }
}

/** What may come into a slot of a switch can do the smallest size only, and then nothing else can be changed any more. */
const safeSize = (device: PciDevice): number =>
  hasHotplugSlot(device) && device.portType !== PortType.RootPort ? 0 : largest(device);

const bestSize = (device: PciDevice): number => {
  const { parent } = device;
  if (device.portType === PortType.RootPort || parent === null || expressOf(parent) === 0) return largest(device);
  return Math.min(largest(device), payload(parent));
};

import { PortType } from '../../hardware/pci/function';
import type { PciDevice } from './device';

const PORT_TEXT: Readonly<Record<number, string>> = {
  [PortType.Endpoint]: 'PCIe Endpoint',
  [PortType.LegacyEndpoint]: 'PCIe Legacy Endpoint',
  [PortType.RootPort]: 'PCIe Root Port',
  [PortType.UpstreamPort]: 'PCIe Switch Upstream Port',
  [PortType.DownstreamPort]: 'PCIe Switch Downstream Port',
  [PortType.PcieToPciBridge]: 'PCIe to PCI/PCI-X bridge',
  [PortType.PciToPcieBridge]: 'PCI/PCI-X to PCIe bridge',
  [PortType.IntegratedEndpoint]: 'PCIe Root Complex Integrated Endpoint',
  [PortType.EventCollector]: 'PCIe Root Complex Event Collector',
};

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** What the log says of a function that a scan found: `[8086:10d3] type 00 class 0x020000 PCIe Endpoint`. */
export function foundText(device: PciDevice): string {
  const { function: fn, config } = device;
  const type = device.portType;
  const conventional = fn.isBridge ? 'conventional PCI bridge' : 'conventional PCI endpoint';
  const kind = type === null ? conventional : (PORT_TEXT[type] ?? 'PCIe unknown');
  const header = hex(config.read(0x0e, 1) & 0x7f, 2);
  return `[${hex(device.vendor, 4)}:${hex(device.device, 4)}] type ${header} class 0x${hex(device.class, 6)} ${kind}`;
}

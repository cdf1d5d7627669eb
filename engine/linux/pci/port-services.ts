/**
 * What the PCI Express port driver does at a port (get_port_device_capability), and what firmware lets Linux do below
 * each root bus (_OSC): Linux asks for nothing when it lacks MSI or ASPM, and firmware may keep hot-plug to itself.
 */
import type { FunctionDescription, MachineDescription } from '../../hardware/description';
import { PortType } from '../../hardware/pci/function';
import type { PciDevice } from './device';

/** By the bit that names the service in `<port>:pcieNNN`. */
export const PORT_SERVICE = { pme: 0x01, aer: 0x02, hotplug: 0x04, dpc: 0x08, bandwidth: 0x10 } as const;
export type PortService = keyof typeof PORT_SERVICE;

/** What Linux may do by itself at the ports of a root bus. */
export interface Granted {
  readonly pme: boolean;
  readonly aer: boolean;
  readonly hotplug: boolean;
  /** Latency tolerance reporting. */
  readonly ltr: boolean;
}

const EXPRESS = 0x10;
const AER = 0x01;
const DPC = 0x1d;
const SLOT_IMPLEMENTED = 0x100;
const LINK_CAPABILITIES = 0x0c;
const REPORTS_BANDWIDTH = 0x200000;
const SLOT_CAPABILITIES = 0x14;
const HOT_PLUG_CAPABLE = 0x40;

/** The port has a slot that can be driven (PCIe 7.5.3.9); who drives it is another question. */
export function hasHotplugSlot(port: PciDevice): boolean {
  const type = port.portType;
  if (type !== PortType.RootPort && type !== PortType.DownstreamPort) return false;
  const at = port.config.findCapability(EXPRESS);
  return (
    (port.config.read(at + 2, 2) & SLOT_IMPLEMENTED) !== 0 &&
    (port.config.read(at + SLOT_CAPABILITIES, 4) & HOT_PLUG_CAPABLE) !== 0
  );
}

export function portServices(port: PciDevice, granted: Granted): PortService[] {
  const { config } = port;
  const type = port.portType;
  const root = type === PortType.RootPort || type === PortType.EventCollector;
  const aer = root && granted.aer && config.findExtendedCapability(AER) !== 0;
  const services: PortService[] = [];
  if (root && granted.pme) services.push('pme');
  if (aer) services.push('aer');
  if (granted.hotplug && hasHotplugSlot(port)) services.push('hotplug');
  if (aer && config.findExtendedCapability(DPC) !== 0) services.push('dpc');
  const link = type === PortType.RootPort || type === PortType.DownstreamPort;
  const at = config.findCapability(EXPRESS);
  if (link && config.read(at + LINK_CAPABILITIES, 4) & REPORTS_BANDWIDTH) services.push('bandwidth');
  return services;
}

/** Values of `name=…` on the command line, taken apart at commas. */
const valuesOf = (cmdline: string, name: string): string[] =>
  cmdline
    .split(/\s+/)
    .filter((word) => word.startsWith(`${name}=`))
    .flatMap((word) => word.slice(name.length + 1).split(','));

/** `pcie_ports=compat`: the port driver is not there. */
export const portsDisabled = (cmdline: string): boolean => valuesOf(cmdline, 'pcie_ports').at(-1) === 'compat';

/** `pci=nomsi`: nobody gets MSI or MSI-X. */
export const messagesForbidden = (cmdline: string): boolean => valuesOf(cmdline, 'pci').includes('nomsi');

export function grantsOf(description: MachineDescription): (rootBus: string) => Granted {
  const { cmdline } = description.kernel;
  const pci = valuesOf(cmdline, 'pci');
  const messages = !messagesForbidden(cmdline);
  const aer = messages && !pci.includes('noaer');
  if (valuesOf(cmdline, 'pcie_ports').at(-1) === 'native') return () => ({ pme: true, aer, hotplug: true, ltr: true });
  const asked = messages && valuesOf(cmdline, 'pcie_aspm').at(-1) !== 'off' && !portsDisabled(cmdline);
  if (!asked) return () => ({ pme: false, aer: false, hotplug: false, ltr: false });
  const hotplug = hotplugGranted(description);
  return (rootBus) => ({ pme: true, aer, hotplug: hotplug(rootBus), ltr: true });
}

/** Place of the base class in the text of a config space, and the two classes of what has port services. */
const CLASS = 0x0b * 2;
const BRIDGES = '06';
const SYSTEM_PERIPHERALS = '08';

/**
 * Root buses whose firmware granted native hot-plug: a recording shows it by its ports' services, or, where no port has
 * any, by cards below a bridge that firmware does not describe; otherwise all did.
 */
function hotplugGranted(description: MachineDescription): (rootBus: string) => boolean {
  const services: { rootBus: string; names: string }[] = [];
  for (const { attributes, rootBus, config } of description.functions) {
    const names = attributes['sysfs'];
    if (!config.startsWith(BRIDGES, CLASS) && !config.startsWith(SYSTEM_PERIPHERALS, CLASS)) continue;
    if (typeof names === 'string' && names.includes(':pcie')) services.push({ rootBus, names });
  }
  if (services.length === 0) {
    const driven = new Set(description.functions.filter(describedCard).map((fn) => fn.rootBus));
    return (rootBus) => !driven.has(rootBus);
  }
  const granted = new Set(services.filter((s) => /:pcie[02]04\b/.test(s.names)).map((s) => s.rootBus));
  return (rootBus) => granted.has(rootBus);
}

const HEADER_TYPE = 0x0e;

/** Firmware describes the functions of its own slots, where it drives hot-plug itself. */
function describedCard(fn: FunctionDescription): boolean {
  const names = fn.attributes['sysfs'];
  const type = parseInt(fn.config.slice(2 * HEADER_TYPE, 2 * HEADER_TYPE + 2), 16) & 0x7f;
  return fn.parent !== null && type === 0 && typeof names === 'string' && names.split(' ').includes('firmware_node');
}

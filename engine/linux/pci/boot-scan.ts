/**
 * Boot of a machine that no firmware or kernel has set up: depth-first bus numbers, what enumeration does to each
 * function, then windows and addresses (pci-linux.md 1–4, 6).
 */
import { buildMachine } from '../../hardware/build';
import type { MachineDescription } from '../../hardware/description';
import type { HardwareMachine, RootBus } from '../../hardware/machine';
import type { PciFunction } from '../../hardware/pci/function';
import { devfn, requesterId } from '../../hardware/pci/address';
import { PortType } from '../../hardware/pci/function';
import { KernelLog } from '../log';
import type { AcsEnableSettings } from './acs-enable';
import { enableErrorReports } from './aer';
import { setUpAcs } from './acs-enable';
import type { HostApertures } from './assign';
import { ResourceAssigner, scanResources } from './assign';
import { IOV_RESOURCES, PciDevice } from './device';
import { LEVEL, RESOURCE_IO, RESOURCE_MEMORY, RESOURCE_UNSET, RESOURCE_WINDOW, resourceText } from './enable';
import { ariChain, configureAri, setUpExpress } from './express-setup';
import { foundText } from './found';
import { probeResetMethods } from './reset';

export interface BootScanServices {
  readonly log: KernelLog;
  readonly apertures: HostApertures;
  readonly acs: AcsEnableSettings;
  /** What firmware says of a function besides its registers. */
  readonly firmware?: (fn: PciFunction) => PciDevice['attributes'];
  /** Called when everything is found, before addresses are given. */
  readonly found?: () => void;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

const PRIMARY = 0x18;
const BRIDGE_CONTROL = 0x3e;
const SERR_FORWARDING = 0x2;

/** A walk over the machine; functions are put on the bus list as they are found. */
class Scan {
  readonly found: PciDevice[] = [];
  private readonly machine: HardwareMachine;
  private readonly services: BootScanServices;

  constructor(machine: HardwareMachine, services: BootScanServices) {
    this.machine = machine;
    this.services = services;
  }

  root(root: RootBus, last: number): void {
    const name = `pci_bus ${hex(root.segment, 4)}:${hex(root.bus, 2)}: `;
    this.say(`PCI host bridge to bus ${hex(root.segment, 4)}:${hex(root.bus, 2)}`);
    for (const window of hostWindows(this.services.apertures)) this.say(`${name}root bus resource ${window}`);
    this.say(`${name}root bus resource [bus ${hex(root.bus, 2)}-${hex(last, 2)}]`);
    const functions = [...this.machine.functions.values()].filter(
      (fn) => fn.parent === null && fn.rootBus === root.name,
    );
    this.bus(root.bus, null, functions, last);
  }

  /** Functions of a root bus among others that stand as they are, and what is behind them. */
  some(functions: readonly PciFunction[]): void {
    const devices = functions.map((fn) => this.setUp(fn, fn.address.bus, null, functions));
    for (const device of devices) if (device.function.address.function > 0) device.multifunctionForced = true;
    for (const device of devices) if (device.function.isBridge) this.kept(device);
  }

  /** Everything on one bus, then what is behind its bridges. Returns the highest bus number used. */
  private bus(number: number, bridge: PciDevice | null, functions: readonly PciFunction[], last: number): number {
    const { present, ari } = answering(bridge, functions);
    const devices = present.map((fn) => this.setUp(fn, number, bridge, present));
    for (const device of devices) {
      if (device.function.address.function > 0) device.multifunctionForced = true;
      device.attributes['ariEnabled'] = ari ? 1 : 0;
      if (ari) setAriHierarchy(device);
    }
    let highest = number;
    for (const device of devices) highest = Math.max(highest, Math.min(last, lastVirtualBus(device)));
    if (bridge !== null)
      this.say(`pci ${bridge.name}: PCI bridge to ${busRange(number, bridge.config.read(PRIMARY + 2, 1))}`);
    const bridges = devices.filter((device) => device.function.isBridge);
    const numbered = bridges.filter((device) => validNumbers(device, number, last));
    for (const device of numbered) highest = Math.max(highest, this.kept(device));
    for (const device of bridges)
      if (!numbered.includes(device)) highest = this.numbered(device, number, highest, last);
    return highest;
  }

  /** Numbers that firmware gave stay. */
  private kept(bridge: PciDevice): number {
    const secondary = bridge.config.read(PRIMARY + 1, 1);
    const subordinate = bridge.config.read(PRIMARY + 2, 1);
    this.bus(secondary, bridge, bridge.function.children, subordinate);
    return subordinate;
  }

  private numbered(bridge: PciDevice, primary: number, highest: number, last: number): number {
    const { config, name } = bridge;
    const [secondary, subordinate] = [config.read(PRIMARY + 1, 1), config.read(PRIMARY + 2, 1)];
    this.say(
      `pci ${name}: bridge configuration invalid ([bus ${hex(secondary, 2)}-${hex(subordinate, 2)}]), reconfiguring`,
    );
    config.write(0x06, 2, 0xffff);
    const next = highest + 1;
    if (next > last) {
      config.write(PRIMARY, 4, config.read(PRIMARY, 4) & 0xff000000);
      const parent = `${hex(bridge.function.address.segment, 4)}:${hex(primary, 2)}`;
      this.services.log.print(LEVEL.WARNING, `pci_bus ${parent}: No bus number available for hot-added bridge ${name}`);
      return highest;
    }
    const write = (end: number): void => {
      config.write(PRIMARY, 4, ((config.read(PRIMARY, 4) & 0xff000000) | (end << 16) | (next << 8) | primary) >>> 0);
    };
    write(last);
    const end = this.bus(next, bridge, bridge.function.children, last);
    write(end);
    const child = `${hex(bridge.function.address.segment, 4)}:${hex(next, 2)}`;
    if (end !== last) {
      this.say(`pci_bus ${child}: busn_res: ${busRange(next, last)} end is updated to ${hex(end, 2)}`);
    }
    return end;
  }

  /** What is done to one function, in order (pci-linux.md 2.2). */
  private setUp(fn: PciFunction, bus: number, bridge: PciDevice | null, siblings: readonly PciFunction[]): PciDevice {
    fn.address = { ...fn.address, bus };
    const device = new PciDevice(fn);
    device.parent = bridge;
    device.attributes = { ...this.services.firmware?.(fn) };
    const { config } = fn;
    const line = (text: string): void => this.say(`pci ${fn.name}: ${text}`);
    line(foundText(device));
    device.irq = config.read(0x3d, 1) === 0 ? 0 : config.read(0x3c, 1);
    scanResources(device);
    device.resources.slice(0, 7).forEach((resource, index) => {
      if (resource.flags === 0n) return;
      line(
        `${index === 6 ? 'ROM' : `BAR ${index}`} ${resourceText({ ...resource, flags: resource.flags & ~0x20000000n })}`,
      );
    });
    if (fn.isBridge) line(`PCI bridge to ${busRange(config.read(PRIMARY + 1, 1), config.read(PRIMARY + 2, 1))}`);
    virtualBarLines(device).forEach(line);
    setUpExpress(device, (one) => (text) => this.say(`pci ${one.name}: ${text}`));
    enableErrorReports(device);
    if (fn.isBridge) config.write(BRIDGE_CONTROL, 2, config.read(BRIDGE_CONTROL, 2) | SERR_FORWARDING);
    this.setUpPower(device, line);
    this.stopMessages(device);
    setUpAcs(device, this.services.acs, this.services.log);
    const first = siblings[0] === fn;
    device.resetMethods = probeResetMethods(device, { siblings: () => (first ? [device] : [device, device]) });
    if (bridge !== null && first && fn.isBridge && !device.resetMethods.includes('bus'))
      device.resetMethods.push('bus');
    this.found.push(device);
    return device;
  }

  private setUpPower(device: PciDevice, line: (text: string) => void): void {
    const { config } = device;
    const at = config.findCapability(0x01);
    if (at === 0) return;
    const capabilities = config.read(at + 2, 2);
    const states = ['D1', 'D2'].filter((_, index) => capabilities & (0x200 << index));
    if (states.length > 0) line(`supports ${states.join(' ')}`);
    const wakes = ['D0', 'D1', 'D2', 'D3hot', 'D3cold'].filter((_, index) => capabilities & (0x800 << index));
    if (wakes.length === 0) return;
    line(`PME# supported from ${wakes.join(' ')}`);
    config.write(at + 4, 2, (config.read(at + 4, 2) & ~0x0100) | 0x8000);
  }

  /** MSI and MSI-X are off until a driver asks. */
  private stopMessages(device: PciDevice): void {
    const { config } = device;
    for (const [id, enable] of [
      [0x05, 0x0001],
      [0x11, 0x8000],
    ] as const) {
      const at = config.findCapability(id);
      if (at !== 0 && config.read(at + 2, 2) & enable) config.write(at + 2, 2, config.read(at + 2, 2) & ~enable);
    }
  }

  private say(text: string): void {
    this.services.log.print(LEVEL.INFO, text);
  }
}

const LINKS: ReadonlySet<number | null> = new Set([
  PortType.RootPort,
  PortType.DownstreamPort,
  PortType.PciToPcieBridge,
]);

/**
 * Functions that a scan finds: on a link device 0 only, and functions 1–7 only where function 0 has several; with ARI
 * those of the chain, up to 256.
 */
function answering(
  bridge: PciDevice | null,
  functions: readonly PciFunction[],
): { present: PciFunction[]; ari: boolean } {
  const link = bridge !== null && LINKS.has(bridge.function.portType);
  const physical = functions.filter((fn) => fn.physicalFunction === null);
  const zero = physical.find((fn) => fn.address.device === 0 && fn.address.function === 0);
  if (link && configureAri(bridge.function, zero)) return { present: ariChain(physical), ari: true };
  const sorted = physical
    .filter((fn) => !link || fn.address.device === 0)
    .sort((a, b) => devfn(a.address) - devfn(b.address));
  const present = sorted.filter((fn) => {
    const first = sorted.find((other) => other.address.device === fn.address.device && other.address.function === 0);
    return fn === first || (first !== undefined && first.multifunction);
  });
  return { present, ari: false };
}

const ARI_CAPABLE_HIERARCHY = 0x10;

/** The lowest physical function tells its virtual functions that they may have numbers above 7 (PCIe 9.3.3.3.5). */
function setAriHierarchy(device: PciDevice): void {
  const at = device.config.findExtendedCapability(0x10);
  if (at === 0 || devfn(device.function.address) !== 0) return;
  device.config.write(at + 8, 2, device.config.read(at + 8, 2) | ARI_CAPABLE_HIERARCHY);
}

const windowText = ([start, end]: readonly [bigint, bigint], flags: bigint): string =>
  resourceText({ start, end, flags: flags | RESOURCE_WINDOW });

const hostWindows = ({ io, memory, memory64 }: HostApertures): string[] => [
  windowText(io, RESOURCE_IO),
  ...[...memory, memory64].map((range) => windowText(range, RESOURCE_MEMORY)),
];

function validNumbers(bridge: PciDevice, primary: number, last: number): boolean {
  const { config } = bridge;
  const [own, secondary, subordinate] = [
    config.read(PRIMARY, 1),
    config.read(PRIMARY + 1, 1),
    config.read(PRIMARY + 2, 1),
  ];
  return own === primary && secondary > primary && secondary <= subordinate && subordinate <= last;
}

/** The highest bus number that a virtual function of the device could have. */
function lastVirtualBus(device: PciDevice): number {
  const at = device.config.findExtendedCapability(0x10);
  if (at === 0) return 0;
  const total = device.config.read(at + 0x0e, 2);
  if (total === 0) return 0;
  const [offset, stride] = [device.config.read(at + 0x14, 2), device.config.read(at + 0x16, 2)];
  return (requesterId(device.function.address) + offset + stride * (total - 1)) >>> 8;
}

/** VF BARs: one function's share, then all of them. */
function virtualBarLines(device: PciDevice): string[] {
  const at = device.config.findExtendedCapability(0x10);
  const total = at === 0 ? 0n : BigInt(device.config.read(at + 0x0e, 2));
  if (total === 0n) return [];
  return device.resources.slice(IOV_RESOURCES, IOV_RESOURCES + 6).flatMap((resource, index) => {
    if (resource.flags === 0n) return [];
    const flags = resource.flags & ~RESOURCE_UNSET;
    const size = resource.end - resource.start + 1n;
    const one = resourceText({ start: 0n, end: size / total - 1n, flags });
    const all = resourceText({ start: 0n, end: size - 1n, flags });
    return [`VF BAR ${index} ${one}`, `VF BAR ${index} ${all}: contains BAR ${index} for ${total} VFs`];
  });
}

const busRange = (first: number, last: number): string =>
  first === last ? `[bus ${hex(first, 2)}]` : `[bus ${hex(first, 2)}-${hex(last, 2)}]`;

/**
 * Enumerates the machine. Its functions get their bus numbers (and so their names), ACS is set up, resources have
 * addresses. Functions that do not answer a scan are not among the devices, which are in the order of the bus list.
 */
export function scanMachine(machine: HardwareMachine, services: BootScanServices): PciDevice[] {
  const scan = new Scan(machine, services);
  const roots = [...machine.roots].sort((a, b) => a.segment - b.segment || a.bus - b.bus);
  roots.forEach((root, index) => {
    const next = roots[index + 1];
    scan.root(root, next !== undefined && next.segment === root.segment ? next.bus - 1 : 0xff);
  });
  const order = new Set(scan.found.map((device) => device.function));
  const rest = [...machine.functions.values()].filter((fn) => !order.has(fn));
  machine.functions.clear();
  for (const fn of order) machine.functions.set(fn.name, fn);
  for (const fn of rest) if (!machine.functions.has(fn.name)) machine.functions.set(fn.name, fn);
  services.found?.();
  new ResourceAssigner(services.log, services.apertures, () => []).assign(scan.found);
  tellUnassigned(scan.found, roots, services.log);
  return scan.found;
}

/** What got no address stays without one; Linux says once for each root bus what could be tried. */
function tellUnassigned(devices: readonly PciDevice[], roots: readonly RootBus[], log: KernelLog): void {
  for (const root of roots) {
    const unassigned = devices.some(
      (device) =>
        device.function.rootBus === root.name && device.resources.some(({ flags }) => (flags & RESOURCE_UNSET) !== 0n),
    );
    const name = `pci_bus ${hex(root.segment, 4)}:${hex(root.bus, 2)}`;
    if (unassigned) {
      log.print(LEVEL.WARNING, `${name}: Some PCI device resources are unassigned, try booting with pci=realloc`);
    }
  }
}

/**
 * Sets up functions of root buses and what is below them, beside others that firmware and Linux have set up already
 * (`standing`). Bridges among `tops` have their bus numbers.
 */
export function scanAmong(
  tops: readonly PciFunction[],
  standing: readonly PciDevice[],
  services: BootScanServices & { readonly machine: HardwareMachine },
): PciDevice[] {
  const scan = new Scan(services.machine, services);
  scan.some(tops);
  new ResourceAssigner(services.log, services.apertures, () => standing).assign(scan.found);
  return scan.found;
}

/**
 * The description of a built machine with the bus numbers its boot gives: what the editor shows then has the names that
 * Linux uses. Functions that no scan finds keep their names. A machine that was booted is returned as it is.
 */
export function numbered(description: MachineDescription, apertures: HostApertures): MachineDescription {
  if (description.booted) return description;
  const machine = buildMachine(description);
  const before = new Map([...machine.functions].map(([name, fn]) => [fn, name]));
  const acs = { enable: false, cmdline: '' };
  const devices = scanMachine(machine, { log: new KernelLog(() => 0n), apertures, acs });
  const renamed = new Map(devices.map(({ function: fn, name }) => [before.get(fn)!, name]));
  const nameOf = (address: string): string => renamed.get(address) ?? address;
  return {
    ...description,
    functions: description.functions.map((fn) => ({
      ...fn,
      address: nameOf(fn.address),
      parent: fn.parent === null ? null : nameOf(fn.parent),
      physicalFunction: fn.physicalFunction === null ? null : nameOf(fn.physicalFunction),
    })),
    unknown: description.unknown.map((fact) => ({
      ...fact,
      function: fact.function === null ? null : nameOf(fact.function),
    })),
  };
}

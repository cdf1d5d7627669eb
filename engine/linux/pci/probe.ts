/** What Linux does to one function that a scan found, before anything is behind it or drives it (pci-linux.md 2.2). */
import type { PciFunction } from '../../hardware/pci/function';
import type { KernelLog } from '../log';
import type { AcsEnableSettings } from './acs-enable';
import { setUpAcs } from './acs-enable';
import { enableErrorReports } from './aer';
import { aliasLines } from './aliases';
import { readBars, readVirtualBars } from './bars';
import { IOV_RESOURCES, PciDevice, ROM_RESOURCE } from './device';
import { matchesDevice } from './device-match';
import { LEVEL } from './enable';
import type { NativeFeatures } from './express-setup';
import { setUpExpress } from './express-setup';
import { foundText } from './found';
import type { LogicalBus } from './logical-bus';
import { busRangeText } from './logical-bus';
import type { PciOptions } from './options';
import { probeResetMethods } from './reset';
import {
  RESOURCE_MEMORY,
  RESOURCE_SIZE_ALIGNED,
  RESOURCE_START_ALIGNED,
  RESOURCE_UNSET,
  SRIOV_CAPABILITY,
  resourceName,
  resourceText,
  sizeOf,
} from './resource';
import { isSubtractive } from './resource-tree';
import { isTunneled } from './trust';
import type { VgaArbiter } from './vga-arbiter';
import { readWindows, windowKinds, windowLines } from './windows';

const PRIMARY = 0x18;
const BRIDGE_CONTROL = 0x3e;
const SERR_FORWARDING = 0x2;
const LARGEST_HEADER = 2;

export interface ProbeServices {
  readonly log: KernelLog;
  readonly options: PciOptions;
  readonly acs: AcsEnableSettings;
  /** What firmware says of a function besides its registers. */
  readonly firmware?: (fn: PciFunction) => PciDevice['attributes'];
  /** What firmware left to Linux below a root bus; left out: everything. */
  readonly native?: (rootBus: string) => NativeFeatures;
  /** Left out: displays are like other functions. */
  readonly vga?: VgaArbiter;
}

const EVERYTHING_NATIVE: NativeFeatures = { latencyTolerance: true };

/** The function as Linux's device, on its bus and not on the bus list yet; null for a header that Linux does not know. */
export function probeFunction(fn: PciFunction, bus: LogicalBus, services: ProbeServices): PciDevice | null {
  const { log } = services;
  const { config } = fn;
  const device = new PciDevice(fn);
  const say = (text: string, level: number = LEVEL.INFO): void => log.print(level, `pci ${device.name}: ${text}`);
  device.parent = bus.bridge;
  device.attributes = { ...services.firmware?.(fn) };
  const header = config.read(0x0e, 1) & 0x7f;
  if (header > LARGEST_HEADER) {
    say(`unknown header type ${header.toString(16).padStart(2, '0')}, ignoring device`, LEVEL.ERR);
    return null;
  }
  const repaired = device.repairPortType();
  if (repaired !== null) say(repaired);
  say(foundText(device));
  checkClass(device, header, say);
  device.irq = config.read(0x3d, 1) === 0 ? 0 : config.read(0x3c, 1);
  readResources(device, say);
  if (isTunneled(device)) device.attributes['untrusted'] = 1;
  const native = services.native?.(fn.rootBus) ?? EVERYTHING_NATIVE;
  setUpExpress(device, services.options, native, (one) => (text) => log.print(LEVEL.INFO, `pci ${one.name}: ${text}`));
  if (fn.isBridge) config.write(BRIDGE_CONTROL, 2, config.read(BRIDGE_CONTROL, 2) | SERR_FORWARDING);
  if (!services.options.noAer && !services.options.noMsi) enableErrorReports(device);
  for (const line of aliasLines(device)) say(line);
  services.vga?.shadowRom(device);
  alignResources(device, services.options, say);
  stopMessages(device);
  setUpPower(device, say);
  sayVirtualBars(device, say);
  setUpAcs(device, services.acs, log);
  // Linux asks while the function is on no list: of its siblings only those that were found before count.
  const siblings = [...bus.devices.filter((one) => !one.isVirtual), device];
  device.resetMethods = probeResetMethods(device, { siblings: () => siblings });
  const first = bus.bridge !== null && siblings.length === 1;
  if (first && fn.isBridge && !device.resetMethods.includes('bus')) device.resetMethods.push('bus');
  if (device.resetMethods.length > 0) device.attributes['resettable'] = 1;
  bus.put(device);
  return device;
}

type Say = (text: string, level?: number) => void;

const PCI_BRIDGE = 0x0604;
const CARDBUS_BRIDGE = 0x0607;

/** A bridge's class in an endpoint's header, or a CardBus header of something else: the class is not believed. */
function checkClass(device: PciDevice, header: number, say: Say): void {
  const kind = device.class >>> 8;
  const wrong = header === 0 ? kind === PCI_BRIDGE : header === 2 && kind !== CARDBUS_BRIDGE;
  if (!wrong) return;
  const code = `0x${device.class.toString(16).padStart(6, '0')}`;
  say(`ignoring class ${code} (doesn't match header type ${header.toString(16).padStart(2, '0')})`, LEVEL.ERR);
  device.classIgnored = true;
}

function readResources(device: PciDevice, say: Say): void {
  const { config, function: fn } = device;
  readBars(device, say);
  device.resources.slice(0, IOV_RESOURCES).forEach((resource, row) => {
    if (resource.flags !== 0n) say(`${resourceName(row)} ${resourceText(resource)}`);
  });
  if (!fn.isBridge) return;
  const kinds = windowKinds(device);
  readWindows(device, kinds);
  const range = busRangeText(config.read(PRIMARY + 1, 1), config.read(PRIMARY + 2, 1));
  say(`PCI bridge to ${range}${isSubtractive(device) ? ' (subtractive decode)' : ''}`);
  for (const line of windowLines(device, ({ flags }) => flags !== 0n)) say(line);
}

const PAGE_ORDER = 12;

/** `pci=resource_alignment=20@0000:03:00.0;pci:8086:10d3`: memory BARs below that size get its alignment. */
function alignResources(device: PciDevice, options: PciOptions, say: Say): void {
  const order = alignmentOrder(device, options.resourceAlignment);
  if (order === null) return;
  if (device.class >>> 8 === 0x0600) return say("Can't reassign resources to host bridge", LEVEL.WARNING);
  const align = 1n << BigInt(order);
  device.config.write(0x04, 2, device.config.read(0x04, 2) & ~0x2);
  for (let row = 0; row <= ROM_RESOURCE; row++) {
    const resource = device.resources[row];
    if (resource === undefined || !(resource.flags & RESOURCE_MEMORY) || sizeOf(resource) >= align) continue;
    say(`${resourceName(row)} ${resourceText(resource)}: requesting alignment to 0x${align.toString(16)}`);
    const size = sizeOf(resource);
    resource.flags = (resource.flags & ~RESOURCE_SIZE_ALIGNED) | RESOURCE_START_ALIGNED | RESOURCE_UNSET;
    resource.start = align;
    resource.end = align + size - 1n;
  }
}

function alignmentOrder(device: PciDevice, text: string): number | null {
  for (const entry of text === '' ? [] : text.split(';')) {
    const match = /^(?:(\d+)@)?(.+)$/.exec(entry);
    if (match !== null && matchesDevice(device, match[2]!) === true) return Number(match[1] ?? PAGE_ORDER);
  }
  return null;
}

function setUpPower(device: PciDevice, say: Say): void {
  const { config } = device;
  const at = config.findCapability(0x01);
  if (at === 0) return;
  const capabilities = config.read(at + 2, 2);
  const states = ['D1', 'D2'].filter((_, index) => capabilities & (0x200 << index));
  if (states.length > 0) say(`supports ${states.join(' ')}`);
  const wakes = ['D0', 'D1', 'D2', 'D3hot', 'D3cold'].filter((_, index) => capabilities & (0x800 << index));
  if (wakes.length === 0) return;
  say(`PME# supported from ${wakes.join(' ')}`);
  config.write(at + 4, 2, (config.read(at + 4, 2) & ~0x0100) | 0x8000);
}

/** MSI and MSI-X are off until a driver asks. */
function stopMessages({ config }: PciDevice): void {
  for (const [id, enable] of [
    [0x05, 0x0001],
    [0x11, 0x8000],
  ] as const) {
    const at = config.findCapability(id);
    if (at !== 0 && config.read(at + 2, 2) & enable) config.write(at + 2, 2, config.read(at + 2, 2) & ~enable);
  }
}

const SRIOV = { control: 0x08, total: 0x0e, number: 0x10, supportedPages: 0x1c, pageSize: 0x20 } as const;
const VF_ENABLE = 0x1;
const VF_MEMORY = 0x8;
/** Pages of 4 KiB and larger. */
const PAGES = 0xffffffff;

/** SR-IOV: off, with the smallest page size; the aperture of each VF BAR (sriov_init). */
function sayVirtualBars(device: PciDevice, say: Say): void {
  const { config } = device;
  const at = config.findExtendedCapability(SRIOV_CAPABILITY);
  if (at === 0) return;
  const control = config.read(at + SRIOV.control, 2);
  if (control & VF_ENABLE) {
    config.write(at + SRIOV.control, 2, control & ~(VF_ENABLE | VF_MEMORY));
    config.write(at + SRIOV.number, 2, 0);
  }
  const pages = config.read(at + SRIOV.supportedPages, 4) & PAGES;
  if (pages !== 0) config.write(at + SRIOV.pageSize, 4, (pages & -pages) >>> 0);
  const total = config.read(at + SRIOV.total, 2);
  readVirtualBars(device);
  device.virtualShares.forEach((share, bar) => {
    if (share === undefined) return;
    const row = IOV_RESOURCES + bar;
    const all = device.resources[row]!;
    say(`${resourceName(row)} ${resourceText({ ...all, end: all.start + share - 1n })}`);
    say(`${resourceName(row)} ${resourceText(all)}: contains BAR ${bar} for ${total} VFs`);
  });
}

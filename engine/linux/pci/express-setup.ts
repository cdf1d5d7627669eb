/**
 * What enumeration sets up in the PCI Express capability: tags, latency tolerance, completion boundary, ARI
 * (pci-linux.md 6); payload sizes: `payload.ts`, links: `link-setup.ts`.
 */
import type { PciFunction } from '../../hardware/pci/function';
import { PortType } from '../../hardware/pci/function';
import { devfn } from '../../hardware/pci/address';
import type { PciDevice } from './device';
import type { PciOptions } from './options';
import type { SayOf } from './payload';
import { matchPayload } from './payload';

const EXPRESS = 0x10;
const ARI = 0x000e;
const DEVICE_CAPABILITIES = 0x04;
const DEVICE_CONTROL = 0x08;
const DEVICE_CAPABILITIES_2 = 0x24;
const DEVICE_CONTROL_2 = 0x28;
const EXTENDED_TAGS_SUPPORTED = 0x20;
const EXTENDED_TAGS = 0x100;
const ARI_FORWARDING = 0x20;
const LATENCY_TOLERANCE = 0x800;
const LATENCY_TOLERANCE_ON = 0x400;
const LINK_CONTROL = 0x10;
const COMPLETION_BOUNDARY = 0x8;

/** What firmware left to Linux. */
export interface NativeFeatures {
  readonly latencyTolerance: boolean;
}

/** What the function's capability gets when it is found; `sayOf` prints on a function. */
export function setUpExpress(device: PciDevice, options: PciOptions, native: NativeFeatures, sayOf: SayOf): void {
  const { config } = device;
  const at = config.findCapability(EXPRESS);
  if (at === 0) return;
  matchPayload(device, options.payload, sayOf);
  enableTags(device, at, sayOf);
  if (native.latencyTolerance) enableLatencyTolerance(device, at);
  matchCompletionBoundary(device, at);
}

function enableTags(device: PciDevice, at: number, sayOf: SayOf): void {
  const { config } = device;
  const control = config.read(at + DEVICE_CONTROL, 2);
  if (!(config.read(at + DEVICE_CAPABILITIES, 4) & EXTENDED_TAGS_SUPPORTED) || control & EXTENDED_TAGS) return;
  sayOf(device)('enabling Extended Tags');
  config.write(at + DEVICE_CONTROL, 2, control | EXTENDED_TAGS);
}

/** Latency tolerance messages are on: at the function, and at every port above it. */
function tellsLatency(device: PciDevice): boolean {
  const at = device.config.findCapability(EXPRESS);
  if (at === 0 || !(device.config.read(at + DEVICE_CONTROL_2, 2) & LATENCY_TOLERANCE_ON)) return false;
  if (device.portType === PortType.RootPort) return true;
  return device.parent !== null && tellsLatency(device.parent);
}

/** An endpoint may send them only where everything above understands them (PCIe 6.18). */
function enableLatencyTolerance(device: PciDevice, at: number): void {
  const { config, parent } = device;
  if (!(config.read(at + DEVICE_CAPABILITIES_2, 4) & LATENCY_TOLERANCE)) return;
  const control = config.read(at + DEVICE_CONTROL_2, 2);
  if (control & LATENCY_TOLERANCE_ON) return;
  if (device.portType !== PortType.RootPort && (parent === null || !tellsLatency(parent))) return;
  config.write(at + DEVICE_CONTROL_2, 2, control | LATENCY_TOLERANCE_ON);
}

const BOUNDARY_RESERVED: ReadonlySet<number | null> = new Set([
  PortType.RootPort,
  PortType.UpstreamPort,
  PortType.DownstreamPort,
  PortType.EventCollector,
]);

/** Endpoints and bridges are told at which boundary the root port cuts completions (PCIe 7.5.3.7). */
function matchCompletionBoundary(device: PciDevice, at: number): void {
  if (BOUNDARY_RESERVED.has(device.portType)) return;
  let port = device.parent;
  while (port !== null && port.portType !== PortType.RootPort) port = port.parent;
  if (port === null) return;
  const { config } = device;
  const boundary = port.config.read(port.config.findCapability(EXPRESS) + LINK_CONTROL, 2) & COMPLETION_BOUNDARY;
  const control = config.read(at + LINK_CONTROL, 2);
  const wanted = (control & ~COMPLETION_BOUNDARY) | boundary;
  if (wanted !== control) config.write(at + LINK_CONTROL, 2, wanted);
}

const ariOf = (fn: PciFunction): number => fn.config.findExtendedCapability(ARI);

/**
 * Whether more than eight functions are looked for below a port: it forwards such IDs, and function 0 has the
 * capability. Sets the port accordingly.
 */
export function configureAri(port: PciFunction, zero: PciFunction | undefined): boolean {
  const at = port.config.findCapability(EXPRESS);
  if (at === 0 || (port.config.read(at + 2, 2) & 0xf) < 2) return false;
  if (!(port.config.read(at + DEVICE_CAPABILITIES_2, 4) & ARI_FORWARDING)) return false;
  const enabled = zero !== undefined && ariOf(zero) !== 0;
  const control = port.config.read(at + DEVICE_CONTROL_2, 2);
  const wanted = enabled ? control | ARI_FORWARDING : control & ~ARI_FORWARDING;
  if (wanted !== control) port.config.write(at + DEVICE_CONTROL_2, 2, wanted);
  return enabled;
}

/** Functions of a device in the order of the ARI chain: each names the next one, which must have a higher number. */
export function ariChain(functions: readonly PciFunction[]): PciFunction[] {
  const byNumber = new Map(functions.map((fn) => [(fn.address.device << 3) | fn.address.function, fn]));
  const chain: PciFunction[] = [];
  let number = 0;
  for (;;) {
    const fn = byNumber.get(number);
    if (fn === undefined) return chain;
    chain.push(fn);
    const at = ariOf(fn);
    const next = at === 0 ? 0 : fn.config.read(at + 5, 1);
    if (next <= number) return chain;
    number = next;
  }
}

const SRIOV = 0x10;
const SRIOV_CONTROL = 0x08;
const ARI_CAPABLE_HIERARCHY = 0x10;

/** The lowest physical function tells its virtual functions that they may have numbers above 7 (PCIe 9.3.3.3.5). */
export function setAriHierarchy(device: PciDevice): void {
  const at = device.config.findExtendedCapability(SRIOV);
  if (at === 0 || devfn(device.function.address) !== 0) return;
  device.config.write(at + SRIOV_CONTROL, 2, device.config.read(at + SRIOV_CONTROL, 2) | ARI_CAPABLE_HIERARCHY);
}

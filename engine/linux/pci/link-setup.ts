/**
 * What Linux does at a link when the functions of its slot have been found (pcie_aspm_init_link_state; pci-linux.md 6):
 * active state power management as firmware left it, where both ends can do it, and a common clock where both have one.
 */
import { PortType } from '../../hardware/pci/function';
import type { PciDevice } from './device';
import type { AspmMode } from './options';
import type { SayOf } from './payload';

const EXPRESS = 0x10;
const DEVICE_CAPABILITIES = 0x04;
const LINK_CAPABILITIES = 0x0c;
const LINK_CONTROL = 0x10;
const LINK_STATUS = 0x12;
const ROLE_BASED_ERRORS = 0x8000;
const ASPM_CONTROL = 0x3;
const COMMON_CLOCK = 0x40;
const SLOT_CLOCK = 0x1000;
const L0S = 1;
const L1 = 2;

const DOWNSTREAM: ReadonlySet<number | null> = new Set([
  PortType.RootPort,
  PortType.DownstreamPort,
  PortType.PciToPcieBridge,
]);

const express = ({ config }: PciDevice): number => config.findCapability(EXPRESS);
const linkCapabilities = (device: PciDevice): number => device.config.read(express(device) + LINK_CAPABILITIES, 4);
const linkControl = (device: PciDevice): number => device.config.read(express(device) + LINK_CONTROL, 2);

function setLinkControl(device: PciDevice, mask: number, bits: number): void {
  const control = linkControl(device);
  const wanted = (control & ~mask) | bits;
  if (wanted !== control) device.config.write(express(device) + LINK_CONTROL, 2, wanted);
}

/**
 * `functions`: everything on the bus behind the port; `known`: its function 0 was there before, so the link is set up.
 * Retraining with the new clock shows in no register.
 */
export function setUpLink(
  port: PciDevice,
  functions: readonly PciDevice[],
  mode: AspmMode,
  known: boolean,
  sayOf: SayOf,
): void {
  const children = functions.filter((device) => !device.isVirtual);
  const unfit = isUnfit(children, mode, sayOf);
  if (mode === 'off' || known || !DOWNSTREAM.has(port.portType) || children.length === 0) return;
  if (port.portType === PortType.RootPort && port.parent !== null) return;
  if (unfit) setStates(port, children, 0, 0);
  else shareLink(port, children, sayOf);
}

/** Functions that are not PCI Express 1.1: the slot gets no ASPM. */
function isUnfit(children: readonly PciDevice[], mode: AspmMode, sayOf: SayOf): boolean {
  for (const child of children) {
    if (child.portType === null) return true;
    if (mode !== 'default') continue;
    if (child.config.read(express(child) + DEVICE_CAPABILITIES, 4) & ROLE_BASED_ERRORS) continue;
    sayOf(child)("disabling ASPM on pre-1.1 PCIe device.  You can enable it with 'pcie_aspm=force'");
    return true;
  }
  return false;
}

function setStates(port: PciDevice, children: readonly PciDevice[], down: number, up: number): void {
  for (const child of children) if (child.portType !== null) setLinkControl(child, ASPM_CONTROL, up);
  setLinkControl(port, ASPM_CONTROL, down);
}

function shareLink(port: PciDevice, children: readonly PciDevice[], sayOf: SayOf): void {
  const [first] = children;
  const supported = ((linkCapabilities(port) & linkCapabilities(first!)) >>> 10) & ASPM_CONTROL;
  if (supported === 0) return;
  setCommonClock(port, children, sayOf);
  const [down, up] = [linkControl(port) & ASPM_CONTROL, linkControl(first!) & ASPM_CONTROL];
  const allowed = children.reduce((states, child) => states & bearable(port, child), supported);
  const both = down & up & allowed & L1;
  const wanted = { down: (down & allowed & L0S) | both, up: (up & allowed & L0S) | both };
  const kept = (states: number): number => (states & L0S) | (down & up & L1);
  if (wanted.down !== kept(down) || wanted.up !== kept(up)) setStates(port, children, wanted.down, wanted.up);
}

/** States whose exit takes no longer than the endpoint can wait (PCIe 7.5.3.3, 7.5.3.6). Nanoseconds. */
function bearable(port: PciDevice, child: PciDevice): number {
  const type = child.portType;
  if (type !== PortType.Endpoint && type !== PortType.LegacyEndpoint) return L0S | L1;
  const accepts = child.config.read(express(child) + DEVICE_CAPABILITIES, 4);
  const limit = (code: number, step: number): number => (code === 7 ? Infinity : step << code);
  const exit = (code: number, step: number, most: number): number => (code === 7 ? most : step << code);
  const slowest = (shift: number, step: number, most: number): number =>
    Math.max(...[port, child].map((end) => exit((linkCapabilities(end) >>> shift) & 7, step, most)));
  const l0s = slowest(12, 64, 5000) <= limit((accepts >>> 6) & 7, 64) ? L0S : 0;
  const l1 = slowest(15, 1000, 65_000) <= limit((accepts >>> 9) & 7, 1000) ? L1 : 0;
  return l0s | l1;
}

/** pcie_aspm_configure_common_clock */
function setCommonClock(port: PciDevice, children: readonly PciDevice[], sayOf: SayOf): void {
  const [first] = children;
  const shared = [port, first!].every((end) => end.config.read(express(end) + LINK_STATUS, 2) & SLOT_CLOCK);
  if (shared && linkControl(port) & COMMON_CLOCK) {
    if (children.every((child) => linkControl(child) & COMMON_CLOCK)) return;
    sayOf(port)('ASPM: current common clock configuration is inconsistent, reconfiguring');
  }
  for (const end of [...children, port]) setLinkControl(end, COMMON_CLOCK, shared ? COMMON_CLOCK : 0);
}

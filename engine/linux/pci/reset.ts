import { PortType } from '../../hardware/pci/function';
import { resetBelow, resetFunction } from '../../hardware/devices/reset';
import { ERRNO } from '../errno';
import type { IrqCore } from '../irq/irq';
import { losesStateInD3, setPowerState } from './power';
import { restoreState, saveState } from './state';
import type { PciDevice } from './device';

/** Names that sysfs `reset_method` takes, in the order tried (pci-linux.md 7.6). */
export const RESET_METHODS = ['device_specific', 'acpi', 'flr', 'af_flr', 'pm', 'bus', 'cxl_bus'] as const;
export type ResetMethod = (typeof RESET_METHODS)[number];

const COMMAND = 0x04;
const INTX_DISABLE = 0x400;

/** What a reset must know about the neighbourhood of a device. */
export interface BusView {
  /** Every device on the bus that `device` is on, itself included. */
  siblings(device: PciDevice): readonly PciDevice[];
}

/** Whether a method is there to be used now. */
export function methodAvailable(method: ResetMethod, device: PciDevice, bus: BusView): boolean {
  const { config } = device;
  switch (method) {
    case 'flr': {
      const express = config.findCapability(0x10);
      return express !== 0 && (config.read(express + 4, 4) & 0x10000000) !== 0;
    }
    case 'af_flr': {
      const af = config.findCapability(0x13);
      return af !== 0 && (config.read(af + 3, 1) & 3) === 3;
    }
    case 'pm':
      return losesStateInD3(device);
    case 'bus':
      return (
        device.parent !== null && !device.function.isBridge && !device.isVirtual && bus.siblings(device).length <= 1
      );
    default:
      return false;
  }
}

/** The list as probed anew (what writing `default` gives). */
export const probeResetMethods = (device: PciDevice, bus: BusView): ResetMethod[] =>
  RESET_METHODS.filter((method) => methodAvailable(method, device, bus));

/** Runs the device's methods in order. 0, or -ENOTTY when none works, or the errno of the first that fails. */
export function runResetMethods(device: PciDevice, bus: BusView): number {
  for (const method of device.resetMethods) {
    const result = runMethod(method as ResetMethod, device, bus);
    if (result !== -ERRNO.ENOTTY) return result;
  }
  return -ERRNO.ENOTTY;
}

function runMethod(method: ResetMethod, device: PciDevice, bus: BusView): number {
  if (!methodAvailable(method, device, bus)) return -ERRNO.ENOTTY;
  switch (method) {
    case 'flr':
    case 'af_flr':
      resetFunction(device.function);
      return 0;
    case 'pm':
      return resetByPower(device);
    case 'bus':
      return resetSecondaryBus(device.parent!, bus.siblings(device));
    default:
      return -ERRNO.ENOTTY;
  }
}

/** D0 to D3hot and back; the other bits of PMCSR stay (pci_pm_reset). */
function resetByPower(device: PciDevice): number {
  const at = device.config.findCapability(0x01) + 4;
  const control = device.config.read(at, 2) & ~3;
  device.config.write(at, 2, control | 3);
  device.config.write(at, 2, control);
  return 0;
}

const LINK_ACTIVE_REPORTING = 0x100000;
const LINK_ACTIVE = 0x2000;

/** True for a port that can do more than 5 GT/s, or does not say (PCIe 7.5.3.6, 7.5.3.18). */
function fastPort(bridge: PciDevice, at: number): boolean {
  const version = bridge.config.read(at + 2, 2) & 0xf;
  const vector = version > 1 ? (bridge.config.read(at + 0x2c, 4) >>> 1) & 0x7f : 0;
  if (vector !== 0) return vector > 3;
  const speed = bridge.config.read(at + 0x0c, 4) & 0xf;
  return speed === 0 || speed > 2;
}

/**
 * Pulses a bridge's Secondary Bus Reset and waits for what is below. The wait is only done when a device there has
 * power management; it fails on a fast port that reports its link and does not see it come up.
 */
export function resetSecondaryBus(bridge: PciDevice, below: readonly PciDevice[]): number {
  resetBelow(bridge.function);
  if (!below.some((device) => device.config.findCapability(0x01) !== 0)) return 0;
  const port = bridge.portType;
  if (port !== PortType.RootPort && port !== PortType.DownstreamPort) return 0;
  const at = bridge.config.findCapability(0x10);
  if (!fastPort(bridge, at) || !(bridge.config.read(at + 0x0c, 4) & LINK_ACTIVE_REPORTING)) return 0;
  return bridge.config.read(at + 0x12, 2) & LINK_ACTIVE ? 0 : -ERRNO.ENOTTY;
}

/**
 * Resets a function and puts its configuration back (pci_reset_function). Everything the host programmed survives;
 * what the reset cleared and Linux does not save is gone.
 */
export function resetWithState(device: PciDevice, bus: BusView, irq: IrqCore): number {
  if (device.resetMethods.length === 0) return -ERRNO.ENOTTY;
  return aroundReset([device], irq, () => runResetMethods(device, bus));
}

/** The same for whom waits for no lock (pci_try_reset_function): -EAGAIN while an unbind holds the device's. */
export function tryResetWithState(device: PciDevice, bus: BusView, irq: IrqCore): number {
  if (device.resetMethods.length === 0) return -ERRNO.ENOTTY;
  return device.locked ? -ERRNO.EAGAIN : resetWithState(device, bus, irq);
}

/** Pulses the reset of the bus of `devices`, with state; -EAGAIN where one's lock is held (pci_reset_bus). */
export function tryResetBus(
  bridge: PciDevice,
  onBus: readonly PciDevice[],
  devices: readonly PciDevice[],
  irq: IrqCore,
): number {
  if (devices.some((device) => device.locked)) return -ERRNO.EAGAIN;
  return aroundReset(devices, irq, () => resetSecondaryBus(bridge, onBus));
}

/** Saves the devices, silences them, resets, restores. */
export function aroundReset(devices: readonly PciDevice[], irq: IrqCore, reset: () => number): number {
  const saved = devices.map((device) => {
    setPowerState(device, 0);
    const state = saveState(device);
    irq.watch(device);
    device.config.write(COMMAND, 2, INTX_DISABLE);
    return { device, state };
  });
  const result = reset();
  for (const { device, state } of saved) {
    restoreState(device, state);
    irq.messagesOf(device)?.restore();
    device.isolateAgain();
  }
  return result;
}

import { ERRNO } from '../errno';
import type { PciDevice, PowerState } from './device';

const COMMAND = 0x04;
const INTX_DISABLE = 0x400;
const NO_SOFT_RESET = 0x8;
const D1_SUPPORT = 0x200;
const D2_SUPPORT = 0x400;

const STATES: readonly PowerState[] = ['D0', 'D1', 'D2', 'D3hot'];

/** Number of the state a device is in; D0 for one that Linux has not looked at. */
export const powerLevel = (device: PciDevice): number =>
  device.powerState === 'D3cold' ? 4 : Math.max(0, STATES.indexOf(device.powerState));

/** True when a device loses its registers in D3hot (PMCSR NoSoftRst clear). */
export function losesStateInD3(device: PciDevice): boolean {
  const at = device.config.findCapability(0x01);
  return at !== 0 && !(device.config.read(at + 4, 2) & NO_SOFT_RESET);
}

/**
 * Moves a device to D0–D3hot (0–3) through PMCSR. 0, or a negative errno where Linux leaves it as it is:
 * no capability, a state it does not have, or a shallower state other than D0. Waking up clears the whole register.
 */
export function setPowerState(device: PciDevice, state: number): number {
  const at = device.config.findCapability(0x01);
  const current = powerLevel(device);
  if (at === 0) {
    if (state !== 0) return -ERRNO.EIO;
    device.powerState = 'D0';
    return 0;
  }
  if (current === state && device.powerState !== 'unknown') return 0;
  if (state !== 0) {
    if (current > state) return -ERRNO.EINVAL;
    const support = device.config.read(at + 2, 2);
    if ((state === 1 && !(support & D1_SUPPORT)) || (state === 2 && !(support & D2_SUPPORT))) return -ERRNO.EIO;
  }
  const control = device.config.read(at + 4, 2);
  if ((control & 3) !== state) device.config.write(at + 4, 2, state === 0 ? 0 : (control & ~3) | state);
  device.powerState = STATES[device.config.read(at + 4, 2) & 3]!;
  return powerLevel(device) === state ? 0 : -ERRNO.EIO;
}

/** Clears or sets the hardware's INTx Disable bit. */
export function setIntx(device: PciDevice, allow: boolean): void {
  const command = device.config.read(COMMAND, 2);
  const next = allow ? command & ~INTX_DISABLE : command | INTX_DISABLE;
  if (next !== command) device.config.write(COMMAND, 2, next);
}

/** Whether the INTx Disable bit can be written, as the scan finds out. */
export function intxMaskingWorks(device: PciDevice): boolean {
  return (device.config.writable[COMMAND + 1]! & (INTX_DISABLE >>> 8)) !== 0;
}

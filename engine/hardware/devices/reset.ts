import type { ConfigSpace } from '../pci/config-space';
import type { PciFunction } from '../pci/function';

/** What a reset of the function leaves in the registers of the header (PCI 3.0, 6.2; PCIe 6.6). */
const HEADER_CLEARED: readonly [at: number, width: 1 | 2 | 4][] = [
  [0x04, 2],
  [0x0c, 1],
  [0x0d, 1],
  [0x3c, 1],
];
const BARS: readonly number[] = [0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x30];

/** Clears the bits of a register that a write could have set. */
function clearWritable(config: ConfigSpace, at: number, width: 1 | 2 | 4): void {
  for (let i = at; i < at + width; i++) {
    config.set(i, 1, config.bytes[i]! & ~(config.writable[i]! | config.writeOneToClear[i]!));
  }
}

const STATUS_ERRORS = 0xf900;
const POWER_STATE = 0x3;
const MSI_ENABLE_AND_SIZE = 0x71;
const MSIX_ENABLE_AND_MASK = 0xc000;
const EXPRESS_ERRORS = 0x000f;

/**
 * Function level or conventional reset of one function: registers with a defined reset value take it, the model goes
 * back to power-on, and so do its virtual functions (SR-IOV 1.1, 2.2). Registers of no capability keep what they hold; so
 * do sticky ones.
 */
export function resetFunction(fn: PciFunction): void {
  const { config } = fn;
  for (const [at, width] of HEADER_CLEARED) clearWritable(config, at, width);
  config.set(0x06, 2, config.read(0x06, 2) & ~STATUS_ERRORS);
  if (!fn.isBridge) for (const at of BARS) clearWritable(config, at, 4);
  resetCapabilities(config);
  fn.model?.reset();
  for (const vf of fn.virtualFunctions) resetFunction(vf);
}

function resetCapabilities(config: ConfigSpace): void {
  const power = config.findCapability(0x01);
  if (power !== 0) config.set(power + 4, 2, config.read(power + 4, 2) & ~POWER_STATE);
  const msi = config.findCapability(0x05);
  if (msi !== 0) {
    const control = config.read(msi + 2, 2);
    config.set(msi + 2, 2, control & ~MSI_ENABLE_AND_SIZE);
    clearWritable(config, msi + 4, 4);
    clearWritable(config, msi + 8, 4);
    if (control & 0x80) clearWritable(config, msi + 12, 2);
    if (control & 0x100) clearWritable(config, msi + (control & 0x80 ? 16 : 12), 4);
  }
  const msix = config.findCapability(0x11);
  if (msix !== 0) config.set(msix + 2, 2, config.read(msix + 2, 2) & ~MSIX_ENABLE_AND_MASK);
  const express = config.findCapability(0x10);
  if (express !== 0) {
    clearWritable(config, express + 8, 2);
    config.set(express + 10, 2, config.read(express + 10, 2) & ~EXPRESS_ERRORS);
    if ((config.read(express + 2, 2) & 0xf) > 1) clearWritable(config, express + 0x28, 2);
  }
}

const BRIDGE_CONTROL = 0x3e;
const SECONDARY_RESET = 0x40;
const EXPRESS = 0x10;
const DEVICE_CONTROL = 0x08;
const ADVANCED_FEATURES = 0x13;

/**
 * Lets the reset bits of the registers act: Initiate Function Level Reset (PCIe 7.5.3.4, AF 6.8.4) and, of a bridge,
 * Secondary Bus Reset (7.5.1.3.13).
 */
export function wireResets(fn: PciFunction): void {
  const { config } = fn;
  const onBit = (at: number, bit: number, act: () => void): void =>
    config.onWrite(at, at + 1, (_space, offset, _width, value) => {
      if ((value >>> ((at - offset) * 8)) & bit) act();
    });
  if (fn.isBridge) {
    onBit(BRIDGE_CONTROL, SECONDARY_RESET, () => resetBelow(fn));
    return;
  }
  const express = config.findCapability(EXPRESS);
  if (express !== 0 && config.read(express + 4, 4) & 0x1000_0000) {
    onBit(express + DEVICE_CONTROL + 1, 0x80, () => resetFunction(fn));
  }
  const features = config.findCapability(ADVANCED_FEATURES);
  if (features !== 0 && config.read(features + 3, 1) & 0x2) onBit(features + 4, 0x1, () => resetFunction(fn));
}

/** Everything below a bridge whose Secondary Bus Reset bit is pulsed. */
export function resetBelow(bridge: PciFunction): void {
  for (const child of bridge.children) {
    if (child.isBridge) resetBelow(child);
    else resetFunction(child);
  }
}

/** Registers of a recorded function as power-on leaves them: what firmware and Linux wrote is gone. */
import { alone } from './facts';
import { buildConfigSpace, regionSizes } from '../../hardware/build';
import type { FunctionDescription } from '../../hardware/description';
import type { ConfigSpace } from '../../hardware/pci/config-space';
import { toHex } from '../../shell/calls/hex';

const COMMAND = 0x04;
const BRIDGE_CONTROL = 0x3e;
const MSI = 0x05;
const MSIX = 0x11;
const POWER = 0x01;
const ACS = 0x0d;
const SRIOV = 0x10;

/** Control registers of capabilities and the bits that are off after a reset. */
function switchOff(config: ConfigSpace): void {
  const clear = (at: number, offset: number, bits: number): void => {
    if (at !== 0) config.set(at + offset, 2, config.read(at + offset, 2) & ~bits);
  };
  clear(config.findCapability(MSI), 2, 0x71);
  clear(config.findCapability(MSIX), 2, 0xc000);
  clear(config.findCapability(POWER), 4, 0x3);
  clear(config.findExtendedCapability(ACS), 6, 0x7f);
  const sriov = config.findExtendedCapability(SRIOV);
  clear(sriov, 8, 0x9);
  clear(sriov, 0x10, 0xffff);
}

/** Type bits of a BAR stay, its address goes. */
function clearBars(config: ConfigSpace, bridge: boolean): void {
  for (let bar = 0; bar < (bridge ? 2 : 6); bar++) {
    const at = 0x10 + 4 * bar;
    const low = config.read(at, 4);
    config.set(at, 4, low & 1 ? 1 : low & 0xf);
    if ((low & 7) === 4) config.set(0x10 + 4 * ++bar, 4, 0);
  }
  config.set(bridge ? 0x38 : 0x30, 4, 0);
}

/** Bus numbers zero, windows closed: base above limit. */
function closeBridge(config: ConfigSpace): void {
  config.set(0x18, 4, 0);
  config.set(0x1c, 1, 0xf0 | (config.read(0x1c, 1) & 0xf));
  config.set(0x1d, 1, config.read(0x1d, 1) & 0xf);
  config.set(0x20, 4, 0x0000fff0);
  const wide = config.read(0x24, 2) & 0xf;
  config.set(0x24, 2, 0xfff0 | wide);
  config.set(0x26, 2, wide);
  config.set(0x28, 4, 0);
  config.set(0x2c, 4, 0);
  config.set(BRIDGE_CONTROL, 2, 0);
}

const ZERO = `0x${'0'.repeat(16)}`;
const hex64 = (value: number): string => `0x${value.toString(16).padStart(16, '0')}`;

/** Rows of `resource` from 0, as long as the decoders; windows have none yet. */
function coldRows(fn: FunctionDescription): FunctionDescription['resources'] {
  if (fn.resources === null) return null;
  const sizes = regionSizes(fn);
  return fn.resources.map(([start, end, flags], index): [string, string, string] => {
    const size = sizes[index] ?? (index < 13 ? Number(BigInt(end) - BigInt(start) + 1n) : 0);
    if (index >= 13 || BigInt(flags) === 0n || size <= 1) return [ZERO, ZERO, ZERO];
    return [ZERO, hex64(size - 1), flags];
  });
}

export function cold(fn: FunctionDescription): FunctionDescription {
  const { isBridge } = alone(fn);
  const config = buildConfigSpace(fn);
  config.set(COMMAND, 2, 0);
  switchOff(config);
  clearBars(config, isBridge);
  if (isBridge) closeBridge(config);
  const { enable: _enable, powerState: _powerState, driverOverride: _override, ...attributes } = fn.attributes;
  return { ...fn, config: toHex(config.bytes), resources: coldRows(fn), irq: null, resetMethod: null, attributes };
}

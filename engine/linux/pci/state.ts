import type { ConfigSpace } from '../../hardware/pci/config-space';
import { PortType } from '../../hardware/pci/function';
import type { PciDevice } from './device';

/** Registers of one capability that survive in a saved state: `[offset, width]` from its start. */
type SavedRegisters = readonly (readonly [offset: number, width: 2 | 4])[];

const HEADER_DWORDS = 16;
const DEVICE_CONTROL: SavedRegisters = [[0x08, 2]];
const LINK_CONTROL: SavedRegisters = [[0x10, 2]];
const DEVICE_CONTROL_2: SavedRegisters = [[0x28, 2]];
const LINK_CONTROL_2: SavedRegisters = [[0x30, 2]];
const SLOT_CONTROL: SavedRegisters = [[0x18, 2]];
const ROOT_CONTROL: SavedRegisters = [[0x1c, 2]];
const AER: SavedRegisters = [
  [0x08, 4],
  [0x0c, 4],
  [0x14, 4],
  [0x18, 4],
];
const LTR: SavedRegisters = [
  [0x04, 2],
  [0x06, 2],
];

/** What `pci_save_state` keeps of a device. */
export interface SavedState {
  readonly header: Uint32Array;
  readonly registers: readonly {
    readonly at: number;
    readonly width: 2 | 4;
    readonly value: number;
  }[];
}

export function saveState(device: PciDevice): SavedState {
  const { config } = device;
  const header = new Uint32Array(HEADER_DWORDS);
  for (let i = 0; i < HEADER_DWORDS; i++) header[i] = config.read(i * 4, 4);
  const registers: { at: number; width: 2 | 4; value: number }[] = [];
  for (const [start, list] of savedRegisters(config)) {
    for (const [offset, width] of list) {
      registers.push({
        at: start + offset,
        width,
        value: config.read(start + offset, width),
      });
    }
  }
  return { header, registers };
}

function savedRegisters(config: ConfigSpace): [number, SavedRegisters][] {
  const found: [number, SavedRegisters][] = [];
  const express = config.findCapability(0x10);
  if (express !== 0) {
    const flags = config.read(express + 2, 2);
    const port = (flags >>> 4) & 0xf;
    const link = port !== PortType.IntegratedEndpoint && port !== PortType.EventCollector;
    found.push([express, DEVICE_CONTROL]);
    if (link) found.push([express, LINK_CONTROL]);
    if (port === PortType.RootPort || port === PortType.DownstreamPort) found.push([express, SLOT_CONTROL]);
    if (port === PortType.RootPort || port === PortType.EventCollector) found.push([express, ROOT_CONTROL]);
    if ((flags & 0xf) > 1) {
      found.push([express, DEVICE_CONTROL_2]);
      if (link) found.push([express, LINK_CONTROL_2]);
    }
  }
  const pcix = config.findCapability(0x07);
  if (pcix !== 0) found.push([pcix, [[2, 2]]]);
  const aer = config.findExtendedCapability(0x01);
  if (aer !== 0) found.push([aer, AER]);
  const ltr = config.findExtendedCapability(0x18);
  if (ltr !== 0) found.push([ltr, LTR]);
  return found;
}

/** Writes back what differs: capabilities first, then the header from its end, so that decoding comes on last. */
export function restoreState(device: PciDevice, state: SavedState): void {
  const { config } = device;
  for (const { at, width, value } of state.registers) {
    if (config.read(at, width) !== value) config.write(at, width, value);
  }
  clearErrors(config);
  for (let i = HEADER_DWORDS - 1; i >= 0; i--) {
    const value = state.header[i]!;
    if (config.read(i * 4, 4) !== value) config.write(i * 4, 4, value);
  }
}

/** Restoring clears the error status of a reset device (pci_aer_clear_status). */
function clearErrors(config: ConfigSpace): void {
  const aer = config.findExtendedCapability(0x01);
  if (aer === 0) return;
  for (const at of [aer + 0x04, aer + 0x10]) {
    const status = config.read(at, 4);
    if (status !== 0) config.write(at, 4, status);
  }
}

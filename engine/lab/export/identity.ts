/** What Linux shows as a function's ids, where they are not simply its registers. */
import type { FunctionDescription, MachineDescription } from '../../hardware/description';
import { fromHex } from '../../shell/calls/hex';

export interface ExportedIds {
  readonly vendor: number;
  readonly device: number;
  readonly subVendor: number;
  readonly subDevice: number;
  /** 24 bits. */
  readonly classCode: number;
  readonly revision: number;
}

const word = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);

/** Offset of a capability in the standard list, 0 when there is none. */
function findCapability(bytes: Uint8Array, id: number): number {
  if (!(bytes[6]! & 0x10)) return 0;
  let at = bytes[(bytes[0x0e]! & 0x7f) === 2 ? 0x14 : 0x34]! & 0xfc;
  for (let left = 48; at >= 0x40 && left > 0; left--) {
    if (bytes[at] === id) return at;
    at = bytes[at + 1]! & 0xfc;
  }
  return 0;
}

/** Offset of an extended capability, 0 when there is none. */
function findExtended(bytes: Uint8Array, id: number): number {
  for (let at = 0x100, left = 480; at >= 0x100 && at + 4 <= bytes.length && left > 0; left--) {
    if (word(bytes, at) === id) return at;
    at = (word(bytes, at + 2) >> 4) & 0xffc;
  }
  return 0;
}

function subsystemOf(bytes: Uint8Array): [number, number] {
  const layout = bytes[0x0e]! & 0x7f;
  if (layout === 1) {
    const at = findCapability(bytes, 0x0d);
    return at ? [word(bytes, at + 4), word(bytes, at + 6)] : [0, 0];
  }
  const at = layout === 2 ? 0x40 : 0x2c;
  return [word(bytes, at), word(bytes, at + 2)];
}

/** A virtual function takes vendor and VF device ID from its physical function (SR-IOV 3.4.1). */
export function idsOf(fn: FunctionDescription, machine: MachineDescription): ExportedIds {
  const bytes = fromHex(fn.config);
  const [subVendor, subDevice] = subsystemOf(bytes);
  let vendor = word(bytes, 0);
  let device = word(bytes, 2);
  const physical = machine.functions.find((one) => one.address === fn.physicalFunction);
  if (physical) {
    const above = fromHex(physical.config);
    const at = findExtended(above, 0x10);
    vendor = word(above, 0);
    if (at) device = word(above, at + 0x1a);
  }
  const classCode = word(bytes, 0x09) | (bytes[0x0b]! << 16);
  return { vendor, device, subVendor, subDevice, classCode, revision: bytes[8]! };
}

/** Write masks by the specification, for functions whose dump does not tell them. */
import type { ConfigSpace } from './config-space';

type Rule = readonly [offset: number, width: 1 | 2 | 4, writable: number];

/** Type 0 header (PCI 3.0, 6.1): command, cache line, latency, interrupt line. */
const HEADER_0: readonly Rule[] = [
  [0x04, 2, 0x0547],
  [0x0c, 1, 0xff],
  [0x0d, 1, 0xff],
  [0x3c, 1, 0xff],
];

/** Type 1 header (PCI-to-PCI bridge 1.2, 3.2). */
const HEADER_1: readonly Rule[] = [
  [0x04, 2, 0x0547],
  [0x0c, 1, 0xff],
  [0x0d, 1, 0xff],
  [0x18, 4, 0x00ffffff],
  [0x1c, 2, 0xf0f0],
  [0x20, 4, 0xfff0fff0],
  [0x24, 4, 0xfff0fff0],
  [0x28, 4, 0xffffffff],
  [0x2c, 4, 0xffffffff],
  [0x30, 4, 0xffffffff],
  [0x3c, 1, 0xff],
  [0x3e, 2, 0x007f],
];

/** Status bits that a one clears: errors, in both headers (0x06) and in the bridge's secondary status (0x1e). */
const STATUS_ERRORS = 0xf900;

/** Control registers of standard capabilities: offset from the capability. */
const STANDARD: ReadonlyMap<number, readonly Rule[]> = new Map([
  [0x01, [[4, 2, 0x1f03]]],
  [
    0x03,
    [
      [2, 2, 0xffff],
      [4, 4, 0xffffffff],
    ],
  ],
  [0x05, []],
  [
    0x10,
    [
      [8, 2, 0x7fff],
      [0x10, 2, 0x0dfb],
      [0x18, 2, 0x1fff],
      [0x1c, 2, 0x001f],
      [0x28, 2, 0xffff],
      [0x30, 2, 0xffff],
    ],
  ],
  [0x11, [[2, 2, 0xc000]]],
]);

/** Control registers of extended capabilities. ACS control follows its capability register. */
const EXTENDED: ReadonlyMap<number, readonly Rule[]> = new Map([
  [
    0x0001,
    [
      [8, 4, 0xffffffff],
      [0x0c, 4, 0xffffffff],
      [0x14, 4, 0xffffffff],
      [0x18, 4, 0x00000140],
    ],
  ],
  [0x000e, [[6, 2, 0x0073]]],
  [0x000f, [[6, 2, 0x801f]]],
  [
    0x0010,
    [
      [8, 2, 0x001f],
      [0x10, 2, 0xffff],
    ],
  ],
  [
    0x0013,
    [
      [4, 2, 0x0003],
      [0x0c, 4, 0xffffffff],
    ],
  ],
  [0x0015, [[8, 4, 0x00003f00]]],
  [0x0017, [[8, 4, 0x00000307]]],
  [0x0018, [[4, 4, 0x1fff1fff]]],
  [0x001b, [[6, 2, 0x0007]]],
  [0x001d, [[6, 2, 0x00ff]]],
  [
    0x001e,
    [
      [8, 4, 0xe3ffff0f],
      [0x0c, 4, 0x000000fb],
    ],
  ],
  [0x001f, [[8, 4, 0x0000ff03]]],
]);

/** Status registers of extended capabilities whose bits a one clears. */
const EXTENDED_STATUS: ReadonlyMap<number, readonly Rule[]> = new Map([
  [
    0x0001,
    [
      [4, 4, 0x07fff030],
      [0x10, 4, 0x0000f1c1],
    ],
  ],
  [0x0013, [[6, 2, 0x0003]]],
  [0x001d, [[8, 2, 0x0009]]],
]);

const EXPRESS = 0x10;
const ROOT_PORT = 0x4;
const EVENT_COLLECTOR = 0xa;
const ERROR_REPORTING = 0x0001;
const SRIOV = 0x0010;
const SYSTEM_PAGE_SIZE = 0x20;
const VIRTUAL_BARS = 0x24;
/** Where the lengths of the VF BARs begin in the list of sizes. */
const VIRTUAL_SIZES = 7;

const ACS = 0x000d;

function set(mask: Uint8Array, [offset, width, value]: Rule): void {
  for (let i = 0; i < width; i++) mask[offset + i] = (value >>> (8 * i)) & 0xff;
}

/** BAR bits that software may set: everything above the size, never the type bits (PCI 3.0, 6.2.5). */
function barMask(size: number, io: boolean): bigint {
  const typeBits = io ? 0x3n : 0xfn;
  return size === 0 ? 0n : ~(BigInt(size) - 1n) & ~typeBits & 0xffffffffffffffffn;
}

/** `count` BARs from `first` on; `sizes` are theirs. */
function barMasksAt(space: ConfigSpace, first: number, count: number, sizes: readonly number[]): void {
  for (let index = 0; index < count; index++) {
    const at = first + 4 * index;
    const low = space.read(at, 4);
    const io = (low & 1) === 1;
    const mask = barMask(sizes[index] ?? 0, io);
    set(space.writable, [at, 4, Number(mask & 0xffffffffn)]);
    if (!io && (low & 6) === 4 && index + 1 < count) {
      index++;
      set(space.writable, [at + 4, 4, Number(mask >> 32n)]);
    }
  }
}

function barMasks(space: ConfigSpace, sizes: readonly number[]): void {
  const count = (space.read(0x0e, 1) & 0x7f) === 0 ? 6 : 2;
  barMasksAt(space, 0x10, count, sizes);
  const rom = sizes[6] ?? 0;
  const romAt = count === 6 ? 0x30 : 0x38;
  if (rom > 0) set(space.writable, [romAt, 4, (~(rom - 1) & 0xfffff800) | 1]);
}

/** MSI: control enable and size bits, address, data, mask bits where the capability has them. */
function msiRules(space: ConfigSpace, at: number): Rule[] {
  const control = space.read(at + 2, 2);
  const wide = (control & 0x80) !== 0;
  const rules: Rule[] = [
    [2, 2, 0x0071],
    [4, 4, 0xfffffffc],
    [wide ? 12 : 8, 2, 0xffff],
  ];
  if (wide) rules.push([8, 4, 0xffffffff]);
  if (control & 0x100) {
    const vectors = 1 << ((control >>> 1) & 7);
    rules.push([wide ? 16 : 12, 4, vectors >= 32 ? 0xffffffff : (1 << vectors) - 1]);
  }
  return rules;
}

/** Root ports and event collectors also collect errors (PCIe 7.8.4.9, 7.8.4.10). */
function rootErrorMasks(space: ConfigSpace): void {
  const express = space.findCapability(EXPRESS);
  const type = express === 0 ? -1 : (space.read(express + 2, 2) >>> 4) & 0xf;
  const at = space.findExtendedCapability(ERROR_REPORTING);
  if (at === 0 || (type !== ROOT_PORT && type !== EVENT_COLLECTOR)) return;
  set(space.writable, [at + 0x2c, 4, 0x00000007]);
  set(space.writeOneToClear, [at + 0x30, 4, 0x0000007f]);
}

const SLOT_IMPLEMENTED = 0x100;
const SLOT_STATUS = 0x1a;
/** Button, power fault, latch, presence, command completed, link (PCIe 7.5.3.11). */
const SLOT_EVENTS = 0x011f;

/** Events of a slot are cleared by a one. Who only writes and reads cannot see that while they are zero. */
export function slotEventMasks(space: ConfigSpace): void {
  const at = space.findCapability(EXPRESS);
  if (at === 0 || !(space.read(at + 2, 2) & SLOT_IMPLEMENTED)) return;
  space.writeOneToClear[at + SLOT_STATUS]! |= SLOT_EVENTS & 0xff;
  space.writeOneToClear[at + SLOT_STATUS + 1]! |= SLOT_EVENTS >>> 8;
}

/** VF BARs, and the page sizes that the function supports. */
function virtualMasks(space: ConfigSpace, sizes: readonly number[]): void {
  const at = space.findExtendedCapability(SRIOV);
  if (at === 0) return;
  set(space.writable, [at + SYSTEM_PAGE_SIZE, 4, space.read(at + SYSTEM_PAGE_SIZE - 4, 4)]);
  barMasksAt(space, at + VIRTUAL_BARS, 6, sizes.slice(VIRTUAL_SIZES));
}

/**
 * Fills both masks of a config space from its header and capability lists. `sizes` in bytes: BARs 0–5, ROM, and one
 * function's share of VF BARs 0–5.
 */
export function deriveMasks(space: ConfigSpace, sizes: readonly number[]): void {
  const bridge = (space.read(0x0e, 1) & 0x7f) === 1;
  for (const rule of bridge ? HEADER_1 : HEADER_0) set(space.writable, rule);
  set(space.writeOneToClear, [0x06, 2, STATUS_ERRORS]);
  if (bridge) set(space.writeOneToClear, [0x1e, 2, STATUS_ERRORS]);
  barMasks(space, sizes);
  for (const [id, rules] of STANDARD) {
    const at = space.findCapability(id);
    if (at === 0) continue;
    const relative = id === 0x05 ? msiRules(space, at) : rules;
    for (const [offset, width, value] of relative) {
      if (at + offset + width <= 256) set(space.writable, [at + offset, width, value]);
    }
    if (id === 0x10) set(space.writeOneToClear, [at + 0x0a, 2, 0x000f]);
    if (id === 0x01) set(space.writeOneToClear, [at + 4, 2, 0x8000]);
  }
  for (const [id, rules] of EXTENDED) {
    const at = space.findExtendedCapability(id);
    if (at !== 0) {
      for (const [offset, width, value] of rules) set(space.writable, [at + offset, width, value]);
    }
  }
  for (const [id, rules] of EXTENDED_STATUS) {
    const at = space.findExtendedCapability(id);
    if (at === 0) continue;
    for (const [offset, width, value] of rules) set(space.writeOneToClear, [at + offset, width, value]);
  }
  rootErrorMasks(space);
  virtualMasks(space, sizes);
  const acs = space.findExtendedCapability(ACS);
  if (acs !== 0) set(space.writable, [acs + 6, 2, space.read(acs + 4, 2) & 0x7f]);
}

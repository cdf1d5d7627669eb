/** Config space for the editor: hardware's bytes, the vfio user's bytes, and what the filter does with each bit. */
import type { ConfigSpace } from '../../hardware/pci/config-space';
import type { CapabilityLayout, FieldLayout, RegisterLayout } from '../../hardware/pci/layout';
import { extendedLayout, headerLayout, standardLayout } from '../../hardware/pci/layout';
import type { Kernel } from '../../linux/kernel';
import type { PciDevice } from '../../linux/pci/device';
import { VfioPciDevice } from '../../linux/vfio/pci/device';
import type { ConfigLayout } from '../../linux/vfio/pci/layout';
import { OWNER_NONE, OWNER_VIRTUAL } from '../../linux/vfio/pci/layout';
import { toHex } from '../../shell/calls/hex';
import { vfioPciOf } from '../holdings';
import type { BitClass, ConfigBlock, ConfigField, ConfigView } from './types';

const LETTER: Readonly<Record<BitClass, string>> = {
  raw: 'r',
  pass: 'p',
  virtual: 'v',
  handler: 'h',
  'read-only': 'o',
  fixed: 'f',
  hidden: 'x',
};

/** What becomes of one bit of a byte when a vfio user reads and writes it. */
function bitClass(layout: ConfigLayout, at: number, bit: number, hidden: Uint8Array): BitClass {
  if (hidden[at]) return 'hidden';
  const owner = layout.owner[at]!;
  if (owner === OWNER_NONE) return 'raw';
  if (owner === OWNER_VIRTUAL) return 'virtual';
  const mask = 1 << bit;
  const shadow = (layout.readShadow[at]! & mask) !== 0;
  switch (layout.writeClass[at]) {
    case 'none':
      return shadow ? 'fixed' : 'read-only';
    case 'raw':
      return 'pass';
    case 'shadow':
      return 'virtual';
    default: {
      const writable = (layout.writable[at]! & mask) !== 0;
      if (!writable) return shadow ? 'fixed' : 'read-only';
      if (layout.rules[at]?.hook !== undefined) return 'handler';
      return (layout.virtual[at]! & mask) !== 0 ? 'virtual' : 'pass';
    }
  }
}

/** Bytes of capabilities that the user's list leaves out. */
function hiddenBytes(layout: ConfigLayout): Uint8Array {
  const hidden = new Uint8Array(layout.size);
  for (const capability of layout.capabilities) {
    if (capability.hidden) hidden.fill(1, capability.at, capability.at + Math.max(capability.length, 4));
  }
  return hidden;
}

function bitStrip(layout: ConfigLayout, hidden: Uint8Array): string[] {
  return Array.from({ length: layout.size }, (_, at) => {
    let strip = '';
    for (let bit = 7; bit >= 0; bit--) strip += LETTER[bitClass(layout, at, bit, hidden)];
    return strip;
  });
}

interface Sources {
  readonly hardware: ConfigSpace;
  readonly user: Uint8Array | null;
  readonly layout: ConfigLayout | null;
  readonly hidden: Uint8Array | null;
}

function valueAt(bytes: Uint8Array, at: number, width: number): bigint {
  let value = 0n;
  for (let i = width - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i] ?? 0xff);
  return value;
}

const part = (value: bigint, field: FieldLayout): bigint =>
  (value >> BigInt(field.lsb)) & ((1n << BigInt(field.msb - field.lsb + 1)) - 1n);

const hexOf = (value: bigint, bits: number): string => value.toString(16).padStart(Math.ceil(bits / 4), '0');

/** Class of a field: that of its bits when they agree, else the one that says most about writing. */
const WEIGHT: readonly BitClass[] = ['handler', 'virtual', 'pass', 'fixed', 'read-only', 'hidden', 'raw'];

function fieldClass(sources: Sources, at: number, field: FieldLayout): BitClass {
  const { layout, hidden } = sources;
  if (!layout || !hidden) return 'read-only';
  const found = new Set<BitClass>();
  for (let bit = field.lsb; bit <= field.msb; bit++) {
    const byte = at + (bit >> 3);
    if (byte < layout.size) found.add(bitClass(layout, byte, bit & 7, hidden));
  }
  return WEIGHT.find((one) => found.has(one)) ?? 'raw';
}

function fieldView(sources: Sources, base: number, register: RegisterLayout, field: FieldLayout): ConfigField {
  const at = base + register.offset;
  const bits = field.msb - field.lsb + 1;
  const hardware = part(valueAt(sources.hardware.bytes, at, register.width), field);
  const user = sources.user ? part(valueAt(sources.user, at, register.width), field) : null;
  const whole = register.fields.length === 1;
  return {
    offset: at,
    width: register.width,
    msb: field.msb,
    lsb: field.lsb,
    ...(whole ? {} : { register: register.title }),
    name: whole ? register.title : field.title,
    user: user === null ? null : hexOf(user, bits),
    hardware: hexOf(hardware, bits),
    class: fieldClass(sources, at, field),
    meaning: field.values?.[Number(user ?? hardware)] ?? null,
  };
}

function block(
  sources: Sources,
  at: number,
  layout: CapabilityLayout,
  extended: boolean,
  isHeader: boolean,
): ConfigBlock {
  const hidden = sources.hidden !== null && !isHeader && sources.hidden[at] === 1;
  return {
    offset: at,
    size: isHeader ? 0x40 : layout.length,
    name: layout.title,
    capability: isHeader ? null : layout.id,
    extended,
    hidden,
    summary: hidden ? 'hidden from the list; raw' : summaryOf(sources.hardware, at, layout, extended, isHeader),
    fields: layout.registers.flatMap((register) => {
      if (at + register.offset + register.width > sources.hardware.size) return [];
      return register.fields
        .filter((field) => field.access !== 'rsvd')
        .map((field) => fieldView(sources, at, register, field));
    }),
  };
}

/** The one thing a reader wants to know of a capability without opening it. */
function summaryOf(
  space: ConfigSpace,
  at: number,
  layout: CapabilityLayout,
  extended: boolean,
  header: boolean,
): string {
  if (header) {
    return `${hexOf(BigInt(space.read(0, 2)), 16)}:${hexOf(BigInt(space.read(2, 2)), 16)}`;
  }
  const control = at + 4 <= space.size ? space.read(at + 2, 2) : 0;
  if (extended) {
    if (layout.id !== 0x000d) return '';
    const on = space.read(at + 6, 2) & 0x7f;
    return on === 0 ? 'off' : `control ${hexOf(BigInt(on), 8)}`;
  }
  switch (layout.id) {
    case 0x01:
      return `D${space.read(at + 4, 2) & 3}`;
    case 0x05:
      return control & 1 ? 'on' : 'off';
    case 0x11:
      return `${(control & 0x7ff) + 1} entries, ${control & 0x8000 ? 'on' : 'off'}`;
    default:
      return '';
  }
}

function headerBlock(type: number): CapabilityLayout {
  const title = type === 1 ? 'Header (bridge)' : 'Header';
  return { id: 0, name: 'header', title, registers: headerLayout(type), length: 0x40 };
}

function unnamed(id: number, extended: boolean): CapabilityLayout {
  const title = `Capability ${hexOf(BigInt(id), extended ? 16 : 8)}`;
  return { id, name: title, title, registers: [], length: 4 };
}

/** Header, then each capability in list order; walks are bounded, a list that points into itself ends. */
function blocksOf(sources: Sources): ConfigBlock[] {
  const { hardware } = sources;
  const type = hardware.read(0x0e, 1) & 0x7f;
  const blocks = [block(sources, 0, headerBlock(type), false, true)];
  const seen = new Set<number>();
  const bridge = type === 1;
  if (hardware.read(0x06, 2) & 0x10) {
    let at = hardware.read(type === 2 ? 0x14 : 0x34, 1) & 0xfc;
    while (at >= 0x40 && !seen.has(at)) {
      seen.add(at);
      const id = hardware.read(at, 1);
      if (id === 0xff) break;
      const layout = standardLayout(id, { flags: hardware.read(at + 2, 2), bridge }) ?? unnamed(id, false);
      blocks.push(block(sources, at, layout, false, false));
      at = hardware.read(at + 1, 1) & 0xfc;
    }
  }
  for (let at = 0x100; hardware.size > 256 && at >= 0x100 && !seen.has(at);) {
    seen.add(at);
    const head = hardware.read(at, 4);
    if (head === 0 || head === 0xffffffff) break;
    blocks.push(block(sources, at, extendedLayout(head & 0xffff) ?? unnamed(head & 0xffff, true), true, false));
    at = (head >>> 20) & 0xffc;
  }
  return blocks;
}

/** The bytes a process reads through its open device. */
function userBytes(open: VfioPciDevice): Uint8Array | null {
  const { filter } = open;
  if (!filter) return null;
  const bytes = new Uint8Array(filter.size);
  filter.read(bytes, 0);
  return bytes;
}

/** The user's bytes computed from the compiled layout, for a function that nobody has open. */
function previewBytes(device: PciDevice, layout: ConfigLayout): Uint8Array {
  const bytes = new Uint8Array(layout.size);
  for (let at = 0; at < layout.size; at++) {
    const mask = layout.readShadow[at]!;
    bytes[at] = (device.config.read(at, 1) & ~mask) | (layout.shadow[at]! & mask);
  }
  return bytes;
}

export function configView(kernel: Kernel, device: PciDevice): ConfigView {
  const open = vfioPciOf(kernel, device.name);
  const filter = open?.filter ?? null;
  const assignable = !device.function.isBridge;
  const layout = filter?.layout ?? (assignable ? VfioPciDevice.preview(device) : null);
  const user = open ? userBytes(open) : null;
  const preview = user === null && layout !== null ? previewBytes(device, layout) : null;
  const hidden = layout ? hiddenBytes(layout) : null;
  return {
    address: device.name,
    size: device.config.size,
    hardware: toHex(device.config.bytes),
    user: user && toHex(user),
    preview: preview && toHex(preview),
    known: device.config.known && toHex(device.config.known),
    bits: layout && hidden ? bitStrip(layout, hidden) : [],
    blocks: blocksOf({ hardware: device.config, user: user ?? preview, layout, hidden }),
  };
}

import type { ConfigSpace } from '../../../hardware/pci/config-space';
import { EXTENDED_CAPABILITIES, HEADER_REGISTERS, HIGHEST_EXTENDED_ID, STANDARD_CAPABILITIES } from './permissions';
import type { CapabilityRule, ReadClass, RegisterRule, WriteClass } from './permissions';

/** Owner tags of bytes that no capability claims. */
export const OWNER_HEADER = 0x00;
export const OWNER_VIRTUAL = 0xfe;
export const OWNER_NONE = 0xff;

const HEADER_SIZE = 0x40;
const STANDARD_SIZE = 0x100;
const STATUS_LIST = 0x10;
const MSI = 0x05;

/** Where a capability sits, and whether the user's list still shows it. */
export interface FoundCapability {
  readonly id: number;
  readonly at: number;
  readonly length: number;
  readonly extended: boolean;
  readonly hidden: boolean;
  readonly name: string;
}

/** The user's configuration space as compiled at open: owners, masks and the shadow bytes. */
export interface ConfigLayout {
  readonly size: number;
  readonly owner: Uint8Array;
  /** First byte of the capability that owns a byte (adjacent ones of one ID count as one). */
  readonly start: Uint16Array;
  /** Bits that a read takes from the shadow. */
  readonly readShadow: Uint8Array;
  readonly virtual: Uint8Array;
  readonly writable: Uint8Array;
  readonly readClass: readonly ReadClass[];
  readonly writeClass: readonly WriteClass[];
  readonly shadow: Uint8Array;
  /** Rule of the register that holds a byte; null outside the tables. */
  readonly rules: readonly (RegisterRule | null)[];
  readonly capabilities: readonly FoundCapability[];
  /** Texts for the kernel log. */
  readonly conflicts: readonly string[];
}

/** What Linux knows about the function beyond its registers. */
export interface FunctionFacts {
  readonly size: 256 | 4096;
  readonly isVirtual: boolean;
  /** IDs that the kernel knows, for virtual functions. */
  readonly vendor: number;
  readonly device: number;
  /** INTx is known to be broken or not available: the pin reads zero. */
  readonly noIntx: boolean;
}

class Builder {
  readonly owner: Uint8Array;
  readonly shadow: Uint8Array;
  readonly found: FoundCapability[] = [];
  readonly conflicts: string[] = [];
  readonly hardware: ConfigSpace;
  readonly size: number;

  constructor(hardware: ConfigSpace, size: number) {
    this.hardware = hardware;
    this.size = size;
    this.owner = new Uint8Array(size).fill(OWNER_NONE);
    this.shadow = new Uint8Array(size);
    this.owner.fill(OWNER_HEADER, 0, HEADER_SIZE);
    this.copy(0, HEADER_SIZE);
  }

  copy(at: number, length: number): void {
    for (let i = at; i < Math.min(at + length, this.size); i++) this.shadow[i] = this.hardware.read(i, 1);
  }

  shadowDword(at: number): number {
    const s = this.shadow;
    return (s[at]! | (s[at + 1]! << 8) | (s[at + 2]! << 16) | (s[at + 3]! << 24)) >>> 0;
  }

  setShadowDword(at: number, value: number): void {
    for (let i = 0; i < 4; i++) this.shadow[at + i] = (value >>> (8 * i)) & 0xff;
  }

  claim(at: number, length: number, tag: number, function_: string, kind: string): void {
    for (let i = at; i < at + length && i < this.size; i++) {
      if (this.owner[i] !== OWNER_NONE) {
        const was = this.owner[i]!.toString(16);
        this.conflicts.push(
          `${function_}: PCI config conflict @0x${i.toString(16)}, was ${kind} 0x${was} now ${kind} 0x${tag.toString(16)}`,
        );
      }
      this.owner[i] = tag;
    }
    this.copy(at, length);
  }
}

/** Compiles the user's view of a function's configuration space (vfio-pci-config.md 5, 6). Changes no hardware. */
export function buildLayout(hardware: ConfigSpace, facts: FunctionFacts): ConfigLayout {
  const b = new Builder(hardware, facts.size);
  fixHeader(b, facts);
  const extended = buildStandardList(b);
  if (extended) buildExtendedList(b);
  return compile(b);
}

function fixHeader(b: Builder, facts: FunctionFacts): void {
  const s = b.shadow;
  if (facts.isVirtual) {
    s[0] = facts.vendor & 0xff;
    s[1] = facts.vendor >>> 8;
    s[2] = facts.device & 0xff;
    s[3] = facts.device >>> 8;
    s[4] = s[4]! | 0x02;
  }
  if (facts.isVirtual || facts.noIntx) s[0x3d] = 0;
}

/** Returns whether the extended space holds a list to be rebuilt. */
function buildStandardList(b: Builder): boolean {
  const { hardware: hw, shadow } = b;
  if (!(hw.read(0x06, 2) & STATUS_LIST)) return false;
  let extended = false;
  let exposed = 0;
  let previous = 0x34;
  let at = hw.read(0x34, 1);
  for (let left = 48; at !== 0 && left > 0; left--) {
    const id = hw.read(at, 1);
    const next = hw.read(at + 1, 1);
    const byte = (n: number): number => hw.read(at + n, 1);
    const rule = STANDARD_CAPABILITIES.get(id);
    const length = rule?.length(byte) ?? 0;
    if ((id === 0x10 || (id === 0x07 && (byte(3) & 0x30) !== 0)) && b.size > STANDARD_SIZE) {
      extended = hw.read(STANDARD_SIZE, 4) !== 0;
    }
    const name = rule?.name ?? `Capability ${id.toString(16).padStart(2, '0')}`;
    b.found.push({ id, at, length, extended: false, hidden: length === 0, name });
    if (length === 0) {
      shadow[previous] = next;
      at = next;
      continue;
    }
    b.claim(at, length, id, 'vfio_cap_init', 'cap');
    if (id === 0x01) hideWakeEvents(shadow, at);
    previous = at + 1;
    at = next;
    exposed++;
  }
  if (exposed === 0) shadow[0x06] = shadow[0x06]! & ~STATUS_LIST;
  return extended;
}

/** PME cannot be delivered to a user: neither its support bits nor its enable and status are shown. */
function hideWakeEvents(shadow: Uint8Array, at: number): void {
  shadow[at + 3] = shadow[at + 3]! & 0x07;
  shadow[at + 5] = shadow[at + 5]! & 0x7e;
}

function buildExtendedList(b: Builder): void {
  const { hardware: hw } = b;
  let previous = 0;
  let exposed = 0;
  let at = STANDARD_SIZE;
  for (let left = (b.size - STANDARD_SIZE) / 4; at >= STANDARD_SIZE && left > 0; left--) {
    const header = hw.read(at, 4);
    const id = header & 0xffff;
    const next = (header >>> 20) & 0xffc;
    const byte = (n: number): number => hw.read(at + n, 1);
    const rule = EXTENDED_CAPABILITIES.get(id);
    const length = rule?.length(byte) ?? 0;
    const name = rule?.name ?? `Extended capability ${id.toString(16).padStart(4, '0')}`;
    b.found.push({ id, at, length, extended: true, hidden: length === 0, name });
    if (length > 0) {
      b.claim(at, length, id & 0xff, 'vfio_ecap_init', 'ecap');
      previous = at;
      exposed++;
    } else if (previous !== 0) {
      b.setShadowDword(previous, (b.shadowDword(previous) & 0x003fffff) | ((header & 0xffc00000) >>> 0));
    } else {
      b.claim(at, 4, id & 0xff, 'vfio_ecap_init', 'ecap');
      b.setShadowDword(at, (header & 0xffc00000) >>> 0);
      previous = at;
    }
    at = next;
  }
  if (exposed === 0) b.setShadowDword(STANDARD_SIZE, 0);
}

interface ByteRule {
  readonly read: ReadClass;
  readonly write: WriteClass;
  readonly registers: readonly RegisterRule[];
  /** Bytes of the list header that a direct read takes from the shadow: first and one past the last. */
  readonly header: readonly [number, number];
}

const HEADER_RULE: ByteRule = { read: 'filter', write: 'filter', registers: HEADER_REGISTERS, header: [0, 0] };
const RAW_RULE: ByteRule = { read: 'raw', write: 'raw', registers: [], header: [0, 0] };
const SHADOW_RULE: ByteRule = { read: 'shadow', write: 'shadow', registers: [], header: [0, 0] };

function compile(b: Builder): ConfigLayout {
  const { size, owner } = b;
  const layout = {
    size,
    owner,
    start: capabilityStarts(owner, size),
    readShadow: new Uint8Array(size),
    virtual: new Uint8Array(size),
    writable: new Uint8Array(size),
    readClass: new Array<ReadClass>(size).fill('raw'),
    writeClass: new Array<WriteClass>(size).fill('raw'),
    shadow: b.shadow,
    rules: new Array<RegisterRule | null>(size).fill(null),
    capabilities: b.found,
    conflicts: b.conflicts,
  };
  const msiAt = b.found.find((c) => !c.extended && c.id === MSI)?.at ?? 0;
  const known = new Map<string, ByteRule>();
  for (let at = 0; at < size; at++) {
    const key = `${at >= STANDARD_SIZE ? 'e' : 's'}${owner[at]}@${layout.start[at]}`;
    let rule = known.get(key);
    if (rule === undefined) known.set(key, (rule = ruleOf(b, at, layout.start[at]!, msiAt)));
    const offset = at - layout.start[at]!;
    layout.readClass[at] = rule.read;
    layout.writeClass[at] = rule.write;
    const register = rule.registers.find((r) => offset >= r.at && offset < r.at + r.width);
    if (register !== undefined) {
      const shift = (offset - register.at) * 8;
      layout.rules[at] = register;
      layout.virtual[at] = (register.virtual >>> shift) & 0xff;
      layout.writable[at] = (register.writable >>> shift) & 0xff;
    }
    if (rule.read === 'filter') layout.readShadow[at] = layout.virtual[at]!;
    else if (rule.read === 'shadow') layout.readShadow[at] = 0xff;
    else if (rule.read === 'direct' && offset >= rule.header[0] && offset < rule.header[1])
      layout.readShadow[at] = 0xff;
  }
  return layout;
}

/** Walks back over equal tags, not below the first byte that a capability of that space can have. */
function capabilityStarts(owner: Uint8Array, size: number): Uint16Array {
  const start = new Uint16Array(size);
  for (let at = HEADER_SIZE; at < size; at++) {
    if (owner[at] === OWNER_HEADER) continue;
    const joined = at !== HEADER_SIZE && at !== STANDARD_SIZE && owner[at - 1] === owner[at];
    start[at] = joined ? start[at - 1]! : at;
  }
  return start;
}

function ruleOf(b: Builder, at: number, start: number, msiAt: number): ByteRule {
  const tag = b.owner[at]!;
  if (tag === OWNER_NONE) return RAW_RULE;
  if (tag === OWNER_VIRTUAL) return SHADOW_RULE;
  if (at < HEADER_SIZE) return HEADER_RULE;
  const extended = at >= STANDARD_SIZE;
  const rule: CapabilityRule | undefined = extended
    ? tag > HIGHEST_EXTENDED_ID
      ? undefined
      : EXTENDED_CAPABILITIES.get(tag)
    : STANDARD_CAPABILITIES.get(tag);
  const header: readonly [number, number] = extended ? (start === 0 ? [0, 0] : [0, 4]) : [0, 2];
  if (rule === undefined) return { read: 'direct', write: 'none', registers: [], header };
  const from = !extended && tag === MSI ? msiAt : start;
  const byte = (n: number): number => b.hardware.read(from + n, 1);
  return {
    read: rule.read,
    write: rule.write,
    registers: rule.read === 'filter' ? rule.registers(byte) : [],
    header,
  };
}

/**
 * Configuration spaces built from pieces: a header and a list of capabilities, each a plain description of its registers
 * at power-on. Field names are those of the tables in `pci/layout`, so a piece says what lspci and the editor say.
 */
import type { CapabilityLayout, RegisterLayout } from '../pci/layout/types';
import { fieldOf, registerOf } from '../pci/layout/types';

/** The whole register, or its fields by name; a flag may be true or false. */
export type RegisterContents = number | bigint | Readonly<Record<string, number | boolean>>;

/** One capability at power-on. Registers that are left out read zero. */
export interface Capability {
  readonly layout: CapabilityLayout;
  readonly extended: boolean;
  /** Version of an extended capability. */
  readonly version: number;
  /** Bytes it takes, its header included. */
  readonly length: number;
  /** Offset in the config space; null: the next free place. */
  readonly at: number | null;
  readonly registers: Readonly<Record<string, RegisterContents>>;
  /** What no table names: `[offset from the start, bytes, value]`. */
  readonly raw: readonly (readonly [offset: number, width: number, value: number | bigint])[];
}

export type BarKind = 'io' | 'mem32' | 'mem64' | 'pref32' | 'pref64';

/** A 64-bit BAR takes the next index too. `size`: bytes, a power of two. */
export interface Bar {
  readonly index: number;
  readonly kind: BarKind;
  readonly size: number;
}

/** Virtual functions of a physical one (PCIe 9.3.3). */
export interface VirtualFunctions {
  readonly total: number;
  /** Routing ID of VF 0 less that of the physical function; distance between VFs. */
  readonly offset: number;
  readonly stride: number;
  /** Device ID of the VFs. */
  readonly device: number;
  /** One function's share of each VF BAR. */
  readonly bars: readonly Bar[];
}

export interface Header {
  readonly vendor: number;
  readonly device: number;
  readonly revision?: number;
  /** 24 bits: class, subclass, programming interface. */
  readonly class: number;
  /** Subsystem vendor and ID of a type 0 header. */
  readonly subsystem?: readonly [vendor: number, device: number];
  /** Type 1 header: windows closed, bus numbers zero. */
  readonly bridge?: boolean;
  readonly multifunction?: boolean;
  /** 1–4 for INTA–INTD, 0 for none. */
  readonly pin?: number;
  readonly bars?: readonly Bar[];
  /** Length of the expansion ROM in bytes, 0 for none. */
  readonly rom?: number;
  /** What the function's SR-IOV capability says (`singleRootIov`), for the sizes of the VF BARs. */
  readonly virtualFunctions?: VirtualFunctions;
  /** Status bits besides the capability list: 66 MHz, fast back-to-back, DEVSEL timing of conventional functions. */
  readonly status?: number;
}

/** Registers of a function at power-on with what its decoders take. */
export interface Registers {
  readonly bytes: Uint8Array;
  /** What is there to decode: regions 0–5 BARs, 6 ROM, and the VF BARs. */
  readonly header: Header;
}

export const ROM_INDEX = 6;

function put(bytes: Uint8Array, offset: number, width: number, value: number | bigint): void {
  let rest = BigInt(value);
  for (let i = 0; i < width; i++, rest >>= 8n) bytes[offset + i] = Number(rest & 0xffn);
}

/** Value of a register from its fields. A field that does not exist or does not hold its value is a mistake of the part. */
export function encodeRegister(layout: RegisterLayout, contents: RegisterContents): bigint {
  if (typeof contents === 'number' || typeof contents === 'bigint') return BigInt(contents);
  let value = 0n;
  for (const [name, given] of Object.entries(contents)) {
    const field = fieldOf(layout, name);
    const wanted = BigInt(Number(given));
    if (wanted < 0n || wanted >> BigInt(field.msb - field.lsb + 1) !== 0n) {
      throw new Error(`${layout.name}.${name} cannot hold ${given}`);
    }
    value |= wanted << BigInt(field.lsb);
  }
  return value;
}

/** A standard capability; `at` places it. */
export function standard(
  layout: CapabilityLayout,
  registers: Capability['registers'],
  options: { at?: number; length?: number; raw?: Capability['raw'] } = {},
): Capability {
  const { at = null, length = layout.length, raw = [] } = options;
  return { layout, extended: false, version: 0, length, at, registers, raw };
}

export function extended(
  layout: CapabilityLayout,
  version: number,
  registers: Capability['registers'],
  options: { at?: number; length?: number; raw?: Capability['raw'] } = {},
): Capability {
  const { at = null, length = layout.length, raw = [] } = options;
  return { layout, extended: true, version, length, at, registers, raw };
}

const FIRST_STANDARD = 0x40;
const FIRST_EXTENDED = 0x100;

const aligned = (offset: number): number => (offset + 3) & ~3;

/** Capabilities with their places: fixed ones where they say, the others after one another in the order given. */
function placed(capabilities: readonly Capability[], first: number, end: number): [number, Capability][] {
  const taken = capabilities.flatMap((one) => (one.at === null ? [] : [[one.at, one.at + one.length] as const]));
  let next = first;
  return capabilities.map((one) => {
    let at = one.at;
    if (at === null) {
      at = next;
      for (let moved = true; moved;) {
        moved = false;
        for (const [from, to] of taken) {
          if (at < to && at + one.length > from) {
            at = aligned(to);
            moved = true;
          }
        }
      }
      next = aligned(at + one.length);
    }
    if (at + one.length > end) throw new Error(`no room for ${one.layout.name} at ${at.toString(16)}`);
    return [at, one];
  });
}

function writeCapability(bytes: Uint8Array, at: number, one: Capability): void {
  for (const [name, contents] of Object.entries(one.registers)) {
    const layout = registerOf(one.layout, name);
    put(bytes, at + layout.offset, layout.width, encodeRegister(layout, contents));
  }
  for (const [offset, width, value] of one.raw) put(bytes, at + offset, width, value);
}

const CAPABILITIES_POINTER = 0x34;
const CAPABILITY_LIST = 0x10;

function writeStandard(bytes: Uint8Array, list: readonly Capability[]): void {
  let link = CAPABILITIES_POINTER;
  for (const [at, one] of placed(list, FIRST_STANDARD, FIRST_EXTENDED)) {
    writeCapability(bytes, at, one);
    put(bytes, at, 1, one.layout.id);
    put(bytes, link, 1, at);
    link = at + 1;
  }
  if (list.length > 0) bytes[0x06]! |= CAPABILITY_LIST;
}

function writeExtended(bytes: Uint8Array, list: readonly Capability[]): void {
  let last = 0;
  for (const [at, one] of placed(list, FIRST_EXTENDED, bytes.length)) {
    writeCapability(bytes, at, one);
    put(bytes, at, 4, one.layout.id | (one.version << 16));
    if (last === 0 && at !== FIRST_EXTENDED) throw new Error('the first extended capability stands at 100');
    if (last !== 0) put(bytes, last + 2, 2, (at << 4) | (bytes[last + 2]! & 0xf));
    last = at;
  }
}

/** Low bits of a BAR: what it is, before it has an address. */
export const BAR_BITS: Readonly<Record<BarKind, number>> = {
  io: 0x1,
  mem32: 0x0,
  mem64: 0x4,
  pref32: 0x8,
  pref64: 0xc,
};

const FIRST_BAR = 0x10;
/** Windows of a bridge that passes nothing: base above limit; 32-bit I/O is not offered, 64-bit prefetchable memory is. */
const CLOSED_WINDOWS: readonly (readonly [offset: number, width: number, value: number])[] = [
  [0x1c, 2, 0x00f0],
  [0x20, 4, 0x0000fff0],
  [0x24, 4, 0x0001fff1],
];

function writeHeader(bytes: Uint8Array, header: Header): void {
  put(bytes, 0x00, 2, header.vendor);
  put(bytes, 0x02, 2, header.device);
  put(bytes, 0x06, 2, header.status ?? 0);
  put(bytes, 0x08, 1, header.revision ?? 0);
  put(bytes, 0x09, 3, header.class);
  put(bytes, 0x0e, 1, (header.bridge ? 1 : 0) | (header.multifunction ? 0x80 : 0));
  for (const { index, kind } of header.bars ?? []) put(bytes, FIRST_BAR + 4 * index, 4, BAR_BITS[kind]);
  if (header.bridge) for (const [offset, width, value] of CLOSED_WINDOWS) put(bytes, offset, width, value);
  else if (header.subsystem) {
    put(bytes, 0x2c, 2, header.subsystem[0]);
    put(bytes, 0x2e, 2, header.subsystem[1]);
  }
  put(bytes, 0x3d, 1, header.pin ?? 0);
}

/**
 * The config space of a function at power-on. A function with extended capabilities, or whose `size` says so, has 4096
 * bytes.
 */
export function buildRegisters(header: Header, capabilities: readonly Capability[], size?: 256 | 4096): Registers {
  const far = capabilities.filter((one) => one.extended);
  const bytes = new Uint8Array(size ?? (far.length > 0 ? 4096 : 256));
  writeHeader(bytes, header);
  writeStandard(
    bytes,
    capabilities.filter((one) => !one.extended),
  );
  writeExtended(bytes, far);
  return { bytes, header };
}

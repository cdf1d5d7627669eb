/** Turns a description into silicon. */
import type { FunctionDescription, MachineDescription } from './description';
import { createModel } from './devices/catalog';
import { wireResets } from './devices/reset';
import { followSlotPower } from './hot-plug';
import { followVirtualEnable } from './virtual-function';
import { HardwareMachine } from './machine';
import type { PciAddress } from './pci/address';
import { compareAddresses, parseAddress } from './pci/address';
import { ConfigSpace } from './pci/config-space';
import { PciFunction } from './pci/function';
import { deriveMasks, slotEventMasks } from './pci/masks';
import { powerOn } from './power-on';

/** Value of one lower-case hex digit by its character code. */
const digit = (code: number): number => (code > 0x39 ? code - 0x57 : code - 0x30);

/** Most of a config space reads zero; a piece of zeros is recognized as a whole. */
const ZEROS = '0'.repeat(512);

/** `into` holds zeros. */
function readBytes(hex: string, into: Uint8Array): void {
  for (let from = 0; from < hex.length; from += ZEROS.length) {
    if (hex.slice(from, from + ZEROS.length) === ZEROS) continue;
    const to = Math.min(from + ZEROS.length, hex.length);
    for (let i = from; i + 1 < to; i += 2) {
      into[i >> 1] = (digit(hex.charCodeAt(i)) << 4) | digit(hex.charCodeAt(i + 1));
    }
  }
}

function bytesOf(hex: string): Uint8Array {
  const out = new Uint8Array(hex.length >> 1);
  readBytes(hex, out);
  return out;
}

/** `0x` with 16 digits: the shape in which sysfs prints a row of `resource`. */
const ROW_TEXT = 18;
const HALF = 10;

/** `end - start + 1` of two row texts. */
function lengthOf(start: string, end: string): number {
  if (start.length !== ROW_TEXT || end.length !== ROW_TEXT) return Number(BigInt(end) - BigInt(start) + 1n);
  const half = (text: string, from: number): number => parseInt(text.slice(from, from + 8), 16);
  return (half(end, 2) - half(start, 2)) * 2 ** 32 + half(end, HALF) - half(start, HALF) + 1;
}

const isZero = (text: string): boolean => Number(text) === 0;

/** Length in bytes of each region (BARs 0–5, ROM 6) by the rows of `resource`; the upper half of a 64-bit BAR is 0. */
export function regionSizes({ resources }: FunctionDescription): number[] {
  const sizes = [0, 0, 0, 0, 0, 0, 0];
  for (let index = 0; index < sizes.length; index++) {
    const row = resources?.[index];
    if (!row || isZero(row[2]) || (isZero(row[0]) && isZero(row[1]))) continue;
    sizes[index] = Math.max(0, lengthOf(row[0], row[1]));
  }
  return sizes;
}

const VIRTUAL_ROW = 7;
const VIRTUAL_BARS = 6;

/** One virtual function's share of each VF BAR in bytes, by the rows of `resource`; none without SR-IOV. */
export function virtualSizes({ resources, sriov }: FunctionDescription): number[] {
  const total = sriov?.totalVfs ?? 0;
  if (total === 0) return [];
  return Array.from({ length: VIRTUAL_BARS }, (_, index) => {
    const row = resources?.[VIRTUAL_ROW + index];
    return !row || isZero(row[2]) ? 0 : Math.floor(lengthOf(row[0], row[1]) / total);
  });
}

const sizeOf = (description: FunctionDescription): 256 | 4096 => (description.config.length > 512 ? 4096 : 256);

/**
 * Registers of one function, with masks: the recorded ones, or those that the specification gives. Before the first
 * write `onFirstWrite` is called.
 */
export function buildConfigSpace(
  description: FunctionDescription,
  bytes?: Uint8Array,
  onFirstWrite: () => void = () => undefined,
): ConfigSpace {
  const first = (made: ConfigSpace): void => {
    fillMasks(made, description);
    onFirstWrite();
  };
  const space = new ConfigSpace(sizeOf(description), first, bytes);
  readBytes(description.config, space.bytes);
  if (description.known !== null) space.known = bytesOf(description.known);
  return space;
}

function fillMasks(space: ConfigSpace, description: FunctionDescription): void {
  deriveMasks(space, [...regionSizes(description), ...virtualSizes(description)]);
  setProbed(space.writable, description.writable, description.notProbed);
  setProbed(space.writeOneToClear, description.writeOneToClear, description.notProbed);
  slotEventMasks(space);
  limitMessages(space);
}

const MULTIPLE_ENABLE = 0x70;

/**
 * Multiple Message Enable holds no more than the function offers (PCI 6.8.1.3). A probe that writes all ones therefore
 * finds only the bits of that maximum, though the whole field takes values.
 */
function limitMessages(space: ConfigSpace): void {
  const at = space.findCapability(0x05);
  if (at === 0) return;
  const offered = (space.read(at + 2, 2) >>> 1) & 7;
  if (offered === 0) return;
  space.writable[at + 2]! |= MULTIPLE_ENABLE;
  space.onWrite(at + 2, at + 3, () => {
    const control = space.read(at + 2, 2);
    if ((control & MULTIPLE_ENABLE) >>> 4 > offered) {
      space.set(at + 2, 2, (control & ~MULTIPLE_ENABLE) | (offered << 4));
    }
  });
}

/** Puts a recorded mask over the derived one, except where nothing was probed. */
function setProbed(mask: Uint8Array, recorded: string | null, notProbed: readonly [number, number][] = []): void {
  if (recorded === null) return;
  const derived = mask.slice();
  mask.set(bytesOf(recorded));
  for (const [from, to] of notProbed) mask.set(derived.subarray(from, Math.min(to, derived.length)), from);
}

interface Placed {
  readonly description: FunctionDescription;
  readonly address: PciAddress;
}

function placed(description: FunctionDescription): Placed {
  const address = parseAddress(description.address);
  if (!address) throw new Error(`${description.address} is no PCI address`);
  return { description, address };
}

/**
 * First registers of the functions that stand on the main bus of a virtual machine for its extra root buses. Such
 * firmware names the extra buses from the last made to the first, and Linux scans them in that order.
 */
const EXPANDER_BRIDGES: ReadonlySet<string> = new Set(['361b0900', '361b0b00']);

/**
 * Functions in the order Linux lists them: a root bus with everything below it after the other; on each bus the
 * functions by device and function number, then, bridge by bridge, the buses behind.
 */
function inEnumerationOrder(functions: readonly FunctionDescription[]): Placed[] {
  const byParent = new Map<string, Placed[]>();
  const known = new Set(functions.map((fn) => fn.address));
  for (const fn of functions) {
    const above = fn.parent !== null && known.has(fn.parent) ? fn.parent : fn.rootBus;
    const siblings = byParent.get(above);
    if (siblings) siblings.push(placed(fn));
    else byParent.set(above, [placed(fn)]);
  }
  for (const siblings of byParent.values()) siblings.sort((a, b) => compareAddresses(a.address, b.address));
  const ordered: Placed[] = [];
  const walk = (above: string): void => {
    const siblings = byParent.get(above);
    if (siblings === undefined) return;
    byParent.delete(above);
    for (const fn of siblings) ordered.push(fn);
    for (const fn of siblings) walk(fn.description.address);
  };
  const roots = [...byParent.keys()].filter((above) => !known.has(above)).sort();
  const expanded = functions.some((fn) => fn.parent === null && EXPANDER_BRIDGES.has(fn.config.slice(0, 8)));
  for (const root of expanded ? [...roots.slice(0, 1), ...roots.slice(1).reverse()] : roots) walk(root);
  for (const above of [...byParent.keys()]) walk(above);
  return ordered;
}

/** What registers do when software writes them. */
function wire(machine: HardwareMachine, fn: PciFunction): void {
  wireResets(fn);
  if (fn.isBridge) followSlotPower(fn);
  if (fn.virtualFunctions.length > 0) followVirtualEnable(machine, fn);
}

export function buildMachine(description: MachineDescription): HardwareMachine {
  const machine = new HardwareMachine(description.iommu);
  const roots = new Set<string>();
  // The registers of all functions in one piece of memory: thousands of small ones keep the collector busy.
  const registers = new Uint8Array(description.functions.reduce((sum, fn) => sum + sizeOf(fn), 0));
  let used = 0;
  for (const { description: fn, address } of inEnumerationOrder(description.functions)) {
    const bytes = registers.subarray(used, (used += sizeOf(fn)));
    const parent = fn.parent === null ? null : (machine.functions.get(fn.parent) ?? null);
    const config = buildConfigSpace(fn, bytes, () => wire(machine, built));
    const built: PciFunction = new PciFunction(address, config, parent, fn.rootBus);
    if (machine.functions.has(built.name)) throw new Error(`There are two functions at ${fn.address}.`);
    if (fn.parentKnown === false) built.parentKnown = false;
    built.physicalFunction = fn.physicalFunction === null ? null : (machine.functions.get(fn.physicalFunction) ?? null);
    built.modelWhenNeeded(() => machine.attach(createModel(built, regionSizes(fn), fn)));
    machine.add(built);
    if (!roots.has(fn.rootBus)) {
      roots.add(fn.rootBus);
      machine.roots.push({ name: fn.rootBus, segment: address.segment, bus: rootBusNumber(fn.rootBus, address.bus) });
    }
  }
  if (!description.booted) powerOn(machine);
  return machine;
}

/** `pci0000:80` → 0x80. */
function rootBusNumber(name: string, otherwise: number): number {
  const match = /:([0-9a-f]{2})$/i.exec(name);
  return match ? parseInt(match[1]!, 16) : otherwise;
}

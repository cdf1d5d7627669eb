/** Turns a description into silicon. */
import type { FunctionDescription, MachineDescription } from './description';
import { createModel } from './devices/catalog';
import { HardwareMachine } from './machine';
import { compareAddresses, formatAddress, parseAddress } from './pci/address';
import { ConfigSpace } from './pci/config-space';
import { PciFunction } from './pci/function';
import { deriveMasks } from './pci/masks';

/** Value of one lower-case hex digit by its character code. */
const digit = (code: number): number => (code > 0x39 ? code - 0x57 : code - 0x30);

function bytesOf(hex: string): Uint8Array {
  const out = new Uint8Array(hex.length >> 1);
  for (let i = 0; i < out.length; i++) {
    out[i] = (digit(hex.charCodeAt(2 * i)) << 4) | digit(hex.charCodeAt(2 * i + 1));
  }
  return out;
}

/** Length in bytes of each region (BARs 0–5, ROM 6) by the rows of `resource`; the upper half of a 64-bit BAR is 0. */
export function regionSizes(description: FunctionDescription): number[] {
  return Array.from({ length: 7 }, (_, index) => {
    const row = description.resources?.[index];
    if (!row) return 0;
    const [start, end, flags] = [BigInt(row[0]), BigInt(row[1]), BigInt(row[2])];
    return flags === 0n || end < start || (start === 0n && end === 0n) ? 0 : Number(end - start + 1n);
  });
}

/** Registers of one function, with masks: the recorded ones, or those that the specification gives. */
export function buildConfigSpace(description: FunctionDescription): ConfigSpace {
  const bytes = bytesOf(description.config);
  const space = new ConfigSpace(bytes.length > 256 ? 4096 : 256);
  space.bytes.set(bytes);
  if (description.known !== null) space.known = bytesOf(description.known);
  deriveMasks(space, regionSizes(description));
  setProbed(space.writable, description.writable, description.notProbed);
  setProbed(space.writeOneToClear, description.writeOneToClear, description.notProbed);
  return space;
}

/** Puts a recorded mask over the derived one, except where nothing was probed. */
function setProbed(mask: Uint8Array, recorded: string | null, notProbed: readonly [number, number][] = []): void {
  if (recorded === null) return;
  const derived = mask.slice();
  mask.set(bytesOf(recorded));
  for (const [from, to] of notProbed) mask.set(derived.subarray(from, Math.min(to, derived.length)), from);
}

/**
 * Functions in the order Linux lists them: a root bus with everything below it after the other; on each bus the
 * functions by device and function number, then, bridge by bridge, the buses behind.
 */
function inEnumerationOrder(functions: readonly FunctionDescription[]): FunctionDescription[] {
  const address = (fn: FunctionDescription) => parseAddress(fn.address)!;
  const byParent = new Map<string, FunctionDescription[]>();
  const known = new Set(functions.map((fn) => fn.address));
  for (const fn of functions) {
    const above = fn.parent !== null && known.has(fn.parent) ? fn.parent : fn.rootBus;
    const siblings = byParent.get(above);
    if (siblings) siblings.push(fn);
    else byParent.set(above, [fn]);
  }
  for (const siblings of byParent.values()) siblings.sort((a, b) => compareAddresses(address(a), address(b)));
  const ordered: FunctionDescription[] = [];
  const walk = (above: string): void => {
    const siblings = byParent.get(above) ?? [];
    byParent.delete(above);
    ordered.push(...siblings);
    for (const fn of siblings) walk(fn.address);
  };
  for (const root of [...byParent.keys()].filter((above) => !known.has(above)).sort()) walk(root);
  for (const above of [...byParent.keys()]) walk(above);
  return ordered;
}

export function buildMachine(description: MachineDescription): HardwareMachine {
  const machine = new HardwareMachine(description.iommu);
  for (const fn of inEnumerationOrder(description.functions)) {
    const address = parseAddress(fn.address);
    if (!address) throw new Error(`${fn.address} is no PCI address`);
    if (machine.functions.has(formatAddress(address))) throw new Error(`There are two functions at ${fn.address}.`);
    const parent = fn.parent === null ? null : (machine.functions.get(fn.parent) ?? null);
    const built = new PciFunction(address, buildConfigSpace(fn), parent, fn.rootBus);
    built.physicalFunction = fn.physicalFunction === null ? null : (machine.functions.get(fn.physicalFunction) ?? null);
    built.model = createModel(built, regionSizes(fn));
    machine.add(built);
    if (!machine.roots.some((root) => root.name === fn.rootBus)) {
      machine.roots.push({ name: fn.rootBus, segment: address.segment, bus: rootBusNumber(fn.rootBus, address.bus) });
    }
  }
  return machine;
}

/** `pci0000:80` → 0x80. */
function rootBusNumber(name: string, otherwise: number): number {
  const match = /:([0-9a-f]{2})$/i.exec(name);
  return match ? parseInt(match[1]!, 16) : otherwise;
}

/**
 * What firmware and Linux do at the next power-on of an imported machine that was changed. What hangs below the same
 * function of a root bus as the change is set up anew: bus numbers that still hold stay, registers begin as at power-on,
 * then Linux's scan gives numbers and addresses. Everything else stands as the dump shows it.
 */
import { buildMachine } from '../../hardware/build';
import type { FunctionDescription } from '../../hardware/description';
import type { HardwareMachine } from '../../hardware/machine';
import { PortType } from '../../hardware/pci/function';
import { powerOn } from '../../hardware/power-on';
import { iommuSettings } from '../../linux/iommu/settings';
import { APERTURES } from '../../linux/kernel';
import { KernelLog } from '../../linux/log';
import { scanAmong } from '../../linux/pci/boot-scan';
import type { PciDevice } from '../../linux/pci/device';
import { driversOfModule, modulesFor } from '../../linux/pci/driver-table';
import { pciDevicesOf } from '../../linux/pci/enumerate';
import { toHex } from '../../shell/calls/hex';
import { cold } from './cold';
import type { Draft } from './draft';
import { EditProblem, hex, short } from './draft';
import { factsOf } from './facts';

interface Range {
  first: number;
  last: number;
}

/** Buses that the bridges of a subtree and their virtual functions need. */
const busesNeeded = (functions: readonly FunctionDescription[]): number =>
  functions.reduce((sum, fn) => sum + (factsOf(fn).bridge ? 1 : 0) + factsOf(fn).virtualBuses, 0);

/** Bus numbers of the segment that something outside the subtree has, or that other bridges lead to. */
function takenRanges(draft: Draft, top: FunctionDescription, subtree: readonly FunctionDescription[]): Range[] {
  const inside = new Set(subtree);
  const { segment } = factsOf(top).address;
  const ranges: Range[] = [];
  for (const fn of draft.functions.values()) {
    const { address, bridge, secondary, subordinate } = factsOf(fn);
    if (address.segment !== segment || inside.has(fn)) continue;
    ranges.push({ first: address.bus, last: address.bus });
    if (bridge && secondary !== 0) ranges.push({ first: secondary, last: subordinate });
  }
  return ranges;
}

/** Numbers for the buses behind a function of the root bus: those it has, more behind them, or the first gap. */
function numbersFor(draft: Draft, subtree: readonly FunctionDescription[], count: number): Range {
  const top = subtree[0]!;
  const { secondary, subordinate } = factsOf(top);
  const root = draft.rootRange(top.rootBus);
  const taken = takenRanges(draft, top, subtree);
  const free = (range: Range): boolean =>
    range.first > root.first &&
    range.last <= root.last &&
    taken.every((other) => other.last < range.first || other.first > range.last);
  if (secondary !== 0 && subordinate - secondary + 1 >= count) return { first: secondary, last: subordinate };
  const grown = { first: secondary, last: secondary + count - 1 };
  if (secondary !== 0 && free(grown)) return grown;
  for (let first = root.first + 1; first + count - 1 <= root.last; first++) {
    const range = { first, last: first + count - 1 };
    if (free(range)) return range;
  }
  throw new EditProblem(
    `Root bus ${hex(root.first, 2)} has not enough bus numbers left: ${count} in a row are needed behind ${short(top.address)}. A segment has 256.`,
  );
}

/** The part of the machine below some functions of root buses, with registers as at power-on. */
function coldSubtree(draft: Draft, tops: readonly FunctionDescription[]): FunctionDescription[] {
  const list: FunctionDescription[] = [];
  for (const top of tops) {
    const subtree = draft.withBelow([top.address]).filter((fn) => fn.physicalFunction === null);
    const count = busesNeeded(subtree.filter((fn) => fn !== top)) + (factsOf(top).bridge ? 1 : 0);
    const numbers = factsOf(top).bridge ? numbersFor(draft, subtree, count) : null;
    const moved = numbers !== null && factsOf(top).secondary !== numbers.first;
    for (const fn of subtree) {
      const anew = cold(fn);
      const { bridge, secondary, subordinate, address } = factsOf(fn);
      if (!bridge) list.push(anew);
      else if (fn === top) list.push(withBuses(anew, address.bus, numbers!.first, numbers!.last));
      else if (!moved && secondary !== 0) list.push(withBuses(anew, address.bus, secondary, subordinate));
      else list.push(anew);
    }
  }
  return list;
}

/** Primary, secondary and subordinate bus of a bridge (PCI-to-PCI bridge 1.2, 3.2.5). */
const withBuses = (fn: FunctionDescription, primary: number, secondary: number, subordinate: number) => ({
  ...fn,
  config: fn.config.slice(0, 0x30) + hex(primary, 2) + hex(secondary, 2) + hex(subordinate, 2) + fn.config.slice(0x36),
});

const row = (value: bigint): string => `0x${value.toString(16).padStart(16, '0')}`;
const MEMORY_AND_MASTER = 0x6;
const IO = 0x1;

const PORTS: ReadonlySet<number | null> = new Set([PortType.RootPort, PortType.UpstreamPort, PortType.DownstreamPort]);

/** The driver that boot would find for a function that nobody has driven before. */
function driverFor(device: PciDevice): string | null {
  if (device.function.isBridge) return PORTS.has(device.portType) ? 'pcieport' : null;
  return modulesFor(device).flatMap(driversOfModule)[0] ?? null;
}

/** A function as it stands after the scan. Its driver has turned its decoders on. */
function frozen(device: PciDevice, source: FunctionDescription): FunctionDescription {
  const { config } = device;
  const fresh = source.part !== undefined && source.irq === null && source.driver === null;
  const driver = fresh ? driverFor(device) : source.driver;
  if (driver !== null || device.function.isBridge) {
    const io = device.resources.some((resource) => (resource.flags & 0x100n) !== 0n);
    config.set(0x04, 2, config.read(0x04, 2) | MEMORY_AND_MASTER | (io ? IO : 0));
  }
  return {
    ...source,
    address: device.name,
    parent: device.parent?.name ?? null,
    config: toHex(config.bytes),
    resources: device.resources.map(({ start, end, flags }): [string, string, string] => [
      row(start),
      row(end < 0n ? 0n : end),
      row(flags),
    ]),
    irq: device.irq === 0 ? null : device.irq,
    resetMethod: device.resetMethods.join(' '),
    driver,
    ...(source.part === undefined &&
      source.recordedAt === undefined &&
      source.address !== device.name && { recordedAt: source.address }),
  };
}

export interface Settled {
  readonly functions: FunctionDescription[];
  /** Addresses of the draft → addresses from now on. */
  readonly names: ReadonlyMap<string, string>;
}

/** Sets up what was touched. */
export function settle(draft: Draft): Settled {
  const tops = [...draft.touched].flatMap((address) => draft.functions.get(address) ?? []);
  if (tops.length === 0) return { functions: [...draft.functions.values()], names: new Map() };
  const below = new Set(draft.withBelow([...draft.touched]).map((fn) => fn.address));
  const stand = [...draft.functions.values()].filter((fn) => !below.has(fn.address));
  const anew = coldSubtree(draft, tops);
  const silicon = buildMachine({ ...draft.base, booted: true, functions: anew });
  powerOn(silicon);
  const sources = new Map([...silicon.functions.values()].map((fn) => [fn, draft.functions.get(fn.name)!]));
  const found = scan(draft, silicon, stand);
  const names = new Map(found.map((device) => [sources.get(device.function)!.address, device.name]));
  const lost = anew.filter((fn) => !names.has(fn.address));
  if (lost.length > 0) {
    throw new EditProblem(
      `Linux would not find ${lost.map((fn) => short(fn.address)).join(', ')}: ${lostReason(draft, lost[0]!)}.`,
    );
  }
  const functions = [...stand, ...found.map((device) => frozen(device, sources.get(device.function)!))];
  return { functions, names };
}

function lostReason(draft: Draft, fn: FunctionDescription): string {
  const zero = draft.functions.get(`${fn.address.slice(0, -1)}0`);
  return zero ? 'no bus number is left for the bridge above it' : 'a scan looks for function 0 first';
}

function scan(draft: Draft, machine: HardwareMachine, stand: readonly FunctionDescription[]): PciDevice[] {
  const description = { ...draft.base, booted: true, functions: [...stand] };
  const standing = pciDevicesOf(buildMachine(description), description);
  const { cmdline } = draft.base.kernel;
  return scanAmong(machine, standing, {
    log: new KernelLog(() => 0n),
    apertures: APERTURES,
    acs: { enable: iommuSettings(draft.base).enabled, cmdline },
  });
}

/** Sizes and addresses for functions that appear after boot (pci-linux.md 4.2, 4.3). */
import type { KernelLog } from '../log';
import type { PciDevice, Resource } from './device';
import { BRIDGE_RESOURCES, IOV_RESOURCES, ROM_RESOURCE } from './device';
import {
  LEVEL,
  RESOURCE_64,
  RESOURCE_IO,
  RESOURCE_MEMORY,
  RESOURCE_PREFETCH,
  RESOURCE_UNSET,
  devicePrefix,
  resourceName,
  resourceText,
} from './enable';

const MIB = 0x100000n;
const FOUR_GIB = 0x100000000n;
const SRIOV_CAPABILITY = 0x10;

const FLAGS = {
  io: 0x40101n,
  memory: 0x40200n,
  rom: 0x46200n,
  ioWindow: 0x100n,
  memoryWindow: 0x200n,
  prefetchWindow: 0x2200n,
  prefetchWindow64: 0x102201n,
} as const;

const WINDOW = { io: BRIDGE_RESOURCES, memory: BRIDGE_RESOURCES + 1, prefetch: BRIDGE_RESOURCES + 2 } as const;

/** Address space of a host bridge: where a root bus takes addresses from. */
export interface HostApertures {
  readonly io: readonly [bigint, bigint];
  /** Below 4 GiB, in order of preference. */
  readonly memory: readonly (readonly [bigint, bigint])[];
  readonly memory64: readonly [bigint, bigint];
}

const none = (): Resource => ({ start: 0n, end: 0n, flags: 0n });
const sized = (size: bigint, flags: bigint): Resource => ({ start: 0n, end: size - 1n, flags: flags | RESOURCE_UNSET });
const sizeOf = (r: Resource): bigint => r.end - r.start + 1n;

/** Flags of a memory BAR by its type bits. */
function barFlags(register: number): bigint {
  if (register & 1) return FLAGS.io;
  const wide = ((register >>> 1) & 3) === 2;
  const low = BigInt(register & 0xf);
  return FLAGS.memory | low | (wide ? RESOURCE_64 : 0n) | (register & 8 ? RESOURCE_PREFETCH : 0n);
}

/** The resources of a function found by a scan: sizes from its decoders, no addresses yet. */
export function scanResources(device: PciDevice): void {
  const { config, function: fn } = device;
  const bars = fn.isBridge ? 2 : 6;
  device.resources.length = 0;
  for (let i = 0; i < (fn.isBridge ? BRIDGE_RESOURCES + 4 : BRIDGE_RESOURCES); i++) device.resources.push(none());
  for (let bar = 0; bar < bars; bar++) {
    const size = BigInt(fn.model?.regionSize(bar) ?? 0);
    if (size === 0n) continue;
    const register = config.read(0x10 + bar * 4, 4);
    device.resources[bar] = sized(size, barFlags(register));
    if (register & 1 ? false : ((register >>> 1) & 3) === 2) bar++;
  }
  const rom = BigInt(fn.model?.regionSize(ROM_RESOURCE) ?? 0);
  if (rom > 0n) device.resources[ROM_RESOURCE] = sized(rom, FLAGS.rom);
  scanVirtualBars(device);
  if (fn.isBridge) scanWindows(device);
}

/** VF BARs: what the recorded decoder says, for all VFs together. */
function scanVirtualBars(device: PciDevice): void {
  const at = device.config.findExtendedCapability(SRIOV_CAPABILITY);
  const known = device.attributes['virtualBarSizes'];
  if (at === 0 || typeof known !== 'string') return;
  const total = BigInt(device.config.read(at + 0x0e, 2));
  known.split(',').forEach((text, i) => {
    const size = BigInt(text || 0);
    if (size > 0n)
      device.resources[IOV_RESOURCES + i] = sized(size * total, barFlags(device.config.read(at + 0x24 + i * 4, 4)));
  });
}

/** The windows as the registers stand: their size is a lower bound for what is assigned. */
function scanWindows(bridge: PciDevice): void {
  const { config } = bridge;
  const ioBase = (config.read(0x1c, 1) & 0xf0) << 8;
  const ioLimit = ((config.read(0x1d, 1) & 0xf0) << 8) | 0xfff;
  const open = (from: bigint, to: bigint): bigint => (from <= to ? to - from + 1n : 0n);
  const io = open(BigInt(ioBase), BigInt(ioLimit));
  const memory = open(
    BigInt(config.read(0x20, 2) & 0xfff0) << 16n,
    (BigInt(config.read(0x22, 2) & 0xfff0) << 16n) | 0xfffffn,
  );
  const wide = (config.read(0x24, 2) & 0xf) === 1;
  const upper = (at: number): bigint => (wide ? BigInt(config.read(at, 4)) << 32n : 0n);
  const prefetch = open(
    (BigInt(config.read(0x24, 2) & 0xfff0) << 16n) | upper(0x28),
    (BigInt(config.read(0x26, 2) & 0xfff0) << 16n) | upper(0x2c) | 0xfffffn,
  );
  bridge.resources[WINDOW.io] = window(io, FLAGS.ioWindow);
  bridge.resources[WINDOW.memory] = window(memory, FLAGS.memoryWindow);
  bridge.resources[WINDOW.prefetch] = window(prefetch, wide ? FLAGS.prefetchWindow64 : FLAGS.prefetchWindow);
}

const window = (size: bigint, flags: bigint): Resource => (size === 0n ? none() : sized(size, flags));

const roundUp = (value: bigint, to: bigint): bigint => ((value + to - 1n) / to) * to;

/** A VF BAR is aligned to one VF's share, a window to its granularity, a BAR to its size. */
function alignmentOf(device: PciDevice, index: number): bigint {
  const resource = device.resources[index]!;
  if (index >= BRIDGE_RESOURCES) {
    if (resource.flags & RESOURCE_IO) return 0x1000n;
    return windowAlignment.get(resource) ?? MIB;
  }
  if (index >= IOV_RESOURCES) {
    const at = device.config.findExtendedCapability(SRIOV_CAPABILITY);
    return sizeOf(resource) / BigInt(Math.max(1, device.config.read(at + 0x0e, 2)));
  }
  return sizeOf(resource);
}

const windowAlignment = new WeakMap<Resource, bigint>();

/** Size and alignment of a memory window from what is below it (4.2). */
function memoryWindow(parts: readonly { size: bigint; align: bigint }[]): { size: bigint; align: bigint } {
  let total = 0n;
  let highest = 0;
  const sums = new Map<number, bigint>();
  for (const { size, align } of parts) {
    total += size > align ? size : align;
    const order = Math.max(0, align.toString(2).length - MIB.toString(2).length);
    highest = Math.max(highest, order);
    if (size <= align) sums.set(order, (sums.get(order) ?? 0n) + align);
  }
  let align = MIB;
  let above = 0n;
  for (let k = 0; k <= highest; k++) {
    const step = MIB << BigInt(k);
    if (above === 0n) align = step;
    else if (roundUp(above + align, align) < step) align = step / 2n;
    above += sums.get(k) ?? 0n;
  }
  return { size: roundUp(total, align), align };
}

/** Makes the windows of new bridges large enough, innermost first. */
function sizeBridge(bridge: PciDevice, childrenOf: (device: PciDevice) => PciDevice[]): void {
  const children = childrenOf(bridge);
  for (const child of children) if (child.function.isBridge) sizeBridge(child, childrenOf);
  const wide = (bridge.config.read(0x24, 2) & 0xf) === 1;
  let io = 0n;
  const memory: { size: bigint; align: bigint }[] = [];
  const prefetch: { size: bigint; align: bigint }[] = [];
  for (const child of children) {
    child.resources.forEach((resource, index) => {
      if (resource.flags === 0n) return;
      const part = { size: sizeOf(resource), align: alignmentOf(child, index) };
      if (resource.flags & RESOURCE_IO) io += part.size;
      else if (!(resource.flags & RESOURCE_MEMORY)) return;
      else if (resource.flags & RESOURCE_PREFETCH && (!wide || resource.flags & RESOURCE_64)) prefetch.push(part);
      else memory.push(part);
    });
  }
  const grow = (index: number, wanted: bigint, flags: bigint, align: bigint): void => {
    const old = bridge.resources[index]!;
    if (old.flags !== 0n && !(old.flags & RESOURCE_UNSET)) return;
    const size = old.flags === 0n ? wanted : wanted > sizeOf(old) ? wanted : roundUp(sizeOf(old), align);
    bridge.resources[index] = window(size, flags);
    windowAlignment.set(bridge.resources[index], align);
  };
  const m = memoryWindow(memory);
  const p = memoryWindow(prefetch);
  grow(WINDOW.io, roundUp(io, 0x1000n), FLAGS.ioWindow, 0x1000n);
  grow(WINDOW.memory, memory.length === 0 ? 0n : m.size, FLAGS.memoryWindow, m.align);
  grow(
    WINDOW.prefetch,
    prefetch.length === 0 ? 0n : p.size,
    wide ? FLAGS.prefetchWindow64 : FLAGS.prefetchWindow,
    p.align,
  );
}

export class ResourceAssigner {
  private readonly log: KernelLog;
  private readonly host: HostApertures;
  private readonly listed: () => Iterable<PciDevice>;
  /** Found by the scan in progress, not on the bus list yet. */
  private fresh: readonly PciDevice[] = [];

  constructor(log: KernelLog, host: HostApertures, devices: () => Iterable<PciDevice>) {
    this.log = log;
    this.host = host;
    this.listed = devices;
  }

  private *devices(): IterableIterator<PciDevice> {
    yield* this.listed();
    yield* this.fresh;
  }

  /** Sizes new bridges and gives every unassigned resource below `parents` an address, one bus after the other. */
  assign(fresh: readonly PciDevice[]): void {
    this.fresh = fresh;
    const childrenOf = (bridge: PciDevice): PciDevice[] => [...this.devices()].filter((d) => d.parent === bridge);
    const isFresh = new Set(fresh);
    const tops = fresh.filter((device) => device.parent === null || !isFresh.has(device.parent));
    for (const top of tops) if (top.function.isBridge) sizeBridge(top, childrenOf);
    const buses = new Map<PciDevice | null, PciDevice[]>();
    for (const top of tops) {
      const list = buses.get(top.parent);
      if (list) list.push(top);
      else buses.set(top.parent, [top]);
    }
    for (const list of buses.values()) this.assignBus(list, childrenOf);
    this.fresh = [];
  }

  private assignBus(devices: readonly PciDevice[], childrenOf: (device: PciDevice) => PciDevice[]): void {
    const wanted = devices.flatMap((device, order) =>
      device.resources.flatMap((resource, index) =>
        resource.flags & RESOURCE_UNSET ? [{ device, order, index, align: alignmentOf(device, index) }] : [],
      ),
    );
    wanted.sort((a, b) => (a.align === b.align ? a.order - b.order || a.index - b.index : a.align > b.align ? -1 : 1));
    for (const { device, index, align } of wanted) this.place(device, index, align);
    for (const device of devices) {
      if (!device.function.isBridge) continue;
      this.assignBus(childrenOf(device), childrenOf);
      this.writeWindows(device);
    }
  }

  private place(device: PciDevice, index: number, align: bigint): void {
    const resource = device.resources[index]!;
    const size = sizeOf(resource);
    const name = resourceName(index);
    for (const [from, to] of this.candidates(device, resource)) {
      const start = this.lowestFree(device, resource, from, to, size, align);
      if (start === null) continue;
      device.resources[index] = { start, end: start + size - 1n, flags: resource.flags & ~RESOURCE_UNSET };
      this.log.print(LEVEL.INFO, `${devicePrefix(device)}${name} ${resourceText(device.resources[index])}: assigned`);
      this.writeBar(device, index);
      return;
    }
    const text = `${devicePrefix(device)}${name} ${resourceText(resource)}`;
    this.log.print(LEVEL.WARNING, `${text}: can't assign; no space`);
    this.log.print(LEVEL.WARNING, `${text}: failed to assign`);
  }

  /** Windows a resource may go into, in order: same kind first, then more general ones. */
  private candidates(device: PciDevice, resource: Resource): (readonly [bigint, bigint])[] {
    const io = (resource.flags & RESOURCE_IO) !== 0n;
    const wide = (resource.flags & RESOURCE_64) !== 0n;
    if (device.parent === null) {
      if (io) return [this.host.io];
      return wide ? [this.host.memory64, ...this.host.memory] : [...this.host.memory];
    }
    const windows = device.parent.resources
      .slice(BRIDGE_RESOURCES)
      .filter((w) => w.flags !== 0n && !(w.flags & RESOURCE_UNSET));
    const prefetch = (resource.flags & RESOURCE_PREFETCH) !== 0n;
    const fits = windows.filter((w) => {
      if (io) return (w.flags & RESOURCE_IO) !== 0n;
      if (!(w.flags & RESOURCE_MEMORY)) return false;
      if (!(w.flags & RESOURCE_PREFETCH)) return true;
      return prefetch && (wide || !(w.flags & RESOURCE_64));
    });
    const rank = (w: Resource): number => (w.flags & RESOURCE_PREFETCH ? 0 : 1);
    return fits.sort((a, b) => rank(a) - rank(b)).map((w) => [w.start, w.end] as const);
  }

  private lowestFree(
    device: PciDevice,
    resource: Resource,
    from: bigint,
    to: bigint,
    size: bigint,
    align: bigint,
  ): bigint | null {
    const io = (resource.flags & RESOURCE_IO) !== 0n;
    const taken: Resource[] = [];
    for (const other of this.devices()) {
      if (other.parent !== device.parent || other.isVirtual) continue;
      for (const r of other.resources) {
        if (r.flags === 0n || r.flags & RESOURCE_UNSET || r.end < r.start || r.end === 0n) continue;
        if (((r.flags & RESOURCE_IO) !== 0n) === io) taken.push(r);
      }
    }
    taken.sort((a, b) => (a.start < b.start ? -1 : 1));
    let start = roundUp(from, align);
    for (const r of taken) {
      if (r.end < start) continue;
      if (r.start > start + size - 1n) break;
      start = roundUp(r.end + 1n, align);
      if (io && start & 0x300n) start = roundUp(start, 0x400n);
    }
    return start + size - 1n <= to ? start : null;
  }

  private writeBar(device: PciDevice, index: number): void {
    const { start, flags } = device.resources[index]!;
    const low = Number(start & 0xffffffffn);
    const write = (at: number): void => {
      device.config.write(at, 4, low);
      if (flags & RESOURCE_64) device.config.write(at + 4, 4, Number(start >> 32n));
    };
    if (index < ROM_RESOURCE) write(0x10 + index * 4);
    else if (index === ROM_RESOURCE) device.config.write(device.function.isBridge ? 0x38 : 0x30, 4, low);
    else if (index < BRIDGE_RESOURCES) {
      write(device.config.findExtendedCapability(SRIOV_CAPABILITY) + 0x24 + (index - IOV_RESOURCES) * 4);
    }
  }

  /** Windows go to the registers when everything below has its place; unused ones are closed. */
  private writeWindows(bridge: PciDevice): void {
    const { config } = bridge;
    const of = (index: number): Resource | null => {
      const resource = bridge.resources[index]!;
      return resource.flags === 0n || resource.flags & RESOURCE_UNSET ? null : resource;
    };
    const first = config.read(0x19, 1);
    const last = config.read(0x1a, 1);
    const bus = (value: number): string => value.toString(16).padStart(2, '0');
    const range = first === last ? bus(first) : `${bus(first)}-${bus(last)}`;
    this.log.print(LEVEL.INFO, `${devicePrefix(bridge)}PCI bridge to [bus ${range}]`);
    for (const resource of [of(WINDOW.io), of(WINDOW.memory), of(WINDOW.prefetch)]) {
      if (resource) this.log.print(LEVEL.INFO, `${devicePrefix(bridge)}  bridge window ${resourceText(resource)}`);
    }
    const io = of(WINDOW.io);
    const kind = config.read(0x1c, 1) & 0xf;
    config.set(0x1c, 1, io ? Number((io.start >> 8n) & 0xf0n) | kind : 0xf0 | kind);
    config.set(0x1d, 1, io ? Number((io.end >> 8n) & 0xf0n) | kind : kind);
    const memory = of(WINDOW.memory);
    config.set(0x20, 2, memory ? Number((memory.start >> 16n) & 0xfff0n) : 0xfff0);
    config.set(0x22, 2, memory ? Number((memory.end >> 16n) & 0xfff0n) : 0);
    const prefetch = of(WINDOW.prefetch);
    const wide = config.read(0x24, 2) & 0xf;
    config.set(0x24, 2, prefetch ? Number((prefetch.start >> 16n) & 0xfff0n) | wide : 0xfff0 | wide);
    config.set(0x26, 2, prefetch ? Number((prefetch.end >> 16n) & 0xfff0n) | wide : wide);
    if (wide !== 1) return;
    config.set(0x28, 4, prefetch ? Number(prefetch.start / FOUR_GIB) : 0);
    config.set(0x2c, 4, prefetch ? Number(prefetch.end / FOUR_GIB) : 0);
  }
}

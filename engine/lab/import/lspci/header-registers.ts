/** Turns a function's details (Control, Status, Flags, regions, bridge lines …) back into header registers. */
import type { RegisterLayout } from '../../../hardware/pci/layout';
import { headerLayout } from '../../../hardware/pci/layout';
import type { PciIdDatabase } from '../../../shell/pci-ids';
import { readDevice } from './identity';
import type { TextLine } from '../clean';
import type { Registers } from './registers';
import { setFlags } from './flags';

/** What the details tell besides registers. */
export interface DetailFacts {
  irq: number | null;
  numaNode: number | null;
  group: string | null;
  /** Rows of sysfs `resource` by index, where a size was shown. */
  resources: Map<number, [bigint, bigint, bigint]>;
  /** True when the verbose output was there at all. */
  verbose: boolean;
  /** Status register's `Cap` bit: true, false, or null when not shown. */
  hasCapabilities: boolean | null;
  bus: { line: number; primary: number; secondary: number; subordinate: number } | null;
  /** It has memory regions, and the kernel knows all of them although the registers read zero. */
  onlyVirtualRegions: boolean;
  /** BAR numbers are not shown by `-v`, only by `-vv`: the order was taken. */
  barNumbersGuessed: boolean;
}

const register = (name: string, layout: number): RegisterLayout =>
  headerLayout(layout).find((one) => one.name === name)!;

const UNITS: Record<string, bigint> = { '': 1n, K: 1n << 10n, M: 1n << 20n, G: 1n << 30n, T: 1n << 40n };

function sizeIn(text: string): bigint | null {
  const match = /\[size=(\d+)([KMGT]?)\]/.exec(text);
  return match ? BigInt(match[1]!) * UNITS[match[2]!]! : null;
}

const IORESOURCE = {
  IO: 0x100n,
  MEM: 0x200n,
  PREFETCH: 0x2000n,
  READONLY: 0x4000n,
  SIZEALIGN: 0x40000n,
  MEM_64: 0x100000n,
};

/** `Region 2: Memory at e0000000 (64-bit, prefetchable) [disabled] [size=256M]`; true for a 64-bit BAR. */
function readRegion(regs: Registers, facts: DetailFacts, index: number, text: string, certain: boolean): boolean {
  const io = /I\/O ports at\s+(<\w+>|[0-9a-f]+)/i.exec(text);
  const memory = /Memory at\s+(<[\w-]+>|[0-9a-f]+)\s*\(([^)]*)\)?/i.exec(text);
  const offset = 0x10 + 4 * index;
  const shown = (io ?? memory)?.[1] ?? '';
  const address = /^[0-9a-f]+$/i.test(shown) ? BigInt(`0x${shown}`) : 0n;
  const known = certain && /^[0-9a-f]+$/i.test(shown) && !/\[(?:virtual|enhanced)\]/.test(text);
  const virtual = /\[(?:virtual|enhanced)\]/.test(text);
  const size = sizeIn(text);
  let wide = false;
  let bits: bigint;
  let flags: bigint;
  if (io) {
    bits = 1n;
    flags = IORESOURCE.IO | bits;
    if (!virtual) regs.set(offset, 4, (address & 0xfffffffcn) | bits, known);
  } else {
    wide = memory?.[2]?.includes('64-bit') ?? false;
    const type = wide ? 2n : memory?.[2]?.includes('low-1M') ? 1n : 0n;
    const prefetchable = / prefetchable/.test(` ${memory?.[2] ?? ''}`) && !/non-prefetchable/.test(memory?.[2] ?? '');
    bits = (type << 1n) | (prefetchable ? 8n : 0n);
    flags = IORESOURCE.MEM | bits | (prefetchable ? IORESOURCE.PREFETCH : 0n) | (wide ? IORESOURCE.MEM_64 : 0n);
    if (!virtual) {
      regs.set(offset, 4, (address & 0xfffffff0n) | bits, known);
      if (wide && index < 5) regs.set(offset + 4, 4, address >> 32n, known);
    }
  }
  if (size !== null) facts.resources.set(index, [address, address + size - 1n, flags | IORESOURCE.SIZEALIGN]);
  if (!text.includes('[disabled]') && !virtual && known) regs.setBits(0x04, io ? 0 : 1, 1, 1);
  return wide;
}

function readRom(regs: Registers, facts: DetailFacts, layout: number, text: string): void {
  const match = /Expansion ROM at\s+(<\w+>|[0-9a-f]+)/i.exec(text);
  if (!match) return;
  const hex = /^[0-9a-f]+$/i.test(match[1]!);
  const address = hex ? BigInt(`0x${match[1]!}`) : 0n;
  const size = sizeIn(text);
  const offset = layout === 1 ? 0x38 : 0x30;
  // At c0000 the kernel shows the copy that firmware made of the boot display's ROM; the register says something else,
  // as it does for what is marked virtual.
  const shadow = address === 0xc0000n;
  if (hex && !shadow && !text.includes('[virtual]')) {
    regs.set(offset, 4, (address & 0xfffff800n) | (text.includes('[disabled]') ? 0n : 1n));
  }
  if (size !== null) {
    const flags = shadow
      ? IORESOURCE.MEM | 0x12n
      : IORESOURCE.MEM | IORESOURCE.PREFETCH | IORESOURCE.READONLY | IORESOURCE.SIZEALIGN;
    facts.resources.set(6, [address, address + size - 1n, flags]);
  }
}

interface Window {
  readonly base: bigint;
  readonly limit: bigint;
  readonly wide: boolean | null;
  readonly open: boolean;
}

/** `e000-ffff [size=8K] [16-bit]`, `[disabled] [32-bit]`, `f000-0fff [disabled]`, `None`. */
function readWindow(text: string): Window {
  const range = /([0-9a-f]{4,16})-([0-9a-f]{4,16})/i.exec(text);
  const width = /\[(16|32|64)-bit\]/.exec(text);
  const base = range ? BigInt(`0x${range[1]!}`) : 0n;
  const limit = range ? BigInt(`0x${range[2]!}`) : 0n;
  return {
    base,
    limit,
    wide: width ? width[1] === '64' || (range?.[1]?.length ?? 0) > 8 : range ? range[1]!.length > 8 : null,
    open: range !== null && !text.includes('[disabled]') && base <= limit,
  };
}

function setWindow(regs: Registers, facts: DetailFacts, kind: 'io' | 'memory' | 'prefetchable', text: string): void {
  const window = readWindow(text);
  if (kind === 'io') {
    const wide = /\[32-bit\]/.test(text) || window.limit > 0xffffn;
    const base = window.open ? Number(window.base) : 0xf000;
    const limit = window.open ? Number(window.limit) : 0x0fff;
    regs.setBits(0x1c, 4, 4, (base >> 12) & 0xf);
    regs.setBits(0x1d, 4, 4, (limit >> 12) & 0xf);
    // [16-bit] is also printed for a 32-bit window that is closed or low.
    regs.setBits(0x1c, 0, 4, wide ? 1 : 0, wide);
    regs.setBits(0x1d, 0, 4, wide ? 1 : 0, wide);
    if (wide) {
      regs.set(0x30, 2, base >>> 16);
      regs.set(0x32, 2, limit >>> 16);
    }
    if (window.open) facts.resources.set(13, [window.base, window.limit, IORESOURCE.IO | (wide ? 1n : 0n)]);
    return;
  }
  const base = window.open ? window.base : 0xfff00000n;
  const limit = window.open ? window.limit : 0x000fffffn;
  const low = (value: bigint): bigint => (value >> 16n) & 0xfff0n;
  if (kind === 'memory') {
    regs.set(0x20, 2, low(base));
    regs.set(0x22, 2, low(limit));
    if (window.open) facts.resources.set(14, [window.base, window.limit, IORESOURCE.MEM]);
    return;
  }
  // With the kernel's data lspci prints [32-bit] for a 64-bit window too; then its type stays unknown.
  const certain = window.wide === true;
  regs.setBits(0x24, 4, 12, low(base) >> 4n);
  regs.setBits(0x26, 4, 12, low(limit) >> 4n);
  regs.setBits(0x24, 0, 4, 1, certain);
  regs.setBits(0x26, 0, 4, 1, certain);
  regs.set(0x28, 4, base >> 32n, certain);
  regs.set(0x2c, 4, limit >> 32n, certain);
  if (window.open) {
    const flags = IORESOURCE.MEM | IORESOURCE.PREFETCH | IORESOURCE.MEM_64 | 1n;
    facts.resources.set(15, [window.base, window.limit, flags]);
  }
}

/** `Flags: bus master, 66MHz, fast devsel, latency 0, IRQ 25, NUMA node 0, IOMMU group 5` */
function readFlags(regs: Registers, facts: DetailFacts, text: string): void {
  regs.setBits(0x04, 2, 1, /\bbus master\b/.test(text) ? 1 : 0);
  regs.setBits(0x04, 5, 1, /VGA palette snoop/.test(text) ? 1 : 0);
  regs.setBits(0x04, 7, 1, /\bstepping\b/.test(text) ? 1 : 0);
  regs.setBits(0x04, 9, 1, /\bfast Back2Back\b/.test(text) ? 1 : 0);
  regs.setBits(0x06, 5, 1, /\b66MHz\b/.test(text) ? 1 : 0);
  const devsel = /\b(fast|medium|slow|\?\?) devsel\b/.exec(text);
  if (devsel) regs.setBits(0x06, 9, 2, ['fast', 'medium', 'slow', '??'].indexOf(devsel[1]!));
  const latency = /\blatency (\d+)/.exec(text);
  if (latency) regs.set(0x0d, 1, Number(latency[1]));
  const irq = /\bIRQ (\d+)/.exec(text);
  if (irq) facts.irq = Number(irq[1]);
  const node = /\bNUMA node (\d+)/.exec(text);
  if (node) facts.numaNode = Number(node[1]);
  const group = /\bIOMMU group (\d+)/.exec(text);
  if (group) facts.group = group[1]!;
}

/** Writes vendor and device at `offset`; bits about which the candidates disagree stay unknown. */
export function setIds(
  regs: Registers,
  offset: number,
  ids: { vendor: number | null; device: number | null; candidates: readonly number[] },
): void {
  if (ids.vendor === null) return;
  const shown = ((ids.vendor << 16) | (ids.device ?? 0)) >>> 0;
  const open = ids.candidates.reduce((bits, one) => bits | (one ^ shown), 0);
  regs.setKnown(offset, ids.vendor, ~(open >>> 16) & 0xffff);
  if (ids.device !== null) regs.setKnown(offset + 2, ids.device, ~open & 0xffff);
}

function readSubsystem(regs: Registers, text: string, layout: number, ids: PciIdDatabase): void {
  if (layout === 1) return;
  const device = readDevice(text, ids);
  const offset = layout === 2 ? 0x40 : 0x2c;
  setIds(regs, offset, device);
}

/** Header layout (0, 1 or 2) that the details show. */
export function layoutOf(details: readonly TextLine[], classCode: number | null): number {
  if (details.some((one) => one.text.startsWith('Memory window '))) return 2;
  if (details.some((one) => one.text.startsWith('Bus: '))) return classCode === 0x0607 ? 2 : 1;
  return classCode === 0x0604 ? 1 : classCode === 0x0607 ? 2 : 0;
}

export function readDetails(
  regs: Registers,
  details: readonly TextLine[],
  layout: number,
  ids: PciIdDatabase,
): DetailFacts {
  let regions = 0;
  let virtualRegions = 0;
  const facts: DetailFacts = {
    irq: null,
    numaNode: null,
    group: null,
    resources: new Map(),
    verbose: false,
    hasCapabilities: null,
    bus: null,
    onlyVirtualRegions: false,
    barNumbersGuessed: false,
  };
  let nextBar = 0;
  for (const { number, text } of details) {
    const region = /^Region (\d):/.exec(text);
    if (/\bMemory at\b/.test(text) && !/Expansion ROM/.test(text)) {
      regions++;
      if (/\[virtual\]/.test(text)) virtualRegions++;
    }
    if (region) {
      readRegion(regs, facts, Number(region[1]), text, true);
    } else if (/^(?:\[virtual\] )?(?:Memory at|I\/O ports at)/.test(text)) {
      if (nextBar < 6) nextBar += readRegion(regs, facts, nextBar, text, false) ? 2 : 1;
      facts.barNumbersGuessed = true;
    } else if (/^(?:\[virtual\] )?Expansion ROM/.test(text)) {
      readRom(regs, facts, layout, text);
    } else if (text.startsWith('Control:')) {
      facts.verbose = true;
      setFlags(regs, 0, register('Control', 0), text);
    } else if (text.startsWith('Status:')) {
      const status = register('Status', 0);
      const set = setFlags(regs, 0, status, text);
      const devsel = /DEVSEL=(fast|medium|slow|\?\?)/.exec(text);
      if (devsel) regs.setBits(0x06, 9, 2, ['fast', 'medium', 'slow', '??'].indexOf(devsel[1]!));
      facts.hasCapabilities = set.get('Cap') ?? null;
    } else if (text.startsWith('Flags:')) {
      facts.verbose = true;
      readFlags(regs, facts, text);
    } else if (text.startsWith('Latency:')) {
      const latency = /^Latency: (\d+)/.exec(text);
      if (latency) regs.set(0x0d, 1, Number(latency[1]));
      const line = /Cache Line Size: (\d+)( bytes)?/.exec(text);
      regs.set(0x0c, 1, line ? Number(line[1]) / (line[2] ? 4 : 1) : 0);
      const times = /\((?:(\d+)ns min)?(?:, )?(?:(\d+)ns max)?\)/.exec(text);
      if (times && layout === 0) {
        regs.set(0x3e, 1, Number(times[1] ?? 0) / 250);
        regs.set(0x3f, 1, Number(times[2] ?? 0) / 250);
      }
    } else if (text.startsWith('Interrupt:')) {
      const match = /pin ([A-E?]) routed to IRQ (\d+)/.exec(text);
      if (match) {
        regs.set(0x3d, 1, match[1] === '?' ? 0 : match[1]!.charCodeAt(0) - 0x40);
        facts.irq = Number(match[2]);
      }
    } else if (text.startsWith('NUMA node:')) {
      facts.numaNode = Number(/\d+/.exec(text)?.[0] ?? -1);
    } else if (text.startsWith('IOMMU group:')) {
      facts.group = /\d+/.exec(text)?.[0] ?? null;
    } else if (text.startsWith('Subsystem:')) {
      readSubsystem(regs, text.slice('Subsystem:'.length), layout, ids);
    } else if (text.startsWith('Bus:')) {
      const bus = /primary=([0-9a-f]{2}), secondary=([0-9a-f]{2}), subordinate=([0-9a-f]{2}), sec-latency=(\d+)/i.exec(
        text,
      );
      if (bus) {
        const [primary, secondary, subordinate] = [1, 2, 3].map((i) => parseInt(bus[i]!, 16)) as [
          number,
          number,
          number,
        ];
        facts.bus = { line: number, primary, secondary, subordinate };
        regs.set(0x18, 1, primary);
        regs.set(0x19, 1, secondary);
        regs.set(0x1a, 1, subordinate);
        regs.set(0x1b, 1, Number(bus[4]));
      }
    } else if (layout === 1 && text.startsWith('I/O behind bridge')) {
      setWindow(regs, facts, 'io', text);
    } else if (layout === 1 && text.startsWith('Memory behind bridge')) {
      setWindow(regs, facts, 'memory', text);
    } else if (layout === 1 && text.startsWith('Prefetchable memory behind bridge')) {
      setWindow(regs, facts, 'prefetchable', text);
    } else if (layout === 1 && text.startsWith('Secondary status:')) {
      setFlags(regs, 0, register('SecStatus', 1), text);
      const devsel = /DEVSEL=(fast|medium|slow|\?\?)/.exec(text);
      if (devsel) regs.setBits(0x1e, 9, 2, ['fast', 'medium', 'slow', '??'].indexOf(devsel[1]!));
    } else if (layout === 1 && text.startsWith('BridgeCtl:')) {
      setFlags(regs, 0, register('BridgeCtl', 1), text);
    }
  }
  facts.onlyVirtualRegions = regions > 0 && virtualRegions === regions;
  return facts;
}

/** The lines of one function: `-v` and `-vv`. */
import { headerLayout } from '../../../hardware/pci/layout';
import { capabilityLines } from './caps';
import { ConfigView } from './config-view';
import { flagText, hex, sizeText } from './format';
import type { Names } from './names';
import { isReadable } from './source';
import type { PciFunctionInfo, Region } from './source';

export interface VerboseOptions {
  readonly names: Names;
  readonly verbose: number;
  /** `-b`: addresses and IRQ as the registers say. */
  readonly busView: boolean;
  readonly showKernel: boolean;
  readonly vpd: (info: PciFunctionInfo) => Uint8Array | null;
}

const register = (layout: number, name: string) => headerLayout(layout).find((one) => one.name === name)!;

const CONTROL = register(0, 'Control');
const STATUS = register(0, 'Status');
const SECONDARY = register(1, 'SecStatus');
const BRIDGE = register(1, 'BridgeCtl');
const DEVSEL = ['fast', 'medium', 'slow', '??'];
const MEMORY_TYPES = ['32-bit', 'low-1M', '64-bit', 'type 3'];
const EA_BEI = 0x20;

const NO_REGION: Region = { start: 0n, size: 0n, flags: 0 };

/** Base address registers of a header type; a type without meaning has none. */
const REGION_COUNT: readonly number[] = [6, 2, 1];
const regionCount = (view: ConfigView): number => REGION_COUNT[view.byte(0x0e) & 0x7f] ?? 0;

/** Index of a last register that says it is the lower half of a 64-bit one; null: there is none. */
export function brokenRegion(config: Uint8Array): number | null {
  const view = new ConfigView(config);
  const count = regionCount(view);
  for (let index = 0; index < count; index++) {
    const value = view.long(0x10 + 4 * index);
    if (value === 0 || value === 0xffffffff || (value & 7) !== 4) continue;
    if (index === count - 1) return index;
    index++;
  }
  return null;
}

/** Regions as the registers alone show them; the upper half of a 64-bit one is empty. */
function regionsFromRegisters(view: ConfigView): Region[] {
  const count = regionCount(view);
  const regions = Array<Region>(count).fill(NO_REGION);
  for (let index = 0; index < count; index++) {
    const at = 0x10 + 4 * index;
    const value = view.has(at, 4) ? view.long(at) : 0;
    if (value === 0 || value === 0xffffffff) continue;
    if (value & 1) {
      regions[index] = { start: BigInt((value & ~3) >>> 0), size: 0n, flags: value & 3 };
    } else if ((value & 6) !== 4) {
      regions[index] = { start: BigInt((value & ~0xf) >>> 0), size: 0n, flags: value & 0xf };
    } else if (index < count - 1 && view.has(at + 4, 4)) {
      const start = BigInt((value & ~0xf) >>> 0) | (BigInt(view.long(at + 4)) << 32n);
      regions[index] = { start, size: 0n, flags: value & 0xf };
      index++;
    }
  }
  return regions;
}

/** Regions as lspci knows them: from the kernel, or (with -b, -F) from the registers. */
const regionsOf = (info: PciFunctionInfo, view: ConfigView, busView: boolean): readonly Region[] =>
  info.regions && !busView ? info.regions : regionsFromRegisters(view);

/** Of an IDE controller's channel in compatibility mode: its ports are fixed and not in the BAR. */
const inCompatibilityMode = (view: ConfigView, bar: number): boolean =>
  view.word(0x0a) === 0x0101 && bar < 4 && !(view.byte(0x09) & (bar < 2 ? 0x01 : 0x04));

function regionLines(info: PciFunctionInfo, view: ConfigView, count: number, options: VerboseOptions): string[] {
  const lines: string[] = [];
  const command = view.word(4);
  const fromKernel = info.regions !== null && !options.busView;
  const regions = regionsOf(info, view, options.busView);
  for (let index = 0; index < count; index++) {
    const number = index;
    const region = regions[index] ?? NO_REGION;
    let flag = view.long(0x10 + 4 * index);
    if (flag === 0xffffffff) flag = 0;
    if (region.start === 0n && region.size === 0n && flag === 0) continue;
    let lower = flag & 1 ? (flag & ~3) >>> 0 : (flag & ~0xf) >>> 0;
    let upper = 0;
    let broken = false;
    const enhanced = (region.flags & EA_BEI) !== 0 && fromKernel;
    if (!(flag & 1) && (flag & 6) === 4) {
      if (index >= count - 1) broken = fromKernel;
      else {
        upper = view.long(0x14 + 4 * index);
        // Without the kernel's data the upper half is listed once more, as a region of its own.
        if (fromKernel) index++;
      }
    }
    let virtual = false;
    if (fromKernel && inCompatibilityMode(view, index)) flag = lower = 1;
    else if (region.start !== 0n && lower === 0 && upper === 0 && !enhanced) {
      flag = region.flags & 0xf;
      virtual = true;
    }
    if (enhanced) lower = flag = region.flags & 0xf;
    let text = options.verbose > 1 ? `\tRegion ${number}: ` : '\t';
    if (flag & 1) {
      text += 'I/O ports at ';
      const address = region.start & ~3n;
      if (address || command & 1) text += hex(address, 4);
      else text += fromKernel && lower ? '<ignored>' : '<unassigned>';
    } else {
      text += 'Memory at ';
      if (broken) text += '<invalid-64bit-slot>';
      else if (region.start) text += hex(region.start & ~0xfn, 8);
      else text += fromKernel && (lower || upper) ? '<ignored>' : '<unassigned>';
      text += ` (${MEMORY_TYPES[(flag >> 1) & 3]!}, ${flag & 8 ? '' : 'non-'}prefetchable)`;
    }
    if (virtual) text += ' [virtual]';
    if (enhanced) text += ' [enhanced]';
    if (!virtual && !(command & (flag & 1 ? 1 : 2)) && !enhanced) text += ' [disabled]';
    lines.push(text + sizeText(region.size));
  }
  return lines;
}

function romLines(info: PciFunctionInfo, view: ConfigView, offset: number, options: VerboseOptions): string[] {
  const fromKernel = info.regions !== null && !options.busView;
  let flag = view.has(offset, 4) ? view.long(offset) : 0;
  const mask = 0xfffff800;
  const region = fromKernel
    ? (info.regions![6] ?? NO_REGION)
    : flag === 0xffffffff
      ? NO_REGION
      : { start: BigInt((flag & mask) >>> 0), size: 0n, flags: flag & 1 };
  if (region.start === 0n && region.size === 0n && flag === 0) return [];
  let virtual = false;
  if (region.start !== 0n && !(flag & mask)) {
    flag = region.flags & 0xf;
    virtual = true;
  }
  let text = '\tExpansion ROM at ';
  if (region.start !== 0n) text += hex(region.start, 8);
  else text += flag & mask ? '<ignored>' : '<unassigned>';
  if (virtual) text += ' [virtual]';
  if (!(flag & 1)) text += ' [disabled]';
  else if (!virtual && !(view.word(4) & 2)) text += ' [disabled by cmd]';
  return [text + sizeText(region.size)];
}

/** One window: `e000-ffff [size=8K] [16-bit]`, or `[disabled]` (with -vvv also the numbers). */
function windowText(name: string, base: bigint, limit: bigint, wide: boolean, bits: string, verbose: number): string {
  const digits = wide ? 16 : bits === '16' ? 4 : 8;
  const open = base <= limit;
  let text = `\t${name}:`;
  if (open || verbose > 2) text += ` ${hex(base, digits)}-${hex(limit, digits)}`;
  text += open ? sizeText(limit - base + 1n) : ' [disabled]';
  return `${text} [${bits}-bit]`;
}

function windowLines(info: PciFunctionInfo, view: ConfigView, options: VerboseOptions): string[] {
  const lines: string[] = [];
  const kernel = (index: number): Region | null => {
    const window = options.busView ? undefined : info.windows?.[index];
    return window && window.size > 0n ? window : null;
  };
  const open = (name: string, window: Region, bits: string): string => {
    const end = window.start + window.size - 1n;
    const digits = bits === '16' ? 4 : 8;
    return `\t${name}: ${hex(window.start, digits)}-${hex(end, digits)}${sizeText(window.size)} [${bits}-bit]`;
  };
  const io = kernel(0);
  const ioBase = view.byte(0x1c);
  const ioLimit = view.byte(0x1d);
  if (io) {
    lines.push(open('I/O behind bridge', io, (io.flags & 0xf) === 1 ? '32' : '16'));
  } else if ((ioBase & 0xf) !== (ioLimit & 0xf) || (ioBase & 0xf) > 1) {
    lines.push(`\t!!! Unknown I/O range types ${hex(ioBase, 1)}/${hex(ioLimit, 1)}`);
  } else {
    const wide = (ioBase & 0xf) === 1;
    let base = (ioBase & 0xf0) << 8;
    let limit = (ioLimit & 0xf0) << 8;
    if (wide) {
      base += view.word(0x30) * 65536;
      limit += view.word(0x32) * 65536;
    }
    lines.push(
      windowText('I/O behind bridge', BigInt(base), BigInt(limit) + 0xfffn, false, wide ? '32' : '16', options.verbose),
    );
  }
  const memory = kernel(1);
  const memoryBase = view.word(0x20);
  const memoryLimit = view.word(0x22);
  if (memory) {
    lines.push(open('Memory behind bridge', memory, '32'));
  } else if ((memoryBase & 0xf) !== (memoryLimit & 0xf) || memoryBase & 0xf) {
    lines.push(`\t!!! Unknown memory range types ${hex(memoryBase, 1)}/${hex(memoryLimit, 1)}`);
  } else {
    const base = BigInt(memoryBase & 0xfff0) << 16n;
    const limit = (BigInt(memoryLimit & 0xfff0) << 16n) + 0xfffffn;
    lines.push(windowText('Memory behind bridge', base, limit, false, '32', options.verbose));
  }
  const prefetchable = kernel(2);
  const prefBase = view.word(0x24);
  const prefLimit = view.word(0x26);
  if (prefetchable) {
    lines.push(open('Prefetchable memory behind bridge', prefetchable, '32'));
  } else if ((prefBase & 0xf) !== (prefLimit & 0xf) || (prefBase & 0xf) > 1) {
    lines.push(`\t!!! Unknown prefetchable memory range types ${hex(prefBase, 1)}/${hex(prefLimit, 1)}`);
  } else {
    const wide = (prefBase & 0xf) === 1;
    let base = BigInt(prefBase & 0xfff0) << 16n;
    let limit = BigInt(prefLimit & 0xfff0) << 16n;
    if (wide) {
      base |= BigInt(view.long(0x28)) << 32n;
      limit |= BigInt(view.long(0x2c)) << 32n;
    }
    limit += 0xfffffn;
    lines.push(windowText('Prefetchable memory behind bridge', base, limit, wide, wide ? '64' : '32', options.verbose));
  }
  return lines;
}

function busLine(view: ConfigView): string {
  const number = (offset: number): string => hex(view.byte(offset), 2);
  return `\tBus: primary=${number(0x18)}, secondary=${number(0x19)}, subordinate=${number(0x1a)}, sec-latency=${view.byte(0x1b)}`;
}

function secondaryStatus(value: number): string {
  const names = ['>TAbort', '<TAbort', '<MAbort', '<SERR', '<PERR'];
  return `${flagText(SECONDARY, value, ['66MHz', 'FastB2B', 'ParErr'])} DEVSEL=${DEVSEL[(value >> 9) & 3]!} ${flagText(SECONDARY, value, names)}`;
}

function headerOne(info: PciFunctionInfo, view: ConfigView, options: VerboseOptions): string[] {
  const lines = [...regionLines(info, view, 2, options), busLine(view), ...windowLines(info, view, options)];
  if (options.verbose > 1) lines.push(`\tSecondary status: ${secondaryStatus(view.word(0x1e))}`);
  lines.push(...romLines(info, view, 0x38, options));
  if (options.verbose > 1) {
    const control = view.word(0x3e);
    lines.push(
      `\tBridgeCtl: ${flagText(BRIDGE, control, ['Parity', 'SERR', 'NoISA', 'VGA', 'VGA16', 'MAbort', '>Reset', 'FastB2B'])}`,
      `\t\t${flagText(BRIDGE, control, ['PriDiscTmr', 'SecDiscTmr', 'DiscTmrStat', 'DiscTmrSERREn'])}`,
    );
  }
  return lines;
}

function headerTwo(info: PciFunctionInfo, view: ConfigView, options: VerboseOptions): string[] {
  const lines = [...regionLines(info, view, 1, options), busLine(view)];
  const control = view.word(0x3e);
  const command = view.word(4);
  for (const index of [0, 1]) {
    const base = view.long(0x1c + 8 * index);
    const limit = (view.long(0x20 + 8 * index) + 0xfff) >>> 0;
    if (base <= limit || options.verbose > 2) {
      const off = command & 2 ? '' : ' [disabled]';
      const kind = control & (0x100 << index) ? ' (prefetchable)' : '';
      lines.push(`\tMemory window ${index}: ${hex(base, 8)}-${hex(limit, 8)}${off}${kind}`);
    }
  }
  for (const index of [0, 1]) {
    let base = view.long(0x2c + 8 * index);
    let limit = view.long(0x30 + 8 * index);
    if (!(base & 1)) {
      base &= 0xffff;
      limit &= 0xffff;
    }
    base = (base & ~3) >>> 0;
    limit = ((limit & ~3) >>> 0) + 3;
    if (base <= limit || options.verbose > 2) {
      lines.push(`\tI/O window ${index}: ${hex(base, 8)}-${hex(limit, 8)}${command & 1 ? '' : ' [disabled]'}`);
    }
  }
  if (view.word(0x16) & 0x4000) lines.push('\tSecondary status: SERR');
  if (options.verbose > 1) {
    const bits = ['Parity', 'SERR', 'ISA', 'VGA'].map((name, bit) => `${name}${control & (1 << bit) ? '+' : '-'}`);
    const more = (
      [
        ['MAbort', 5],
        ['>Reset', 6],
        ['16bInt', 7],
        ['PostWrite', 10],
      ] as const
    ).map(([name, bit]) => `${name}${control & (1 << bit) ? '+' : '-'}`);
    lines.push(`\tBridgeCtl: ${[...bits, ...more].join(' ')}`);
  }
  if (view.has(0x40, 0x40)) {
    const legacy = view.long(0x44) & 0xffff;
    if (legacy) lines.push(`\t16-bit legacy interface ports at ${hex(legacy, 4)}`);
  }
  return lines;
}

/** Subsystem of a bridge stands in its capability 0D (or, for PCI-X bridges of old, nowhere). */
function bridgeSubsystem(view: ConfigView): { vendor: number; device: number } | null {
  if (!(view.word(6) & 0x10)) return null;
  let at = view.byte(0x34) & ~3;
  for (let left = 48; at && left > 0; left--) {
    if (!view.has(at, 4)) return null;
    const id = view.byte(at);
    if (id === 0xff) return null;
    if (id === 0x0d && view.has(at, 8)) return { vendor: view.word(at + 4), device: view.word(at + 6) };
    at = view.byte(at + 1) & ~3;
  }
  return null;
}

/** Subsystem that lspci shows: the kernel's or the header's; for bridges that of the capability. */
export function subsystemOf(info: PciFunctionInfo): { vendor: number; device: number } | null {
  const view = new ConfigView(info.config);
  const layout = view.byte(0x0e) & 0x7f;
  let found = info.subsystem;
  if (layout === 1) found = bridgeSubsystem(view) ?? found;
  return found && found.vendor !== 0 && found.vendor !== 0xffff ? found : null;
}

function subsystemLine(info: PciFunctionInfo, names: Names): string[] {
  const found = subsystemOf(info);
  return found ? [`\tSubsystem: ${names.subsystem(info.vendor, info.deviceId, found.vendor, found.device)}`] : [];
}

export function kernelLines(info: PciFunctionInfo): string[] {
  const lines: string[] = [];
  if (info.driver) lines.push(`\tKernel driver in use: ${info.driver}`);
  if (info.modules.length > 0) lines.push(`\tKernel modules: ${info.modules.join(', ')}`);
  return lines;
}

/** With -k alone. */
export const terseKernelLines = (info: PciFunctionInfo, names: Names): string[] => [
  ...(info.label ? [`\tDeviceName: ${info.label}`] : []),
  ...subsystemLine(info, names),
  ...kernelLines(info),
];

/** All lines below the first one. */
export function verboseLines(info: PciFunctionInfo, options: VerboseOptions): string[] {
  const view = new ConfigView(isReadable(info) ? info.config : new Uint8Array(0));
  const layout = view.byte(0x0e) & 0x7f;
  const status = view.word(6);
  const command = view.word(4);
  const { verbose } = options;
  const lines: string[] = [];
  if (info.label) lines.push(`\tDeviceName: ${info.label}`);
  lines.push(...subsystemLine(info, options.names));
  const irq = options.busView ? view.byte(0x3c) : info.irq;
  const cls = info.classCode;
  let minimum = 0;
  let maximum = 0;
  let known = true;
  if (layout === 0) {
    if (cls === 0x0604) lines.push(`\t!!! Invalid class ${hex(cls, 4)} for header type ${hex(layout, 2)}`);
    minimum = view.byte(0x3e);
    maximum = view.byte(0x3f);
  } else if (layout === 1) {
    if (cls >> 8 !== 0x06) lines.push(`\t!!! Invalid class ${hex(cls, 4)} for header type ${hex(layout, 2)}`);
  } else if (layout === 2) {
    if (cls >> 8 !== 0x06) lines.push(`\t!!! Invalid class ${hex(cls, 4)} for header type ${hex(layout, 2)}`);
    minimum = 0;
    maximum = 0;
  } else {
    if (isReadable(info)) lines.push(`\t!!! Unknown header type ${hex(layout, 2)}`);
    known = false;
  }
  const pin = known ? view.byte(0x3d) : 0;
  const latency = view.byte(0x0d);
  if (info.physicalSlot !== null) lines.push(`\tPhysical Slot: ${info.physicalSlot}`);
  if (verbose > 1) {
    if (known) {
      lines.push(
        `\tControl: ${flagText(CONTROL, command, ['I/O', 'Mem', 'BusMaster', 'SpecCycle', 'MemWINV', 'VGASnoop', 'ParErr', 'Stepping', 'SERR', 'FastB2B', 'DisINTx'])}`,
        `\tStatus: ${flagText(STATUS, status, ['Cap', '66MHz', 'UDF', 'FastB2B', 'ParErr'])} DEVSEL=${DEVSEL[(status >> 9) & 3]!} ${flagText(STATUS, status, ['>TAbort', '<TAbort', '<MAbort', '>SERR', '<PERR', 'INTx'])}`,
      );
      if (command & 4) {
        let line = `\tLatency: ${latency}`;
        if (minimum || maximum) {
          const parts = [];
          if (minimum) parts.push(`${minimum * 250}ns min`);
          if (maximum) parts.push(`${maximum * 250}ns max`);
          line += ` (${parts.join(', ')})`;
        }
        if (view.byte(0x0c)) line += `, Cache Line Size: ${view.byte(0x0c) * 4} bytes`;
        lines.push(line);
      }
    }
    if (pin || irq) {
      const code = (0x40 + pin) & 0xff;
      // The letter is counted up from A whatever the register says; a byte above 7f goes out as it is.
      const letter = pin === 0 ? '?' : String.fromCharCode(code < 0x80 ? code : 0xdc00 + code);
      lines.push(`\tInterrupt: pin ${letter} routed to IRQ ${irq}`);
    }
    if (info.numaNode !== null) lines.push(`\tNUMA node: ${info.numaNode}`);
    if (info.iommuGroup !== null) lines.push(`\tIOMMU group: ${info.iommuGroup}`);
  } else if (known) {
    const parts: string[] = [];
    if (command & 4) parts.push('bus master');
    if (command & 0x20) parts.push('VGA palette snoop');
    if (command & 0x80) parts.push('stepping');
    if (command & 0x200) parts.push('fast Back2Back');
    if (status & 0x20) parts.push('66MHz');
    if (status & 0x40) parts.push('user-definable features');
    parts.push(`${DEVSEL[(status >> 9) & 3]!} devsel`);
    if (command & 4) parts.push(`latency ${latency}`);
    if (irq) parts.push(`IRQ ${irq}`);
    if (info.numaNode !== null) parts.push(`NUMA node ${info.numaNode}`);
    if (info.iommuGroup !== null) parts.push(`IOMMU group ${info.iommuGroup}`);
    lines.push(`\tFlags: ${parts.join(', ')}`);
  }
  const bist = view.byte(0x0f);
  if (known && bist & 0x80) {
    lines.push(bist & 0x40 ? '\tBIST is running' : `\tBIST result: ${hex(bist & 0xf, 2)}`);
  }
  let pointer = 0x34;
  if (layout === 0) {
    lines.push(...regionLines(info, view, 6, options), ...romLines(info, view, 0x30, options));
  } else if (layout === 1) {
    lines.push(...headerOne(info, view, options));
  } else if (layout === 2) {
    lines.push(...headerTwo(info, view, options));
    pointer = 0x14;
  } else if (info.regions !== null && !options.busView) {
    lines.push(...regionLines(info, view, 6, options));
  }
  // The registers of a CardBus bridge go on behind those that everybody may read.
  const readable = layout !== 2 || view.has(0x40, 0x40);
  if (!readable) lines.push('\t<access denied to the rest>');
  if (known && readable && status & 0x10) {
    const regions = regionsOf(info, view, options.busView).slice(0, 6);
    const memoryBar = regions.some(
      (region) => (region.start !== 0n || (region.flags & 0xf) !== 0) && !(region.flags & 1),
    );
    lines.push(
      ...capabilityLines(
        { info, view, names: options.names, verbose, bridge: layout === 1, memoryBar, vpd: options.vpd(info) },
        pointer,
      ),
    );
  }
  if (options.showKernel) lines.push(...kernelLines(info));
  return lines;
}

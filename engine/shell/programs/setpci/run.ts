/** setpci (pciutils 3.9.0) as a function from arguments and files to text and writes. */
import type { IdFilter, SlotFilter } from '../lspci/filter';
import { FilterError, matches, parseIdFilter, parseSlotFilter } from '../lspci/filter';
import type { FileAccess, PciFunctionInfo } from '../lspci/source';
import { nameOf, readDump, readSysfsFunctions } from '../lspci/source';
import { CAPABILITY_NAMES, EXTENDED_NAMES, REGISTERS, registerListing } from './registers';

/** Writes bytes into a `config` file; false when it cannot be opened for writing. */
export type ConfigWriter = (path: string, offset: number, bytes: Uint8Array) => boolean;

const USAGE = `Usage: setpci [<options>] (<device>+ <reg>[=<values>]*)*

General options:
-f\t\tDon't complain if there's nothing to do
-v\t\tBe verbose
-D\t\tList changes, don't commit them
-r\t\tUse raw access without bus scan if possible
--dumpregs\tDump all known register names and exit

PCI access options:
-A <method>\tUse the specified PCI access method
-O <par>=<val>\tSet PCI access parameter
-G\t\tEnable PCI access debugging

Setting commands:
<device>:\t-s [[[<domain>]:][<bus>]:][<slot>][.[<func>]]
\t\t-d [<vendor>]:[<device>]
<reg>:\t\t<base>[+<offset>][.(B|W|L)][@<number>]
<base>:\t\t<address>
\t\t<named-register>
\t\t[E]CAP_<capability-name>
\t\t[E]CAP<capability-number>
<values>:\t<value>[,<value>...]
<value>:\t<hex>
\t\t<hex>:<mask>
`;

interface Operation {
  readonly base: { kind: 'address' | 'capability' | 'extended'; value: number };
  /** Name and header types of a named register. */
  readonly named: { name: string; layouts: number } | null;
  readonly offset: number;
  readonly width: 1 | 2 | 4;
  readonly instance: number;
  readonly values: readonly { value: number; mask: number }[] | null;
}

interface Group {
  readonly functions: PciFunctionInfo[];
  readonly operations: Operation[];
}

class Failure extends Error {}

const complain = (message: string): Failure =>
  new Failure(`setpci: ${message}\nTry \`setpci --help' for more information.\n`);

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
const WIDTHS: Readonly<Record<string, 1 | 2 | 4>> = { B: 1, W: 2, L: 4 };
const limit = (width: number): number => 2 ** (8 * width) - 1;

/** Hexadecimal, with or without 0x; null when it is none. */
function number(text: string): number | null {
  const match = /^(?:0x)?([0-9a-f]+)$/i.exec(text);
  return match ? parseInt(match[1]!, 16) : null;
}

interface Base {
  readonly base: Operation['base'];
  readonly named: Operation['named'];
  readonly offset: number;
  readonly width: 1 | 2 | 4 | null;
}

function parseBase(text: string): Base {
  const address = number(text);
  if (address !== null) return { base: { kind: 'address', value: address }, named: null, offset: 0, width: null };
  const upper = text.toUpperCase();
  for (const [prefix, kind, table] of [
    ['ECAP', 'extended', EXTENDED_NAMES],
    ['CAP', 'capability', CAPABILITY_NAMES],
  ] as const) {
    if (!upper.startsWith(prefix)) continue;
    const rest = upper.slice(prefix.length);
    const id = rest.startsWith('_') ? table.get(rest.slice(1)) : (number(rest) ?? undefined);
    if (id !== undefined) return { base: { kind, value: id }, named: null, offset: 0, width: null };
  }
  const register = REGISTERS.find((one) => one.name === upper);
  if (!register) throw complain(`Unknown register "${text}".`);
  return {
    base: { kind: 'address', value: 0 },
    named: { name: register.name, layouts: register.layouts },
    offset: register.offset,
    width: register.width,
  };
}

function parseValues(text: string, width: 1 | 2 | 4): { value: number; mask: number }[] {
  if (text === '') throw complain('Missing value.');
  return text.split(',').map((part) => {
    if (part === '') throw complain('Missing value.');
    const colon = part.indexOf(':');
    const valueText = colon < 0 ? part : part.slice(0, colon);
    const value = number(valueText);
    if (value === null) throw complain(`Invalid value "${valueText}".`);
    if (value > limit(width)) throw complain(`Value "${part}" is out of range.`);
    if (colon < 0) return { value, mask: limit(width) };
    const mask = number(part.slice(colon + 1));
    if (mask === null || mask > limit(width)) throw complain(`Invalid mask "${part.slice(colon + 1)}".`);
    return { value, mask };
  });
}

/** `BASE[+OFFSET][.WIDTH][@INSTANCE][=VALUES]` */
function parseOperation(text: string): Operation {
  const equals = text.indexOf('=');
  let left = equals < 0 ? text : text.slice(0, equals);
  let instance = 0;
  const at = left.indexOf('@');
  if (at >= 0) {
    const parsed = number(left.slice(at + 1));
    if (parsed === null) throw complain(`Invalid number "${left.slice(at + 1)}".`);
    instance = parsed;
    left = left.slice(0, at);
  }
  let width: 1 | 2 | 4 | null = null;
  const dot = left.indexOf('.');
  if (dot >= 0) {
    width = WIDTHS[left.slice(dot + 1).toUpperCase()] ?? null;
    if (width === null) throw complain(`Invalid width "${left.slice(dot + 1)}".`);
    left = left.slice(0, dot);
  }
  let offset = 0;
  const plus = left.indexOf('+');
  if (plus >= 0) {
    const parsed = number(left.slice(plus + 1));
    if (parsed === null) throw complain(`Invalid number "${left.slice(plus + 1)}".`);
    offset = parsed;
    left = left.slice(0, plus);
  }
  const base = parseBase(left);
  const size = width ?? base.width;
  if (size === null) throw complain('Missing width.');
  const first = base.base.kind === 'address' ? base.base.value + base.offset + offset : offset;
  if (first + size > 4096) throw complain(`Register number ${hex(first, 2)} out of range.`);
  if (first & (size - 1)) throw complain(`Unaligned register address ${hex(first, 2)}.`);
  return {
    base: base.base,
    named: base.named,
    offset: base.offset + offset,
    width: size,
    instance,
    values: equals < 0 ? null : parseValues(text.slice(equals + 1), size),
  };
}

/** Registers of one function during the run: a write is seen by the reads that follow. */
class Registers {
  readonly info: PciFunctionInfo;

  constructor(info: PciFunctionInfo) {
    this.info = info;
  }

  read(offset: number, width: number): number {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (this.info.config[offset + i] ?? 0xff);
    return value;
  }
}

/** Offsets of every capability with that id, in the order of the list. */
function capabilitiesOf(regs: Registers, operation: Operation): number[] {
  const found: number[] = [];
  const { kind, value } = operation.base;
  if (kind === 'extended') {
    for (let at = 0x100, left = 480; at >= 0x100 && left > 0; left--) {
      const header = regs.read(at, 4);
      if (header === 0 || header === 0xffffffff) break;
      if ((header & 0xffff) === value) found.push(at);
      at = (header >>> 20) & 0xffc;
    }
    return found;
  }
  if (!(regs.read(6, 2) & 0x10)) return found;
  const layout = regs.read(0x0e, 1) & 0x7f;
  const seen = new Set<number>();
  for (let at = regs.read(layout === 2 ? 0x14 : 0x34, 1) & 0xfc; at && !seen.has(at);) {
    seen.add(at);
    const id = regs.read(at, 1);
    if (id === 0xff) break;
    if (id === value) found.push(at);
    at = regs.read(at + 1, 1) & 0xfc;
  }
  return found;
}

function addressOf(regs: Registers, operation: Operation): number {
  const name = nameOf(regs.info);
  const { base, named, instance } = operation;
  if (named && named.layouts !== 7) {
    const layout = regs.read(0x0e, 1) & 0x7f;
    if (!(named.layouts & (1 << layout))) throw new Failure(`setpci: ${name}: Does not have register ${named.name}.\n`);
  }
  if (base.kind === 'address') return base.value + operation.offset;
  const found = capabilitiesOf(regs, operation);
  const at = found[instance];
  if (at === undefined) {
    const kind = base.kind === 'extended' ? 'Extended capability' : 'Capability';
    const count =
      found.length === 0
        ? 'there are no capabilities with that id'
        : found.length === 1
          ? 'there is only 1 capability with that id'
          : `there are only ${found.length} capabilities with that id`;
    throw new Failure(
      `setpci: ${name}: Instance #${instance} of ${kind} ${hex(base.value, 4)} not found - ${count}.\n`,
    );
  }
  return at + operation.offset;
}

interface Settings {
  verbose: boolean;
  force: boolean;
  demo: boolean;
  dump: string | null;
}

class Run {
  stdout = '';
  stderr = '';
  private readonly settings: Settings;
  private readonly files: FileAccess;
  private readonly writer: ConfigWriter;

  constructor(settings: Settings, files: FileAccess, writer: ConfigWriter) {
    this.settings = settings;
    this.files = files;
    this.writer = writer;
  }

  private fresh(info: PciFunctionInfo): PciFunctionInfo {
    if (this.settings.dump !== null) return info;
    const config = this.files.read(`/sys/bus/pci/devices/${nameOf(info)}/config`);
    return config ? { ...info, config } : info;
  }

  perform(info: PciFunctionInfo, operation: Operation): void {
    const name = nameOf(info);
    let regs = new Registers(this.fresh(info));
    const { width, values } = operation;
    const digits = width * 2;
    let at = addressOf(regs, operation);
    if (at + width > 4096) throw new Failure(`setpci: ${name}: Register number ${hex(at, 2)} out of range.\n`);
    const label = `${name} @${hex(at, 2)}`;
    if (values === null) {
      const text = hex(regs.read(at, width), digits);
      this.stdout += this.settings.verbose ? `${label} = ${text}\n` : `${text}\n`;
      return;
    }
    const shown: string[] = [];
    for (const { value, mask } of values) {
      let written = value;
      if (mask !== limit(width)) {
        const old = regs.read(at, width);
        written = ((old & ~mask) | (value & mask)) >>> 0;
        if (width < 4) written &= limit(width);
        shown.push(`${hex(old, digits)}->(${hex(value, digits)}:${hex(mask, digits)})->${hex(written, digits)}`);
      } else shown.push(hex(value, digits));
      if (!this.settings.demo) this.write(info, at, width, written);
      regs = new Registers(this.fresh(info));
      at += width;
    }
    if (this.settings.verbose || this.settings.demo) this.stdout += `${label} ${shown.join(' ')}\n`;
  }

  private write(info: PciFunctionInfo, at: number, width: number, value: number): void {
    if (this.settings.dump !== null) throw new Failure('setpci: Writing to dump files is not supported.\n');
    const bytes = Uint8Array.from({ length: width }, (_, i) => Math.floor(value / 256 ** i) & 0xff);
    const path = `/sys/bus/pci/devices/${nameOf(info)}/config`;
    const complaint = `pcilib: Cannot open ${path}\n`;
    if (!this.writer(path, at, bytes) && !this.stderr.includes(complaint)) this.stderr += complaint;
  }
}

const decoder = new TextDecoder();

function parse(
  args: readonly string[],
  files: FileAccess,
): { settings: Settings; groups: Group[]; early: string | null } {
  const settings: Settings = { verbose: false, force: false, demo: false, dump: null };
  if (args.length === 1 && args[0] === '--help') return { settings, groups: [], early: USAGE };
  if (args.includes('--dumpregs')) return { settings, groups: [], early: registerListing() };
  let index = 0;
  for (; index < args.length; index++) {
    const word = args[index]!;
    if (!word.startsWith('-') || /^-[sd]/.test(word)) break;
    if (word.startsWith('--')) throw complain('Invalid option --.');
    for (let at = 1; at < word.length; at++) {
      const letter = word[at]!;
      if (letter === 'v') settings.verbose = true;
      else if (letter === 'f') settings.force = true;
      else if (letter === 'D') {
        settings.demo = true;
        settings.verbose = true;
      } else if (letter === 'r' || letter === 'G') continue;
      else if ('AOHF'.includes(letter)) {
        const value = at + 1 < word.length ? word.slice(at + 1) : args[++index];
        if (value === undefined) throw complain(`Option -${letter} requires an argument.`);
        const dump = /^dump\.name=(.+)$/.exec(value);
        if (letter === 'F') settings.dump = value;
        else if (letter === 'O' && dump) settings.dump = dump[1]!;
        break;
      } else throw complain(`Invalid option -${letter}.`);
    }
  }
  const all = listFunctions(settings, files);
  const groups: Group[] = [];
  let slot: SlotFilter | null = null;
  let id: IdFilter | null = null;
  let filtering = false;
  for (; index < args.length; index++) {
    const word = args[index]!;
    if (word.startsWith('-')) {
      const letter = word[1] ?? '';
      if (letter !== 's' && letter !== 'd') throw complain(`Invalid option -${letter}.`);
      if (!filtering) {
        slot = null;
        id = null;
      }
      const text = word.length > 2 ? word.slice(2) : args[++index];
      if (text === undefined) throw complain('Filter specification expected.');
      try {
        if (letter === 's') slot = overlay(slot, parseSlotFilter(text));
        else id = overlay(id, parseIdFilter(text));
      } catch (error) {
        if (error instanceof FilterError) throw complain(`Unable to parse filter -${letter} ${error.message}.`);
        throw error;
      }
      filtering = true;
    } else {
      if (filtering) {
        groups.push({ functions: all.filter((info) => matches(slot, id, info)), operations: [] });
        filtering = false;
      }
      const group = groups.at(-1);
      if (!group) throw complain('Filter specification expected.');
      group.operations.push(parseOperation(word));
    }
  }
  if (groups.length === 0 && !filtering) throw complain('No operation specified.');
  return { settings, groups, early: null };
}

/** A later filter replaces only the fields that it names. */
function overlay<T extends object>(before: T | null, later: T): T {
  if (before === null) return later;
  const named = Object.entries(later).filter(([, value]) => value !== null);
  return { ...before, ...Object.fromEntries(named) };
}

/** In the order setpci works through them: the reverse of how they are listed. */
function listFunctions(settings: Settings, files: FileAccess): PciFunctionInfo[] {
  if (settings.dump === null) return readSysfsFunctions(files).reverse();
  const bytes = files.read(settings.dump);
  if (!bytes) throw new Failure(`setpci: dump: Cannot open ${settings.dump}: No such file or directory\n`);
  return readDump(decoder.decode(bytes)).reverse();
}

/** Runs setpci. `args` are what follows the program's name. */
export function setpci(
  args: readonly string[],
  files: FileAccess,
  writer: ConfigWriter,
): { stdout: string; stderr: string; status: number } {
  let run: Run | null = null;
  try {
    const { settings, groups, early } = parse(args, files);
    if (early !== null) return { stdout: early, stderr: '', status: 0 };
    run = new Run(settings, files, writer);
    for (const [index, group] of groups.entries()) {
      if (group.functions.length === 0 && !settings.force) {
        run.stderr += `setpci: Warning: No devices selected for operation group ${index + 1}.\n`;
      }
      for (const info of group.functions) for (const operation of group.operations) run.perform(info, operation);
    }
    return { stdout: run.stdout, stderr: run.stderr, status: 0 };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { stdout: run?.stdout ?? '', stderr: (run?.stderr ?? '') + error.message, status: 1 };
  }
}

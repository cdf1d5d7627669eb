/** setpci (pciutils 3.9.0) as a function from arguments and files to text and writes. */
import type { IdFilter, SlotFilter } from '../lspci/filter';
import { AccessError, AccessListing, AccessOptions } from '../lspci/access';
import { FilterError, matches, overlay, parseIdFilter, parseSlotFilter } from '../lspci/filter';
import type { FileAccess, PciFunctionInfo } from '../lspci/source';
import { nameOf } from '../lspci/source';
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
-A <method>\tUse the specified PCI access method (see \`-A help' for a list)
-O <par>=<val>\tSet PCI access parameter (see \`-O help' for a list)
-G\t\tEnable PCI access debugging
-H <mode>\tUse direct hardware access (<mode> = 1 or 2)

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

/** An operation that cannot be done; `told` is what -v had printed of its line. */
class OperationFailure extends Failure {
  readonly told: string;

  constructor(told: string, message: string) {
    super(message);
    this.told = told;
  }
}

const complain = (message: string): Failure =>
  new Failure(`setpci: ${message}\nTry \`setpci --help' for more information.\n`);

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
const WIDTHS: Readonly<Record<string, 1 | 2 | 4>> = { B: 1, W: 2, L: 4 };
const limit = (width: number): number => 2 ** (8 * width) - 1;

/** Hexadecimal, with or without 0x; null when it is none, or more than 32 bits. */
function number(text: string): number | null {
  const match = /^(?:0x)?([0-9a-f]+)$/i.exec(text);
  const value = match ? parseInt(match[1]!, 16) : NaN;
  return value <= 0xffffffff ? value : null;
}

interface Base {
  readonly base: Operation['base'];
  readonly named: Operation['named'];
  readonly offset: number;
  readonly width: 1 | 2 | 4 | null;
}

const MAX_CAPABILITY = { capability: 0xff, extended: 0xffff } as const;

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
    const id = rest.startsWith('_') ? table.get(rest.slice(1)) : number(rest);
    if (id != null && id <= MAX_CAPABILITY[kind]) {
      return { base: { kind, value: id }, named: null, offset: 0, width: null };
    }
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

/** A value fits its width, also as a negative number of 32 bits: `ffffff80` is a byte. */
const fits = (value: number, width: number): boolean => value <= limit(width) || value >= 0xffffffff - limit(width);

function parseValues(text: string, width: 1 | 2 | 4): { value: number; mask: number }[] {
  return text.split(',').map((part) => {
    const colon = part.indexOf(':');
    // Nothing before a colon is 0.
    const value = colon === 0 ? 0 : number(colon < 0 ? part : part.slice(0, colon));
    if (value === null) throw complain(`Invalid value "${part}".`);
    if (!fits(value, width)) throw complain(`Value "${part}" is out of range.`);
    if (colon < 0) return { value, mask: 0xffffffff };
    const mask = number(part.slice(colon + 1));
    if (mask === null) throw complain(`Invalid mask "${part.slice(colon + 1)}".`);
    if (!fits(mask, width)) throw complain(`Mask "${part.slice(colon + 1)}" is out of range.`);
    return { value, mask };
  });
}

/** Takes off what stands behind the first `mark`; null when it is not there. */
function cut(text: string, mark: string): [string, string | null] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}

/** `BASE[+OFFSET][.WIDTH][@INSTANCE][=VALUES]`, checked in this order: values, width, instance, base, offset. */
function parseOperation(text: string): Operation {
  const [left, valuesText] = cut(text, '=');
  const [middle, instanceText] = cut(left, '@');
  const [front, widthText] = cut(middle, '.');
  const [baseText, offsetText] = cut(front, '+');
  if (valuesText === '') throw complain('Missing value.');
  let width: 1 | 2 | 4 | null = null;
  if (widthText !== null) {
    width = WIDTHS[widthText.toUpperCase()] ?? null;
    if (width === null) throw complain(`Invalid width "${widthText}".`);
  }
  let instance = 0;
  if (instanceText !== null) {
    const parsed = number(instanceText);
    if (parsed === null || parsed > 0x7fffffff) throw complain(`Invalid number "${instanceText}".`);
    instance = parsed;
  }
  const base = parseBase(baseText);
  const size = width ?? base.width;
  if (size === null) throw complain('Missing width.');
  let offset = base.offset;
  if (offsetText !== null) {
    const parsed = number(offsetText);
    if (parsed === null || parsed >= 4096) throw complain(`Invalid offset "${offsetText}".`);
    offset += parsed;
  }
  const first = base.base.kind === 'address' ? base.base.value + offset : offset;
  const count = valuesText === null ? 1 : valuesText.split(',').length;
  if (first + size * count > 4096) throw complain(`Register number ${hex(first, 2)} out of range.`);
  if (first & (size - 1)) throw complain(`Unaligned register address ${hex(first, 2)}.`);
  const values = valuesText === null ? null : parseValues(valuesText, size);
  return { base: base.base, named: base.named, offset, width: size, instance, values };
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

const EXPRESS = 0x10;

/** Offsets of every capability with that id, in the order of the list; the extended ones need PCI Express. */
function capabilitiesOf(regs: Registers, { kind, value }: Operation['base']): number[] {
  const found: number[] = [];
  const seen = new Set<number>();
  if (kind === 'extended') {
    if (capabilitiesOf(regs, { kind: 'capability', value: EXPRESS }).length === 0) return found;
    let at = 0x100;
    do {
      const header = regs.read(at, 4);
      if (header === 0 || header === 0xffffffff || seen.has(at)) break;
      seen.add(at);
      if ((header & 0xffff) === value) found.push(at);
      at = (header >>> 20) & 0xffc;
    } while (at);
    return found;
  }
  if (!(regs.read(6, 2) & 0x10)) return found;
  // Also for a CardBus bridge, which has its list elsewhere.
  for (let at = regs.read(0x34, 1) & 0xfc; at && !seen.has(at);) {
    seen.add(at);
    const id = regs.read(at, 1);
    if (id === 0xff) break;
    if (id === value) found.push(at);
    at = regs.read(at + 1, 1) & 0xfc;
  }
  return found;
}

/** Where the operation goes, and how -v tells it. Throws Failure, with what -v has told by then. */
function addressOf(regs: Registers, operation: Operation): { at: number; how: string } {
  const name = nameOf(regs.info);
  const { base, named, instance, width } = operation;
  let at = base.value + operation.offset;
  let how = '';
  if (base.kind !== 'address') {
    const found = capabilitiesOf(regs, base);
    const start = found[instance];
    if (start === undefined) {
      const kind = base.kind === 'extended' ? 'Extended capability' : 'Capability';
      const count =
        found.length === 0
          ? 'there are no capabilities with that id'
          : found.length === 1
            ? 'there is only 1 capability with that id'
            : `there are only ${found.length} capabilities with that id`;
      throw new OperationFailure(
        how,
        `setpci: ${name}: Instance #${instance} of ${kind} ${hex(base.value, 4)} not found - ${count}.\n`,
      );
    }
    at = start + operation.offset;
    how =
      base.kind === 'extended'
        ? `(ecap ${hex(base.value, 4)} @${hex(start, 3)}) `
        : `(cap ${hex(base.value, 2)} @${hex(start, 2)}) `;
  }
  how += `@${hex(at, 2)}`;
  if (named && named.layouts !== 7) {
    const layout = regs.read(0x0e, 1) & 0x7f;
    if (!(named.layouts & (1 << layout))) {
      throw new OperationFailure(how, `setpci: ${name}: Does not have register ${named.name}.\n`);
    }
  }
  if (at & (width - 1)) {
    throw new OperationFailure(how, `setpci: ${name}: Unaligned register address ${hex(at, 2)}.\n`);
  }
  if (at + width > 4096) {
    throw new OperationFailure(how, `setpci: ${name}: Register number ${hex(at, 2)} out of range.\n`);
  }
  return { at, how };
}

interface Settings {
  verbose: boolean;
  force: boolean;
  demo: boolean;
  access: AccessOptions;
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
    if (this.settings.access.dump !== null) return info;
    const config = this.files.read(`/sys/bus/pci/devices/${nameOf(info)}/config`);
    return config ? { ...info, config } : info;
  }

  perform(info: PciFunctionInfo, operation: Operation): void {
    const tell = (text: string): void => {
      if (this.settings.verbose) this.stdout += text;
    };
    let regs = new Registers(this.fresh(info));
    const { width, values } = operation;
    const digits = width * 2;
    tell(`${nameOf(info)} `);
    let at: number;
    try {
      const place = addressOf(regs, operation);
      at = place.at;
      tell(place.how);
    } catch (error) {
      if (error instanceof OperationFailure) tell(error.told);
      throw error;
    }
    if (values === null) {
      tell(' = ');
      this.stdout += `${hex(regs.read(at, width), digits)}\n`;
      return;
    }
    for (const { value, mask } of values) {
      let written = value;
      if ((mask & limit(width)) >>> 0 !== limit(width)) {
        const old = regs.read(at, width);
        written = ((old & ~mask) | value) >>> 0;
        tell(` ${hex(old, digits)}->(${hex(value, digits)}:${hex(mask, digits)})->${hex(written, digits)}`);
      } else tell(` ${hex(value, digits)}`);
      if (!this.settings.demo) this.write(info, at, width, written);
      regs = new Registers(this.fresh(info));
      at += width;
    }
    tell('\n');
  }

  private write(info: PciFunctionInfo, at: number, width: number, value: number): void {
    if (this.settings.access.dump !== null) throw new Failure('setpci: Writing to dump files is not supported.\n');
    const bytes = Uint8Array.from({ length: width }, (_, i) => Math.floor(value / 256 ** i) & 0xff);
    const path = `/sys/bus/pci/devices/${nameOf(info)}/config`;
    const complaint = `pcilib: Cannot open ${path}\n`;
    if (!this.writer(path, at, bytes) && !this.stderr.includes(complaint)) this.stderr += complaint;
  }
}

function parse(
  args: readonly string[],
  files: FileAccess,
): { settings: Settings; groups: Group[]; told: string; early: string | null } {
  const settings: Settings = { verbose: false, force: false, demo: false, access: new AccessOptions('setpci') };
  if (args.length === 1 && args[0] === '--help') return { settings, groups: [], told: '', early: USAGE };
  if (args.includes('--dumpregs')) return { settings, groups: [], told: '', early: registerListing() };
  let index = 0;
  for (; index < args.length; index++) {
    const word = args[index]!;
    if (!word.startsWith('-') || /^-[sd]/.test(word)) break;
    if (word.startsWith('--')) throw complain('Invalid option --.');
    for (let at = 1; at < word.length; at++) {
      const letter = word[at]!;
      if (letter === 'v') settings.verbose = true;
      else if (letter === 'f') settings.force = true;
      else if (letter === 'D') settings.demo = true;
      else if (letter === 'G') settings.access.debug = true;
      else if (letter === 'r') continue;
      else if ('AOH'.includes(letter)) {
        const value = at + 1 < word.length ? word.slice(at + 1) : args[++index];
        if (value === undefined) throw complain(`Option -${letter} requires an argument.`);
        try {
          settings.access.take(letter, value);
        } catch (error) {
          if (error instanceof AccessListing) return { settings, groups: [], told: '', early: error.message };
          if (error instanceof AccessError) throw new Failure(error.message);
          throw error;
        }
        break;
      } else throw complain(`Invalid option -${letter}.`);
    }
  }
  const { functions: all, told } = listFunctions(settings.access, files);
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
      if (text === undefined) throw complain(`Option -${letter} requires an argument.`);
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
  if (filtering) groups.push({ functions: all.filter((info) => matches(slot, id, info)), operations: [] });
  if (groups.length === 0) throw complain('No operation specified.');
  return { settings, groups, told, early: null };
}

/** In the order setpci works through them: the reverse of how they are listed. */
function listFunctions(access: AccessOptions, files: FileAccess): { functions: PciFunctionInfo[]; told: string } {
  try {
    const { functions, told } = access.read(files);
    return { functions: functions.reverse(), told };
  } catch (error) {
    if (error instanceof AccessError) throw new Failure(error.message);
    throw error;
  }
}

/** Runs setpci. `args` are what follows the program's name. */
export function setpci(
  args: readonly string[],
  files: FileAccess,
  writer: ConfigWriter,
): { stdout: string; stderr: string; status: number } {
  let run: Run | null = null;
  try {
    const { settings, groups, told, early } = parse(args, files);
    if (early !== null) return { stdout: early, stderr: '', status: 0 };
    run = new Run(settings, files, writer);
    run.stderr += told;
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

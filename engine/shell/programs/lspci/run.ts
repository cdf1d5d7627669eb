/** lspci (pciutils 3.9.0) as a function from arguments and files to text. */
import { pciIds } from '../../pci-ids';
import { PciIdDatabase } from '../../pci-ids';
import type { IdFilter, SlotFilter } from './filter';
import { AccessError, AccessListing, AccessOptions } from './access';
import { FilterError, matches, overlay, parseIdFilter, parseSlotFilter } from './filter';
import { hex, joined } from './format';
import { machineBlock, machineLine } from './machine';
import type { NumericMode } from './names';
import { Names } from './names';
import type { FileAccess, PciFunctionInfo } from './source';
import { compareFunctions, isReadable, nameOf } from './source';
import { PciTree } from './tree';
import { brokenRegion, terseKernelLines, verboseLines } from './verbose';

export interface ProgramOutput {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
}

export const VERSION = '3.9.0';

/** Where Debian keeps the ID database. */
const PCI_IDS = '/usr/share/misc/pci.ids.gz';

const USAGE = `Usage: lspci [<switches>]

Basic display modes:
-mm\t\tProduce machine-readable output (single -m for an obsolete format)
-t\t\tShow bus tree

Display options:
-v\t\tBe verbose (-vv or -vvv for higher verbosity)
-k\t\tShow kernel drivers handling each device
-x\t\tShow hex-dump of the standard part of the config space
-xxx\t\tShow hex-dump of the whole config space (dangerous; root only)
-xxxx\t\tShow hex-dump of the 4096-byte extended config space (root only)
-b\t\tBus-centric view (addresses and IRQ's as seen by the bus)
-D\t\tAlways show domain numbers
-P\t\tDisplay bridge path in addition to bus and device number
-PP\t\tDisplay bus path in addition to bus and device number

Resolving of device ID's to names:
-n\t\tShow numeric ID's
-nn\t\tShow both textual and numeric ID's (names & numbers)
-q\t\tQuery the PCI ID database for unknown ID's via DNS
-qq\t\tAs above, but re-query locally cached entries
-Q\t\tQuery the PCI ID database for all ID's via DNS

Selection of devices:
-s [[[[<domain>]:]<bus>]:][<slot>][.[<func>]]\tShow only devices in selected slots
-d [<vendor>]:[<device>][:<class>]\t\tShow only devices with specified ID's

Other options:
-i <file>\tUse specified ID database instead of ${PCI_IDS}
-p <file>\tLook up kernel modules in a given file instead of default modules.pcimap
-M\t\tEnable \`bus mapping' mode (dangerous; root only)

PCI access options:
-A <method>\tUse the specified PCI access method (see \`-A help' for a list)
-O <par>=<val>\tSet PCI access parameter (see \`-O help' for a list)
-G\t\tEnable PCI access debugging
-H <mode>\tUse direct hardware access (<mode> = 1 or 2)
-F <file>\tRead PCI configuration dump from a given file
`;

interface Options {
  verbose: number;
  numeric: number;
  hexDump: number;
  machine: number;
  tree: boolean;
  kernel: boolean;
  domains: boolean;
  busView: boolean;
  path: number;
  slot: SlotFilter | null;
  id: IdFilter | null;
  access: AccessOptions;
  idFile: string | null;
}

/** A call that ends before anything is shown. */
class Stop extends Error {
  readonly output: ProgramOutput;

  constructor(output: ProgramOutput) {
    super(output.stderr);
    this.output = output;
  }
}

const failed = (stderr: string): Stop => new Stop({ stdout: '', stderr, status: 1 });

const WITH_VALUE = 'sdipAOHF';
const PLAIN = 'nvbxtPmgqkMDQG';

function parseOptions(args: readonly string[]): Options {
  const options: Options = {
    verbose: 0,
    numeric: 0,
    hexDump: 0,
    machine: 0,
    tree: false,
    kernel: false,
    domains: false,
    busView: false,
    path: 0,
    slot: null,
    id: null,
    access: new AccessOptions('lspci'),
    idFile: null,
  };
  if (args.length === 1 && args[0] === '--version') {
    throw new Stop({ stdout: `lspci version ${VERSION}\n`, stderr: '', status: 0 });
  }
  if (args.length === 1 && args[0] === '--help') throw new Stop({ stdout: USAGE, stderr: '', status: 0 });
  for (let index = 0; index < args.length; index++) {
    const word = args[index]!;
    if (!word.startsWith('-') || word === '-') throw failed(USAGE);
    if (word === '--') {
      if (index + 1 < args.length) throw failed(USAGE);
      break;
    }
    for (let at = 1; at < word.length; at++) {
      const letter = word[at]!;
      if (WITH_VALUE.includes(letter)) {
        const value = at + 1 < word.length ? word.slice(at + 1) : args[++index];
        if (value === undefined) throw failed(`lspci: option requires an argument -- '${letter}'\n${USAGE}`);
        takeValue(options, letter, value);
        break;
      }
      if (!PLAIN.includes(letter)) throw failed(`lspci: invalid option -- '${letter}'\n${USAGE}`);
      takeFlag(options, letter);
    }
  }
  return options;
}

function takeFlag(options: Options, letter: string): void {
  if (letter === 'v') options.verbose++;
  else if (letter === 'n') options.numeric++;
  else if (letter === 'x') options.hexDump++;
  else if (letter === 'm') options.machine++;
  else if (letter === 't') options.tree = true;
  else if (letter === 'k') options.kernel = true;
  else if (letter === 'D') options.domains = true;
  else if (letter === 'b') options.busView = true;
  else if (letter === 'P') options.path++;
  else if (letter === 'G') options.access.debug = true;
  else if (letter === 'M')
    throw failed('lspci: Bus mapping needs direct hardware access, which there is none of here.\n');
}

function takeValue(options: Options, letter: string, value: string): void {
  try {
    if (letter === 's') options.slot = overlay(options.slot, parseSlotFilter(value));
    else if (letter === 'd') options.id = overlay(options.id, parseIdFilter(value));
    else if (letter === 'i') options.idFile = value;
    else options.access.take(letter, value);
  } catch (error) {
    if (error instanceof FilterError) throw failed(`lspci: -${letter}: ${error.message}\n`);
    if (error instanceof AccessListing) throw new Stop({ stdout: error.message, stderr: '', status: 0 });
    if (error instanceof AccessError) throw failed(error.message);
    throw error;
  }
}

function hexLines(info: PciFunctionInfo, level: number): string[] {
  if (!isReadable(info)) return ['WARNING: Cannot show hex-dump of the config space'];
  const wanted = level >= 4 ? 4096 : level >= 3 ? 256 : ((info.config[0x0e] ?? 0) & 0x7f) === 2 ? 128 : 64;
  const size = Math.min(wanted, info.config.length);
  const lines: string[] = [];
  for (let at = 0; at < size; at += 16) {
    const bytes = [...info.config.subarray(at, Math.min(at + 16, size))].map((byte) => hex(byte, 2)).join(' ');
    lines.push(`${hex(at, 2)}: ${bytes}`);
  }
  return lines;
}

function firstLine(info: PciFunctionInfo, address: string, names: Names, verbose: boolean): string {
  let line = `${address} ${names.className(info.classCode)}: ${names.device(info.vendor, info.deviceId)}`;
  if (info.revision) line += ` (rev ${hex(info.revision, 2)})`;
  if (verbose) {
    const name = names.programmingInterface(info.classCode, info.progIf);
    if (info.progIf || name !== null) {
      line += ` (prog-if ${hex(info.progIf, 2)}${name !== null ? ` [${name}]` : ''})`;
    }
  }
  return line;
}

const decoder = new TextDecoder();

function databaseOf(options: Options, files: FileAccess): PciIdDatabase | null {
  if (options.idFile === null) return pciIds();
  const bytes = files.read(options.idFile);
  return bytes ? new PciIdDatabase(decoder.decode(bytes)) : null;
}

function readFunctions(options: Options, files: FileAccess): { functions: PciFunctionInfo[]; told: string } {
  try {
    const { functions, told } = options.access.read(files);
    return { functions: functions.sort(compareFunctions), told };
  } catch (error) {
    if (error instanceof AccessError) throw failed(error.message);
    throw error;
  }
}

function show(options: Options, files: FileAccess): { stdout: string; stderr: string } {
  const { functions, told } = readFunctions(options, files);
  const selected = functions.filter((info) => matches(options.slot, options.id, info));
  const { dump } = options.access;
  const names = new Names(databaseOf(options, files), Math.min(options.numeric, 2) as NumericMode);
  const needTree = options.tree || options.path > 0;
  const tree = needTree ? new PciTree(functions) : null;
  if (options.tree) {
    const filtered = options.slot !== null || options.id !== null;
    const lines = tree!.render(
      options.verbose > 0 ? names : null,
      filtered ? (info) => matches(options.slot, options.id, info) : null,
    );
    return { stdout: joined(lines), stderr: told };
  }
  const domains = options.domains || functions.some((info) => info.domain !== 0);
  const addressOf = (info: PciFunctionInfo): string => {
    const domain = domains ? `${hex(info.domain, 4)}:` : '';
    return domain + (options.path > 0 ? tree!.path(info, options.path > 1) : nameOf(info).replace(/^[0-9a-f]+:/, ''));
  };
  const lines: string[] = [];
  const warnings: string[] = [];
  for (const info of selected) {
    const address = addressOf(info);
    if (options.machine > 0) {
      if (options.verbose > 0) {
        lines.push(...machineBlock(info, address, names, options.machine > 1 ? 'Slot' : 'Device', options.kernel), '');
      } else lines.push(machineLine(info, address, names));
      continue;
    }
    lines.push(firstLine(info, address, names, options.verbose > 0));
    if (options.verbose > 0) {
      const busView = options.busView || dump !== null;
      const broken = busView ? brokenRegion(info.config) : null;
      if (broken !== null) warnings.push(`pcilib: ${nameOf(info)}: Invalid 64-bit address seen for BAR ${broken}.`);
      lines.push(
        ...verboseLines(info, {
          names,
          verbose: options.verbose,
          busView,
          showKernel: dump === null,
          vpd: (one) => (dump === null ? files.read(`/sys/bus/pci/devices/${nameOf(one)}/vpd`) : null),
        }),
      );
    } else if (options.kernel) lines.push(...terseKernelLines(info, names));
    if (options.hexDump > 0) lines.push(...hexLines(info, options.hexDump));
    if (options.verbose > 0 || options.hexDump > 0) lines.push('');
  }
  return { stdout: joined(lines), stderr: told + joined(warnings) };
}

/** Runs lspci. `args` are what follows the program's name. */
export function lspci(args: readonly string[], files: FileAccess): ProgramOutput {
  try {
    return { ...show(parseOptions(args), files), status: 0 };
  } catch (error) {
    if (error instanceof Stop) return error.output;
    throw error;
  }
}

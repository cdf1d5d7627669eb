/**
 * Reads the PCI lines of a kernel log: `pci 0000:00:01.0: [8086:460d] type 01 class 0x060400 PCIe Root Port`,
 * `PCI bridge to [bus 01-05]`, `PCI host bridge to bus 0000:00`. Ids, header type and tree are there, ACS is not.
 */
import type { PciAddress } from '../../hardware/pci/address';
import { formatAddress, parseAddress } from '../../hardware/pci/address';
import { PortType } from '../../hardware/pci/function';
import type { TextLine } from './clean';
import type { Registers } from './lspci/registers';

const ADDRESS = '[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\\.[0-7]';
const FOUND = new RegExp(
  `\\bpci (${ADDRESS}): \\[([0-9a-f]{4}):([0-9a-f]{4})\\] type ([0-9a-f]{2}) class 0x([0-9a-f]{6})\\s*(.*)$`,
  'i',
);
const BRIDGE = new RegExp(`\\b(${ADDRESS}): PCI bridge to \\[bus ([0-9a-f]{2})(?:-([0-9a-f]{2}))?\\]`, 'i');
const HOST_BRIDGE = /\bPCI host bridge to bus ([0-9a-f]{4,8}):([0-9a-f]{2})\b/i;
const VERSION = /Linux version (\S+)/;
const COMMAND_LINE = /(?:\b(?:Kernel command line|Command line): |^\s*(?=BOOT_IMAGE=\S+ ))(.*)$/;
/** What stands before the text of a line: level, seconds or date. */
const STAMP = /^(?:\S+ \S+ \d+ [\d:]+ \S+ kernel: )?\s*(?:<\d>)?\[\s*(?:\d+\.\d+|\w{3} \w{3} +\d+ [\d:.]+ \d{4})\]/;

/** The words of recent kernels for the PCIe type; `conventional PCI …` stands for no PCI Express capability. */
const TYPES: readonly (readonly [string, number])[] = [
  ['PCIe Endpoint', PortType.Endpoint],
  ['PCIe Legacy Endpoint', PortType.LegacyEndpoint],
  ['PCIe Root Port', PortType.RootPort],
  ['PCIe Switch Upstream Port', PortType.UpstreamPort],
  ['PCIe Switch Downstream Port', PortType.DownstreamPort],
  ['PCIe to PCI/PCI-X bridge', PortType.PcieToPciBridge],
  ['PCI/PCI-X to PCIe bridge', PortType.PciToPcieBridge],
  ['PCIe Root Complex Integrated Endpoint', PortType.IntegratedEndpoint],
  ['PCIe Root Complex Event Collector', PortType.EventCollector],
];

/** What the log says of one function. */
export interface LoggedFunction {
  readonly address: PciAddress;
  readonly line: number;
  readonly vendor: number;
  readonly device: number;
  readonly layout: number;
  /** 24 bits. */
  readonly classCode: number;
  /** Port type; null for conventional PCI; undefined when the kernel did not print it. */
  readonly type: number | null | undefined;
}

export interface KernelFacts {
  readonly functions: Map<string, LoggedFunction>;
  /** Bus numbers behind a bridge, by its address. */
  readonly buses: Map<string, { readonly secondary: number; readonly subordinate: number }>;
  readonly roots: { readonly segment: number; readonly bus: number }[];
  readonly release: string;
  readonly cmdline: string;
}

/** Where the made-up PCI Express capability stands: its place in the list is not known. */
const EXPRESS_AT = 0x40;

/** Lines that a mail program has wrapped, whole again: where lines are stamped, one without goes on. */
export function wholeLines(lines: readonly TextLine[]): readonly TextLine[] {
  const stamped = lines.reduce((count, { text }) => count + (STAMP.test(text) ? 1 : 0), 0);
  if (stamped < 4) return lines;
  const whole: TextLine[] = [];
  let open = false;
  for (const line of lines) {
    const starts = STAMP.test(line.text);
    const last = whole.at(-1);
    if (!starts && open && last && line.text.trim() !== '') {
      whole[whole.length - 1] = { number: last.number, text: `${last.text} ${line.text.trim()}` };
      open = false;
    } else {
      whole.push(line);
      // One line of a log is wrapped once at most; more is talk.
      open = starts && line.text.length > 40;
    }
  }
  return whole;
}

/** A function that was removed and found again counts once. */
export function readKernelLog(lines: readonly TextLine[]): KernelFacts {
  const functions = new Map<string, LoggedFunction>();
  const buses: KernelFacts['buses'] = new Map();
  const roots: KernelFacts['roots'] = [];
  let release = '';
  let cmdline = '';
  for (const { number, text } of lines) {
    const line = FOUND.exec(text);
    if (line) {
      const address = parseAddress(line[1]!.toLowerCase())!;
      const words = line[6]!;
      const type =
        TYPES.find(([title]) => words.startsWith(title))?.[1] ?? (words.startsWith('conventional') ? null : undefined);
      functions.set(formatAddress(address), {
        address,
        line: number,
        vendor: parseInt(line[2]!, 16),
        device: parseInt(line[3]!, 16),
        layout: parseInt(line[4]!, 16) & 0x7f,
        classCode: parseInt(line[5]!, 16),
        type,
      });
      continue;
    }
    const bridge = BRIDGE.exec(text);
    if (bridge) {
      const secondary = parseInt(bridge[2]!, 16);
      buses.set(formatAddress(parseAddress(bridge[1]!.toLowerCase())!), {
        secondary,
        subordinate: bridge[3] === undefined ? secondary : parseInt(bridge[3], 16),
      });
      continue;
    }
    const host = HOST_BRIDGE.exec(text);
    if (host) roots.push({ segment: parseInt(host[1]!, 16), bus: parseInt(host[2]!, 16) });
    release ||= VERSION.exec(text)?.[1] ?? '';
    cmdline ||= COMMAND_LINE.exec(text)?.[1] ?? '';
  }
  return { functions, buses, roots, release, cmdline };
}

/** Puts what the log says into registers that nothing else has shown. */
export function setLogged(regs: Registers, logged: LoggedFunction): void {
  if (!regs.isKnown(0x00, 2)) regs.set(0x00, 2, logged.vendor);
  if (!regs.isKnown(0x02, 2)) regs.set(0x02, 2, logged.device);
  if (!regs.isKnown(0x0a, 2) || !regs.isKnown(0x09, 1)) regs.set(0x09, 3, logged.classCode);
  regs.setBits(0x0e, 0, 7, logged.layout);
  // Capabilities that a listing shows tell the type themselves.
  if (typeof logged.type !== 'number' || regs.known[0x34] !== 0) return;
  regs.setBits(0x06, 4, 1, 1);
  regs.set(0x34, 1, EXPRESS_AT, false);
  regs.set(EXPRESS_AT, 2, 0x0010, false);
  regs.setBits(EXPRESS_AT + 2, 0, 4, 2, false);
  regs.setBits(EXPRESS_AT + 2, 4, 4, logged.type);
}

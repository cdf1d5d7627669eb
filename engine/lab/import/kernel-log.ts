/**
 * Reads the PCI lines of a kernel log: `pci 0000:00:01.0: [8086:460d] type 01 class 0x060400 PCIe Root Port`,
 * `PCI bridge to [bus 01-05]`, `Adding to iommu group 2`. Ids, header type and tree are there, ACS is not.
 */
import type { FunctionDescription, MachineDescription, RecordedGroup, UnknownFact } from '../../hardware/description';
import type { PciAddress } from '../../hardware/pci/address';
import { compareAddresses, formatAddress, parseAddress } from '../../hardware/pci/address';
import { PortType } from '../../hardware/pci/function';
import { toHex } from '../../shell/calls/hex';
import { ImportError } from './error';
import { iommuOf } from './lspci';
import type { TextLine } from './lspci/lines';
import { Registers } from './lspci/registers';
import type { TreeNode } from './tree';
import { placeInTree } from './tree';

const ADDRESS = '[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\\.[0-7]';
const FOUND = new RegExp(
  `\\bpci (${ADDRESS}): \\[([0-9a-f]{4}):([0-9a-f]{4})\\] type ([0-9a-f]{2}) class 0x([0-9a-f]{6})\\s*(.*)$`,
  'i',
);
const BRIDGE = new RegExp(`\\bpci (${ADDRESS}): PCI bridge to \\[bus ([0-9a-f]{2})(?:-([0-9a-f]{2}))?\\]`, 'i');
const GROUP = new RegExp(`\\b(${ADDRESS}): Add(?:ing|ed) to iommu group (\\d+)`, 'i');
const VERSION = /Linux version (\S+)/;
const COMMAND_LINE = /\b(?:Kernel command line|Command line): (.*)$/;

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

interface Found {
  readonly address: PciAddress;
  readonly line: number;
  readonly vendor: number;
  readonly device: number;
  readonly layout: number;
  readonly classCode: number;
  /** Port type; null for conventional PCI; undefined when the kernel did not print it. */
  readonly type: number | null | undefined;
}

/** Where the made-up PCI Express capability stands: its place in the list is not known. */
const EXPRESS_AT = 0x40;

function registersOf(found: Found, bus: { secondary: number; subordinate: number } | undefined): Registers {
  const regs = new Registers();
  regs.set(0x00, 2, found.vendor);
  regs.set(0x02, 2, found.device);
  regs.set(0x09, 3, found.classCode);
  regs.setBits(0x0e, 0, 7, found.layout);
  if (bus) {
    regs.set(0x18, 1, found.address.bus);
    regs.set(0x19, 1, bus.secondary);
    regs.set(0x1a, 1, bus.subordinate);
  }
  if (typeof found.type === 'number') {
    regs.setBits(0x06, 4, 1, 1);
    regs.set(0x34, 1, EXPRESS_AT, false);
    regs.set(EXPRESS_AT, 2, 0x0010, false);
    regs.setBits(EXPRESS_AT + 2, 0, 4, 2, false);
    regs.setBits(EXPRESS_AT + 2, 4, 4, found.type);
  }
  return regs;
}

export const looksLikeKernelLog = (lines: readonly TextLine[]): boolean => lines.some(({ text }) => FOUND.test(text));

/** Throws ImportError when no line tells of a function. A function that was removed and found again counts once. */
export function readKernelLog(lines: readonly TextLine[], name: string): MachineDescription {
  const found = new Map<string, Found>();
  const buses = new Map<string, { secondary: number; subordinate: number }>();
  const groupOf = new Map<string, string>();
  let release = '';
  let cmdline = '';
  for (const { number, text } of lines) {
    const line = FOUND.exec(text);
    if (line) {
      const address = parseAddress(line[1]!.toLowerCase())!;
      const words = line[6]!;
      const type =
        TYPES.find(([title]) => words.startsWith(title))?.[1] ?? (words.startsWith('conventional') ? null : undefined);
      found.set(formatAddress(address), {
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
    const group = GROUP.exec(text);
    if (group) groupOf.set(formatAddress(parseAddress(group[1]!.toLowerCase())!), group[2]!);
    release ||= VERSION.exec(text)?.[1] ?? '';
    cmdline ||= COMMAND_LINE.exec(text)?.[1] ?? '';
  }
  if (found.size === 0) throw new ImportError('has no line of the kernel that tells of a PCI function', 1);
  const sorted = [...found.values()].sort((a, b) => compareAddresses(a.address, b.address));
  const unknown: UnknownFact[] = [];
  const nodes = sorted.map((one): TreeNode => {
    const bus = buses.get(formatAddress(one.address)) ?? null;
    const needsPort = typeof one.type === 'number' && [0, 1, 5, 6, 7].includes(one.type);
    return { address: one.address, line: one.line, bus, needsPort, sriov: null };
  });
  const placed = placeInTree(nodes, unknown);
  const slots = new Map<string, number>();
  for (const one of sorted) {
    const slot = formatAddress(one.address).slice(0, -2);
    slots.set(slot, (slots.get(slot) ?? 0) + 1);
  }
  const functions = sorted.map((one): FunctionDescription => {
    const address = formatAddress(one.address);
    const regs = registersOf(one, buses.get(address));
    const multi = slots.get(address.slice(0, -2))! > 1 || one.address.function > 0;
    regs.setBits(0x0e, 7, 1, multi ? 1 : 0, multi && one.address.function === 0);
    const size = typeof one.type === 'number' ? 4096 : 256;
    const why = 'a kernel log shows no capabilities';
    unknown.push({ function: address, what: 'capabilities', why }, { function: address, what: 'acs', why });
    return {
      address,
      ...placed.get(address)!,
      config: toHex(regs.bytes.subarray(0, size)),
      known: toHex(regs.known.subarray(0, size)),
      writable: null,
      writeOneToClear: null,
      resources: null,
      driver: null,
      className: null,
      deviceName: null,
      irq: null,
      numaNode: -1,
      resetMethod: null,
      sriov: null,
      model: null,
      attributes: {},
    };
  });
  const groups: Record<string, RecordedGroup> = {};
  for (const fn of functions) {
    const id = groupOf.get(fn.address);
    if (id === undefined) continue;
    groups[id] ??= { devices: [], type: null, reserved: [] };
    groups[id].devices.push(fn.address);
  }
  return {
    format: 'vfiolab-machine/1',
    name,
    about: `${functions.length} functions, read from a kernel log`,
    source: 'lspci',
    booted: true,
    iommu: iommuOf(sorted.map((one) => ({ classCode: one.classCode >> 8, vendor: one.vendor }))),
    kernel: { release, build: 'debian', cmdline, modules: [], moduleOptions: {}, drivers: [] },
    functions,
    recordedGroups: Object.keys(groups).length > 0 ? groups : null,
    unknown,
  };
}

/** /proc/iomem and /proc/ioports: ranges, who they belong to, nested (pci-linux.md 9.2). */
import { BRIDGE_RESOURCES, IOV_RESOURCES } from '../pci/device';
import type { PciDevice } from '../pci/device';
import { RESOURCE_IO, RESOURCE_MEMORY, RESOURCE_UNSET } from '../pci/resource';
import type { Process } from '../process/process';
import type { FsContext } from './context';

interface Range {
  readonly start: bigint;
  readonly end: bigint;
  readonly name: string;
  readonly inside: Range[];
}

const PORTS_END = 0xffffn;

/** Puts a range into the innermost one that holds it. */
function insert(into: Range[], range: Range): void {
  const outer = into.find((r) => r.start <= range.start && range.end <= r.end && r !== range);
  if (outer) insert(outer.inside, range);
  else into.push(range);
}

const busName = (bridge: PciDevice): string =>
  `PCI Bus ${bridge.name.slice(0, bridge.name.indexOf(':'))}:${bridge.config.read(0x19, 1).toString(16).padStart(2, '0')}`;

/** Bridge windows first, so that what they hold lands inside; a BAR carries its driver's name one level deeper. */
function rangesOf(context: FsContext, ports: boolean): Range[] {
  const wanted = ports ? RESOURCE_IO : RESOURCE_MEMORY;
  const top: Range[] = [];
  const place = (device: PciDevice, index: number, name: string): Range | null => {
    const resource = device.resources[index];
    if (!resource || !(resource.flags & wanted) || resource.flags & RESOURCE_UNSET) return null;
    if (resource.end < resource.start || resource.end === 0n) return null;
    const range: Range = { start: resource.start, end: resource.end, name, inside: [] };
    insert(top, range);
    return range;
  };
  for (const device of context.pci.devices.values()) {
    for (let i = BRIDGE_RESOURCES; i < device.resources.length; i++) place(device, i, busName(device));
  }
  for (const device of context.pci.devices.values()) {
    for (let i = IOV_RESOURCES; i < BRIDGE_RESOURCES; i++) if (!device.isVirtual) place(device, i, device.name);
    for (let i = 0; i < IOV_RESOURCES; i++) {
      const range = place(device, i, device.name);
      const holder = range === null ? null : context.regionHolder(device, i);
      if (holder !== null) range!.inside.push({ ...range!, name: holder, inside: [] });
    }
  }
  return top;
}

function fixedRanges(context: FsContext, ports: boolean): Range[] {
  const range = (start: bigint, end: bigint, name: string): Range => ({ start, end, name, inside: [] });
  if (ports) {
    const low = range(0n, 0x0cf7n, 'PCI Bus 0000:00');
    low.inside.push(range(0x0n, 0x1fn, 'dma1'), range(0x20n, 0x21n, 'pic1'), range(0x40n, 0x43n, 'timer0'));
    low.inside.push(range(0x70n, 0x71n, 'rtc0'), range(0x3f8n, 0x3ffn, 'serial'));
    return [low, range(0x0cf8n, 0x0cffn, 'PCI conf1'), range(0x0d00n, PORTS_END, 'PCI Bus 0000:00')];
  }
  const { memory } = context;
  return [
    range(0n, 0xfffn, 'Reserved'),
    range(0x1000n, 0x9fbffn, 'System RAM'),
    range(0xa0000n, 0xbffffn, 'PCI Bus 0000:00'),
    range(0xf0000n, 0xfffffn, 'System ROM'),
    range(0x100000n, memory - 1n, 'System RAM'),
    range(memory, 0xafffffffn, 'PCI Bus 0000:00'),
    range(0xb0000000n, 0xbfffffffn, 'PCI ECAM 0000 [bus 00-ff]'),
    range(0xc0000000n, 0xfebfffffn, 'PCI Bus 0000:00'),
    range(0xfec00000n, 0xfec003ffn, 'IOAPIC 0'),
    range(0xfee00000n, 0xfee00fffn, 'Local APIC'),
  ];
}

/** Numbers read zero without CAP_SYS_ADMIN; the indentation stays. */
export function rangesText(context: FsContext, process: Process, ports: boolean): string {
  const top = fixedRanges(context, ports);
  for (const range of rangesOf(context, ports)) insert(top, range);
  const shown = process.capabilities.has('CAP_SYS_ADMIN');
  const digits = ports ? 4 : 8;
  const number = (value: bigint): string => (shown ? value : 0n).toString(16).padStart(digits, '0');
  const lines: string[] = [];
  const print = (ranges: Range[], depth: number): void => {
    ranges.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
    for (const range of ranges) {
      lines.push(`${'  '.repeat(depth)}${number(range.start)}-${number(range.end)} : ${range.name}`);
      print(range.inside, depth + 1);
    }
  };
  print(top, 0);
  return `${lines.join('\n')}\n`;
}

/**
 * Reads a command line of QEMU: the machine it makes, switched on and not booted. The lab's own boot then numbers the
 * buses and gives addresses.
 */
import { z } from 'zod';
import type { FunctionDescription, IommuKind, MachineDescription, UnknownFact } from '../../../hardware/description';
import { formatAddress } from '../../../hardware/pci/address';
import { toHex } from '../../../shell/calls/hex';
import { ImportError } from '../error';
import { iommuUnitOf } from '../snapshot';
import { registersOf } from './devices';
import type { DeviceRegisters } from './devices';
import type { QemuDevice, QemuLayout } from './layout';
import { layOut } from './layout';
import { isConfiguration, splitWords, wordsOfConfiguration } from './words';

/** A machine of the recorder: arguments and what else it is booted with. */
const topologySchema = z.looseObject({
  name: z.string(),
  about: z.string().default(''),
  qemu: z.array(z.string()),
  append: z.string().default(''),
  modules: z.array(z.string()).default([]),
  module_options: z.record(z.string(), z.string()).default({}),
  machine: z.string().default('q35'),
});

const COMMAND = /(?:^|[\s/])(?:qemu-(?:system-\w+|kvm)|kvm)(?=\s)/;

/** A command that starts QEMU, perhaps after a prompt or in a script, or its arguments alone. */
export const looksLikeQemu = (text: string): boolean => {
  const start = text.slice(0, 65536);
  if (isConfiguration(start)) return true;
  return /(?:^|\s)--?device\s+['"]?[\w{]/.test(start) && (COMMAND.test(start) || /^\s*-/.test(start));
};

export const looksLikeTopology = (value: unknown): boolean => topologySchema.safeParse(value).success;

const KINDS: Readonly<Record<string, IommuKind>> = {
  'intel-iommu': 'intel-vtd',
  'amd-iommu': 'amd-vi',
  'virtio-iommu-pci': 'virtio-iommu',
};

const ROWS = 13;
const BRIDGE_ROWS = 17;
const hex64 = (value: number): string => `0x${value.toString(16).padStart(16, '0')}`;
const rootName = (bus: number): string => `pci0000:${bus.toString(16).padStart(2, '0')}`;

function rowsOf({ bytes, regions }: DeviceRegisters): [string, string, string][] {
  const bridge = (bytes[0x0e]! & 0x7f) === 1;
  const rows = Array.from({ length: bridge ? BRIDGE_ROWS : ROWS }, (): [string, string, string] => [
    hex64(0),
    hex64(0),
    hex64(0),
  ]);
  for (const { row, size, flags } of regions) rows[row] = [hex64(0), hex64(size - 1), flags];
  return rows;
}

/** Until boot numbers the buses, a bus behind a bridge has a number that only tells it apart: the highest free one. */
class MadeUpBuses {
  private readonly numbers = new Map<QemuDevice, number>();
  private readonly used: Set<number>;

  constructor(roots: Iterable<number>) {
    this.used = new Set(roots);
  }

  behind(bridge: QemuDevice): number {
    const known = this.numbers.get(bridge);
    if (known !== undefined) return known;
    let bus = 255;
    while (this.used.has(bus)) bus--;
    if (bus < 0) throw new ImportError('has more than 256 buses; one PCI segment has no more');
    this.used.add(bus);
    this.numbers.set(bridge, bus);
    return bus;
  }
}

function functionsOf(layout: QemuLayout, unknown: UnknownFact[]): FunctionDescription[] {
  const buses = new MadeUpBuses(layout.devices.map((device) => device.root));
  const placed = new Map<QemuDevice, string>();
  return layout.devices.flatMap((device): FunctionDescription[] => {
    const made = registersOf(device);
    const above = device.above;
    if (made === null || (above !== null && !placed.has(above))) {
      const why =
        made === null
          ? `-device ${device.driver}: the lab has no registers of it; it is left out`
          : `-device ${device.driver}: what it is below is left out, and so is it`;
      unknown.push({ function: null, what: 'device', why });
      return [];
    }
    const bus = above === null ? device.root : buses.behind(above);
    const address = formatAddress({ segment: 0, bus, device: device.device, function: device.function });
    placed.set(device, address);
    return [
      {
        address,
        parent: above === null ? null : placed.get(above)!,
        rootBus: rootName(device.root),
        config: toHex(made.bytes),
        known: null,
        writable: made.writable && toHex(made.writable),
        writeOneToClear: made.writeOneToClear && toHex(made.writeOneToClear),
        notProbed: made.notProbed,
        resources: rowsOf(made),
        driver: null,
        className: null,
        deviceName: null,
        irq: null,
        numaNode: -1,
        resetMethod: null,
        physicalFunction: null,
        sriov: made.totalVfs > 0 ? { totalVfs: made.totalVfs, numVfs: 0 } : null,
        model: null,
        attributes: {},
      },
    ];
  });
}

interface Settings {
  readonly name: string;
  readonly about: string;
  readonly cmdline: string;
  readonly modules: string[];
  readonly moduleOptions: Record<string, string>;
}

function describe(layout: QemuLayout, settings: Settings): MachineDescription {
  const unknown: UnknownFact[] = [];
  const functions = functionsOf(layout, unknown);
  for (const name of layout.leftOut) {
    if (!/iommu|nvme-subsys|isa-debugcon/.test(name)) {
      unknown.push({ function: null, what: 'device', why: `-device ${name}: it is no PCI function, and is left out` });
    }
  }
  const iommu = layout.iommu === null ? 'none' : KINDS[layout.iommu.name]!;
  const written =
    layout.iommu === null
      ? []
      : [[layout.iommu.name, ...[...layout.iommu.options].slice(1).map(([key, value]) => `${key}=${value}`)].join(',')];
  const unit = iommuUnitOf(iommu, written);
  return {
    format: 'vfiolab-machine/1',
    name: settings.name,
    about: settings.about,
    source: 'built',
    booted: false,
    iommu,
    ...(unit && { iommuUnit: unit }),
    kernel: {
      release: '6.12.117+deb12-amd64',
      build: 'debian',
      cmdline: settings.cmdline,
      modules: settings.modules,
      moduleOptions: settings.moduleOptions,
      drivers: [],
    },
    functions,
    recordedGroups: null,
    unknown,
  };
}

/** Throws ImportError when the text starts no QEMU, or one that QEMU itself would refuse. */
export function readQemu(text: string, name: string): MachineDescription {
  const start = COMMAND.exec(text);
  const words = isConfiguration(text)
    ? wordsOfConfiguration(text)
    : splitWords(start ? text.slice(start.index + start[0].length) : text);
  const layout = layOut(words);
  const about = `${layout.devices.length} PCI devices, read from a QEMU command line`;
  return describe(layout, { name, about, cmdline: layout.cmdline, modules: [], moduleOptions: {} });
}

/** A file of the recorder's `topologies`. */
export function readTopology(value: unknown): MachineDescription {
  const topology = topologySchema.parse(value);
  // The recorder starts QEMU so.
  const layout = layOut(['-nodefaults', '-machine', topology.machine, ...topology.qemu]);
  return describe(layout, {
    name: topology.name,
    about: topology.about,
    cmdline: topology.append,
    modules: topology.modules,
    moduleOptions: topology.module_options,
  });
}

/** Reads the PCI part of a NixOS facter report: ids, the path in sysfs, the group; no capabilities. */
import { z } from 'zod';
import type { FunctionDescription, MachineDescription, RecordedGroup, UnknownFact } from '../../hardware/description';
import { compareAddresses, formatAddress, parseAddress } from '../../hardware/pci/address';
import { toHex } from '../../shell/calls/hex';
import { ImportError } from './error';
import { iommuOf } from './iommu-kind';
import { Registers } from './lspci/registers';

const value = z.looseObject({ value: z.number().int().nonnegative() });

const entrySchema = z.looseObject({
  base_class: value,
  sub_class: value.optional(),
  vendor: value,
  device: value,
  sub_vendor: value.optional(),
  sub_device: value.optional(),
  revision: value.optional(),
  driver: z.string().optional(),
  model: z.string().optional(),
  sysfs_id: z.string(),
  sysfs_iommu_group_id: z.number().int().optional(),
  detail: z
    .looseObject({
      command: z.number().int().optional(),
      header_type: z.number().int().optional(),
      secondary_bus: z.number().int().optional(),
      prog_if: z.number().int().optional(),
    })
    .optional(),
});

type Entry = z.infer<typeof entrySchema>;

/** Entries of any hardware class that lie below a PCI root: the report sorts devices by what they are. */
function entriesIn(report: unknown): Entry[] {
  const found = new Map<string, Entry>();
  const visit = (node: unknown, depth: number): void => {
    if (depth > 4 || node === null || typeof node !== 'object') return;
    if (Array.isArray(node)) {
      for (const one of node.slice(0, 65536)) visit(one, depth + 1);
      return;
    }
    const path = (node as { sysfs_id?: unknown }).sysfs_id;
    if (typeof path === 'string') {
      const parsed = /\/pci[0-9a-f]{4,8}:[0-9a-f]{2}\//i.test(path) ? entrySchema.safeParse(node) : null;
      if (parsed?.success && !found.has(path)) found.set(path, parsed.data);
      return;
    }
    for (const one of Object.values(node)) visit(one, depth + 1);
  };
  visit(report, 0);
  return [...found.values()];
}

function registersOf(entry: Entry): Registers {
  const regs = new Registers();
  const layout = (entry.detail?.header_type ?? 0) & 0x7f;
  regs.set(0x00, 2, entry.vendor.value & 0xffff);
  regs.set(0x02, 2, entry.device.value & 0xffff);
  if (entry.detail?.command !== undefined) regs.set(0x04, 2, entry.detail.command & 0xffff);
  if (entry.revision) regs.set(0x08, 1, entry.revision.value & 0xff);
  if (entry.detail?.prog_if !== undefined) regs.set(0x09, 1, entry.detail.prog_if & 0xff);
  regs.set(0x0a, 1, (entry.sub_class?.value ?? 0) & 0xff);
  regs.set(0x0b, 1, entry.base_class.value & 0xff);
  regs.setBits(0x0e, 0, 7, layout, entry.detail?.header_type !== undefined);
  if (layout === 1 && entry.detail?.secondary_bus !== undefined) regs.set(0x19, 1, entry.detail.secondary_bus & 0xff);
  if (layout === 0 && entry.sub_vendor && entry.sub_device) {
    regs.set(0x2c, 2, entry.sub_vendor.value & 0xffff);
    regs.set(0x2e, 2, entry.sub_device.value & 0xffff);
  }
  return regs;
}

/** Throws ImportError when the report holds no PCI function. */
export function readFacter(report: unknown, name: string): MachineDescription {
  const unknown: UnknownFact[] = [];
  const groups: Record<string, RecordedGroup> = {};
  const placed = entriesIn(report).flatMap((entry) => {
    const parts = entry.sysfs_id.toLowerCase().split('/');
    const address = parseAddress(parts.at(-1)!);
    const root = parts.findLastIndex((part) => /^pci[0-9a-f]{4,8}:[0-9a-f]{2}$/.test(part));
    return address && root >= 0
      ? [{ entry, address, root: parts[root]!, above: parts.slice(root + 1, -1).at(-1) ?? null }]
      : [];
  });
  if (placed.length === 0)
    throw new ImportError('is JSON, but neither a machine of the lab nor a report with PCI functions');
  placed.sort((a, b) => compareAddresses(a.address, b.address));
  const listed = new Set(placed.map((one) => formatAddress(one.address)));
  const slots = new Map<string, number>();
  for (const one of listed) slots.set(one.slice(0, -2), (slots.get(one.slice(0, -2)) ?? 0) + 1);
  const functions = placed.map(({ entry, address: at, root, above }): FunctionDescription => {
    const address = formatAddress(at);
    const regs = registersOf(entry);
    const multi = slots.get(address.slice(0, -2))! > 1 || at.function > 0;
    regs.setBits(0x0e, 7, 1, multi ? 1 : 0, multi && at.function === 0);
    const why = 'a facter report shows no capabilities';
    unknown.push({ function: address, what: 'capabilities', why }, { function: address, what: 'acs', why });
    const parent = above !== null && listed.has(above) ? above : null;
    if (above !== null && parent === null) {
      unknown.push({ function: address, what: 'parent', why: `the bridge ${above} is not in the report` });
    }
    const group = entry.sysfs_iommu_group_id;
    if (group !== undefined && group >= 0) {
      groups[group] ??= { devices: [], type: null, reserved: [] };
      groups[group].devices.push(address);
    }
    return {
      address,
      parent,
      rootBus: root,
      physicalFunction: null,
      config: toHex(regs.bytes.subarray(0, 256)),
      known: toHex(regs.known.subarray(0, 256)),
      writable: null,
      writeOneToClear: null,
      resources: null,
      driver: entry.driver?.slice(0, 64) ?? null,
      className: null,
      deviceName: entry.model?.slice(0, 256) ?? null,
      irq: null,
      numaNode: -1,
      resetMethod: null,
      sriov: null,
      model: null,
      attributes: {},
    };
  });
  return {
    format: 'vfiolab-machine/1',
    name,
    about: `${functions.length} functions, read from a facter report`,
    source: 'sysfs',
    booted: true,
    iommu: iommuOf(
      placed.map(({ entry }) => ({
        classCode: (entry.base_class.value << 8) | (entry.sub_class?.value ?? 0),
        vendor: entry.vendor.value,
      })),
    ),
    kernel: {
      release: '',
      build: 'debian',
      cmdline: '',
      modules: [],
      moduleOptions: {},
      drivers: [...new Set(functions.map((fn) => fn.driver).filter((driver) => driver !== null))].sort(),
    },
    functions,
    recordedGroups: Object.keys(groups).length > 0 ? groups : null,
    unknown,
  };
}

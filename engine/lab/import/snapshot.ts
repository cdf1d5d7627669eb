/**
 * Reads a recorded machine, format `machine/1`: one JSON object with every function's configuration bytes, the masks
 * that probing found, the sysfs attributes, groups and the kernel's command line.
 */
import { z } from 'zod';
import type {
  FunctionDescription,
  IommuKind,
  IommuUnit,
  MachineDescription,
  RecordedGroup,
} from '../../hardware/description';
import { ImportError } from './error';
import { iommuTableSchema } from '../document/description-schema';

const MAX_FUNCTIONS = 65536;

const address = z.string().regex(/^[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/, 'is no PCI address');
const bytes = z
  .string()
  .regex(/^(?:[0-9a-f]{128}|[0-9a-f]{512}|[0-9a-f]{8192})$/i, 'is not 64, 256 or 4096 bytes of hex');
const number = z.string().regex(/^0x[0-9a-f]{1,16}$/i, 'is no 0x… number');
const scalar = z.union([z.string(), z.number(), z.null()]);

const functionSchema = z.looseObject({
  address,
  parent: address.nullable(),
  rootBus: z.string().regex(/^pci[0-9a-f]{4,8}:[0-9a-f]{2}$/, 'is no root bus such as pci0000:00'),
  config: bytes,
  writable: bytes.nullish(),
  writeOneToClear: bytes.nullish(),
  notProbed: z.array(z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()])).optional(),
  resources: z
    .array(z.tuple([number, number, number]))
    .max(32)
    .nullish(),
  group: z.number().int().nullish(),
  driver: z.string().nullish(),
  irq: z.union([z.string(), z.number()]).nullish(),
  resetMethod: z.string().nullish(),
  numaNode: z.number().int().nullish(),
  sriov: z.object({ totalvfs: z.number().int(), numvfs: z.number().int() }).nullish(),
  physfn: address.nullish(),
  sysfs: z.array(z.string()).optional(),
});

const snapshotSchema = z.looseObject({
  format: z.literal('machine/1'),
  name: z.string(),
  about: z.string().default(''),
  kernel: z.string(),
  cmdline: z.string().default(''),
  iommu: z.enum(['intel-vtd', 'amd-vi', 'virtio-iommu', 'none']),
  kernelBuild: z.enum(['iommufd', 'ifdcompat']).optional(),
  iommuTable: iommuTableSchema.optional(),
  qemu: z.array(z.string()).default([]),
  modules: z.array(z.string()).default([]),
  moduleOptions: z.record(z.string(), z.string()).default({}),
  drivers: z.array(z.string()).default([]),
  functions: z.array(functionSchema).min(1, 'is empty').max(MAX_FUNCTIONS),
  groups: z
    .record(
      z.string().regex(/^\d+$/, 'is no group number'),
      z.looseObject({
        devices: z.array(address),
        type: z.string().nullish(),
        reserved: z.array(z.tuple([z.string(), z.string(), z.string()])).default([]),
      }),
    )
    .default({}),
});

type Snapshot = z.infer<typeof snapshotSchema>;
type SnapshotFunction = Snapshot['functions'][number];

/** Fields of a recorded function that have a place of their own in the description; the rest become attributes. */
const PLACED = new Set([
  'address',
  'parent',
  'rootBus',
  'config',
  'writable',
  'writeOneToClear',
  'notProbed',
  'notRestored',
  'resources',
  'group',
  'driver',
  'irq',
  'resetMethod',
  'numaNode',
  'sriov',
  'physfn',
  'sysfs',
]);

/** Pads a short dump to 256 bytes; what was not shown is unknown. */
function widen(hex: string): { config: string; known: string | null } {
  if (hex.length >= 512) return { config: hex.toLowerCase(), known: null };
  return { config: hex.toLowerCase().padEnd(512, '0'), known: 'f'.repeat(hex.length).padEnd(512, '0') };
}

function attributesOf(fn: SnapshotFunction): FunctionDescription['attributes'] {
  const attributes: FunctionDescription['attributes'] = {};
  for (const [key, value] of Object.entries(fn)) {
    if (PLACED.has(key)) continue;
    const parsed = scalar.safeParse(value);
    if (parsed.success) attributes[key] = parsed.data;
  }
  if (fn.sysfs !== undefined) attributes.sysfs = fn.sysfs.join(' ');
  return attributes;
}

const mask = (hex: string | null | undefined): string | null => hex?.toLowerCase().padEnd(512, '0') ?? null;

function functionOf(fn: SnapshotFunction): FunctionDescription {
  return {
    address: fn.address,
    parent: fn.parent,
    rootBus: fn.rootBus,
    ...widen(fn.config),
    writable: mask(fn.writable),
    writeOneToClear: mask(fn.writeOneToClear),
    notProbed: fn.notProbed ?? [],
    resources: fn.resources ?? null,
    driver: fn.driver ?? null,
    className: null,
    deviceName: null,
    irq: fn.irq === null || fn.irq === undefined ? null : Number(fn.irq),
    numaNode: fn.numaNode ?? -1,
    resetMethod: fn.resetMethod ?? '',
    physicalFunction: fn.physfn ?? null,
    sriov: fn.sriov ? { totalVfs: fn.sriov.totalvfs, numVfs: fn.sriov.numvfs } : null,
    model: null,
    attributes: attributesOf(fn),
  };
}

/** What the emulator's arguments say about the IOMMU: `intel-iommu,intremap=on,aw-bits=48,…`. */
export function iommuUnitOf(kind: IommuKind, qemu: readonly string[]): IommuUnit | undefined {
  const argument = qemu.find((text) => /^(?:intel|amd|virtio)-iommu/.test(text));
  if (argument === undefined) return undefined;
  const options = new Map(
    argument
      .split(',')
      .slice(1)
      .map((part) => {
        const [key, value] = part.split('=');
        return [key!, value ?? 'on'] as const;
      }),
  );
  const on = (key: string, otherwise: boolean): boolean => {
    const value = options.get(key);
    return value === undefined || value === 'auto' ? otherwise : value === 'on' || value === 'true' || value === 'yes';
  };
  return {
    interruptRemapping: kind !== 'virtio-iommu' && on('intremap', true),
    addressBits: Number(options.get('aw-bits') ?? (kind === 'intel-vtd' ? 39 : 64)),
    scalableMode: on('x-scalable-mode', false),
    // QEMU's AMD unit always says that it caches entries that are not present (NpCache).
    cachingMode: kind === 'amd-vi' || on('caching-mode', false),
    ...(kind === 'intel-vtd' && { snoopControl: on('snoop-control', false) }),
    // QEMU's AMD unit looks a requester up under the bus number it had before firmware numbered the buses.
    // Nor does it show where its event log ends, so that no fault is ever told.
    ...(kind === 'amd-vi' && { busZeroOnly: true, hidesEvents: true }),
    x2apic: on('eim', false),
  };
}

/** Line of a JSON syntax error: engines tell a position, a line, or nothing. */
export function jsonErrorLine(text: string, message: string): number | null {
  const line = /line (\d+)/.exec(message);
  if (line) return Number(line[1]);
  const position = /position (\d+)/.exec(message);
  if (position) return text.slice(0, Number(position[1])).split('\n').length;
  return /end of JSON input/.test(message) ? text.split('\n').length : null;
}

/** Line on which `needle` stands in the file, for a problem found after parsing. */
function lineOf(text: string, needle: string | undefined): number | null {
  const at = needle === undefined ? -1 : text.indexOf(needle);
  return at < 0 ? null : text.slice(0, at).split('\n').length;
}

function checkTree(snapshot: Snapshot, text: string): void {
  const byAddress = new Map<string, SnapshotFunction>();
  for (const fn of snapshot.functions) {
    if (byAddress.has(fn.address)) {
      throw new ImportError(`two functions have the address ${fn.address}`, lineOf(text, `"${fn.address}"`));
    }
    byAddress.set(fn.address, fn);
  }
  for (const fn of snapshot.functions) {
    let above = fn.parent;
    for (let depth = 0; above !== null; depth++) {
      if (depth > byAddress.size) {
        throw new ImportError(`${fn.address} is below a loop of bridges`, lineOf(text, `"${fn.address}"`));
      }
      const bridge = byAddress.get(above);
      if (!bridge) {
        throw new ImportError(`the bridge ${above} above ${fn.address} is missing`, lineOf(text, `"${fn.address}"`));
      }
      above = bridge.parent;
    }
  }
}

/** Where in the snapshot a schema problem is, with the function's address instead of its index. */
function placeOf(path: readonly PropertyKey[], value: unknown): string {
  const [first, index, ...rest] = path;
  const functions = (value as { functions?: unknown }).functions;
  const fn =
    Array.isArray(functions) && first === 'functions' ? (functions[Number(index)] as { address?: unknown }) : null;
  if (fn && typeof fn.address === 'string' && rest.length > 0) return `function ${fn.address}: ${rest.join('.')}`;
  return path.join('.') || 'the file';
}

/** Throws ImportError when the text is no `machine/1` snapshot or contradicts itself. */
export function readSnapshot(text: string): MachineDescription {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ImportError(`is no complete JSON: ${message.slice(0, 120)}`, jsonErrorLine(text, message));
  }
  const parsed = snapshotSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new ImportError(`${placeOf(issue.path, value)} ${issue.message}`);
  }
  const snapshot = parsed.data;
  checkTree(snapshot, text);
  const groups: Record<string, RecordedGroup> = {};
  for (const [id, group] of Object.entries(snapshot.groups)) {
    groups[id] = { devices: group.devices, type: group.type ?? null, reserved: group.reserved };
  }
  const unit = iommuUnitOf(snapshot.iommu, snapshot.qemu);
  const machine: MachineDescription = {
    format: 'vfiolab-machine/1',
    name: snapshot.name,
    about: snapshot.about,
    source: 'recorded',
    booted: true,
    iommu: snapshot.iommu,
    ...(unit && { iommuUnit: unit }),
    ...(snapshot.iommuTable && { iommuTable: snapshot.iommuTable }),
    kernel: {
      release: snapshot.kernel,
      build: snapshot.kernelBuild ?? 'debian',
      cmdline: snapshot.cmdline,
      modules: snapshot.modules,
      moduleOptions: snapshot.moduleOptions,
      drivers: snapshot.drivers,
    },
    functions: snapshot.functions.map(functionOf),
    recordedGroups: groups,
    unknown: [],
  };
  return machine;
}

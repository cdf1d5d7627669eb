/** The shape of a machine description in a file, checked before anything is built from it. */
import { z } from 'zod';
import type { MachineDescription } from '../../hardware/description';

const address = z.string().regex(/^[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/, 'is no PCI address');
const configHex = z.string().regex(/^(?:[0-9a-f]{512}|[0-9a-f]{8192})$/, 'is not 256 or 4096 bytes of lower-case hex');
const number = z.string().regex(/^0x[0-9a-f]{1,16}$/i, 'is no 0x… number');

const scope = z.union([z.object({ at: address }), z.object({ from: address, to: address })]);

export const iommuTableSchema = z.object({
  units: z
    .array(z.object({ segment: z.number().int().min(0), rest: z.boolean(), scope: z.array(scope).max(4096) }))
    .max(1024),
  reserved: z.array(z.object({ start: number, end: number, scope: z.array(scope).max(4096) })).max(1024),
});

export const functionSchema = z.object({
  address,
  parent: address.nullable(),
  parentKnown: z.literal(false).optional(),
  rootBus: z.string().max(64),
  config: configHex,
  known: configHex.nullable(),
  writable: configHex.nullable(),
  writeOneToClear: configHex.nullable(),
  notProbed: z.array(z.tuple([z.number().int(), z.number().int()])).optional(),
  resources: z
    .array(z.tuple([number, number, number]))
    .max(32)
    .nullable(),
  driver: z.string().max(64).nullable(),
  className: z.string().max(256).nullable(),
  deviceName: z.string().max(256).nullable(),
  irq: z.number().int().nullable(),
  numaNode: z.number().int(),
  resetMethod: z.string().max(256).nullable(),
  physicalFunction: address.nullable(),
  sriov: z.object({ totalVfs: z.number().int(), numVfs: z.number().int() }).nullable(),
  model: z.string().max(64).nullable(),
  part: z
    .object({
      id: z.string().max(64),
      instance: z.number().int(),
      index: z.number().int(),
      straps: z.record(z.string(), z.union([z.number(), z.boolean(), z.string(), z.array(z.string())])),
    })
    .optional(),
  label: z.string().max(80).optional(),
  recordedAt: address.optional(),
  attributes: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
});

export const descriptionSchema = z.looseObject({
  format: z.literal('vfiolab-machine/1'),
  name: z.string().max(256),
  about: z.string().max(4096),
  source: z.enum(['recorded', 'lspci', 'sysfs', 'built']),
  booted: z.boolean(),
  iommu: z.enum(['intel-vtd', 'amd-vi', 'virtio-iommu', 'smmu', 'none', 'unknown']),
  iommuTable: iommuTableSchema.optional(),
  kernel: z.looseObject({
    release: z.string(),
    build: z.enum(['debian', 'iommufd', 'ifdcompat']),
    cmdline: z.string(),
    modules: z.array(z.string()),
    moduleOptions: z.record(z.string(), z.string()),
    drivers: z.array(z.string()),
  }),
  functions: z.array(functionSchema).max(65536),
  recordedGroups: z
    .record(
      z.string(),
      z.object({
        devices: z.array(address),
        type: z.string().nullable(),
        reserved: z.array(z.tuple([z.string(), z.string(), z.string()])),
      }),
    )
    .nullable(),
  regrouped: z.array(address).optional(),
  unknown: z.array(z.object({ function: z.string().nullable(), what: z.string(), why: z.string() })),
});

/** What no machine can be, whatever the fields say: two functions in one place, bridges in a circle, nothing above. */
function treeProblem({ functions }: MachineDescription): string | null {
  const byAddress = new Map(functions.map((fn) => [fn.address, fn]));
  if (byAddress.size < functions.length) {
    const seen = new Set<string>();
    const twice = functions.findIndex((fn) => seen.size === seen.add(fn.address).size);
    return `functions.${twice}: there is a function at ${functions[twice]!.address} already`;
  }
  /** Functions from which the way up is known to end. */
  const sound = new Set<string>();
  for (const [index, fn] of functions.entries()) {
    const way = new Set<string>();
    for (let at = fn; !sound.has(at.address);) {
      if (way.has(at.address)) return `functions.${index}: ${fn.address} is below a loop of bridges`;
      way.add(at.address);
      if (at.parent === null) break;
      const above = byAddress.get(at.parent);
      if (above === undefined) return `functions.${index}: the bridge ${at.parent} above ${at.address} is missing`;
      at = above;
    }
    for (const address of way) sound.add(address);
    if (fn.physicalFunction !== null && !byAddress.has(fn.physicalFunction)) {
      return `functions.${index}: the physical function ${fn.physicalFunction} of ${fn.address} is missing`;
    }
  }
  return null;
}

/** The description, or where it is not one: `functions.3.config is not 256 or 4096 bytes …`. */
export function checkDescription(value: unknown): MachineDescription | { problem: string } {
  const parsed = descriptionSchema.safeParse(value);
  if (parsed.success) {
    const description = parsed.data as MachineDescription;
    const problem = treeProblem(description);
    return problem === null ? description : { problem };
  }
  const issue = parsed.error.issues[0]!;
  return { problem: `${issue.path.join('.') || 'the file'}: ${issue.message}` };
}

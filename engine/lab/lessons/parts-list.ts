/**
 * A machine as a short list of parts, so that a lesson can have one of its own that people can read:
 *
 *     format: vfiolab-parts/1
 *     name: desktop
 *     parts:
 *       - part: root-complex
 *         below:
 *           - part: root-port
 *             straps: { slot: 1 }
 *             below: [{ part: gpu }]
 *
 * Below a switch the list goes through its ports in order; `null` leaves one empty.
 */
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import type { MachineDescription } from '../../hardware/description';
import { placePart } from '../../hardware/parts';
import { LessonError } from './lesson';

interface ListedPart {
  readonly part: string;
  readonly device?: number | undefined;
  readonly straps: Readonly<Record<string, unknown>>;
  readonly below: readonly (ListedPart | null)[];
}

const listed: z.ZodType<ListedPart> = z.strictObject({
  part: z.string().min(1),
  device: z.number().int().min(0).max(31).optional(),
  straps: z.record(z.string(), z.unknown()).default({}),
  below: z.array(z.lazy(() => listed.nullable())).default([]),
});

const schema = z.strictObject({
  format: z.literal('vfiolab-parts/1', 'this version of VFIO Lab reads vfiolab-parts/1'),
  name: z.string().min(1),
  about: z.string().default(''),
  iommu: z.enum(['intel-vtd', 'amd-vi', 'none']).default('intel-vtd'),
  interruptRemapping: z.boolean().default(true),
  cmdline: z.string().default('BOOT_IMAGE=/vmlinuz root=/dev/nvme0n1p2 ro quiet intel_iommu=on'),
  build: z.enum(['debian', 'iommufd', 'ifdcompat']).default('debian'),
  modules: z.array(z.string()).default(['vfio', 'vfio_iommu_type1', 'vfio-pci', 'pci-stub']),
  drivers: z.array(z.string()).default(['vfio-pci', 'pci-stub', 'pcieport']),
  parts: z.array(listed).min(1),
});

/** The machine of a list of parts, not booted yet. Throws LessonError with file and line. */
export function readPartsList(file: string, source: string): MachineDescription {
  const counter = new LineCounter();
  const document = parseDocument(source, { lineCounter: counter, prettyErrors: false });
  const error = document.errors[0];
  if (error !== undefined) throw new LessonError(file, counter.linePos(error.pos[0]).line, error.message);
  const read = schema.safeParse(plainOf(file, document));
  /** Of what the path leads to, or of the innermost around it that is there. */
  const lineOf = (path: readonly PropertyKey[]): number => {
    const node = document.getIn(path, true) as { range?: [number, number, number] } | undefined;
    if (node?.range !== undefined) return counter.linePos(node.range[0]).line;
    return path.length === 0 ? 1 : lineOf(path.slice(0, -1));
  };
  if (!read.success) {
    const { path, message } = read.error.issues[0]!;
    throw new LessonError(file, lineOf(path), path.length === 0 ? message : `${path.join('.')}: ${message}`);
  }
  const { parts, iommu, name, about, cmdline, build, modules, drivers, interruptRemapping } = read.data;
  const empty: MachineDescription = {
    format: 'vfiolab-machine/1',
    name,
    about,
    source: 'built',
    booted: false,
    iommu,
    ...(!interruptRemapping && {
      iommuUnit: { interruptRemapping, addressBits: 39, scalableMode: false, cachingMode: false },
    }),
    kernel: { release: '6.12.117+deb12-amd64', build, cmdline, modules, moduleOptions: {}, drivers },
    functions: [],
    recordedGroups: null,
    unknown: [],
  };
  const place = new Placer(empty, (path, message) => {
    throw new LessonError(file, lineOf(['parts', ...path]), message);
  });
  place.all(parts, null, []);
  return place.description;
}

function plainOf(file: string, document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 10 });
  } catch (unresolved) {
    throw new LessonError(file, 1, unresolved instanceof Error ? unresolved.message : String(unresolved));
  }
}

/** Where a part's list goes: a root bus, one bridge for all of it, or a port for each. */
type Below = { readonly rootBus: string } | { readonly bridge: string } | { readonly ports: readonly string[] };

class Placer {
  description: MachineDescription;
  private readonly fail: (path: readonly PropertyKey[], message: string) => never;

  constructor(description: MachineDescription, fail: (path: readonly PropertyKey[], message: string) => never) {
    this.description = description;
    this.fail = fail;
  }

  all(parts: readonly (ListedPart | null)[], below: Below | null, path: readonly PropertyKey[]): void {
    parts.forEach((part, index) => {
      if (part !== null) this.one(part, below, index, [...path, index]);
    });
  }

  private one(listing: ListedPart, below: Below | null, index: number, path: readonly PropertyKey[]): void {
    const { part, device, straps } = listing;
    let parent: string | null = null;
    if (below !== null && 'bridge' in below) parent = below.bridge;
    if (below !== null && 'ports' in below) {
      parent = below.ports[index] ?? this.fail(path, `The switch above has only ${below.ports.length} ports.`);
    }
    const placed = placePart(this.description, {
      part,
      straps,
      parent,
      ...(below !== null && 'rootBus' in below && { rootBus: below.rootBus }),
      ...(device !== undefined && { device }),
    });
    if ('problem' in placed) this.fail(path, placed.problem);
    this.description = placed.description;
    if (listing.below.length > 0) this.all(listing.below, this.inside(placed.added), [...path, 'below']);
  }

  private inside(added: readonly string[]): Below {
    const first = this.description.functions.find(({ address }) => address === added[0])!;
    if (first.part?.id === 'root-complex') return { rootBus: first.rootBus };
    const ports = this.description.functions.filter((fn) => fn.parent === first.address).map((fn) => fn.address);
    return ports.length === 0 ? { bridge: first.address } : { ports };
  }
}

/** Conditions on a machine as it is. */
import { z } from 'zod';
import { PagingDomain, PROT_READ, PROT_WRITE } from '../../linux/iommu/domain';
import type { IommuGroup } from '../../linux/iommu/group';
import type { PciDevice } from '../../linux/pci/device';
import { previewFilter } from '../../linux/vfio/pci/preview';
import { holdingsOf, vfioPciOf } from '../holdings';
import type { Machine } from '../machine';
import { interruptsView } from '../views/interrupts';
import { culpritOf } from '../views/topology';
import type { VectorView } from '../views/types';
import { address, count, oneOf, pattern, size, within } from './values';

export interface State<T = unknown> {
  readonly schema: z.ZodType<T>;
  holds(args: T, machine: Machine): boolean;
  /** One line for the author's guide. */
  readonly about: string;
}

const state = <S extends z.ZodType>(
  about: string,
  schema: S,
  holds: (args: z.output<S>, machine: Machine) => boolean,
): State => ({ about, schema, holds: (args, machine) => holds(args as z.output<S>, machine) });

const deviceAt = (machine: Machine, at: string): PciDevice | null => machine.kernel.pci.devices.get(at) ?? null;

function groupAt(machine: Machine, at: string): IommuGroup | null {
  const device = deviceAt(machine, at);
  return device === null ? null : machine.kernel.iommu.groupOf(device);
}

const memberNames = (group: IommuGroup): string[] => group.devices.map((device) => device.name).sort();

const equalLists = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((item, index) => item === b[index]);

const kind = z.enum(['intx', 'msi', 'msix']);

function vectorsOf(machine: Machine, at: string, which: z.output<typeof kind>): readonly VectorView[] {
  const device = deviceAt(machine, at);
  const view = device && interruptsView(machine.kernel, device);
  return view && view.active === which ? view.vectors : [];
}

/** What a user reads of a register, or what the hardware has there. */
function register(machine: Machine, at: string, offset: number, width: number, view: 'user' | 'hardware'): number {
  const device = deviceAt(machine, at);
  if (device === null) return -1;
  const bytes = new Uint8Array(width);
  if (view === 'hardware') bytes.set(device.config.bytes.subarray(offset, offset + width));
  else (vfioPciOf(machine.kernel, at)?.filter ?? previewFilter(device)).read(bytes, offset);
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}

function mapped(machine: Machine, at: string, iova: bigint, length: bigint, access: string): boolean {
  const domain = groupAt(machine, at)?.domain;
  if (!(domain instanceof PagingDomain)) return false;
  const wanted = (access.includes('r') ? PROT_READ : 0) | (access.includes('w') ? PROT_WRITE : 0);
  return [iova, iova + length - 1n].every((point) => ((domain.translate(point)?.prot ?? 0) & wanted) === wanted);
}

function readText(machine: Machine, path: string): string | null {
  const answer = machine.observe(1, { op: 'sysread', path });
  return answer.errno === undefined ? (answer.text ?? null) : null;
}

export const STATES: Readonly<Record<string, State>> = {
  driver: state(
    '`{ of, is }`: which driver a function is bound to (`null`: none; a list: any of these)',
    z.strictObject({ of: address, is: oneOf(z.string().nullable()) }),
    ({ of, is }, machine) => {
      const device = deviceAt(machine, of);
      return device !== null && is.includes(device.driver?.name ?? null);
    },
  ),
  group: state(
    '`{ of, viable, attached, size, members }`: the IOMMU group of a function; every key given must hold',
    z.strictObject({
      of: address,
      viable: z.boolean().optional(),
      attached: z.boolean().optional(),
      size: count.optional(),
      members: z.array(address).optional(),
    }),
    ({ of, viable, attached, size: wanted, members }, machine) => {
      const group = groupAt(machine, of);
      if (group === null) return false;
      if (viable !== undefined && (culpritOf(group) === null) !== viable) return false;
      if (attached !== undefined) {
        const held = holdingsOf(machine.kernel).groups.some((one) => one.id === group.id && one.contained);
        if (held !== attached) return false;
      }
      if (wanted !== undefined && !within(wanted, group.devices.length)) return false;
      return members === undefined || equalLists(memberNames(group), [...members].sort());
    },
  ),
  groups: state(
    '`{ count }`: how many IOMMU groups the machine has',
    z.strictObject({ count }),
    ({ count: wanted }, machine) => within(wanted, machine.kernel.iommu.groups.size),
  ),
  together: state('`[A, B, …]`: these functions share one group', z.array(address).min(2), (list, machine) => {
    const first = groupAt(machine, list[0]!);
    return first !== null && list.every((one) => groupAt(machine, one) === first);
  }),
  apart: state('`[A, B, …]`: no two of these functions share a group', z.array(address).min(2), (list, machine) => {
    const groups = list.map((one) => groupAt(machine, one));
    return groups.every((group) => group !== null) && new Set(groups).size === groups.length;
  }),
  present: state('`A`: the function is there', address, (at, machine) => deviceAt(machine, at) !== null),
  container: state(
    '`{ holds, type, groups }`: a container holds the group of this function; its IOMMU type; how many groups it has',
    z.strictObject({ holds: address, type: oneOf(z.string()).optional(), groups: count.optional() }),
    ({ holds, type, groups }, machine) => {
      const group = groupAt(machine, holds);
      return holdingsOf(machine.kernel).containers.some(
        ({ container }) =>
          container.groups.some((one) => one.iommuGroup === group) &&
          (type === undefined || type.includes(container.backend?.name ?? 'none')) &&
          (groups === undefined || within(groups, container.groups.length)),
      );
    },
  ),
  open: state('`A`: a process has the VFIO device open', address, (at, machine) =>
    holdingsOf(machine.kernel).devices.some((device) => device.address === at),
  ),
  mapping: state(
    '`{ of, iova, size, access }`: the function reaches this range of IOVAs (`access`: r, w or rw; size 4K)',
    z.strictObject({
      of: address,
      iova: size,
      size: size.optional(),
      access: z.enum(['r', 'w', 'rw']).default('rw'),
    }),
    ({ of, iova, size: length, access }, machine) => mapped(machine, of, iova, length ?? 4096n, access),
  ),
  vectors: state(
    '`{ of, kind, on }`: how many interrupts of the kind (intx, msi, msix) deliver to an eventfd',
    z.strictObject({ of: address, kind, on: count }),
    ({ of, kind: which, on }, machine) =>
      within(on, vectorsOf(machine, of, which).filter((vector) => vector.eventfd !== null).length),
  ),
  vector: state(
    '`{ of, kind, n, count, masked, pending, eventfd }`: one interrupt of the kind in use',
    z.strictObject({
      of: address,
      kind,
      n: z.number().int().nonnegative(),
      count: count.optional(),
      masked: z.boolean().optional(),
      pending: z.boolean().optional(),
      eventfd: z.boolean().optional(),
    }),
    ({ of, kind: which, n, count: wanted, masked, pending, eventfd }, machine) => {
      const vector = vectorsOf(machine, of, which).find((one) => one.index === n);
      if (vector === undefined) return false;
      if (wanted !== undefined && !within(wanted, vector.count)) return false;
      if (masked !== undefined && vector.masked !== masked) return false;
      if (pending !== undefined && vector.pending !== pending) return false;
      return eventfd === undefined || (vector.eventfd !== null) === eventfd;
    },
  ),
  register: state(
    '`{ of, at, width, mask, is, view }`: a config register as a user reads it, or (`view: hardware`) as it is',
    z.strictObject({
      of: address,
      at: size,
      width: z.union([z.literal(1), z.literal(2), z.literal(4)]).default(4),
      mask: size.optional(),
      is: size,
      view: z.enum(['user', 'hardware']).default('user'),
    }),
    ({ of, at, width, mask, is, view }, machine) => {
      const value = register(machine, of, Number(at), width, view);
      return value >= 0 && (BigInt(value) & (mask ?? 0xffffffffn)) === is;
    },
  ),
  file: state(
    '`{ path, is, matches, missing }`: what a file of the machine says (without the last newline)',
    z.strictObject({
      path: z.string().startsWith('/'),
      is: z.string().optional(),
      matches: pattern.optional(),
      missing: z.boolean().optional(),
    }),
    ({ path, is, matches, missing }, machine) => {
      const text = readText(machine, path)?.replace(/\n$/, '') ?? null;
      if (missing !== undefined && (text === null) !== missing) return false;
      if (is !== undefined && text !== is) return false;
      return matches === undefined || (text !== null && matches.test(text));
    },
  ),
  locked: state(
    '`{ kib }`: memory that one process has locked (VmLck) for DMA, in KiB',
    z.strictObject({ kib: count }),
    ({ kib }, machine) => [...machine.kernel.processes.all()].some((process) => within(kib, process.lockedPages * 4)),
  ),
  cmdline: state('`WORD`: the kernel was booted with this word', z.string().min(1), (word, machine) =>
    machine.kernel.description.kernel.cmdline.split(/\s+/).includes(word),
  ),
};

/** The way of a request or a message, hop by hop, with every table entry that hardware reads. Nothing is changed. */
import { DELIVERY_NAMES, NO_VECTOR, newMessage, readCompatible } from '../../hardware/apic';
import type { InterruptMessage } from '../../hardware/apic';
import { routeConfig } from '../../hardware/fabric/host';
import type { FabricPath, Hop } from '../../hardware/fabric/path';
import { pathLines } from '../../hardware/fabric/path';
import type { MessageWalk, Walk, WalkStep } from '../../hardware/iommu/iommu';
import { CAN_READ, CAN_WRITE } from '../../hardware/iommu/iotlb';
import type { Platform } from '../../hardware/platform';
import { devfn } from '../../hardware/pci/address';
import type { PciDevice } from '../pci/device';
import type { IommuCore } from './core';

export interface FollowSource {
  readonly platform: Platform;
  readonly iommu: IommuCore;
  /** What is at a physical address, in words. */
  describe(physical: number): string;
}

export interface DmaWay {
  readonly device: PciDevice;
  readonly address: bigint;
  readonly write: boolean;
  /** Through the tree and the root complex. */
  readonly path: FabricPath;
  /** The unit in front of the function; null: none has it in its scope. */
  readonly unit: string | null;
  /** What the unit does; null where the request does not come to one. */
  readonly walk: Walk | null;
  /** What is at the physical address that it comes to; null where it comes to none. */
  readonly place: string | null;
}

const LAST_PAGE = 2 ** 52 - 1;

/** What would become of an access of a function as things stand. */
export function followDma(source: FollowSource, device: PciDevice, address: bigint, write: boolean): DmaWay {
  const { senders } = source.platform;
  const kind = write ? 'memory-write' : 'memory-read';
  const path = senders.look(device.function, { kind, address, length: 4, addressType: 'untranslated' });
  const { unit } = senders.of(device.function);
  const asked = path.hops.some(({ at }) => at === 'IOMMU');
  const page = Math.min(LAST_PAGE, Number(address >> 12n));
  const walk = unit !== null && asked ? unit.walk(path.requester, page, Number(address & 0xfffn), write) : null;
  const { ending } = path;
  const place =
    ending.kind === 'memory'
      ? source.describe(Number(ending.address))
      : ending.kind === 'function'
        ? `BAR ${ending.region} of ${ending.function}, offset 0x${ending.offset.toString(16)}`
        : null;
  return { device, address, write, path, unit: unit === null ? null : unitName(source, device), walk, place };
}

const unitName = ({ iommu }: FollowSource, device: PciDevice): string => iommu.unitOf(device) ?? 'IOMMU';

export interface MessageWay {
  readonly device: PciDevice;
  readonly address: bigint;
  readonly data: number;
  readonly path: FabricPath;
  readonly unit: string | null;
  /** Null where the message is none, does not get through, or nothing remaps it. */
  readonly walk: MessageWalk | null;
  /** What the CPUs get; null where they get nothing. */
  readonly interrupt: InterruptMessage | null;
}

/** What would become of a message write of a function. */
export function followMessage(source: FollowSource, device: PciDevice, address: bigint, data: number): MessageWay {
  const { senders } = source.platform;
  const packet = { kind: 'memory-write', address, length: 4, addressType: 'untranslated' } as const;
  const path = senders.look(device.function, packet);
  const { unit } = senders.of(device.function);
  const remapped = path.ending.kind === 'interrupt' && unit !== null && unit.remapping;
  const walk = remapped ? unit.followMessage(path.requester, Number(address), data) : null;
  const compatible = path.ending.kind === 'interrupt' && !remapped;
  const interrupt = compatible
    ? readCompatible(Number(address & 0xffff_ffffn), data, newMessage())
    : (walk?.interrupt ?? null);
  return { device, address, data, path, unit: unit === null ? null : unitName(source, device), walk, interrupt };
}

/** The way of the host's read of a configuration register. */
export function followConfig({ platform }: FollowSource, device: PciDevice, register: number): FabricPath {
  const { segment, bus } = device.function.address;
  const kind = 'config-read';
  return routeConfig(platform.senders.fabric, { kind, segment, bus, devfn: devfn(device.function.address), register });
}

// ---- in words

const hex = (value: number | bigint, digits = 1): string => `0x${value.toString(16).padStart(digits, '0')}`;
export const requesterText = (id: number): string =>
  `${(id >>> 8).toString(16).padStart(2, '0')}:${((id >>> 3) & 31).toString(16).padStart(2, '0')}.${id & 7}`;

const SIZE_UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

export const sizeText = (bits: number): string => `${2 ** (bits % 10)} ${SIZE_UNITS[Math.floor(bits / 10)]}`;

export const rightsText = (rights: number): string =>
  [rights & CAN_READ && 'read', rights & CAN_WRITE && 'write'].filter(Boolean).join(' and ') || 'nothing';

function stepLines({ table, address, index, entry, fields, meaning, ok }: WalkStep): string[] {
  const place = index === null ? '' : ` entry ${hex(index)}`;
  const at = address === null ? '' : ` at ${hex(address, 10)}`;
  const lines = [`  ${table}${place}${at}${entry === null ? '' : `: ${entry}`}`];
  if (fields.length > 0) {
    lines.push(`      ${fields.map(({ name, value }) => `${name}=${hex(value)}`).join(' ')}`);
  }
  lines.push(`      ${ok ? meaning : `stopped: ${meaning}`}`);
  return lines;
}

const hopLine = (hop: Hop): string => `  ${hop.at} ${hop.decision}: ${hop.text}`;

export function dmaLines({ device, address, write, path, unit, walk, place }: DmaWay): string[] {
  const lines = [
    `${device.name} ${write ? 'writes to' : 'reads'} ${hex(address)} with requester ID ${requesterText(path.requester)}:`,
    ...path.hops.map(hopLine),
  ];
  if (walk !== null) {
    lines.push(`${unit} looks at its tables:`, ...walk.steps.flatMap(stepLines));
    if (walk.cached !== null) {
      const { physical, rights } = walk.cached;
      lines.push(`The IOTLB holds a translation for it, to ${hex(physical)}, ${rightsText(rights)}.`);
    }
  } else if (unit === null) lines.push('No IOMMU unit has the function in its scope.');
  lines.push(endLine(walk, path, place));
  return lines;
}

function endLine(walk: Walk | null, path: FabricPath, place: string | null): string {
  const { ending } = path;
  if (walk?.reasonText != null) {
    const stale = walk.cached === null ? '' : ' But until the unit is told to forget, what its IOTLB holds is used.';
    return `Blocked: ${walk.reasonText}.${stale}`;
  }
  if (ending.kind === 'memory') {
    const size = walk?.outcome === 'translated' ? ` by a page of ${sizeText(walk.sizeBits)}` : '';
    return `It comes to ${hex(ending.address)}${size}: ${place}.`;
  }
  if (ending.kind === 'function') return `It comes to ${place}${walk === null ? ', and no IOMMU has seen it' : ''}.`;
  if (ending.kind === 'interrupt') return 'It is an interrupt, and no access to memory.';
  return ending.kind === 'refused' ? `${ending.at} refuses it.` : 'It comes to nobody.';
}

export function messageLines({ device, address, data, path, unit, walk, interrupt }: MessageWay): string[] {
  const id = requesterText(path.requester);
  const lines = [
    `${device.name} writes ${hex(data, 8)} to ${hex(address, 8)} with requester ID ${id}:`,
    ...path.hops.map(hopLine),
  ];
  if (path.ending.kind !== 'interrupt') {
    lines.push('It does not come to the CPUs.');
    return lines;
  }
  if (walk !== null) lines.push(`${unit} remaps it:`, ...walk.steps.flatMap(stepLines));
  if (interrupt === null) lines.push(`Blocked: ${walk?.reasonText}.`);
  else if (interrupt.vector === NO_VECTOR) lines.push('It is posted; nobody needs to be told.');
  else {
    const kind = DELIVERY_NAMES[interrupt.delivery] ?? `delivery ${interrupt.delivery}`;
    const vector = `vector ${interrupt.vector} (0x${interrupt.vector.toString(16)}) of CPU ${interrupt.destination}`;
    const unchecked = walk === null ? ': nothing remaps it, and nobody asks whose that is' : '';
    lines.push(`It becomes ${vector}, ${kind}${unchecked}.`);
  }
  return lines;
}

export const configLines = (device: PciDevice, register: number, path: FabricPath): string[] => [
  `The host reads register ${hex(register, 3)} of ${device.name}:`,
  ...pathLines(path),
  path.ending.kind === 'function'
    ? `It comes to ${path.ending.function}, register ${hex(path.ending.offset, 3)}.`
    : 'It comes to nobody: the host reads ones.',
];

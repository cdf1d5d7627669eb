/** What stands between one function and memory: its unit, address space, IOTLB, remapping entries and faults. */
import { busMaster } from '../../hardware/fabric/decode';
import { requestersOf } from '../../hardware/fabric/requester';
import type { IommuUnit } from '../../hardware/iommu/iommu';
import { Iotlb } from '../../hardware/iommu/iotlb';
import { decodeEntry } from '../../hardware/iommu/layout';
import { PagingDomain } from '../../linux/iommu/domain';
import { followMessage, requesterText, rightsText, sizeText } from '../../linux/iommu/follow';
import type { IommuGroup } from '../../linux/iommu/group';
import type { Kernel } from '../../linux/kernel';
import type { PciDevice } from '../../linux/pci/device';
import { fieldView, interruptText } from './follow';
import { activeKind, messageRegisters, offeredBy, secondsText } from './interrupts';
import type { IommuDomainView, IommuFaultView, IommuFunctionView, IommuUnitView, RemappedVectorView } from './types';

const PAGE_SHIFT = 12;
const PAGE = 2 ** PAGE_SHIFT;
const MAPPINGS = 200;
const CACHED = 64;
const VECTORS = 64;
const FAULTS = 50;

const hex = (value: number | bigint, digits = 1): string => `0x${value.toString(16).padStart(digits, '0')}`;

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** The largest unit in which it is whole. */
export function bytesText(pages: number): string {
  let value = BigInt(pages) * BigInt(PAGE);
  let unit = 0;
  while (unit < UNITS.length - 1 && value % 1024n === 0n && value > 0n) {
    value /= 1024n;
    unit++;
  }
  return `${value} ${UNITS[unit]}`;
}

function unitView(unit: IommuUnit, name: string | null, segment: number): IommuUnitView {
  const { iotlb } = unit;
  const registers = unit.registers.map(({ name: register, offset, width, layout }) => {
    const words = Uint32Array.of(unit.read(offset), width === 8 ? unit.read(offset + 4) : 0);
    const value = BigInt(words[0]!) | (BigInt(words[1]!) << 32n);
    return {
      name: register,
      offset: hex(offset, 3),
      value: hex(value, width * 2),
      fields: layout === undefined ? [] : decodeEntry(layout, words).map(fieldView),
    };
  });
  const { used, hits, misses, forgotten } = iotlb;
  return {
    name,
    kind: unit.kind,
    segment,
    translating: unit.translating,
    remapping: unit.remapping,
    registers,
    iotlb: { used, capacity: Iotlb.capacity, hits, misses, forgotten },
    cachedInterrupts: unit.cachedInterrupts,
  };
}

function mappingsOf(kernel: Kernel, domain: PagingDomain): IommuDomainView['mappings'] {
  const mappings: IommuDomainView['mappings'] = [];
  for (const { page, pages, physical, prot } of domain.mappings()) {
    if (mappings.length === MAPPINGS) break;
    mappings.push({
      iova: hex(BigInt(page) * BigInt(PAGE)),
      size: bytesText(pages),
      bytes: String(BigInt(pages) * BigInt(PAGE)),
      physical: hex(BigInt(physical) * BigInt(PAGE)),
      rights: rightsText(prot),
      place: kernel.describe(physical * PAGE),
    });
  }
  return mappings;
}

function domainView(kernel: Kernel, group: IommuGroup, unit: IommuUnit, segment: number): IommuDomainView {
  const { domain } = group;
  const id = kernel.iommu.driver?.domainId(domain, segment) ?? null;
  const paging = domain instanceof PagingDomain ? domain : null;
  const tables = paging !== null && unit.kind !== 'ranges' ? paging.tables : null;
  const cachedPages: IommuDomainView['cachedPages'] = [];
  if (id !== null) {
    for (const { page, shift, frame, rights } of unit.iotlb.entriesOf(id)) {
      cachedPages.push({
        iova: hex(BigInt(page) * BigInt(PAGE)),
        size: sizeText(shift + PAGE_SHIFT),
        physical: hex(BigInt(frame) * BigInt(PAGE)),
        rights: rightsText(rights),
      });
    }
  }
  return {
    type: domain.type,
    id,
    root: tables === null ? null : hex(tables.root * PAGE),
    levels: tables?.levels ?? null,
    tables: tables?.count ?? 0,
    mapped: paging?.runs ?? 0,
    mappedBytes: String(BigInt(paging?.mappedPages ?? 0) * BigInt(PAGE)),
    mappings: paging === null ? [] : mappingsOf(kernel, paging),
    cached: cachedPages.length,
    cachedPages: cachedPages.slice(0, CACHED),
  };
}

/** Vectors whose registers hold a message now. */
function vectorsOf(kernel: Kernel, device: PciDevice): RemappedVectorView[] {
  const kind = activeKind(device, kernel);
  if (kind !== 'msi' && kind !== 'msix') return [];
  const lines = kernel.irqs.messagesOf(device);
  const rows: RemappedVectorView[] = [];
  for (let vector = 0; vector < offeredBy(device)[kind] && rows.length < VECTORS; vector++) {
    const registers = messageRegisters(device, kind, vector);
    if (registers === null || (registers.addressLow | registers.addressHigh) === 0) continue;
    const { addressHigh, addressLow, data, masked } = registers;
    const line = lines?.kind === kind ? lines.line(vector) : null;
    if (kind === 'msi' && line === null) break;
    const address = (BigInt(addressHigh >>> 0) << 32n) | BigInt(addressLow >>> 0);
    const { walk, interrupt } = followMessage(kernel, device, address, data >>> 0);
    rows.push({
      vector,
      messageAddress: hex(address, 8),
      data: hex(data >>> 0, 8),
      masked,
      irq: line?.irq ?? null,
      index: walk?.index ?? null,
      entry: walk?.steps.at(-1)?.entry ?? null,
      interrupt: interrupt === null ? null : interruptText(interrupt),
      reason: walk?.reasonText ?? null,
    });
  }
  return rows;
}

function faultsOf(kernel: Kernel, ids: ReadonlySet<number>, segment: number): IommuFaultView[] {
  return kernel.platform.units.faults
    .filter((fault) => fault.segment === segment && ids.has(fault.source))
    .reverse()
    .map(({ sequence, time, kind, address, write, reason, text, recorded }) => ({
      sequence,
      time: secondsText(time),
      kind,
      at: hex(address),
      write,
      code: hex(reason, 2),
      reason: text,
      recorded,
    }));
}

function silenceOf(device: PciDevice): string | null {
  if (!busMaster(device.function)) return 'bus mastering is off';
  return device.powerState === 'D0' ? null : `it is in ${device.powerState}`;
}

export function iommuView(kernel: Kernel, device: PciDevice): IommuFunctionView {
  const { segment } = device.function.address;
  const { unit } = kernel.platform.senders.of(device.function);
  const group = kernel.iommu.groupOf(device);
  const ids = [...new Set(requestersOf(device.function).map(({ id }) => id))];
  const faults = faultsOf(kernel, new Set(ids), segment);
  return {
    address: device.name,
    unit: unit === null ? null : unitView(unit, kernel.iommu.unitOf(device), segment),
    requesters: ids.map(requesterText),
    silent: silenceOf(device),
    group: group?.id ?? null,
    members: group?.devices.map(({ name }) => name) ?? [],
    domain: group === null || unit === null ? null : domainView(kernel, group, unit, segment),
    vectors: vectorsOf(kernel, device),
    faults: faults.slice(0, FAULTS),
    faultTotal: faults.length,
  };
}

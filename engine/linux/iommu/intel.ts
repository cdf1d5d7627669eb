/** The driver of VT-d units: root and context tables, domain numbers, the invalidation queue (iommu-hardware 3.10). */
import { lowHalf, highHalf } from '../../hardware/iommu/layout';
import type { IommuUnits } from '../../hardware/iommu/units';
import { DESCRIPTOR, REG } from '../../hardware/iommu/vtd/layout';
import { VtdUnit } from '../../hardware/iommu/vtd/unit';
import { PAGE_SIZE, Ram } from '../../hardware/memory';
import type { ChangeCount } from '../../hardware/pci/config-space';
import { ERRNO } from '../errno';
import type { KernelLog } from '../log';
import { LowestFree } from '../lowest-free';
import type { UnitInterrupt } from '../irq/remapping';
import type { PciDevice } from '../pci/device';
import type { PageAllocator } from '../process/pages';
import { AttachedRequesters } from './attached';
import type { AttachedRequester } from './attached';
import { PagingDomain } from './domain';
import type { DomainAttachment, DomainUnit } from './domain';
import type { IommuDriver, Requester } from './driver';
import type { IommuDomain } from './group';
import type { VtdFaultLog } from './intel-faults';
import { TableFormats, vtdFormat } from './table-format';
import type { TableFormat } from './table-format';
import type { TablePool } from './table-pages';

const KERN_ERR = 3;
const QUEUE = PAGE_SIZE;
const DESCRIPTOR_SIZE = 16;
const DONE = 2;
const GLOBAL = 1 << 4;
const DOMAIN = 2 << 4;
const SELECTIVE = 3 << 4;
const DRAIN = 0xc0;
const WAIT_STATUS = 1 << 5;
const TE = 0x8000_0000;
const SRTP = 0x4000_0000;
const QIE = 0x0400_0000;
const IRE = 0x0200_0000;
const SIRTP = 0x0100_0000;
/** Domain numbers 0 and 1 are not for domains that translate: not-present entries, and pass-through. */
const FIRST_DOMAIN = 2;
export const PASS_DOMAIN = 1;
const PRESENT = 1;
const TT_PASS = 2 << 2;
const INTERRUPT_TABLE_ENTRIES = 65536;
const INTERRUPT_ENTRY_SIZE = 16;
const X2APIC_MODE = 0x800;

/** One unit with what the driver keeps for it. */
export class IntelUnit implements DomainUnit {
  readonly name: string;
  readonly unit: VtdUnit;
  readonly tellsMaps: boolean;
  readonly ids = new LowestFree(FIRST_DOMAIN);
  idsUsed = 0;
  readonly interruptTable: Ram;
  private readonly allocator: PageAllocator;
  private readonly root: Ram;
  private readonly contexts: (Ram | null)[] = new Array<Ram | null>(256).fill(null);
  private readonly queue: Ram;
  private readonly status: Ram;
  private tail = 0;
  private command = 0;

  constructor(name: string, unit: VtdUnit, allocator: PageAllocator, remapInterrupts: boolean) {
    this.name = name;
    this.unit = unit;
    this.allocator = allocator;
    this.tellsMaps = unit.capabilities.cachingMode;
    this.root = this.page();
    this.queue = this.page();
    this.status = this.page();
    const size = INTERRUPT_TABLE_ENTRIES * INTERRUPT_ENTRY_SIZE;
    this.interruptTable = allocator.allocateKernel(size, (physical) => new Ram(physical, size));
    this.start(remapInterrupts);
  }

  private page(): Ram {
    return this.allocator.allocateKernel(PAGE_SIZE, (physical) => new Ram(physical, PAGE_SIZE));
  }

  private wide(register: number, low: number, high: number): void {
    this.unit.write(register, low >>> 0);
    this.unit.write(register + 4, high);
  }

  /** Queue, root table, empty caches, interrupt table: in the order in which Linux brings a unit up. */
  private start(remapInterrupts: boolean): void {
    const { unit } = this;
    this.wide(REG.IQA, lowHalf(this.queue.physical), highHalf(this.queue.physical));
    this.set(QIE);
    this.wide(REG.RTADDR, lowHalf(this.root.physical), highHalf(this.root.physical));
    this.once(SRTP);
    this.submit(DESCRIPTOR.CONTEXT | GLOBAL, 0, 0, 0);
    this.submit(DESCRIPTOR.IOTLB | GLOBAL | DRAIN, 0, 0, 0);
    if (!remapInterrupts || !unit.capabilities.interruptRemapping) return;
    const { physical } = this.interruptTable;
    const mode = unit.capabilities.extendedInterrupts ? X2APIC_MODE : 0;
    this.wide(REG.IRTA, lowHalf(physical) | mode | (Math.log2(INTERRUPT_TABLE_ENTRIES) - 1), highHalf(physical));
    this.once(SIRTP);
    this.submit(DESCRIPTOR.INTERRUPT, 0, 0, 0);
    this.set(IRE);
  }

  private set(bits: number): void {
    this.command = (this.command | bits) >>> 0;
    this.unit.write(REG.GCMD, this.command);
  }

  private once(bit: number): void {
    this.unit.write(REG.GCMD, (this.command | bit) >>> 0);
  }

  /** Translation begins. */
  enable(): void {
    this.set(TE);
  }

  /** One descriptor, a wait behind it, and the wait for that. */
  private submit(word0: number, word1: number, word2: number, word3: number): void {
    const { queue, status } = this;
    const at = this.tail;
    queue.setWord(at, word0);
    queue.setWord(at + 4, word1);
    queue.setWord(at + 8, word2);
    queue.setWord(at + 12, word3);
    const wait = (at + DESCRIPTOR_SIZE) % QUEUE;
    queue.setWord(wait, DESCRIPTOR.WAIT | WAIT_STATUS);
    queue.setWord(wait + 4, DONE);
    queue.setWord(wait + 8, lowHalf(status.physical));
    queue.setWord(wait + 12, highHalf(status.physical));
    this.tail = (wait + DESCRIPTOR_SIZE) % QUEUE;
    status.setWord(0, 0);
    this.unit.write(REG.IQT, this.tail);
    if (status.word(0) !== DONE) throw new Error(`${this.name} does not carry out what its queue says`);
  }

  flushPages(id: number, page: number, pages: number): void {
    const { capabilities } = this.unit;
    let mask = 0;
    let size = 1;
    let first = page;
    while (first + size < page + pages) {
      size *= 2;
      mask++;
      first = page - (page % size);
    }
    if (!capabilities.pageSelective || mask > capabilities.maximumMask) {
      this.flushDomain(id);
      return;
    }
    const low = (((first % 0x10_0000) << 12) | mask) >>> 0;
    this.submit(DESCRIPTOR.IOTLB | SELECTIVE | DRAIN | (id << 16), 0, low, Math.floor(first / 0x10_0000));
  }

  flushDomain(id: number): void {
    this.submit(DESCRIPTOR.IOTLB | DOMAIN | DRAIN | (id << 16), 0, 0, 0);
  }

  flushInterrupts(index: number, count: number): void {
    const mask = count <= 1 ? 0 : 32 - Math.clz32(count - 1);
    this.submit((DESCRIPTOR.INTERRUPT | (1 << 4) | (mask << 27)) >>> 0, index, 0, 0);
  }

  /** Only the depth of tables that grow would be news; these do not. */
  rootChanged(): void {}

  private contextTable(bus: number): Ram {
    let table = this.contexts[bus] ?? null;
    if (table === null) {
      table = this.page();
      this.contexts[bus] = table;
      this.root.setWord(bus * 16, (lowHalf(table.physical) | PRESENT) >>> 0);
      this.root.setWord(bus * 16 + 4, highHalf(table.physical));
    }
    return table;
  }

  /** The entry of a requester: `id` null takes it away. Whatever the unit knew of the old one it forgets. */
  writeContext(source: number, levels: number, type: number, root: number, id: number): void {
    const table = this.contextTable(source >>> 8);
    const at = (source & 0xff) * 16;
    table.setWord(at + 8, (levels - 2) | (id << 8));
    table.setWord(at + 12, 0);
    table.setWord(at + 4, Math.floor(root / 0x10_0000));
    table.setWord(at, ((((root % 0x10_0000) << 12) >>> 0) | type | PRESENT) >>> 0);
    if (this.tellsMaps) {
      this.submit(DESCRIPTOR.CONTEXT | SELECTIVE, source, 0, 0);
      this.flushDomain(id);
    }
  }

  clearContext(source: number, id: number): void {
    const table = this.contextTable(source >>> 8);
    const at = (source & 0xff) * 16;
    table.setWord(at, (table.word(at) & ~PRESENT) >>> 0);
    this.submit(DESCRIPTOR.CONTEXT | SELECTIVE | (id << 16), source, 0, 0);
    this.flushDomain(id);
    for (let i = 0; i < 16; i += 4) table.setWord(at + i, 0);
  }
}

/** What a requester is on when its domain could not be had. */
const BLOCKED: IommuDomain = { type: 'blocked', pageSizes: 0n, apertureEnd: 0n };

export class IntelDriver implements IommuDriver {
  readonly faults: VtdFaultLog;
  readonly changes: ChangeCount;
  private readonly hardware: IommuUnits;
  private readonly allocator: PageAllocator;
  private readonly pool: TablePool;
  private readonly log: KernelLog;
  private readonly translate: boolean;
  private readonly remapInterrupts: boolean;
  private readonly bySegment = new Map<number, IntelUnit>();
  private readonly attached = new AttachedRequesters();
  private readonly formats = new TableFormats((shifts) => {
    const { capabilities } = this.unitOf(0).unit;
    return vtdFormat(Math.max(...capabilities.levels), shifts, capabilities.snoopControl);
  });
  /** Vector and CPU of the units' own interrupt. */
  private target: { readonly vector: number; readonly cpu: number } | null = null;
  readonly interrupt: UnitInterrupt = {
    name: 'dmar0',
    aim: (vector, cpu) => {
      this.target = { vector, cpu };
      for (const { unit } of this.bySegment.values()) this.aim(unit);
    },
    handle: () => this.handleFaults(),
  };

  constructor(options: {
    hardware: IommuUnits;
    allocator: PageAllocator;
    pool: TablePool;
    log: KernelLog;
    faults: VtdFaultLog;
    translate: boolean;
    remapInterrupts: boolean;
  }) {
    this.hardware = options.hardware;
    this.changes = options.hardware.tables;
    this.allocator = options.allocator;
    this.pool = options.pool;
    this.log = options.log;
    this.faults = options.faults;
    this.translate = options.translate;
    this.remapInterrupts = options.remapInterrupts;
  }

  get units(): IterableIterator<IntelUnit> {
    return this.bySegment.values();
  }

  unitOf(segment: number): IntelUnit {
    const known = this.bySegment.get(segment);
    if (known !== undefined) return known;
    const hardware = this.hardware.unit(segment);
    if (!(hardware instanceof VtdUnit)) throw new Error(`segment ${segment} has no VT-d unit`);
    const name = `dmar${this.bySegment.size}`;
    const unit = new IntelUnit(name, hardware, this.allocator, this.remapInterrupts);
    this.bySegment.set(segment, unit);
    this.aim(hardware);
    if (this.translate) unit.enable();
    return unit;
  }

  /** Programs the message of a unit's fault event and lets events through. */
  private aim(unit: VtdUnit): void {
    const { target } = this;
    if (target === null) return;
    unit.write(REG.FEDATA, target.vector);
    unit.write(REG.FEADDR, (0xfee00000 | ((target.cpu & 0xff) << 12)) >>> 0);
    unit.write(REG.FEUADDR, (target.cpu & 0xffffff00) >>> 0);
    unit.write(REG.FECTL, 0);
  }

  private handleFaults(): void {
    for (const { unit } of this.bySegment.values()) this.faults.handle(unit);
  }

  tables(pageSizes: bigint): { format: TableFormat; pool: TablePool } {
    return { format: this.formats.of(pageSizes), pool: this.pool };
  }

  domainId(domain: IommuDomain, segment: number): number | null {
    if (domain.type === 'identity') return PASS_DOMAIN;
    if (!(domain instanceof PagingDomain)) return null;
    const unit = this.bySegment.get(segment);
    return domain.attachments.find((one) => one.unit === unit)?.id ?? null;
  }

  /** The domain's number on a unit, a new one where it has none yet; a negative errno when all are given. */
  private join(domain: PagingDomain, unit: IntelUnit): DomainAttachment | number {
    const known = domain.attachments.find((one) => one.unit === unit);
    if (known !== undefined) return known;
    const id = unit.ids.take();
    if (id >= unit.unit.capabilities.domains) {
      unit.ids.free(id);
      this.log.print(KERN_ERR, `DMAR: ${unit.name}: No free domain ids`);
      return -ERRNO.ENOSPC;
    }
    unit.idsUsed++;
    const made: DomainAttachment = { unit, id, functions: 0 };
    domain.attachments.push(made);
    return made;
  }

  private leave(domain: IommuDomain, attachment: DomainAttachment | null): void {
    if (attachment === null || --attachment.functions > 0) return;
    if (!(domain instanceof PagingDomain)) return;
    domain.attachments.splice(domain.attachments.indexOf(attachment), 1);
    const unit = attachment.unit as IntelUnit;
    unit.ids.free(attachment.id);
    unit.idsUsed--;
    if (domain.attachments.length === 0) domain.dropTables();
  }

  attach(device: PciDevice, requesters: readonly Requester[], domain: IommuDomain): number {
    this.changes.count++;
    for (const gone of this.attached.hold(device, requesters)) this.drop(device, gone);
    for (const requester of requesters) {
      const error = this.move(device, requester, domain);
      if (error < 0) return error;
    }
    return 0;
  }

  /** The old entry goes first, and with it a number that nobody else uses. A requester whose new one fails is blocked. */
  private move(device: PciDevice, { segment, id }: Requester, domain: IommuDomain): number {
    const unit = this.unitOf(segment);
    const before = this.attached.get(segment, id);
    if (before?.domain === domain) {
      before.holders.add(device);
      return 0;
    }
    if (before !== undefined) this.clear(unit, id, before);
    const holders = before?.holders ?? new Set();
    holders.add(device);
    const attachment = domain instanceof PagingDomain ? this.join(domain, unit) : null;
    if (typeof attachment === 'number') {
      this.attached.set(segment, id, { domain: BLOCKED, attachment: null, holders });
      return attachment;
    }
    this.attached.set(segment, id, { domain, attachment, holders });
    if (domain instanceof PagingDomain) {
      attachment!.functions++;
      const tables = domain.tables!;
      unit.writeContext(id, tables.levels, 0, tables.root, attachment!.id);
    } else if (domain.type === 'identity') {
      unit.writeContext(id, Math.max(...unit.unit.capabilities.levels), TT_PASS, 0, PASS_DOMAIN);
    }
    return 0;
  }

  private clear(unit: IntelUnit, source: number, { domain, attachment }: AttachedRequester): void {
    if (domain.type !== 'blocked') unit.clearContext(source, attachment?.id ?? PASS_DOMAIN);
    this.leave(domain, attachment);
  }

  /** Its numbers were given back with its last requester. */
  forget(): void {}

  release(device: PciDevice): void {
    this.changes.count++;
    for (const gone of this.attached.hold(device, [])) this.drop(device, gone);
  }

  private drop(device: PciDevice, { segment, id }: Requester): void {
    const attached = this.attached.get(segment, id);
    if (attached === undefined) return;
    attached.holders.delete(device);
    if (attached.holders.size > 0) return;
    this.clear(this.unitOf(segment), id, attached);
    this.attached.delete(segment, id);
  }
}

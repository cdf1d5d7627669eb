/** The driver of AMD-Vi units: device table, command buffer, event log (iommu-hardware 4). */
import { CONTROL, COMMAND, DEVICE_ENTRY, REG } from '../../hardware/iommu/amd-vi/layout';
import { AmdUnit } from '../../hardware/iommu/amd-vi/unit';
import { bitsOf, frameHigh, frameLow, highHalf, lowHalf, maskOf } from '../../hardware/iommu/layout';
import type { IommuUnits } from '../../hardware/iommu/units';
import { PAGE_SIZE, Ram } from '../../hardware/memory';
import type { ChangeCount } from '../../hardware/pci/config-space';
import { ERRNO } from '../errno';
import { LowestFree } from '../lowest-free';
import type { UnitInterrupt } from '../irq/remapping';
import type { PciDevice } from '../pci/device';
import type { PageAllocator } from '../process/pages';
import type { AmdFaultLog } from './amd-faults';
import { AttachedRequesters } from './attached';
import type { AttachedRequester } from './attached';
import { PagingDomain } from './domain';
import type { DomainAttachment, DomainUnit } from './domain';
import type { IommuDriver, Requester } from './driver';
import type { IommuDomain } from './group';
import { TableFormats, amdFormat } from './table-format';
import type { TableFormat } from './table-format';
import type { TablePool } from './table-pages';

const DEVICES = 65536;
const ENTRY_SIZE = 32;
const TABLE_SIZE = DEVICES * ENTRY_SIZE;
const RING_ENTRIES = 512;
const COMMAND_SIZE = 16;
const RING = RING_ENTRIES * COMMAND_SIZE;
/** Length code of a ring of 512 entries, in bits 59:56 of its base register. */
const RING_LENGTH = 9 << 24;
const EVENT_SIZE = 16;
const VALID = maskOf(DEVICE_ENTRY, 'V') | maskOf(DEVICE_ENTRY, 'TV');
const MODE = bitsOf(DEVICE_ENTRY, 'Mode');
const RIGHTS = maskOf(DEVICE_ENTRY, 'IR') | maskOf(DEVICE_ENTRY, 'IW');
const IV = maskOf(DEVICE_ENTRY, 'IV');
const INT_LENGTH = bitsOf(DEVICE_ENTRY, 'IntTabLen');
const INT_CTL = bitsOf(DEVICE_ENTRY, 'IntCtl');
const REMAP = 2;
/** Entries of an interrupt table, and bytes of one. */
export const INTERRUPT_ENTRIES = 512;
export const INTERRUPT_ENTRY_SIZE = 16;
const STORE = 1;
const DONE = 1;
const ALL_PAGES_LOW = 0xfffff001;
const ALL_PAGES_HIGH = 0x7fffffff;
const ENABLED =
  maskOf(CONTROL, 'IommuEn') |
  maskOf(CONTROL, 'EventLogEn') |
  maskOf(CONTROL, 'EventIntEn') |
  maskOf(CONTROL, 'CmdBufEn') |
  maskOf(CONTROL, 'GAEn');
const EXTENDED = maskOf(CONTROL, 'XTEn') | maskOf(CONTROL, 'IntCapXTEn');
const STATUS_SEEN = 0x3;

/** The device table: every requester is valid and blocked from the beginning, and none may interrupt. */
class DeviceTable extends Ram {
  protected override readonly pattern: (words: Uint32Array) => void;

  constructor(physical: number, remapInterrupts: boolean) {
    super(physical, TABLE_SIZE);
    this.pattern = (words) => {
      for (let at = 0; at < words.length; at += ENTRY_SIZE / 4) {
        words[at] = VALID;
        if (remapInterrupts) words[at + 4] = IV;
      }
    };
  }
}

export class AmdSegment implements DomainUnit {
  readonly unit: AmdUnit;
  readonly segment: number;
  readonly tellsMaps: boolean;
  private readonly table: DeviceTable;
  private readonly commands: Ram;
  private readonly events: Ram;
  private readonly status: Ram;
  private tail = 0;
  private readonly sources = new Map<PagingDomain, Set<number>>();

  constructor(
    segment: number,
    unit: AmdUnit,
    allocator: PageAllocator,
    options: { remapInterrupts: boolean; tellsMaps: boolean },
  ) {
    this.segment = segment;
    this.unit = unit;
    this.tellsMaps = options.tellsMaps;
    const ram = (length: number): Ram => allocator.allocateKernel(length, (physical) => new Ram(physical, length));
    this.table = allocator.allocateKernel(TABLE_SIZE, (physical) => new DeviceTable(physical, options.remapInterrupts));
    this.commands = ram(RING);
    this.events = ram(RING);
    this.status = ram(PAGE_SIZE);
    this.start();
  }

  private wide(register: number, low: number, high: number): void {
    this.unit.write(register, low >>> 0);
    this.unit.write(register + 4, high >>> 0);
  }

  private start(): void {
    const { table, commands, events } = this;
    this.wide(REG.DEVICE_TABLE, lowHalf(table.physical) | (TABLE_SIZE / PAGE_SIZE - 1), highHalf(table.physical));
    this.wide(REG.COMMAND_BASE, lowHalf(commands.physical), highHalf(commands.physical) | RING_LENGTH);
    this.wide(REG.EVENT_BASE, lowHalf(events.physical), highHalf(events.physical) | RING_LENGTH);
    this.unit.write(REG.CONTROL + 4, this.unit.features.x2apic ? EXTENDED : 0);
    this.unit.write(REG.CONTROL, ENABLED);
    this.submit(0, COMMAND.INVALIDATE_IOMMU_ALL << 28, 0, 0);
  }

  /** One command, a completion wait behind it, and the wait for that. */
  private submit(word0: number, word1: number, word2: number, word3: number): void {
    const { commands, status } = this;
    const at = this.tail;
    commands.setWord(at, word0 >>> 0);
    commands.setWord(at + 4, word1 >>> 0);
    commands.setWord(at + 8, word2 >>> 0);
    commands.setWord(at + 12, word3 >>> 0);
    const wait = (at + COMMAND_SIZE) % RING;
    commands.setWord(wait, (lowHalf(status.physical) | STORE) >>> 0);
    commands.setWord(wait + 4, (highHalf(status.physical) | (COMMAND.COMPLETION_WAIT << 28)) >>> 0);
    commands.setWord(wait + 8, DONE);
    commands.setWord(wait + 12, 0);
    this.tail = (wait + COMMAND_SIZE) % RING;
    status.setWord(0, 0);
    this.unit.write(REG.COMMAND_TAIL, this.tail);
    if (status.word(0) !== DONE) throw new Error('AMD-Vi: Completion-Wait loop timed out');
  }

  flushPages(id: number, page: number, pages: number): void {
    if (pages === 1) {
      const low = ((page % 0x10_0000) << 12) >>> 0;
      this.submit(0, (COMMAND.INVALIDATE_IOMMU_PAGES << 28) | id, low, Math.floor(page / 0x10_0000));
      return;
    }
    let size = 2;
    while (page - (page % size) + size < page + pages) size *= 2;
    if (size >= 2 ** 51) {
      this.flushDomain(id);
      return;
    }
    // Ones below the size's last bit say how large the range is.
    const encoded = page - (page % size) + size / 2 - 1;
    const low = (((encoded % 0x10_0000) << 12) | 1) >>> 0;
    this.submit(0, (COMMAND.INVALIDATE_IOMMU_PAGES << 28) | id, low, Math.floor(encoded / 0x10_0000));
  }

  flushDomain(id: number): void {
    this.submit(0, (COMMAND.INVALIDATE_IOMMU_PAGES << 28) | id, ALL_PAGES_LOW, ALL_PAGES_HIGH);
  }

  flushEntry(source: number): void {
    this.submit(source, COMMAND.INVALIDATE_DEVTAB_ENTRY << 28, 0, 0);
  }

  flushInterrupts(source: number): void {
    this.submit(source, COMMAND.INVALIDATE_INTERRUPT_TABLE << 28, 0, 0);
  }

  /** Requesters on a domain, so that its entries can be rewritten when the tables grow. */
  users(domain: PagingDomain): Set<number> {
    let found = this.sources.get(domain);
    if (found === undefined) this.sources.set(domain, (found = new Set()));
    return found;
  }

  forget(domain: PagingDomain): void {
    this.sources.delete(domain);
  }

  rootChanged(domain: PagingDomain): void {
    const attachment = domain.attachments.find(({ unit }) => unit === this);
    if (attachment === undefined) return;
    for (const source of this.users(domain)) this.writeEntry(source, domain, attachment.id);
    this.flushDomain(attachment.id);
  }

  /** The translating half of a requester's entry. */
  writeEntry(source: number, domain: IommuDomain, id: number): void {
    const { table } = this;
    const at = source * ENTRY_SIZE;
    const passes = domain.type === 'identity';
    const tables = domain instanceof PagingDomain ? domain.tables : null;
    const mode = tables?.levels ?? 0;
    const root = tables?.root ?? 0;
    table.setWord(at + 8, id);
    table.setWord(at + 4, (frameHigh(root) | (passes || tables !== null ? RIGHTS : 0)) >>> 0);
    table.setWord(at, frameLow(root, VALID | (mode << MODE.shift)));
    this.flushEntry(source);
  }

  /** The interrupt half: the requester's table, from its first interrupt on. */
  setInterruptTable(source: number, physical: number): void {
    const { table } = this;
    const at = source * ENTRY_SIZE;
    const length = Math.log2(INTERRUPT_ENTRIES) << INT_LENGTH.shift;
    table.setWord(at + 20, ((highHalf(physical) & 0xfffff) | (REMAP << INT_CTL.shift)) >>> 0);
    table.setWord(at + 16, (lowHalf(physical) | length | IV) >>> 0);
    this.flushEntry(source);
  }

  /** The next event of the log, and one step on; null when it is empty. */
  nextEvent(): readonly [number, number, number, number] | null {
    const { unit, events } = this;
    const head = unit.read(REG.EVENT_HEAD);
    if (head === unit.read(REG.EVENT_TAIL)) return null;
    const event = [events.word(head), events.word(head + 4), events.word(head + 8), events.word(head + 12)] as const;
    unit.write(REG.EVENT_HEAD, (head + EVENT_SIZE) % RING);
    return event;
  }

  acknowledge(): void {
    this.unit.write(REG.STATUS, STATUS_SEEN);
  }
}

export class AmdDriver implements IommuDriver {
  readonly faults: AmdFaultLog;
  readonly changes: ChangeCount;
  private readonly hardware: IommuUnits;
  private readonly allocator: PageAllocator;
  private readonly pool: TablePool;
  private readonly options: { readonly remapInterrupts: boolean; readonly tellsMaps: boolean };
  private readonly bySegment = new Map<number, AmdSegment>();
  private readonly attached = new AttachedRequesters();
  private readonly formats = new TableFormats(amdFormat);
  /** Domain numbers are the machine's; 0 stands for none. */
  private readonly ids = new LowestFree(1);
  private readonly idOf = new Map<IommuDomain, number>();
  /** Vector and CPU of the units' own interrupt. */
  private target: { readonly vector: number; readonly cpu: number } | null = null;
  readonly interrupt: UnitInterrupt = {
    name: 'AMD-Vi',
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
    faults: AmdFaultLog;
    remapInterrupts: boolean;
    tellsMaps: boolean;
  }) {
    this.hardware = options.hardware;
    this.changes = options.hardware.tables;
    this.allocator = options.allocator;
    this.pool = options.pool;
    this.faults = options.faults;
    this.options = options;
  }

  unitOf(segment: number): AmdSegment {
    const known = this.bySegment.get(segment);
    if (known !== undefined) return known;
    const hardware = this.hardware.unit(segment);
    if (!(hardware instanceof AmdUnit)) throw new Error(`segment ${segment} has no AMD-Vi unit`);
    const made = new AmdSegment(segment, hardware, this.allocator, this.options);
    this.bySegment.set(segment, made);
    this.aim(hardware);
    return made;
  }

  /** The event log's interrupt in x2APIC form: destination 23:0 in bits 31:8, vector in 39:32, destination 31:24 on top. */
  private aim(unit: AmdUnit): void {
    const { target } = this;
    if (target === null) return;
    unit.write(REG.EVENT_INTERRUPT, (target.cpu << 8) >>> 0);
    unit.write(REG.EVENT_INTERRUPT + 4, ((target.vector & 0xff) | (target.cpu & 0xff000000)) >>> 0);
  }

  private handleFaults(): void {
    for (const segment of this.bySegment.values()) {
      segment.acknowledge();
      for (let event = segment.nextEvent(); event !== null; event = segment.nextEvent()) {
        this.faults.tell(segment.segment, event);
      }
    }
  }

  tables(pageSizes: bigint): { format: TableFormat; pool: TablePool } {
    return { format: this.formats.of(pageSizes), pool: this.pool };
  }

  domainId(domain: IommuDomain): number | null {
    return this.idOf.get(domain) ?? null;
  }

  attach(device: PciDevice, requesters: readonly Requester[], domain: IommuDomain): number {
    if (domain.type !== 'blocked' && !this.idOf.has(domain)) {
      const id = this.ids.take();
      if (id >= DEVICES) {
        this.ids.free(id);
        return -ERRNO.ENOMEM;
      }
      this.idOf.set(domain, id);
    }
    this.changes.count++;
    for (const gone of this.attached.hold(device, requesters)) this.drop(device, gone);
    for (const requester of requesters) this.move(device, requester, domain);
    return 0;
  }

  private move(device: PciDevice, { segment, id }: Requester, domain: IommuDomain): void {
    const unit = this.unitOf(segment);
    const before = this.attached.get(segment, id);
    if (before?.domain === domain) {
      before.holders.add(device);
      return;
    }
    const holders = before?.holders ?? new Set();
    holders.add(device);
    let attachment: DomainAttachment | null = null;
    if (domain instanceof PagingDomain) {
      attachment = domain.attachments.find((one) => one.unit === unit) ?? null;
      if (attachment === null) {
        attachment = { unit, id: this.idOf.get(domain)!, functions: 0 };
        domain.attachments.push(attachment);
      }
      attachment.functions++;
      unit.users(domain).add(id);
    }
    this.attached.set(segment, id, { domain, attachment, holders });
    unit.writeEntry(id, domain, this.idOf.get(domain) ?? 0);
    if (before !== undefined) this.leave(unit, id, before);
  }

  /** After its entry says something else: nothing of the old domain may stay in a cache. */
  private leave(unit: AmdSegment, source: number, { domain, attachment }: AttachedRequester): void {
    if (attachment !== null) unit.flushDomain(attachment.id);
    if (attachment === null || !(domain instanceof PagingDomain)) return;
    unit.users(domain).delete(source);
    if (--attachment.functions > 0) return;
    domain.attachments.splice(domain.attachments.indexOf(attachment), 1);
    unit.forget(domain);
    if (domain.attachments.length === 0) domain.dropTables();
  }

  forget(domain: IommuDomain): void {
    const id = this.idOf.get(domain);
    if (id === undefined) return;
    this.ids.free(id);
    this.idOf.delete(domain);
  }

  release(device: PciDevice): void {
    this.changes.count++;
    for (const gone of this.attached.hold(device, [])) this.drop(device, gone);
  }

  private drop(device: PciDevice, { segment, id }: Requester): void {
    const attached = this.attached.get(segment, id);
    if (attached === undefined) return;
    attached.holders.delete(device);
    if (attached.holders.size > 0) return;
    this.attached.delete(segment, id);
    const unit = this.unitOf(segment);
    unit.writeEntry(id, BLOCKED, 0);
    this.leave(unit, id, attached);
  }
}

const BLOCKED: IommuDomain = { type: 'blocked', pageSizes: 0n, apertureEnd: 0n };

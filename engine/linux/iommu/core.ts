/** IOMMU groups of the machine: membership, DMA ownership, domains (spec iommu-groups 5–7). */
import type { IommuKind, MachineDescription } from '../../hardware/description';
import { requesterId } from '../../hardware/pci/address';
import { ERRNO } from '../errno';
import type { KernelLog } from '../log';
import { bridgeAlias } from '../pci/aliases';
import type { PciDevice } from '../pci/device';
import { devicePrefix } from '../pci/enable';
import type { Process } from '../process/process';
import type { WhyLog } from '../why';
import { Clock } from '../clock';
import { PhysicalMemory } from '../../hardware/memory';
import { IommuUnits } from '../../hardware/iommu/units';
import { PageAllocator } from '../process/pages';
import { AmdDriver } from './amd';
import { AmdFaultLog } from './amd-faults';
import { PagingDomain } from './domain';
import type { IommuDriver, Requester } from './driver';
import { IntelDriver } from './intel';
import { VtdFaultLog } from './intel-faults';
import { RangeDriver } from './range-driver';
import { TablePool } from './table-pages';
import { defaultTypeOf, demandOf, isUntrusted } from './default-type';
import { FabricIndex } from './fabric-index';
import type { DomainType, IommuDomain, IommuGroup, ReservedRegion } from './group';
import { isBehindIommu, mergeRegions, platformGroups, recordedRegions, reservedRegions } from './platform';
import type { GroupDecision, WhyStep } from './decision';
import type { GroupingPolicy, PolicyContext } from './policy';
import { LINUX_6_12 } from './policy';
import { placementOrder, predictRange, isBelowUnseen } from './predict';
import { UnitScopes, supposedTable } from './scopes';
import type { IommuSettings } from './settings';
import { acsSettingsOf, bootLines, iommuSettings, unitLines } from './settings';

const PAGE_SIZES = (1n << 12n) | (1n << 21n) | (1n << 30n);
const SMALLEST_PAGES = 1n << 12n;
/** Page sizes that a unit's tables for user mappings take; left out: 4 KiB, 2 MiB, 1 GiB. */
const USER_PAGE_SIZES: Partial<Record<IommuKind, bigint>> = {
  'amd-vi': 0xfff7ffffff000n,
  'virtio-iommu': 0xfffffffffffff000n,
};
const KERN_INFO = 6;
const KERN_WARNING = 4;

class Group implements IommuGroup {
  readonly id: number;
  name: string | null = null;
  readonly devices: PciDevice[] = [];
  /** Where it is when nobody claims it. */
  home: IommuDomain;
  domain: IommuDomain;
  ownerCount = 0;
  owner: object | null = null;

  /** Null when members changed since it was asked for. */
  private regions: readonly ReservedRegion[] | null = null;
  private readonly regionsOf: (devices: readonly PciDevice[]) => readonly ReservedRegion[];

  constructor(id: number, makeHome: (group: Group) => IommuDomain, regionsOf: Group['regionsOf']) {
    this.id = id;
    this.regionsOf = regionsOf;
    this.home = makeHome(this);
    this.domain = this.home;
  }

  get defaultDomain(): DomainType {
    return this.home.type;
  }

  get reserved(): readonly ReservedRegion[] {
    this.regions ??= this.regionsOf(this.devices);
    return this.regions;
  }

  add(device: PciDevice): void {
    this.devices.push(device);
    this.regions = null;
  }

  delete(device: PciDevice): void {
    const at = this.devices.indexOf(device);
    if (at >= 0) this.devices.splice(at, 1);
    this.regions = null;
  }
}

const isDefaultType = (text: string | null): text is 'DMA' | 'DMA-FQ' | 'identity' =>
  text === 'DMA' || text === 'DMA-FQ' || text === 'identity';

const plainDomain = (type: DomainType, apertureEnd: bigint): IommuDomain => ({
  type,
  pageSizes: PAGE_SIZES,
  apertureEnd,
});

export interface IommuOptions {
  readonly description: MachineDescription;
  readonly log: KernelLog;
  readonly why: WhyLog;
  readonly policy?: GroupingPolicy;
  /** Left out: units and memory of their own, for who looks at groups alone. */
  readonly units?: IommuUnits;
  readonly pages?: PageAllocator;
  readonly clock?: Clock;
}

export class IommuCore {
  readonly groups = new Map<number, IommuGroup>();
  /** No number below is free. */
  private firstFree = 0;
  readonly settings: IommuSettings;
  readonly policy: GroupingPolicy;
  private readonly description: MachineDescription;
  private readonly log: KernelLog;
  private readonly why: WhyLog;
  private readonly membership = new Map<PciDevice, Group>();
  private readonly decisions = new Map<PciDevice, GroupDecision>();
  /** Units as firmware's table has them; null where no table is known. */
  private scopes: UnitScopes | null = null;
  /** What the rule looks at. */
  readonly index: FabricIndex;
  private readonly context: PolicyContext;
  private readonly apertureEnd: bigint;
  /** Recorded groups are shown where the dump hid what the rule needs. */
  private readonly recordedOf: ReadonlyMap<string, string>;
  /** Functions that the dump would have recorded in a group, had they one. */
  private readonly recordable: ReadonlySet<string>;
  /** Driver of each function that the description has, by address. */
  private readonly driverAtBoot: ReadonlyMap<string, string | null>;

  /** The driver of the machine's units; null while no unit translates. */
  readonly driver: IommuDriver | null;
  private readonly blocking: IommuDomain;

  constructor(options: IommuOptions) {
    this.description = options.description;
    this.log = options.log;
    this.why = options.why;
    this.policy = options.policy ?? LINUX_6_12;
    this.settings = iommuSettings(options.description);
    const bits = BigInt(this.settings.unit.addressBits);
    this.apertureEnd = (1n << (bits > 64n ? 64n : bits)) - 1n;
    this.recordedOf = new Map(
      Object.entries(options.description.recordedGroups ?? {}).flatMap(([id, group]) =>
        group.devices.map((device) => [device, id] as const),
      ),
    );
    this.index = new FabricIndex(acsSettingsOf(options.description, this.settings));
    this.driverAtBoot = new Map(options.description.functions.map((fn) => [fn.address, fn.driver]));
    const regrouped = new Set(options.description.regrouped);
    this.recordable = new Set([...this.driverAtBoot.keys()].filter((address) => !regrouped.has(address)));
    this.context = { index: this.index, hasGroup: (device) => this.membership.has(device) };
    this.blocking = plainDomain('blocked', this.apertureEnd);
    this.driver = this.settings.enabled ? this.makeDriver(options) : null;
  }

  private makeDriver(options: IommuOptions): IommuDriver {
    const { log } = options;
    const clock = options.clock ?? new Clock();
    const { iommu: kind } = this.description;
    const memory = options.units?.memory ?? new PhysicalMemory();
    const units = options.units ?? new IommuUnits(kind, this.settings.unit, memory);
    const pages = options.pages ?? new PageAllocator(memory);
    const { interruptRemapping: remapInterrupts, unit } = this.settings;
    const own = { hardware: units, allocator: pages, pool: new TablePool(pages), remapInterrupts };
    switch (kind) {
      case 'intel-vtd':
        return new IntelDriver({ ...own, log, faults: new VtdFaultLog(log, clock), translate: true });
      case 'amd-vi':
        return new AmdDriver({
          ...own,
          faults: new AmdFaultLog(log, clock, {
            at: (segment, id) => this.index.at(segment, id),
            attached: (device) => this.membership.get(device)?.domain.type !== 'blocked',
          }),
          tellsMaps: unit.cachingMode,
        });
      default:
        return new RangeDriver(units);
    }
  }

  /** Whether a unit's scope holds the function; what no scope holds goes past the units. The unit is ready then. */
  serves(device: PciDevice): boolean {
    if (this.driver === null || !this.covers(device)) return false;
    this.bringUp(device.function.address.segment);
    return true;
  }

  get interruptRemapping(): boolean {
    return this.settings.interruptRemapping;
  }

  groupOf(device: PciDevice): IommuGroup | null {
    return this.membership.get(device) ?? null;
  }

  decisionOf(device: PciDevice): GroupDecision | null {
    return this.decisions.get(device) ?? null;
  }

  /** Functions whose group rests on registers that the dump did not show. */
  readonly undecided = new Set<PciDevice>();

  /** False where the displayed groups rest on registers that the dump did not show. */
  get known(): boolean {
    return this.undecided.size === 0;
  }

  /** What the subsystem says of its settings when it starts (spec iommu-groups 8). */
  announce(): void {
    const { cmdline } = this.description.kernel;
    for (const line of bootLines(this.description.iommu, this.settings, cmdline)) this.log.print(KERN_INFO, line);
  }

  // ---- membership

  /** All functions of a booted machine at once, in list order, as the units' registration walks them. */
  boot(devices: Iterable<PciDevice>): void {
    for (const device of devices) this.index.add(device);
    this.index.refresh();
    if (!this.settings.enabled) return;
    const { iommu } = this.description;
    const iommuTable = this.description.iommuTable ?? supposedTable(iommu, this.index.devices);
    if (iommuTable !== null) {
      const sender = (device: PciDevice): PciDevice => this.index.realDmaDevice(device);
      this.scopes = new UnitScopes({ iommuTable, iommu }, this.settings, [...this.index.devices], sender);
    }
    const listed = placementOrder(this.index.devices).filter((device) => this.covers(device));
    const covered = this.scopes?.inOrder(listed) ?? listed;
    // Behind virtio-iommu a function joins when a driver first probes it: bridges and those with a driver came first,
    // in which order the others came is a fact of that boot.
    const lazy = this.description.iommu === 'virtio-iommu';
    const placed = lazy
      ? [...covered.filter((device) => this.wasProbed(device)), ...covered.filter((device) => !this.wasProbed(device))]
      : covered;
    for (const device of placed) this.place(device);
    this.findUndecided(placed);
    if (!this.known && this.recordedOf.size > 0) this.adoptRecorded(placed);
    else if (this.recordedOf.size > 0 && (this.description.source !== 'recorded' || lazy)) this.adoptNumbers();
    for (const line of unitLines(this.description.iommu, this.settings)) this.log.print(KERN_INFO, line);
    this.settleTypes();
    for (const device of this.index.devices) {
      const group = this.membership.get(device);
      if (!group) continue;
      this.logMember(device, group);
      const { segment } = device.function.address;
      const waiting = this.waiting.get(segment);
      if (waiting) waiting.push(device);
      else this.waiting.set(segment, [device]);
    }
  }

  /** A driver that is built in looked at the function at boot: the port driver looks at every bridge. */
  private wasProbed(device: PciDevice): boolean {
    return device.function.isBridge || this.driverAtBoot.get(device.name) != null;
  }

  /** A unit covers the function, whether or not the groups shown hold it. */
  covers(device: PciDevice): boolean {
    return isBehindIommu(device, this.description, this.recordedOf, this.recordable, this.scopes);
  }

  /** Where a decision rests on what the dump hides, both readings are compared. */
  private findUndecided(placed: readonly PciDevice[]): void {
    const platform = platformGroups(placed);
    if (platform) for (const device of placed) this.undecided.add(device);
    if (platform) return;
    if ([...this.decisions.values()].every((decision) => decision.known) && !placed.some(isBelowUnseen)) return;
    const covered = new Set(placed);
    const { undecided } = predictRange(this.index.devices, {
      acs: this.index.settings,
      policy: this.policy,
      uncovered: (device) => !covered.has(device),
    });
    for (const device of undecided) this.undecided.add(device);
  }

  /** The function appears on the bus. With virtio-iommu it waits for its first driver. */
  addDevice(device: PciDevice): void {
    this.index.add(device);
    this.index.refresh();
    if (!this.settings.enabled || this.membership.has(device)) return;
    if (this.description.iommu === 'virtio-iommu') return;
    if (!this.covers(device)) return;
    this.admit(device);
  }

  removeDevice(device: PciDevice): void {
    this.index.remove(device);
    this.leave(device);
  }

  private leave(device: PciDevice): void {
    const group = this.membership.get(device);
    if (!group) return;
    this.driver?.release(device);
    this.membership.delete(device);
    this.decisions.delete(device);
    group.delete(device);
    if (group.devices.length === 0) this.dropGroup(group.id);
  }

  private place(device: PciDevice): Group {
    const decision = this.policy.decide(device, this.context);
    this.decisions.set(device, decision);
    const joined = decision.joins === null ? undefined : this.membership.get(decision.joins);
    const group = joined ?? this.newGroup(this.typeFor([device]));
    this.join(device, group);
    return group;
  }

  private makeGroup(id: number, type: DomainType): Group {
    const home = (group: Group): IommuDomain => this.defaultDomain(type, group);
    return new Group(id, home, (devices) => (type === 'unmanaged' ? [] : this.regionsOf(devices)));
  }

  /** A domain for the kernel's own drivers; firmware's 1:1 regions are in it from the beginning. */
  private defaultDomain(type: DomainType, group: Group): IommuDomain {
    if ((type !== 'DMA' && type !== 'DMA-FQ') || this.driver === null) return plainDomain(type, this.apertureEnd);
    const pageSizes = this.settings.largePages ? PAGE_SIZES : SMALLEST_PAGES;
    return new PagingDomain({
      type,
      pageSizes,
      apertureStart: 0n,
      apertureEnd: this.apertureEnd,
      tables: this.driver.tables(pageSizes),
      changes: this.driver.changes,
      initial: () => directMappings(group.reserved),
    });
  }

  // ---- hardware

  private requestersOf(device: PciDevice): Requester[] {
    const { address } = device.function;
    const own = { segment: address.segment, id: requesterId(address) };
    const aliases = this.index.aliases(device).map(({ device: other, requester }) => ({
      segment: other.function.address.segment,
      id: requester,
    }));
    return [own, ...aliases];
  }

  /**
   * Functions that were there at boot, by segment, until their unit is first used: then their entries are written, as
   * Linux writes them at boot. On most machines nobody ever looks.
   */
  private readonly waiting = new Map<number, PciDevice[]>();

  private bringUp(segment: number): void {
    const waiting = this.waiting.get(segment);
    if (waiting === undefined) return;
    this.waiting.delete(segment);
    for (const device of waiting) {
      const group = this.membership.get(device);
      if (group) this.driver?.attach(device, this.requestersOf(device), group.domain);
    }
  }

  private attach(device: PciDevice, domain: IommuDomain): number {
    this.bringUp(device.function.address.segment);
    return this.driver?.attach(device, this.requestersOf(device), domain) ?? 0;
  }

  /** Puts every member onto a domain. 0, or a negative errno: then all are where they were. */
  private moveTo(group: IommuGroup, domain: IommuDomain): number {
    const before = group.domain;
    for (const [index, device] of group.devices.entries()) {
      const error = group.name === null ? this.attach(device, domain) : 0;
      if (error === 0) continue;
      for (const moved of group.devices.slice(0, index + 1)) this.attach(moved, before);
      return error;
    }
    group.domain = domain;
    return 0;
  }

  private regionsOf(devices: readonly PciDevice[]): ReservedRegion[] {
    return mergeRegions([
      ...reservedRegions(devices, this.description, this.settings),
      ...(this.scopes?.reservedOf(devices) ?? []),
      ...recordedRegions(devices, this.description, this.recordedOf),
    ]);
  }

  /** Lowest number that no group has: freed ones are used again. */
  private lowestFree(): number {
    while (this.groups.has(this.firstFree)) this.firstFree++;
    return this.firstFree;
  }

  private dropGroup(id: number): void {
    this.groups.delete(id);
    this.firstFree = Math.min(this.firstFree, id);
  }

  private typeFor(devices: readonly PciDevice[]): DomainType {
    return defaultTypeOf(devices, this.description.iommu, this.settings);
  }

  private newGroup(type: DomainType): Group {
    const id = this.lowestFree();
    const group = this.makeGroup(id, type);
    this.groups.set(id, group);
    return group;
  }

  private join(device: PciDevice, group: Group): void {
    group.add(device);
    this.membership.set(device, group);
  }

  private logMember(device: PciDevice, group: IommuGroup): void {
    this.log.print(KERN_INFO, `${devicePrefix(device)}Adding to iommu group ${group.id}`);
  }

  /** Groups with the recorded members bear the recorded number: a number is a fact of that boot. */
  private adoptNumbers(): void {
    const groups = [...this.groups.values()];
    this.renumber(
      groups,
      groups.map((group) => {
        const id = this.recordedIdOf(group);
        return id === null ? null : Number(id);
      }),
    );
  }

  /** Number of the recorded group with just these members. */
  private recordedIdOf(group: IommuGroup): string | null {
    const ids = new Set(group.devices.map((device) => this.recordedOf.get(device.name)));
    const id = ids.size === 1 ? [...ids][0] : undefined;
    if (id === undefined) return null;
    return this.description.recordedGroups![id]!.devices.length === group.devices.length ? id : null;
  }

  /**
   * At boot the members of a group decide together; those that come later have no say. What the dump recorded was made
   * by another kernel, or written by somebody after boot, and counts.
   */
  private settleTypes(): void {
    for (const group of this.groups.values()) {
      const id = this.recordedIdOf(group);
      const recorded = id === null ? null : this.description.recordedGroups![id]!.type;
      const kept = isDefaultType(recorded) && !group.devices.some(isUntrusted);
      const type = kept ? recorded : this.typeFor(group.devices);
      if (type === group.defaultDomain) continue;
      const own = group as Group;
      own.home = this.defaultDomain(type, own);
      own.domain = own.home;
    }
  }

  private renumber(groups: readonly IommuGroup[], wanted: readonly (number | null)[]): void {
    const taken = new Set(wanted.filter((id) => id !== null));
    let free = 0;
    this.groups.clear();
    this.firstFree = 0;
    const numbered = groups.map((group, index) => {
      let id = wanted[index] ?? null;
      if (id === null) {
        while (taken.has(free)) free++;
        id = free++;
      }
      return [id, group] as const;
    });
    for (const [id, old] of numbered.sort(([a], [b]) => a - b)) {
      const group = this.makeGroup(id, this.settings.defaultDomain);
      this.groups.set(id, group);
      for (const device of old.devices) this.join(device, group);
    }
  }

  /** The dump hid what the rule needs: its own groups are shown, and each function says so. */
  private adoptRecorded(placed: readonly PciDevice[]): void {
    this.groups.clear();
    this.firstFree = 0;
    this.membership.clear();
    const byNumber = new Map<string, Group>();
    for (const device of placed) {
      const number = this.recordedOf.get(device.name);
      if (number === undefined) continue;
      let group = byNumber.get(number);
      if (!group) {
        group = this.makeGroup(Number(number), this.settings.defaultDomain);
        byNumber.set(number, group);
      }
      this.join(device, group);
      const decision = this.decisions.get(device)!;
      const step: WhyStep = {
        rule: 'recorded',
        subject: device.name,
        text: platformGroups([device])
          ? `the platform makes the groups on POWER, by no rule of PCI; group ${number} is what the dump recorded`
          : `the dump does not show the registers the rule needs; group ${number} is what it recorded`,
        decided: true,
        verdict: null,
        joins: null,
      };
      this.decisions.set(device, {
        device,
        joins: decision.joins,
        known: decision.known,
        steps: [...decision.steps.map((s) => ({ ...s, decided: false })), step],
      });
    }
    for (const [id, group] of [...byNumber].sort(([a], [b]) => Number(a) - Number(b)))
      this.groups.set(Number(id), group);
    // What came into the machine after the dump has no recorded group: the rule places it.
    for (const device of placed) if (!this.recordedOf.has(device.name)) this.place(device);
  }

  // ---- ownership

  /** A driver is about to be tried (iommu_device_use_default_domain). 0 or a negative errno. */
  claimForDriver(device: PciDevice, driverManagedDma: boolean): number {
    if (this.description.iommu === 'virtio-iommu' && this.settings.enabled && !this.membership.has(device)) {
      if (isBehindIommu(device, this.description, new Map(), this.recordable, null) && this.hasEndpoints(device))
        this.admit(device);
    }
    const group = this.membership.get(device);
    if (!group || driverManagedDma) return 0;
    if (group.ownerCount > 0 && (group.owner !== null || group.domain.type !== group.defaultDomain)) {
      return this.why.refuse(
        ERRNO.EBUSY,
        'iommu.group.owner',
        `Group ${group.id} of ${device.name} is owned by a VFIO user.`,
        `Detach group ${group.id} first.`,
      );
    }
    group.ownerCount++;
    return 0;
  }

  private admit(device: PciDevice): void {
    const group = this.place(device);
    this.logMember(device, group);
    this.attach(device, group.domain);
  }

  /**
   * virtio-iommu knows endpoints by requester ID and refuses one that no function bears, such as the ID that a PCI
   * Express bridge puts on what comes from behind it: the function then stays without a group (recorded).
   */
  private hasEndpoints(device: PciDevice): boolean {
    for (let bridge = device.parent; bridge !== null; bridge = bridge.parent) {
      const alias = bridgeAlias(bridge);
      if (alias?.takesOver !== 'secondary') continue;
      const bears = (one: PciDevice): boolean => requesterId(one.function.address) === alias.requester;
      if (![...this.index.devices].some((one) => one.parent === bridge && bears(one))) return false;
    }
    return true;
  }

  releaseFromDriver(device: PciDevice, driverManagedDma: boolean): void {
    const group = this.membership.get(device);
    if (group && !driverManagedDma && group.ownerCount > 0) group.ownerCount--;
  }

  claimDmaOwner(group: IommuGroup, owner: object): number {
    if (group.ownerCount > 0) return this.refuseOwner(group);
    return this.takeOwnership(group, owner);
  }

  private refuseOwner(group: IommuGroup): number {
    const culprit = group.devices.find((device) => device.driver !== null && !device.driver.driverManagedDma);
    return this.why.refuse(
      ERRNO.EPERM,
      'iommu.group.owner',
      culprit
        ? `${culprit.name} belongs to ${culprit.driver!.name}, so the kernel will not hand out the DMA of group ${group.id}.`
        : `The DMA of group ${group.id} is owned by another user.`,
      culprit ? `echo ${culprit.name} > /sys/bus/pci/devices/${culprit.name}/driver/unbind` : null,
    );
  }

  private takeOwnership(group: IommuGroup, owner: object): number {
    if (group.domain.type !== group.defaultDomain) {
      return this.why.refuse(ERRNO.EBUSY, 'iommu.group.domain', `Group ${group.id} is not on its default domain.`);
    }
    const direct = group.reserved.find((region) => region.kind === 'direct');
    if (direct) {
      const first = group.devices[0];
      if (first) {
        this.log.print(
          KERN_WARNING,
          `${devicePrefix(first)}Firmware has requested this device have a 1:1 IOMMU mapping, rejecting configuring the device without a 1:1 mapping. Contact your platform vendor.`,
        );
      }
      return this.why.refuse(
        ERRNO.EINVAL,
        'iommu.group.direct',
        `Firmware asks for a 1:1 mapping of ${hexRange(direct)} for group ${group.id}.`,
      );
    }
    group.owner = owner;
    group.ownerCount = 1;
    return this.moveTo(group, this.blocking);
  }

  releaseDmaOwner(group: IommuGroup): void {
    if (group.ownerCount > 0) group.ownerCount--;
    if (group.ownerCount > 0) return;
    group.owner = null;
    this.moveTo(group, this.homeOf(group));
  }

  private homeOf(group: IommuGroup): IommuDomain {
    return (group as Group).home;
  }

  claimDeviceDmaOwner(device: PciDevice, owner: object): number {
    const group = this.membership.get(device);
    if (!group) {
      return this.why.refuse(ERRNO.ENODEV, 'iommu.device.group', `${device.name} is in no IOMMU group.`);
    }
    if (group.ownerCount > 0) {
      if (group.owner !== owner) return this.refuseOwner(group);
      group.ownerCount++;
      return 0;
    }
    return this.takeOwnership(group, owner);
  }

  releaseDeviceDmaOwner(device: PciDevice): void {
    const group = this.membership.get(device);
    if (group) this.releaseDmaOwner(group);
  }

  // ---- domains

  allocateDomain(device: PciDevice): PagingDomain | number {
    if (!this.membership.has(device)) return -ERRNO.ENODEV;
    const { iommu: kind } = this.description;
    const pageSizes = this.settings.largePages ? (USER_PAGE_SIZES[kind] ?? PAGE_SIZES) : SMALLEST_PAGES;
    return new PagingDomain({
      pageSizes,
      apertureStart: 0n,
      apertureEnd: this.apertureEnd,
      coherent: kind === 'intel-vtd' ? (this.settings.unit.snoopControl ?? true) : kind !== 'virtio-iommu',
      paravirtual: kind === 'virtio-iommu',
      tables: this.driver?.tables(pageSizes) ?? null,
      changes: this.driver?.changes,
    });
  }

  attachGroup(group: IommuGroup, domain: IommuDomain): number {
    const error = this.moveTo(group, domain);
    if (error === 0 && domain instanceof PagingDomain) domain.finalize();
    return error;
  }

  detachGroup(group: IommuGroup): void {
    this.moveTo(group, this.blocking);
  }

  /** Nobody uses the domain any more. */
  freeDomain(domain: IommuDomain): void {
    if (domain instanceof PagingDomain) domain.dropTables();
    this.driver?.forget(domain);
  }

  isolatesMsi(group: IommuGroup): boolean {
    void group;
    return this.settings.interruptRemapping;
  }

  isCoherent(device: PciDevice): boolean {
    return this.membership.has(device);
  }

  // ---- no-IOMMU

  addNoiommuGroup(device: PciDevice): IommuGroup {
    const id = this.lowestFree();
    const group = this.makeGroup(id, 'unmanaged');
    group.name = 'vfio-noiommu';
    this.groups.set(id, group);
    group.add(device);
    this.membership.set(device, group);
    this.logMember(device, group);
    return group;
  }

  removeNoiommuGroup(device: PciDevice): void {
    const group = this.membership.get(device);
    if (!group || group.name !== 'vfio-noiommu') return;
    this.membership.delete(device);
    this.dropGroup(group.id);
    this.log.print(KERN_INFO, `${devicePrefix(device)}Removing from iommu group ${group.id}`);
  }

  // ---- sysfs

  typeOf(group: IommuGroup): string {
    return group.name === 'vfio-noiommu' ? 'unknown' : group.defaultDomain;
  }

  /** Write of a group's `type` (spec 6.1). 0 or a negative errno. */
  setType(group: IommuGroup, text: string, _process: Process): number {
    const word = text.trim();
    if (group.name !== null) {
      return this.why.refuse(ERRNO.EINVAL, 'iommu.type.default', `Group ${group.id} has no default domain.`);
    }
    if (word !== 'identity' && word !== 'DMA' && word !== 'DMA-FQ' && word !== 'auto') {
      return this.why.refuse(
        ERRNO.EINVAL,
        'iommu.type.word',
        `“${word}” is no domain type.`,
        'Write identity, DMA, DMA-FQ or auto.',
      );
    }
    if (word === 'DMA-FQ' && group.defaultDomain === 'DMA') {
      this.setDefault(group, 'DMA-FQ');
      return 0;
    }
    if (group.devices.length === 0 || group.ownerCount > 0) {
      return this.why.refuse(
        ERRNO.EPERM,
        'iommu.type.owner',
        `A member of group ${group.id} has a driver that does DMA, or VFIO uses the group.`,
        'Unbind the members first.',
      );
    }
    const demand = demandOf(group.devices, this.description.iommu, this.settings);
    if (word !== 'auto' && demand !== null && demand !== word) {
      const outsider = group.devices.find(isUntrusted);
      return this.why.refuse(
        ERRNO.EINVAL,
        'iommu.type.demanded',
        outsider
          ? `${outsider.name} is not trusted: the IOMMU must translate for group ${group.id}, and flush at once.`
          : `The IOMMU driver demands ${demand} for group ${group.id}.`,
      );
    }
    this.setDefault(group, word === 'auto' ? this.typeFor(group.devices) : word);
    return 0;
  }

  private setDefault(group: IommuGroup, type: DomainType): void {
    const own = group as Group;
    const onDefault = group.domain === own.home;
    const before = own.home;
    own.home = this.defaultDomain(type, own);
    if (onDefault) this.moveTo(group, own.home);
    this.freeDomain(before);
  }

  units(): readonly string[] {
    if (!this.settings.enabled) return [];
    if (this.scopes !== null) return this.scopes.names;
    switch (this.description.iommu) {
      case 'intel-vtd':
        return ['dmar0'];
      case 'amd-vi':
        return ['ivhd0'];
      case 'virtio-iommu':
        return this.virtioUnit();
      default:
        return [];
    }
  }

  private virtioUnit(): readonly string[] {
    for (const device of this.index.devices) {
      if (device.vendor === 0x1af4 && device.device === 0x1057) return [device.name];
    }
    return [];
  }

  unitOf(device: PciDevice): string | null {
    if (!this.membership.has(device)) return null;
    return this.scopes?.nameOf(device) ?? this.units()[0] ?? null;
  }
}

/** Pages that must be mapped 1:1. */
function* directMappings(regions: readonly ReservedRegion[]): IterableIterator<{ page: number; pages: number }> {
  for (const { start, end, kind } of regions) {
    if (kind !== 'direct' && kind !== 'direct-relaxable') continue;
    const page = Number(start >> 12n);
    yield { page, pages: Number((end >> 12n) + 1n) - page };
  }
}

const hexRange = (region: ReservedRegion): string => `0x${region.start.toString(16)}–0x${region.end.toString(16)}`;

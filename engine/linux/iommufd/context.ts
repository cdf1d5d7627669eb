import { ERRNO } from '../errno';
import type { IommuGroup } from '../iommu/group';
import type { KernelLog } from '../log';
import type { PciDevice } from '../pci/device';
import type { IommuServices, PagingDomain } from '../vfio/iommu';
import type { VfioParameters } from '../vfio/parameters';
import type { WhyLog } from '../why';
import { Ioas } from './ioas';
import type { IommufdObject } from './objects';
import { ObjectTable } from './objects';
import type { AccountMode, UserAccounts } from './pages';

const KERN_WARNING = 4;

export interface IommufdServices {
  readonly iommu: IommuServices;
  readonly log: KernelLog;
  readonly why: WhyLog;
  readonly parameters: VfioParameters;
  readonly accounts: UserAccounts;
}

/** A page table made from an address space. */
export class Hwpt implements IommufdObject {
  readonly kind = 'hwpt';
  id: number;
  users = 0;
  readonly ioas: Ioas;
  readonly domain: PagingDomain;
  /** Made by attaching to the address space; goes with its last device. */
  readonly automatic: boolean;
  readonly enforcesCoherency: boolean;

  constructor(id: number, ioas: Ioas, domain: PagingDomain, automatic: boolean) {
    this.id = id;
    this.ioas = ioas;
    this.domain = domain;
    this.automatic = automatic;
    this.enforcesCoherency = domain.enforceCacheCoherency();
  }
}

/** A group that an iommufd owns: one translation for all its devices. */
interface OwnedGroup {
  readonly group: IommuGroup;
  hwpt: Hwpt | null;
  /** Attached devices, in order. */
  readonly attached: BoundDevice[];
}

/** A device that was bound (`struct iommufd_device`). */
export class BoundDevice implements IommufdObject {
  readonly kind = 'device';
  id = 0;
  /** The VFIO driver holds it: DESTROY is never possible. */
  users = 1;
  readonly device: PciDevice;
  readonly owned: OwnedGroup;

  constructor(device: PciDevice, owned: OwnedGroup) {
    this.device = device;
    this.owned = owned;
  }

  get isAttached(): boolean {
    return this.owned.attached.includes(this);
  }
}

/** The state behind one open of /dev/iommu (`struct iommufd_ctx`). */
export class IommufdContext {
  readonly objects = new ObjectTable();
  readonly services: IommufdServices;
  accountMode: AccountMode;
  compatIoas: Ioas | null = null;
  noiommu = false;
  private readonly groups = new Map<IommuGroup, OwnedGroup>();
  /** Page tables of each address space, in creation order. */
  private readonly tables = new Map<Ioas, Hwpt[]>();

  constructor(services: IommufdServices, accountMode: AccountMode) {
    this.services = services;
    this.accountMode = accountMode;
  }

  get why(): WhyLog {
    return this.services.why;
  }

  ioas(id: number): Ioas | null {
    const object = this.objects.any(id);
    return object instanceof Ioas ? object : null;
  }

  hwpt(id: number): Hwpt | null {
    const object = this.objects.any(id);
    return object instanceof Hwpt ? object : null;
  }

  device(id: number): BoundDevice | null {
    const object = this.objects.any(id);
    return object instanceof BoundDevice ? object : null;
  }

  newIoas(): Ioas {
    const ioas = new Ioas(this.why);
    this.objects.add(ioas);
    return ioas;
  }

  tablesOf(ioas: Ioas): readonly Hwpt[] {
    return this.tables.get(ioas) ?? [];
  }

  /** IOMMU_DESTROY. */
  destroy(id: number): number {
    const object = this.objects.any(id);
    if (object === null) {
      return this.why.refuse(ERRNO.ENOENT, 'iommufd.object', `The iommufd has no object ${id}.`);
    }
    if (object.users > 0) {
      return this.why.refuse(
        ERRNO.EBUSY,
        'iommufd.destroy.used',
        `Object ${id} (${object.kind}) is used by ${object.users} other(s).`,
        'Detach devices, destroy page tables and close descriptors that use it.',
      );
    }
    this.dispose(object);
    return 0;
  }

  private dispose(object: IommufdObject): void {
    this.objects.remove(object.id);
    if (object instanceof Ioas) {
      object.unmapAll();
      this.tables.delete(object);
      if (this.compatIoas === object) this.compatIoas = null;
    } else if (object instanceof Hwpt) this.disposeTable(object);
  }

  private disposeTable(hwpt: Hwpt): void {
    const list = this.tables.get(hwpt.ioas);
    const index = list?.indexOf(hwpt) ?? -1;
    if (index >= 0) list!.splice(index, 1);
    hwpt.ioas.removeDomain(hwpt.domain);
    this.services.iommu.freeDomain(hwpt.domain);
    hwpt.ioas.users--;
  }

  /** The last reference to the file is gone. */
  release(): void {
    for (const object of this.objects.all()) if (object instanceof Hwpt) this.dispose(object);
    for (const object of this.objects.all()) this.dispose(object);
  }

  // ---- page tables

  /** A page table of an address space for a device; `attach` also attaches it, before the areas go in. */
  makeTable(ioas: Ioas, bound: BoundDevice, automatic: boolean): Hwpt | number {
    const domain = this.services.iommu.allocateDomain(bound.device);
    if (typeof domain === 'number') return domain;
    const id = this.objects.reserve();
    const hwpt = new Hwpt(id, ioas, domain, automatic);
    let error = 0;
    if (automatic && !bound.isAttached) {
      error = this.attachTable(bound, hwpt);
      if (error === 0) {
        error = ioas.addDomain(domain);
        if (error < 0) this.detachTable(bound);
      }
    } else error = ioas.addDomain(domain);
    if (error < 0) {
      this.objects.abort(id);
      this.services.iommu.freeDomain(domain);
      return error;
    }
    ioas.users++;
    const list = this.tables.get(ioas);
    if (list) list.push(hwpt);
    else this.tables.set(ioas, [hwpt]);
    this.objects.finalize(hwpt);
    return hwpt;
  }

  private attachTable(bound: BoundDevice, hwpt: Hwpt): number {
    const { owned } = bound;
    if (owned.hwpt !== null && owned.hwpt !== hwpt) {
      return this.why.refuse(
        ERRNO.EINVAL,
        'iommufd.attach.group',
        `Group ${owned.group.id} is attached to page table ${owned.hwpt.id}; its devices share one translation.`,
        'Attach to the same address space or page table.',
      );
    }
    const reserved = hwpt.ioas.reserveRegions(owned.group.reserved, bound);
    if (reserved < 0) return reserved;
    if (owned.attached.length === 0) {
      const error = this.services.iommu.attachGroup(owned.group, hwpt.domain);
      if (error < 0) {
        hwpt.ioas.release(bound);
        return error;
      }
      owned.hwpt = hwpt;
    }
    owned.attached.push(bound);
    hwpt.users++;
    return 0;
  }

  /** The device leaves its page table; the table it left. */
  private detachTable(bound: BoundDevice): Hwpt {
    const { owned } = bound;
    const hwpt = owned.hwpt!;
    owned.attached.splice(owned.attached.indexOf(bound), 1);
    if (owned.attached.length === 0) {
      this.services.iommu.detachGroup(owned.group);
      owned.hwpt = null;
    }
    hwpt.ioas.release(bound);
    hwpt.users--;
    return hwpt;
  }

  /** Moves every attached device of the group at once. */
  private replaceTable(bound: BoundDevice, hwpt: Hwpt): number {
    const { owned } = bound;
    const old = owned.hwpt!;
    if (old === hwpt) return 0;
    const moves = old.ioas !== hwpt.ioas;
    if (moves) {
      for (const device of owned.attached) {
        const error = hwpt.ioas.reserveRegions(owned.group.reserved, device);
        if (error < 0) {
          for (const done of owned.attached) hwpt.ioas.release(done);
          return error;
        }
      }
    }
    const error = this.services.iommu.attachGroup(owned.group, hwpt.domain);
    if (error < 0) {
      if (moves) for (const device of owned.attached) hwpt.ioas.release(device);
      return error;
    }
    if (moves) for (const device of owned.attached) old.ioas.release(device);
    owned.hwpt = hwpt;
    hwpt.users += owned.attached.length;
    old.users -= owned.attached.length;
    this.drop(old);
    return 0;
  }

  /** An automatic page table goes with its last user. */
  private drop(hwpt: Hwpt): void {
    if (hwpt.automatic && hwpt.users === 0 && this.objects.any(hwpt.id) === hwpt) this.dispose(hwpt);
  }

  /** ATTACH_IOMMUFD_PT: the page table used, or a negative errno (iommufd.md 10). */
  attach(bound: BoundDevice, id: number): { result: number; pageTable: number } {
    const target = this.objects.any(id);
    const failed = (result: number): { result: number; pageTable: number } => ({ result, pageTable: id });
    if (target === null) {
      return failed(this.why.refuse(ERRNO.ENOENT, 'iommufd.object', `The iommufd has no object ${id}.`));
    }
    const use = (hwpt: Hwpt): number =>
      bound.isAttached ? this.replaceTable(bound, hwpt) : this.attachTable(bound, hwpt);
    if (target instanceof Hwpt) {
      const result = use(target);
      return { result, pageTable: id };
    }
    if (!(target instanceof Ioas)) {
      return failed(
        this.why.refuse(
          ERRNO.EINVAL,
          'iommufd.attach.kind',
          `Object ${id} is a ${target.kind}.`,
          'Attach to an address space or a page table.',
        ),
      );
    }
    for (const hwpt of this.tablesOf(target)) {
      if (!hwpt.automatic) continue;
      const result = use(hwpt);
      if (result === -ERRNO.EINVAL) continue;
      return result < 0 ? failed(result) : { result: 0, pageTable: hwpt.id };
    }
    const made = this.makeTable(target, bound, true);
    if (typeof made === 'number') return failed(made);
    if (bound.owned.hwpt !== made) {
      const result = this.replaceTable(bound, made);
      if (result < 0) {
        this.drop(made);
        return failed(result);
      }
    }
    return { result: 0, pageTable: made.id };
  }

  detach(bound: BoundDevice): void {
    if (bound.isAttached) this.drop(this.detachTable(bound));
  }

  // ---- devices

  /** iommufd_device_bind: the bound device, or a negative errno (iommufd.md 10). */
  bind(device: PciDevice): BoundDevice | number {
    const { iommu, parameters, log, why } = this.services;
    if (!iommu.isCoherent(device)) {
      return why.refuse(ERRNO.EINVAL, 'iommufd.bind.coherent', `DMA of ${device.name} is not cache coherent.`);
    }
    const group = iommu.groupOf(device);
    if (group === null) return why.refuse(ERRNO.ENODEV, 'iommufd.bind.group', `${device.name} is in no IOMMU group.`);
    if (!iommu.isolatesMsi(group)) {
      if (!parameters.iommufdAllowUnsafeInterrupts) {
        return why.refuse(
          ERRNO.EPERM,
          'iommufd.bind.interrupts',
          `Interrupts of ${device.name} are not remapped: the user could forge any interrupt.`,
          'echo 1 > /sys/module/iommufd/parameters/allow_unsafe_interrupts',
        );
      }
      log.print(
        KERN_WARNING,
        `${device.driver?.name ?? 'vfio-pci'} ${device.name}: MSI interrupts are not secure, they cannot be isolated by the ` +
          'platform. Check that platform features like interrupt remapping are enabled. Use the ' +
          '"allow_unsafe_interrupts" module parameter to override',
      );
    }
    const claimed = iommu.claimDeviceDmaOwner(device, this);
    if (claimed < 0) return claimed;
    let owned = this.groups.get(group);
    if (owned === undefined) {
      owned = { group, hwpt: null, attached: [] };
      this.groups.set(group, owned);
    }
    const bound = new BoundDevice(device, owned);
    this.objects.add(bound);
    return bound;
  }

  unbind(bound: BoundDevice): void {
    this.detach(bound);
    this.objects.remove(bound.id);
    this.services.iommu.releaseDeviceDmaOwner(bound.device);
    const { owned } = bound;
    const others = this.objects.all().some((object) => object instanceof BoundDevice && object.owned === owned);
    if (!others) this.groups.delete(owned.group);
  }

  /** Whether this context owns the group of a device (hot reset). */
  owns(group: IommuGroup): boolean {
    return this.groups.has(group);
  }

  deviceFor(device: PciDevice): BoundDevice | null {
    const found = this.objects.all().find((object) => object instanceof BoundDevice && object.device === device);
    return found instanceof BoundDevice ? found : null;
  }
}

import { ERRNO } from '../../errno';
import type { IommuGroup } from '../../iommu/group';
import type { Process } from '../../process/process';
import { EXTENSION, VFIO } from '../../uapi/vfio';
import type { BackendContext, BackendInstance } from '../backends/backend';
import type { PagingDomain } from '../iommu';
import { dirtyPages } from './dirty';
import { cutMapping, mapDma, removeMapping, unmapDma } from './dma';
import { getInfo } from './info';
import type { IovaRange } from './iova-ranges';
import { cutToAperture, excludes, withoutReserved } from './iova-ranges';
import type { Type1Domain } from './state';
import { mapInto, Type1State, unmapFrom } from './state';

const KERN_WARNING = 4;
const WHOLE_SPACE: IovaRange = { start: 0n, end: 0xffff_ffff_ffff_ffffn };

/** The type1 back end of one container (type1.md). */
export class Type1 implements BackendInstance {
  readonly name: string;
  readonly state: Type1State;

  constructor(name: string, context: BackendContext, options: { v2: boolean; nesting: boolean }) {
    this.name = name;
    this.state = new Type1State(context, options.v2, options.nesting);
  }

  checkExtension(extension: number): number {
    switch (extension) {
      case EXTENSION.TYPE1_IOMMU:
      case EXTENSION.TYPE1v2_IOMMU:
      case EXTENSION.TYPE1_NESTING_IOMMU:
      case EXTENSION.UNMAP_ALL:
      case EXTENSION.UPDATE_VADDR:
        return 1;
      case EXTENSION.DMA_CC_IOMMU:
        return this.state.domains.every((domain) => domain.enforcesCoherency) ? 1 : 0;
      default:
        return 0;
    }
  }

  ioctl(process: Process, request: number, arg: bigint): number {
    const { state } = this;
    switch (request) {
      case VFIO.IOMMU_GET_INFO:
        return getInfo(state, process, arg);
      case VFIO.IOMMU_MAP_DMA:
        return mapDma(state, process, arg);
      case VFIO.IOMMU_UNMAP_DMA:
        return unmapDma(state, process, arg);
      case VFIO.IOMMU_DIRTY_PAGES:
        return dirtyPages(state, process, arg, (page, end) => cutMapping(state, page, end) !== null);
      default:
        return -ERRNO.ENOTTY;
    }
  }

  /** Order of type1.md 4. Every failure leaves mappings and ranges as before and the group blocked. */
  attach(group: IommuGroup): number {
    const { state } = this;
    const { iommu, why } = state.context;
    if (state.invalidVaddrs > 0) {
      return why.refuse(
        ERRNO.EBUSY,
        'type1.attach.vaddr',
        `${state.invalidVaddrs} mapping(s) of the container have no valid address.`,
        'MAP_DMA with VADDR gives them one.',
      );
    }
    if (state.domains.some((domain) => domain.groups.includes(group))) {
      return why.refuse(ERRNO.EINVAL, 'type1.attach.twice', `Group ${group.id} is in the container already.`);
    }
    const device = group.devices[0];
    if (device === undefined) {
      return why.refuse(ERRNO.ENODEV, 'type1.attach.empty', `Group ${group.id} has no function.`);
    }
    const domain = iommu.allocateDomain(device);
    if (typeof domain === 'number') return domain;
    const result = this.attachDomain(group, domain);
    if (group.domain !== domain) iommu.freeDomain(domain);
    return result;
  }

  /** Steps 5 and on, with a domain that is the group's own unless another takes the group. */
  private attachDomain(group: IommuGroup, domain: PagingDomain): number {
    const { iommu, why } = this.state.context;
    if (this.state.nesting) {
      return why.refuse(
        ERRNO.EINVAL,
        'type1.attach.nesting',
        'The IOMMU has no nested translation for this type.',
        'Use VFIO_SET_IOMMU with TYPE1v2 (3).',
      );
    }
    const attached = iommu.attachGroup(group, domain);
    if (attached < 0) return attached;
    const result = this.join(group, domain);
    if (result < 0) iommu.detachGroup(group);
    return result;
  }

  /** Steps 7 to 15: the group is attached to `domain`. */
  private join(group: IommuGroup, domain: PagingDomain): number {
    const { state } = this;
    const { iommu, why, parameters, log } = state.context;
    if (this.apertureConflicts(domain)) {
      return why.refuse(
        ERRNO.EINVAL,
        'type1.attach.aperture',
        `A mapping, or every usable address, lies outside the group's aperture (up to 0x${domain.apertureEnd.toString(16)}).`,
        'Unmap it, or use a container of its own.',
      );
    }
    for (const region of group.reserved) {
      if (!excludes(region) || !this.overlaps(region.start, region.end)) continue;
      return why.refuse(
        ERRNO.EINVAL,
        'type1.attach.reserved',
        `A mapping overlaps the group's reserved region 0x${region.start.toString(16)}-0x${region.end.toString(16)}.`,
        'Unmap it, or use a container of its own.',
      );
    }
    const base = state.ranges.length > 0 ? state.ranges : [WHOLE_SPACE];
    const ranges = withoutReserved(cutToAperture(base, domain.apertureStart, domain.apertureEnd), group.reserved);
    if (ranges.length === 0) {
      return why.refuse(ERRNO.EINVAL, 'type1.attach.ranges', 'No usable address would be left.');
    }
    if (!iommu.isolatesMsi(group) && !parameters.allowUnsafeInterrupts) {
      log.print(
        KERN_WARNING,
        'vfio_iommu_type1_attach_group: No interrupt remapping support.  Use the module param ' +
          '"allow_unsafe_interrupts" to enable VFIO IOMMU support on this platform',
      );
      return why.refuse(
        ERRNO.EPERM,
        'type1.attach.interrupts',
        `Interrupts of group ${group.id} are not remapped: the user could forge any interrupt.`,
        'echo 1 > /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts',
      );
    }
    const enforcesCoherency = domain.enforceCacheCoherency();
    const shared = this.share(group, enforcesCoherency);
    if (shared === null) {
      const replayed = this.replay(domain);
      if (replayed < 0) return replayed;
      state.domains.push({ domain, enforcesCoherency, groups: [group] });
    } else if (typeof shared === 'number') return shared;
    else shared.groups.push(group);
    state.updatePageSizes();
    state.setRanges(ranges);
    return 0;
  }

  /** An existing domain that takes the group; null when none does. */
  private share(group: IommuGroup, enforcesCoherency: boolean): Type1Domain | null | number {
    const { iommu } = this.state.context;
    const own = group.domain;
    for (const candidate of this.state.domains) {
      if (candidate.enforcesCoherency !== enforcesCoherency) continue;
      iommu.detachGroup(group);
      if (iommu.attachGroup(group, candidate.domain) === 0) return candidate;
      const back = iommu.attachGroup(group, own as PagingDomain);
      if (back < 0) return back;
    }
    return null;
  }

  private replay(domain: PagingDomain): number {
    const done: { page: number; pages: number }[] = [];
    for (const mapping of this.state.mappings) {
      const error = mapInto(domain, mapping);
      if (error < 0) {
        for (const range of done) unmapFrom(domain, range);
        return error;
      }
      done.push(mapping);
    }
    return 0;
  }

  private overlaps(start: bigint, end: bigint): boolean {
    const page = Number(start >> 12n);
    return this.state.mappings.overlapping(page, Number(end >> 12n) + 1 - page) !== null;
  }

  private apertureConflicts({ apertureStart, apertureEnd }: PagingDomain): boolean {
    const first = this.state.ranges[0];
    const last = this.state.ranges.at(-1);
    if (first === undefined || last === undefined) return false;
    if (apertureStart > last.end || apertureEnd < first.start) return true;
    if (apertureStart > first.start && this.overlaps(first.start, apertureStart - 1n)) return true;
    return apertureEnd < last.end && this.overlaps(apertureEnd + 1n, last.end);
  }

  /** Order of type1.md 5. */
  detach(group: IommuGroup): void {
    const { state } = this;
    const index = state.domains.findIndex((domain) => domain.groups.includes(group));
    const domain = state.domains[index];
    if (domain === undefined) return;
    state.context.iommu.detachGroup(group);
    domain.groups.splice(domain.groups.indexOf(group), 1);
    if (domain.groups.length === 0) {
      if (state.domains.length === 1) this.removeAll();
      state.domains.splice(index, 1);
      state.context.iommu.freeDomain(domain.domain);
      state.updatePageSizes();
    }
    this.widenRanges();
  }

  /** Usable addresses as the remaining groups leave them. */
  private widenRanges(): void {
    const { state } = this;
    if (state.domains.length === 0) {
      state.setRanges([]);
      return;
    }
    let ranges: IovaRange[] = [WHOLE_SPACE];
    for (const { domain, groups } of state.domains) {
      ranges = cutToAperture(ranges, domain.apertureStart, domain.apertureEnd);
      for (const group of groups) ranges = withoutReserved(ranges, group.reserved);
    }
    state.setRanges(ranges);
  }

  release(): void {
    this.removeAll();
  }

  private removeAll(): void {
    for (const mapping of [...this.state.mappings]) removeMapping(this.state, mapping);
  }
}

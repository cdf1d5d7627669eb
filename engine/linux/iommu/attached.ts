/** Which requester is on which domain, and on whose behalf: aliases are shared by the functions behind a bridge. */
import type { PciDevice } from '../pci/device';
import type { DomainAttachment } from './domain';
import type { IommuDomain } from './group';

export interface AttachedRequester {
  domain: IommuDomain;
  /** Null unless the domain translates. */
  attachment: DomainAttachment | null;
  readonly holders: Set<PciDevice>;
}

export class AttachedRequesters {
  private readonly bySegment = new Map<number, Map<number, AttachedRequester>>();
  private readonly byDevice = new Map<PciDevice, readonly { segment: number; id: number }[]>();

  get(segment: number, id: number): AttachedRequester | undefined {
    return this.bySegment.get(segment)?.get(id);
  }

  set(segment: number, id: number, attached: AttachedRequester): void {
    let ids = this.bySegment.get(segment);
    if (ids === undefined) this.bySegment.set(segment, (ids = new Map()));
    ids.set(id, attached);
  }

  delete(segment: number, id: number): void {
    this.bySegment.get(segment)?.delete(id);
  }

  /** Notes under which IDs a function sends; returns those that it had before and has no longer. */
  hold(device: PciDevice, requesters: readonly { segment: number; id: number }[]): { segment: number; id: number }[] {
    const before = this.byDevice.get(device) ?? [];
    if (requesters.length === 0) this.byDevice.delete(device);
    else this.byDevice.set(device, requesters);
    if (before.length === 0) return [];
    return before.filter((one) => !requesters.some(({ segment, id }) => segment === one.segment && id === one.id));
  }
}

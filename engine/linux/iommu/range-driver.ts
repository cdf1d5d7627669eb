/** The driver of units that are told ranges: virtio-iommu, and an SMMU as far as the lab goes. */
import type { IommuUnits } from '../../hardware/iommu/units';
import { RangeUnit } from '../../hardware/iommu/ranges';
import type { ChangeCount } from '../../hardware/pci/config-space';
import type { PciDevice } from '../pci/device';
import { AttachedRequesters } from './attached';
import { PagingDomain } from './domain';
import type { IommuDriver, Requester } from './driver';
import type { IommuDomain } from './group';

export class RangeDriver implements IommuDriver {
  readonly interrupt = null;
  readonly changes: ChangeCount;
  private readonly hardware: IommuUnits;
  private readonly attached = new AttachedRequesters();

  constructor(hardware: IommuUnits) {
    this.hardware = hardware;
    this.changes = hardware.tables;
  }

  private unit(segment: number): RangeUnit {
    const unit = this.hardware.unit(segment);
    if (!(unit instanceof RangeUnit)) throw new Error(`segment ${segment} has no unit that takes ranges`);
    return unit;
  }

  tables(): null {
    return null;
  }

  domainId(): null {
    return null;
  }

  attach(device: PciDevice, requesters: readonly Requester[], domain: IommuDomain): number {
    this.changes.count++;
    for (const gone of this.attached.hold(device, requesters)) this.drop(device, gone);
    for (const { segment, id } of requesters) {
      const holders = this.attached.get(segment, id)?.holders ?? new Set();
      holders.add(device);
      this.attached.set(segment, id, { domain, attachment: null, holders });
      const unit = this.unit(segment);
      if (domain instanceof PagingDomain) unit.attach(id, domain);
      else unit.attach(id, domain.type === 'identity' ? 'passes' : 'blocked');
    }
    return 0;
  }

  forget(): void {}

  release(device: PciDevice): void {
    this.changes.count++;
    for (const gone of this.attached.hold(device, [])) this.drop(device, gone);
  }

  private drop(device: PciDevice, { segment, id }: Requester): void {
    const attached = this.attached.get(segment, id);
    attached?.holders.delete(device);
    if (attached === undefined || attached.holders.size > 0) return;
    this.attached.delete(segment, id);
    this.unit(segment).detach(id);
  }
}

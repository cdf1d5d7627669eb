/** What a function's reads and writes of memory meet on their way: bus mastering, the IOMMU's domain, memory itself. */
import type { DmaPort } from '../hardware/devices/environment';
import type { PciFunction } from '../hardware/pci/function';
import { PagingDomain } from './iommu/domain';
import type { IommuGroup } from './iommu/group';
import type { PciDevice } from './pci/device';
import type { PhysicalMemory } from './process/pages';

const PAGE = 4096;
const COMMAND = 0x04;
const BUS_MASTER = 0x4;
const PROT_READ = 1;
const PROT_WRITE = 2;

export interface DmaServices {
  readonly memory: PhysicalMemory;
  deviceOf(fn: PciFunction): PciDevice | null;
  groupOf(device: PciDevice): IommuGroup | null;
  /** False for a requester that its unit does not know: its addresses go through unchanged. */
  translates(fn: PciFunction): boolean;
  /** Second-stage tables of this unit do not tell reads from writes: write permission implies read (recorded, VT-d). */
  readonly writeImpliesRead: boolean;
  /** The unit stopped an access and recorded it. */
  fault(fn: PciFunction, address: bigint, write: boolean): void;
}

export class DmaPath implements DmaPort {
  private readonly services: DmaServices;

  constructor(services: DmaServices) {
    this.services = services;
  }

  read(fn: PciFunction, address: bigint, into: Uint8Array): boolean {
    return this.move(fn, address, into, false);
  }

  write(fn: PciFunction, address: bigint, data: Uint8Array): boolean {
    return this.move(fn, address, data, true);
  }

  /** Page by page, each judged by itself. A read that is stopped brings zeros, a write is dropped. */
  private move(fn: PciFunction, address: bigint, bytes: Uint8Array, write: boolean): boolean {
    const master = (fn.config.read(COMMAND, 2) & BUS_MASTER) !== 0;
    let complete = true;
    for (let done = 0; done < bytes.length;) {
      const at = address + BigInt(done);
      const count = Math.min(bytes.length - done, PAGE - Number(at % BigInt(PAGE)));
      const piece = bytes.subarray(done, done + count);
      const physical = master ? this.translate(fn, at, write) : null;
      if (master && physical === null) this.services.fault(fn, at, write);
      const { memory } = this.services;
      if (physical === null || !(write ? memory.write(physical, piece) : memory.read(physical, piece))) {
        if (!write) piece.fill(0);
        complete = false;
      }
      done += count;
    }
    return complete;
  }

  private translate(fn: PciFunction, address: bigint, write: boolean): number | null {
    const device = this.services.deviceOf(fn);
    const group = device === null ? null : this.services.groupOf(device);
    if (group === null || group.domain.type === 'identity' || !this.services.translates(fn)) return Number(address);
    const domain = group.domain;
    if (!(domain instanceof PagingDomain)) return null;
    const found = domain.translate(address);
    if (found === null) return null;
    const readable = PROT_READ | (this.services.writeImpliesRead ? PROT_WRITE : 0);
    return found.prot & (write ? PROT_WRITE : readable) ? Number(found.physical) : null;
  }
}

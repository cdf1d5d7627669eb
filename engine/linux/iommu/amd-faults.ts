/** What Linux writes about the events of AMD-Vi units (iommu-hardware 4.5). */
import { EVENT, EVENT_NAMES, FLAG } from '../../hardware/iommu/amd-vi/layout';
import { formatAddress } from '../../hardware/pci/address';
import type { Clock } from '../clock';
import type { KernelLog } from '../log';
import type { PciDevice } from '../pci/device';
import { devicePrefix } from '../pci/enable';
import { RateLimit } from '../rate-limit';

const ERROR = 3;
const FUNCTION = 'amd_iommu_report_page_fault';

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

export interface FaultingDevices {
  /** The function with this requester ID; null when Linux knows none. */
  at(segment: number, id: number): PciDevice | null;
  /** Whether the function is on a domain that lets something through. */
  attached(device: PciDevice): boolean;
}

export class AmdFaultLog {
  private readonly log: KernelLog;
  private readonly clock: Clock;
  private readonly devices: FaultingDevices;
  /** Each line of the driver, and each device, has a budget of its own. */
  private readonly limits = new Map<PciDevice | string, RateLimit>();

  constructor(log: KernelLog, clock: Clock, devices: FaultingDevices) {
    this.log = log;
    this.clock = clock;
    this.devices = devices;
  }

  private mayPrint(budget: PciDevice | string): boolean {
    let limit = this.limits.get(budget);
    if (limit === undefined) this.limits.set(budget, (limit = new RateLimit(this.log, this.clock, FUNCTION)));
    return limit.mayPrint();
  }

  tell(segment: number, [first, second, low, high]: readonly [number, number, number, number]): void {
    const type = second >>> 28;
    const flags = (second >>> 16) & 0xfff;
    const id = first & 0xffff;
    const domain = second & 0xffff;
    const address = `0x${((BigInt(high) << 32n) | BigInt(low)).toString(16)}`;
    const name = formatAddress({ segment, bus: id >>> 8, device: (id >>> 3) & 0x1f, function: id & 7 });
    if (type === EVENT.IO_PAGE_FAULT) this.pageFault(segment, id, name, domain, address, flags);
    else {
      const pasid = `0x${hex(((first >>> 16) & 0xf) * 0x10000 + domain, 5)}`;
      const text = EVENT_NAMES[type] ?? `UNKNOWN type=0x${hex(type, 1)}`;
      this.log.print(
        ERROR,
        `iommu ivhd${segment}: AMD-Vi: Event logged [${text} device=${name} pasid=${pasid} address=${address} flags=0x${hex(flags, 4)}]`,
      );
    }
  }

  private pageFault(segment: number, id: number, name: string, domain: number, address: string, flags: number): void {
    const facts = `domain=0x${hex(domain, 4)} address=${address} flags=0x${hex(flags, 4)}`;
    const device = this.devices.at(segment, id);
    if (device === null) {
      if (this.mayPrint('unknown'))
        this.log.print(ERROR, `AMD-Vi: Event logged [IO_PAGE_FAULT device=${name} ${facts}]`);
      return;
    }
    if (!(flags & FLAG.I) && !this.devices.attached(device)) {
      if (this.mayPrint('first line')) {
        this.log.print(ERROR, 'AMD-Vi: Event logged [Device not attached to domain properly]');
      }
      if (this.mayPrint('second line')) this.log.print(ERROR, `AMD-Vi:   device=${name} domain=0x${hex(domain, 4)}`);
      return;
    }
    if (this.mayPrint(device)) {
      this.log.print(ERROR, `${devicePrefix(device)}AMD-Vi: Event logged [IO_PAGE_FAULT ${facts}]`);
    }
  }
}

import { ERRNO } from '../../errno';
import type { Process } from '../../process/process';
import { REGION_INDEX } from '../../uapi/vfio';
import { resourceLength } from './bars';
import { EventAction, eventOf } from './events';
import { regionOf } from './regions';
import type { MsixWindow, Regions } from './regions';
import type { PciDevice } from '../../pci/device';
import type { Refuse } from './ops';
import type { UserStructure } from './structure';

const WIDTHS = 0xf;
const MAXIMUM = 1000;

interface Entry {
  readonly bar: number;
  readonly at: number;
  readonly width: 1 | 2 | 4 | 8;
  readonly data: bigint;
  readonly action: EventAction;
}

/** Register writes that the kernel does when an eventfd is signalled (vfio-pci-regions-irqs-reset.md 9). */
export class IoEvents {
  private readonly entries: Entry[] = [];
  private readonly device: PciDevice;
  private readonly regions: Regions;
  private readonly msix: MsixWindow | null;
  private readonly refuse: Refuse;

  constructor(device: PciDevice, regions: Regions, msix: MsixWindow | null, refuse: Refuse) {
    this.refuse = refuse;
    this.device = device;
    this.regions = regions;
    this.msix = msix;
  }

  /** The flags are a bit for the width, whose value is the width in bytes. */
  set(process: Process, request: UserStructure): number {
    const flags = request.u32(4);
    const fd = request.s32(24);
    if (flags & ~WIDTHS || (flags !== 1 && flags !== 2 && flags !== 4 && flags !== 8) || fd < -1) {
      return this.refuse(ERRNO.EINVAL, 'ioeventfd.flags', 'flags must name one width, the descriptor may be -1');
    }
    const { index, at } = regionOf(Number(request.u64(8)));
    const data = BigInt.asUintN(8 * flags, request.u64(16));
    if (index >= REGION_INDEX.ROM) return this.refuse(ERRNO.EINVAL, 'ioeventfd.region', 'only BARs take an ioeventfd');
    if (at + flags > Number(resourceLength(this.device.resources[index]))) {
      return this.refuse(ERRNO.EINVAL, 'ioeventfd.end', 'the write would run past the end of the BAR');
    }
    const window = this.msix;
    if (window?.bar === index && at + flags > window.from && at < window.to) {
      return this.refuse(ERRNO.EINVAL, 'ioeventfd.msix', 'the write would hit the MSI-X table');
    }
    const claimed = this.regions.claim(index);
    if (claimed < 0) return claimed;
    const same = this.entries.findIndex((e) => e.bar === index && e.at === at && e.width === flags && e.data === data);
    if (same >= 0) {
      if (fd >= 0) return this.refuse(ERRNO.EEXIST, 'ioeventfd.exists', 'the same write is registered already');
      this.entries[same]!.action.detach();
      this.entries.splice(same, 1);
      return 0;
    }
    if (fd < 0) return this.refuse(ERRNO.ENODEV, 'ioeventfd.unknown', 'no such write is registered');
    if (this.entries.length >= MAXIMUM) {
      return this.refuse(ERRNO.ENOSPC, 'ioeventfd.many', `${MAXIMUM} are registered already`);
    }
    const event = eventOf(process, fd);
    if (typeof event === 'number') return this.refuse(event, 'ioeventfd.fd', `descriptor ${fd} is no open eventfd`);
    const action = new EventAction(event, () => this.regions.poke(index, at, flags, data));
    this.entries.push({ bar: index, at, width: flags, data, action });
    return 0;
  }

  clear(): void {
    for (const entry of this.entries) entry.action.detach();
    this.entries.length = 0;
  }
}

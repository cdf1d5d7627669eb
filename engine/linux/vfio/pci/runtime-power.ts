/** Runtime power management as sysfs sees it: functions that vfio-pci suspends while nobody uses them. */
import type { PciDevice } from '../../pci/device';
import type { VfioPciDriver } from './driver';

export class VfioPower {
  private readonly driver: () => VfioPciDriver | null;

  constructor(driver: () => VfioPciDriver | null) {
    this.driver = driver;
  }

  /** Brings a suspended device to D0 for an operation; the returned function lets it go again. */
  wake(device: PciDevice): () => void {
    const held = this.driver()?.of(device) ?? null;
    if (held === null || !held.runtimeSuspended) return () => undefined;
    held.resume();
    return () => held.suspend();
  }

  /** Write of `power/control`. */
  setControl(device: PciDevice, auto: boolean): void {
    device.attributes['powerControl'] = auto ? 'auto' : 'on';
    const held = this.driver()?.of(device) ?? null;
    if (held === null || held.opened) return;
    if (auto) held.suspend();
    else held.resume();
  }

  status(device: PciDevice): string {
    return this.driver()?.of(device)?.runtimeSuspended === true ? 'suspended' : 'active';
  }

  /** vfio-pci allows runtime suspend while it holds a function. */
  bound(device: PciDevice): void {
    if (device.driver?.name === 'vfio-pci') device.attributes['powerControl'] = 'auto';
  }

  unbound(device: PciDevice): void {
    if (device.attributes['powerControl'] === 'auto') device.attributes['powerControl'] = 'on';
  }
}

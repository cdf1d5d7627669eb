/** The PCI bus of the driver core: devices, drivers, binding and everything sysfs can ask of them. */
import { ERRNO } from '../errno';
import type { KernelLog } from '../log';
import { afterwards, inTurn, isSleeping, sleeping } from '../pending';
import { SleepingLock } from '../sleeping-lock';
import type { PendingCall } from '../process/files';
import type { WhyLog } from '../why';
import type { PciDevice, PciDriver } from './device';
import { LEVEL, devicePrefix } from './enable';
import { ANY_ID, driverMatches, hexFields, idOf, tablesMatch } from './match';

/** What the bus asks of the IOMMU subsystem. */
export interface IommuHooks {
  /** The device is on the bus: it gets its group. */
  addDevice(device: PciDevice): void;
  removeDevice(device: PciDevice): void;
  /** A driver is about to be tried: 0, or the errno of iommu_device_use_default_domain when the driver uses the DMA API. */
  claimForDriver(device: PciDevice, driverManagedDma: boolean): number;
  releaseFromDriver(device: PciDevice, driverManagedDma: boolean): void;
}

export interface BusListener {
  /** The device is on the list and in its group. */
  announced?(device: PciDevice): void;
  /** After the device is visible, before drivers are tried. */
  added?(device: PciDevice): void;
  removed?(device: PciDevice): void;
  /** A driver's probe succeeded, or it let go of the device. */
  bound?(device: PciDevice): void;
  unbound?(device: PciDevice): void;
}

/** Longest driver_override that is taken, exclusive. */
const OVERRIDE_LIMIT = 4095;

export class PciBus {
  /** In the order of the bus list. */
  readonly devices = new Map<string, PciDevice>();
  /** In the order of registration. */
  readonly drivers = new Map<string, PciDriver>();
  /** `drivers_autoprobe`: new devices and new drivers are tried at once. */
  autoprobe = true;
  /** Text of `resource_alignment`. */
  resourceAlignment = '';
  /** Devices that ever had a driver: their supplier links are settled. */
  readonly everBound = new WeakSet<PciDevice>();
  private readonly listeners: BusListener[] = [];
  private readonly log: KernelLog;
  private readonly why: WhyLog;
  private readonly iommu: IommuHooks;
  /** device_lock: calls that wait until an unbind of the device is through. */
  private readonly releasing = new Map<PciDevice, PendingCall>();
  /** Devices whose lock somebody else holds. */
  private readonly held = new Map<PciDevice, PendingCall>();
  /** Scans, removals and changes of the number of virtual functions go one at a time (`pci_lock_rescan_remove`). */
  readonly rescanRemove = new SleepingLock();

  constructor(log: KernelLog, why: WhyLog, iommu: IommuHooks) {
    this.log = log;
    this.why = why;
    this.iommu = iommu;
  }

  listen(listener: BusListener): void {
    this.listeners.push(listener);
  }

  /** The driver that sysfs shows: the link is gone as soon as an unbind has begun. */
  boundDriver(device: PciDevice): PciDriver | null {
    return this.releasing.has(device) ? null : device.driver;
  }

  boundTo(driver: PciDriver): PciDevice[] {
    return [...this.devices.values()].filter((device) => this.boundDriver(device) === driver);
  }

  // ---- devices

  /** A function of the boot scan: on the list, nothing tried yet. */
  enlist(device: PciDevice): void {
    this.devices.set(device.name, device);
  }

  /** As `announce`, then `start`. */
  add(device: PciDevice): void {
    this.announce(device);
    this.start(device);
  }

  /** device_add: onto the list, into a group. */
  announce(device: PciDevice): void {
    this.devices.set(device.name, device);
    this.iommu.addDevice(device);
    for (const listener of this.listeners) listener.announced?.(device);
  }

  /** pci_bus_add_device: drivers are tried where autoprobe is on. */
  start(device: PciDevice): void {
    for (const driver of this.drivers.values()) driver.deviceAdded?.(device);
    for (const listener of this.listeners) listener.added?.(device);
    if (this.autoprobe) this.attach(device);
  }

  /** Children of a bridge, in the order of the bus list; virtual functions are siblings of their parent function. */
  childrenOf(bridge: PciDevice): PciDevice[] {
    return [...(bridge.behind?.devices ?? [])];
  }

  /** pci_stop_and_remove_bus_device: drivers let go (waiting for users of vfio), then everything below goes, then it. */
  remove(device: PciDevice): number | PendingCall {
    return afterwards(this.stop(device), () => {
      this.destroy(device);
      return 0;
    });
  }

  private stop(device: PciDevice): number | PendingCall {
    const below = this.childrenOf(device).reverse();
    return inTurn([
      ...below.map((child) => () => this.stop(child)),
      () => (device.driver === null ? 0 : this.release(device)),
    ]);
  }

  private destroy(device: PciDevice): void {
    const below = this.childrenOf(device).reverse();
    for (const child of below) this.destroy(child);
    const { behind } = device;
    if (behind !== null) {
      this.log.print(LEVEL.INFO, `pci_bus ${behind.name}: busn_res: ${behind.range} is released`);
      device.behind = null;
    }
    device.bus?.take(device);
    this.devices.delete(device.name);
    this.iommu.removeDevice(device);
    for (const listener of this.listeners) listener.removed?.(device);
  }

  // ---- drivers

  register(driver: PciDriver): void {
    this.drivers.set(driver.name, driver);
    if (this.autoprobe) this.attachDriver(driver);
  }

  /** Takes every device away from the driver; waits while one is in use. */
  unregister(driver: PciDriver): number | PendingCall {
    return afterwards(inTurn(this.boundTo(driver).map((device) => () => this.release(device))), (result) => {
      if (result < 0) return result;
      this.drivers.delete(driver.name);
      return 0;
    });
  }

  /** A driver that held the device before this kernel's view of it began: nothing is asked, nothing changed. */
  adopt(device: PciDevice, driver: PciDriver): void {
    device.driver = driver;
    this.everBound.add(device);
    this.iommu.claimForDriver(device, driver.driverManagedDma);
  }

  /** Binds a function as its description says it was, whatever the tables match. */
  bindRecorded(driver: PciDriver, device: PciDevice): void {
    this.probe(driver, device);
  }

  /** Write to `drivers/X/bind`. */
  bind(driver: PciDriver, name: string): number | PendingCall {
    const device = this.devices.get(name);
    if (device === undefined) return this.noDevice(name);
    return this.whenFree(device, () => {
      if (!driverMatches(driver, device)) {
        return this.why.refuse(
          ERRNO.ENODEV,
          'driver.match',
          `${driver.name} does not match ${name}: no ID of its table or of new_id fits, and driver_override is ${device.driverOverride ?? 'not set'}.`,
          `echo ${driver.name} > /sys/bus/pci/devices/${name}/driver_override`,
        );
      }
      if (device.driver !== null) {
        return this.why.refuse(
          ERRNO.EBUSY,
          'driver.bound',
          `${name} is bound to ${device.driver.name}.`,
          `echo ${name} > /sys/bus/pci/drivers/${device.driver.name}/unbind`,
        );
      }
      const result = this.probe(driver, device);
      if (result === 0) return 0;
      const error = result > 0 ? -result : result;
      return this.failedProbe(driver, name, error === -ERRNO.EPROBE_DEFER ? -ERRNO.EAGAIN : error);
    });
  }

  /** Write to `drivers/X/unbind`. */
  unbind(driver: PciDriver, name: string): number | PendingCall {
    const device = this.devices.get(name);
    if (device === undefined) return this.noDevice(name);
    // A driver that is leaving counts as bound: a second unbind waits with the first.
    if (device.driver !== driver) {
      return this.why.refuse(
        ERRNO.ENODEV,
        'driver.not-bound',
        `${name} is bound to ${device.driver?.name ?? 'no driver'}, not to ${driver.name}.`,
      );
    }
    return this.release(device);
  }

  /** Write to `drivers/X/new_id`. */
  newId(driver: PciDriver, text: string): number {
    const fields = hexFields(text, 7);
    if (fields.length < 2) {
      return this.why.refuse(ERRNO.EINVAL, 'new_id.format', 'Fewer than two hexadecimal numbers.', 'vvvv dddd');
    }
    const [vendor, device, subvendor = ANY_ID, subdevice = ANY_ID, classCode = 0, classMask = 0, data = 0] = fields;
    if (fields.length !== 7) {
      const found = {
        vendor: vendor!,
        device: device!,
        subvendor,
        subdevice,
        class: classCode,
      };
      if (tablesMatch(driver, found)) {
        return this.why.refuse(ERRNO.EEXIST, 'new_id.known', `${driver.name} knows this ID already.`);
      }
    }
    if (data !== 0 && driver.ids.length > 0) {
      return this.why.refuse(ERRNO.EINVAL, 'new_id.data', 'No table entry uses this driver data.', 'Leave it out.');
    }
    driver.dynamicIds.push(
      idOf(vendor!, device!, {
        subvendor,
        subdevice,
        class: classCode,
        classMask,
      }),
    );
    this.attachDriver(driver);
    return 0;
  }

  /** Write to `drivers/X/remove_id`: bound devices stay bound. */
  removeId(driver: PciDriver, text: string): number {
    const fields = hexFields(text, 6);
    if (fields.length < 2) return this.why.refuse(ERRNO.EINVAL, 'remove_id.format', 'Fewer than two numbers.');
    const [vendor, device, subvendor = ANY_ID, subdevice = ANY_ID, classCode = 0, classMask = 0] = fields;
    const at = driver.dynamicIds.findIndex(
      (id) =>
        id.vendor === vendor &&
        id.device === device &&
        (subvendor === ANY_ID || id.subvendor === subvendor) &&
        (subdevice === ANY_ID || id.subdevice === subdevice) &&
        ((id.class ^ classCode) & classMask) === 0,
    );
    if (at < 0) return this.why.refuse(ERRNO.ENODEV, 'remove_id.unknown', `${driver.name} has no such dynamic ID.`);
    driver.dynamicIds.splice(at, 1);
    return 0;
  }

  /**
   * Write to `drivers_probe`: only a refusal before the driver's own probe is an error, and it reads EINVAL. A device
   * that still has a driver, be it one that is leaving, is not looked at.
   */
  driversProbe(name: string): number {
    const device = this.devices.get(name);
    if (device === undefined) return this.noDevice(name);
    // Looked at without the device's lock: a driver that is still leaving counts as bound.
    if (device.driver !== null) return 0;
    return this.attach(device) < 0 ? -ERRNO.EINVAL : 0;
  }

  /** Write to `driver_override`: a newline clears it; nothing is bound or unbound. */
  setOverride(device: PciDevice, text: string): number {
    if (text.length >= OVERRIDE_LIMIT) {
      return this.why.refuse(ERRNO.EINVAL, 'driver.override', `A driver name has less than ${OVERRIDE_LIMIT} bytes.`);
    }
    const newline = text.indexOf('\n');
    const name = newline < 0 ? text : text.slice(0, newline);
    device.driverOverride = name === '' ? null : name;
    return 0;
  }

  /** device_attach: the first driver in order that matches and probes. Negative: refused before a probe. */
  attach(device: PciDevice): number {
    if (device.driver !== null) return 0;
    for (const driver of this.drivers.values()) {
      if (!driverMatches(driver, device)) continue;
      const result = this.probe(driver, device);
      if (result <= 0) return result;
    }
    return 0;
  }

  /** The driver gives the device back (device_release_driver); waits while vfio users hold it. */
  release(device: PciDevice): number | PendingCall {
    const driver = device.driver;
    if (driver === null) return 0;
    const waiting = this.releasing.get(device);
    if (waiting !== undefined) return waiting;
    const held = this.held.get(device);
    if (held !== undefined) return afterwards(held, () => this.release(device));
    const call = sleeping();
    this.releasing.set(device, call);
    device.locked = true;
    const finish = (): void => {
      this.releasing.delete(device);
      device.locked = false;
      device.driver = null;
      delete device.attributes['msiData'];
      this.iommu.releaseFromDriver(device, driver.driverManagedDma);
      if (device.powerState === 'D0') device.powerState = 'unknown';
      for (const listener of this.listeners) listener.unbound?.(device);
      call.result = 0;
    };
    if (driver.remove(device, finish) === 'done') {
      if (call.result === null) finish();
      return 0;
    }
    return call.result === null ? call : 0;
  }

  private attachDriver(driver: PciDriver): void {
    for (const device of [...this.devices.values()]) {
      if (device.driver === null && driverMatches(driver, device)) this.probe(driver, device);
    }
  }

  /** really_probe: 0; negative when the DMA of the group is claimed; positive errno when the driver's probe failed. */
  private probe(driver: PciDriver, device: PciDevice): number {
    const refused = this.iommu.claimForDriver(device, driver.driverManagedDma);
    if (refused < 0) return refused;
    device.driver = driver;
    const pf = device.physicalFunction;
    const result =
      pf !== null && pf.attributes['sriovDriversAutoprobe'] === 0 && device.driverOverride === null
        ? -ERRNO.ENODEV
        : driver.probe(device);
    if (result >= 0) {
      this.everBound.add(device);
      for (const listener of this.listeners) listener.bound?.(device);
      return 0;
    }
    if (result !== -ERRNO.ENODEV && result !== -ERRNO.ENXIO && result !== -ERRNO.EPROBE_DEFER) {
      this.log.print(LEVEL.ERR, `${devicePrefix(device)}probe with driver ${driver.name} failed with error ${result}`);
    }
    device.driver = null;
    device.driverData = null;
    this.iommu.releaseFromDriver(device, driver.driverManagedDma);
    return -result;
  }

  /** Runs with the device's lock, once an unbind that holds it has come to its end. */
  whenFree(device: PciDevice, run: () => number | PendingCall): number | PendingCall {
    const waiting = this.busy(device);
    return waiting === null ? run() : afterwards(waiting, run);
  }

  /** The call that holds the device's lock; null: nobody does. */
  busy(device: PciDevice): PendingCall | null {
    return this.releasing.get(device) ?? this.held.get(device) ?? null;
  }

  /** Holds the device's lock while a call runs, also while that sleeps. */
  hold(device: PciDevice, run: () => number | PendingCall): number | PendingCall {
    return this.whenFree(device, () => {
      const result = run();
      if (!isSleeping(result)) return result;
      this.held.set(device, result);
      device.locked = true;
      return afterwards(result, (value) => {
        this.held.delete(device);
        device.locked = false;
        return value;
      });
    });
  }

  /** A driver that knows why it does not take a device has said so. */
  private failedProbe(driver: PciDriver, name: string, error: number): number {
    if (this.why.last !== null) return error;
    return this.why.refuse(error, 'driver.probe', `${driver.name} looked at ${name} and did not take it.`, 'dmesg');
  }

  private noDevice(name: string): number {
    return this.why.refuse(ERRNO.ENODEV, 'device.unknown', `There is no function ${name} on the PCI bus.`);
  }
}

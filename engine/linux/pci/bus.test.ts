/** The driver core: matching, probing, waiting for users, virtual order of drivers. */
import { beforeEach, describe, expect, it } from 'vitest';
import { parseAddress } from '../../hardware/pci/address';
import { ConfigSpace } from '../../hardware/pci/config-space';
import { PciFunction } from '../../hardware/pci/function';
import { ERRNO } from '../errno';
import { sleeping } from '../pending';
import { KernelLog } from '../log';
import { WhyLog } from '../why';
import type { IommuHooks } from './bus';
import { PciBus } from './bus';
import { PciDevice } from './device';
import type { PciDeviceId, PciDriver } from './device';
import { LogicalBus } from './logical-bus';
import { idOf } from './match';

function deviceAt(address: string, parent: PciDevice | null = null, bridge = false): PciDevice {
  const space = new ConfigSpace(256);
  space.set(0, 4, 0x10d38086);
  if (bridge) space.set(0x0e, 1, 1);
  const device = new PciDevice(new PciFunction(parseAddress(address)!, space, parent?.function ?? null, 'pci0000:00'));
  device.parent = parent;
  return device;
}

class Driver implements PciDriver {
  readonly name: string;
  readonly module = null;
  readonly driverManagedDma: boolean;
  ids: PciDeviceId[];
  dynamicIds: PciDeviceId[] = [];
  result = 0;
  letGo: (() => void) | null = null;
  busy = false;

  constructor(name: string, ids: PciDeviceId[] = [], driverManagedDma = false) {
    this.name = name;
    this.ids = ids;
    this.driverManagedDma = driverManagedDma;
  }

  probe(): number {
    return this.result;
  }

  remove(_device: PciDevice, done: () => void): 'done' | 'waiting' {
    if (!this.busy) return 'done';
    this.letGo = done;
    return 'waiting';
  }
}

/** Ownership that can be refused, as a group claimed by VFIO is. */
class Owner implements IommuHooks {
  claimed = false;
  readonly holders: PciDevice[] = [];
  addDevice(): void {}
  removeDevice(): void {}
  claimForDriver(device: PciDevice, managed: boolean): number {
    if (managed) return 0;
    if (this.claimed) return -ERRNO.EBUSY;
    this.holders.push(device);
    return 0;
  }
  releaseFromDriver(device: PciDevice, managed: boolean): void {
    if (!managed) this.holders.splice(this.holders.indexOf(device), 1);
  }
}

const NAME = '0000:01:00.0';
let owner: Owner;
let log: KernelLog;
let bus: PciBus;
let device: PciDevice;
const native = (): Driver => new Driver('e1000e', [idOf(0x8086, 0x10d3)]);
const vfio = (): Driver => new Driver('vfio-pci', [idOf(0xffffffff, 0xffffffff, { overrideOnly: true })], true);

beforeEach(() => {
  owner = new Owner();
  log = new KernelLog(() => 0n);
  bus = new PciBus(log, new WhyLog(), owner);
  device = deviceAt(NAME);
  bus.enlist(device);
});

describe('binding', () => {
  it('goes to the first driver that matches and whose probe succeeds', () => {
    const failing = new Driver('other', [idOf(0x8086, 0x10d3)]);
    failing.result = -ERRNO.EINVAL;
    bus.register(failing);
    expect(device.driver).toBeNull();
    expect(log.records.at(-1)?.text).toBe(`other ${NAME}: probe with driver other failed with error -22`);
    const driver = native();
    bus.register(driver);
    expect(device.driver).toBe(driver);
    expect(owner.holders).toEqual([device]);
  });

  it('obeys driver_override, which alone changes nothing', () => {
    const driver = native();
    const other = vfio();
    bus.register(driver);
    bus.register(other);
    expect(bus.bind(other, NAME)).toBe(-ERRNO.ENODEV);
    expect(bus.setOverride(device, 'vfio-pci\n')).toBe(0);
    expect(device.driver).toBe(driver);
    expect(bus.bind(other, NAME)).toBe(-ERRNO.EBUSY);
    expect(bus.unbind(other, NAME)).toBe(-ERRNO.ENODEV);
    expect(bus.unbind(driver, NAME)).toBe(0);
    expect(owner.holders).toEqual([]);
    expect(bus.bind(driver, NAME)).toBe(-ERRNO.ENODEV);
    expect(bus.driversProbe(NAME)).toBe(0);
    expect(device.driver).toBe(other);
    expect(bus.setOverride(device, 'x'.repeat(4095))).toBe(-ERRNO.EINVAL);
    expect(bus.setOverride(device, '\n')).toBe(0);
    expect(device.driverOverride).toBeNull();
  });

  it('reports refused ownership as EBUSY to bind and EINVAL to drivers_probe', () => {
    bus.autoprobe = false;
    const driver = native();
    bus.register(driver);
    owner.claimed = true;
    expect(bus.bind(driver, NAME)).toBe(-ERRNO.EBUSY);
    expect(bus.driversProbe(NAME)).toBe(-ERRNO.EINVAL);
    owner.claimed = false;
    driver.result = -ERRNO.EIO;
    expect(bus.bind(driver, NAME)).toBe(-ERRNO.EIO);
    expect(bus.driversProbe(NAME)).toBe(0);
    expect(device.driver).toBeNull();
  });

  it('by new_id takes every unbound function at once; remove_id leaves it bound', () => {
    const other = vfio();
    bus.register(other);
    expect(bus.newId(other, '8086')).toBe(-ERRNO.EINVAL);
    expect(bus.newId(other, '8086 10d3')).toBe(0);
    expect(device.driver).toBe(other);
    expect(bus.newId(other, '8086 10d3')).toBe(-ERRNO.EEXIST);
    expect(bus.newId(native(), '8086 10d3')).toBe(-ERRNO.EEXIST);
    expect(bus.removeId(other, '8086 10d3')).toBe(0);
    expect(bus.removeId(other, '8086 10d3')).toBe(-ERRNO.ENODEV);
    expect(device.driver).toBe(other);
  });
});

describe('a driver in use', () => {
  it('holds unbind up; the link is gone at once and a bind waits too', () => {
    const other = vfio();
    bus.register(other);
    bus.setOverride(device, 'vfio-pci');
    bus.driversProbe(NAME);
    other.busy = true;
    const unbind = bus.unbind(other, NAME);
    expect(unbind).toMatchObject({ pending: true, result: null });
    expect(bus.boundDriver(device)).toBeNull();
    const bind = bus.bind(other, NAME);
    expect(bind).toMatchObject({ result: null });
    other.letGo!();
    expect(unbind).toMatchObject({ result: 0 });
    expect(bind).toMatchObject({ result: 0 });
    expect(bus.boundDriver(device)).toBe(other);
  });

  it('lets a second unbind wait with the first', () => {
    const other = vfio();
    bus.register(other);
    bus.setOverride(device, 'vfio-pci');
    bus.driversProbe(NAME);
    other.busy = true;
    const calls = [bus.unbind(other, NAME), bus.unbind(other, NAME)];
    for (const call of calls) expect(call).toMatchObject({ result: null });
    other.letGo!();
    for (const call of calls) expect(call).toMatchObject({ result: 0 });
  });

  it('is not released while somebody else holds the lock of its device', () => {
    const other = vfio();
    bus.register(other);
    bus.setOverride(device, 'vfio-pci');
    bus.driversProbe(NAME);
    const work = sleeping();
    const call = bus.hold(device, () => work);
    const unbind = bus.unbind(other, NAME);
    expect(device.locked).toBe(true);
    expect(unbind).toMatchObject({ result: null });
    work.result = 7;
    expect(call).toMatchObject({ result: 7 });
    expect(unbind).toMatchObject({ result: 0 });
    expect(device.locked).toBe(false);
    expect(device.driver).toBeNull();
  });

  it('holds the removal of the bridge above it up', () => {
    const bridge = deviceAt('0000:00:01.0', null, true);
    device.parent = bridge;
    bridge.behind = new LogicalBus({ segment: 0, number: 1, last: 1, bridge, rootBus: 'pci0000:00' });
    bridge.behind.put(device);
    bus.enlist(bridge);
    const other = vfio();
    bus.register(other);
    bus.setOverride(device, 'vfio-pci');
    bus.driversProbe(NAME);
    other.busy = true;
    const removal = bus.remove(bridge);
    expect(bus.devices.size).toBe(2);
    other.letGo!();
    expect(removal).toMatchObject({ result: 0 });
    expect(bus.devices.size).toBe(0);
  });
});

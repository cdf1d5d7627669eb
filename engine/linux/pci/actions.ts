/** What sysfs can ask of one function beyond binding: resets, removal, rescan, power. */
import type { HardwareMachine } from '../../hardware/machine';
import type { PciFunction } from '../../hardware/pci/function';
import { ERRNO } from '../errno';
import type { IrqCore } from '../irq/irq';
import type { KernelLog } from '../log';
import type { PendingCall } from '../process/files';
import type { WhyLog } from '../why';
import type { ResourceAssigner } from './assign';
import { scanResources } from './assign';
import type { PciBus } from './bus';
import { PciDevice } from './device';
import { foundText } from './found';
import { Hotplug } from './hotplug';
import { LEVEL, devicePrefix, resourceText } from './enable';
import type { BusView, ResetMethod } from './reset';
import { RESET_METHODS, methodAvailable, probeResetMethods, resetWithState, tryResetBus } from './reset';
import type { Sriov } from './sriov';

/** Runtime power management of drivers that suspend an idle device. */
export interface RuntimePower {
  /** Brings a suspended device to D0 for an operation; the returned function lets it go again. */
  wake(device: PciDevice): () => void;
  setControl(device: PciDevice, auto: boolean): void;
  status(device: PciDevice): string;
}

export interface ActionServices {
  readonly machine: HardwareMachine;
  readonly bus: PciBus;
  readonly irqs: IrqCore;
  readonly log: KernelLog;
  readonly why: WhyLog;
  readonly assigner: ResourceAssigner;
  readonly sriov: Sriov;
  readonly power: RuntimePower;
  /** What enumeration writes into a function that was found. */
  readonly setUp: (device: PciDevice) => void;
  /** Firmware of this root bus left native hot-plug to Linux (_OSC). */
  readonly nativeHotplug: (rootBus: string) => boolean;
  /** Facts of the firmware about a function that was found again. */
  readonly firmware: (fn: PciFunction) => PciDevice['attributes'];
}

export class PciActionSet {
  readonly view: BusView;
  readonly hotplug: Hotplug;
  private readonly services: ActionServices;

  constructor(services: ActionServices) {
    this.services = services;
    this.view = busView(services.bus);
    this.hotplug = new Hotplug({
      log: services.log,
      why: services.why,
      childrenOf: (port) => services.bus.childrenOf(port),
      remove: (device) => services.bus.remove(device),
      scanBelow: (port) => void this.scanBelow(port),
      native: services.nativeHotplug,
    });
  }

  setSlotPower(port: PciDevice, text: string): number | PendingCall {
    return this.hotplug.setPower(port, text);
  }

  reset(device: PciDevice): number | PendingCall {
    if (device.resetMethods.length === 0) return this.noReset(device);
    return this.services.bus.whenFree(device, () => this.resetNow(device));
  }

  private resetNow(device: PciDevice): number {
    const letGo = this.services.power.wake(device);
    const result = resetWithState(device, this.view, this.services.irqs);
    letGo();
    return result === -ERRNO.ENOTTY ? this.noReset(device) : result;
  }

  private noReset(device: PciDevice): number {
    return this.services.why.refuse(
      ERRNO.ENOTTY,
      'pci.reset.methods',
      `${device.name} has no reset method that works.`,
    );
  }

  /** Names separated by blanks; `default` probes anew; nothing at all disables resets. */
  setResetMethods(device: PciDevice, text: string): number {
    const { log, why } = this.services;
    const body = text.replace(/\n$/, '');
    if (body === '') {
      device.resetMethods = [];
      log.print(LEVEL.WARNING, `${devicePrefix(device)}All device reset methods disabled by user`);
      return 0;
    }
    if (body === 'default') {
      device.resetMethods = probeResetMethods(device, this.view);
      return 0;
    }
    const methods: string[] = [];
    for (const word of body.split(' ')) {
      const name = word.trim();
      if (name === '') continue;
      if (!RESET_METHODS.includes(name as ResetMethod)) {
        log.print(LEVEL.ERR, `${devicePrefix(device)}Invalid reset method '${name}'`);
        return why.refuse(ERRNO.EINVAL, 'pci.reset.method.name', `There is no reset method "${name}".`);
      }
      if (!methodAvailable(name as ResetMethod, device, this.view)) {
        log.print(LEVEL.ERR, `${devicePrefix(device)}Unsupported reset method '${name}'`);
        return why.refuse(ERRNO.EINVAL, 'pci.reset.method.support', `${device.name} cannot be reset by ${name} now.`);
      }
      methods.push(name);
    }
    device.resetMethods = methods;
    return 0;
  }

  /** Secondary bus reset of everything below a bridge. */
  resetSubordinate(bridge: PciDevice): number {
    const below: PciDevice[] = [];
    const collect = (device: PciDevice): void => {
      for (const child of this.services.bus.childrenOf(device)) {
        below.push(child);
        collect(child);
      }
    };
    collect(bridge);
    const letGo = below.map((device) => this.services.power.wake(device));
    const result = tryResetBus(bridge, below, below, this.services.irqs);
    for (const go of letGo) go();
    if (result >= 0) return result;
    const locked = below.find((device) => device.locked);
    const found = locked
      ? `${locked.name} is being unbound from its driver and waits for its users.`
      : `The link below ${bridge.name} did not come up again.`;
    return this.services.why.refuse(result, 'pci.reset.link', found);
  }

  remove(device: PciDevice): number | PendingCall {
    return this.services.bus.remove(device);
  }

  setVirtualFunctions(device: PciDevice, text: string): number | PendingCall {
    return this.services.sriov.setNumber(device, text);
  }

  setPowerControl(device: PciDevice, auto: boolean): void {
    this.services.power.setControl(device, auto);
  }

  runtimeStatus(device: PciDevice): string {
    return this.services.power.status(device);
  }

  /** Functions that answer and are not on the bus list: everywhere, or on the bus of a function and below. */
  rescan(at: PciDevice | null): number {
    return this.scanBelow(at?.parent ?? null);
  }

  /** As `rescan`, on the bus behind a bridge and below; null: everywhere. */
  scanBelow(top: PciDevice | null): number {
    const { machine, bus, assigner } = this.services;
    const fresh: PciDevice[] = [];
    const listed = new Map(bus.devices);
    for (const fn of machine.functions.values()) {
      if (fn.physicalFunction !== null || listed.has(fn.name) || !fn.reachable) continue;
      const parent = fn.parent === null ? null : (listed.get(fn.parent.name) ?? null);
      if (fn.parent !== null && parent === null) continue;
      if (!this.isBelow(parent, top)) continue;
      const device = this.scan(fn, parent, listed);
      listed.set(device.name, device);
      fresh.push(device);
    }
    if (fresh.length === 0) return 0;
    assigner.assign(fresh);
    for (const device of fresh) bus.add(device);
    return 0;
  }

  /** What enumeration does to one function (pci-linux.md 2.2). */
  prepare(device: PciDevice, siblings: readonly PciDevice[]): void {
    const view: BusView = { siblings: () => [...siblings, device] };
    device.resetMethods = probeResetMethods(device, view);
    const first = device.parent !== null && siblings.length === 0;
    if (first && device.function.isBridge && !device.resetMethods.includes('bus')) device.resetMethods.push('bus');
    if (device.resetMethods.length > 0) device.attributes['resettable'] = 1;
  }

  private scan(fn: PciFunction, parent: PciDevice | null, listed: ReadonlyMap<string, PciDevice>): PciDevice {
    const { log } = this.services;
    const device = new PciDevice(fn);
    device.parent = parent;
    device.attributes = { ...this.services.firmware(fn) };
    device.irq = device.config.read(0x3d, 1) === 0 ? 0 : device.config.read(0x3c, 1);
    log.print(LEVEL.INFO, `pci ${fn.name}: ${foundText(device)}`);
    silenceVirtualFunctions(device);
    scanResources(device);
    device.resources.slice(0, 7).forEach((resource, i) => {
      if (resource.flags === 0n) return;
      const text = resourceText({ ...resource, flags: resource.flags & ~0x20000000n });
      log.print(LEVEL.INFO, `pci ${fn.name}: ${i === 6 ? 'ROM' : `BAR ${i}`} ${text}`);
    });
    this.services.setUp(device);
    const siblings = [...listed.values()].filter(
      (other) => other.parent === parent && other.function.rootBus === fn.rootBus,
    );
    this.prepare(device, siblings);
    return device;
  }

  private isBelow(device: PciDevice | null, top: PciDevice | null): boolean {
    if (top === null || device === top) return true;
    return device !== null && this.isBelow(device.parent, top);
  }
}

/** VF Enable found on by a scan is cleared (pci-linux.md 6). */
function silenceVirtualFunctions(device: PciDevice): void {
  const at = device.config.findExtendedCapability(0x10);
  if (at === 0) return;
  device.config.set(at + 0x08, 2, device.config.read(at + 0x08, 2) & ~0x9);
  device.config.set(at + 0x10, 2, 0);
}

/** Every device on the bus that a device is on, itself included. */
export const busView = (bus: PciBus): BusView & { devices(): Iterable<PciDevice> } => ({
  siblings: (device) =>
    [...bus.devices.values()].filter(
      (other) => other.parent === device.parent && other.function.rootBus === device.function.rootBus,
    ),
  devices: () => bus.devices.values(),
});

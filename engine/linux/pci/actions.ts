/** What sysfs can ask of one function beyond binding: resets, removal, rescan, power. */
import { ERRNO } from '../errno';
import type { IrqCore } from '../irq/irq';
import type { KernelLog } from '../log';
import type { PendingCall } from '../process/files';
import type { WhyLog } from '../why';
import type { PciBus } from './bus';
import type { PciDevice } from './device';
import type { Hierarchy } from './hierarchy';
import { Hotplug } from './hotplug';
import { LEVEL, devicePrefix } from './enable';
import type { LogicalBus } from './logical-bus';
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
  readonly hierarchy: Hierarchy;
  readonly bus: PciBus;
  readonly irqs: IrqCore;
  readonly log: KernelLog;
  readonly why: WhyLog;
  readonly sriov: Sriov;
  readonly power: RuntimePower;
  /** Firmware of this root bus left native hot-plug to Linux (_OSC). */
  readonly nativeHotplug: (rootBus: string) => boolean;
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
      scanBelow: (port) => this.hotAdd(port),
      exclusively: (act) => services.bus.rescanRemove.run(act),
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

  /** Write to `remove`: the file is gone at once, the function when earlier scans and removals are done. */
  remove(device: PciDevice): number | PendingCall {
    const { bus } = this.services;
    device.removing = true;
    return bus.rescanRemove.run(() => (bus.devices.get(device.name) === device ? bus.remove(device) : 0));
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

  rescan(at: PciDevice | null): number | PendingCall {
    return this.services.bus.rescanRemove.run(() => this.rescanBus(at?.bus ?? null));
  }

  /** Functions that answer and are not on the bus list: everywhere, or on a bus and below. */
  private rescanBus(bus: LogicalBus | null): number {
    this.start((announce) => this.services.hierarchy.rescan(bus, announce));
    return 0;
  }

  /** As `rescan` on the bus behind a bridge; where nothing is on it, the bridge's windows are sized anew. */
  rescanBehind(bridge: PciDevice): number | PendingCall {
    return this.services.bus.rescanRemove.run(() => {
      const { behind } = bridge;
      if (behind === null || behind.devices.length > 0) return this.rescanBus(behind);
      this.start((announce) => this.services.hierarchy.rescanBehind(bridge, announce));
      return 0;
    });
  }

  /** What came into the slot of a port. */
  private hotAdd(port: PciDevice): number {
    this.start((announce) => this.services.hierarchy.hotAdd(port, announce));
    return 0;
  }

  /** Functions get their group as they are found, and drivers when all have addresses. */
  private start(find: (announce: (device: PciDevice) => void) => PciDevice[]): void {
    const { bus } = this.services;
    for (const device of find((found) => bus.announce(found))) bus.start(device);
  }
}

/** Every device on the bus that a device is on, itself included. */
export const busView = (bus: PciBus): BusView & { devices(): Iterable<PciDevice> } => ({
  siblings: (device) =>
    [...bus.devices.values()].filter(
      (other) => other.parent === device.parent && other.function.rootBus === device.function.rootBus,
    ),
  devices: () => bus.devices.values(),
});

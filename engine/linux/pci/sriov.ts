/** Virtual functions as sysfs and drivers ask for them (pci-linux.md 7.7). */
import type { HardwareMachine } from '../../hardware/machine';
import { formatAddress } from '../../hardware/pci/address';
import { addVirtualFunction, removeVirtualFunction, virtualFunctionAddress } from '../../hardware/virtual-function';
import { ERRNO } from '../errno';
import type { KernelLog } from '../log';
import { afterwards, inTurn } from '../pending';
import type { PendingCall } from '../process/files';
import type { WhyLog } from '../why';
import type { PciBus } from './bus';
import type { IovControl } from './device';
import { probeResetMethods } from './reset';
import { IOV_RESOURCES, PciDevice } from './device';
import { LEVEL, devicePrefix } from './enable';
import { foundText } from './found';
import { RESOURCE_UNSET } from './resource';

const SRIOV_CAPABILITY = 0x10;
const CONTROL = 0x08;
const INITIAL_VFS = 0x0c;
const TOTAL_VFS = 0x0e;
const NUM_VFS = 0x10;
const VF_DEVICE = 0x1a;
const VF_ENABLE = 0x1;
const VF_MEMORY = 0x8;

export class Sriov implements IovControl {
  private readonly machine: HardwareMachine;
  private readonly bus: PciBus;
  private readonly log: KernelLog;
  private readonly why: WhyLog;

  constructor(machine: HardwareMachine, bus: PciBus, log: KernelLog, why: WhyLog) {
    this.machine = machine;
    this.bus = bus;
    this.log = log;
    this.why = why;
  }

  /** Write of `sriov_numvfs`. */
  setNumber(pf: PciDevice, text: string): number | PendingCall {
    const body = text.replace(/\n$/, '');
    if (!/^(0x[0-9a-f]+|\d+)$/i.test(body) || Number(body) > 0xffff) {
      return this.why.refuse(ERRNO.EINVAL, 'sriov.number', `"${body}" is no number of virtual functions.`);
    }
    const wanted = Number(body);
    const at = pf.config.findExtendedCapability(SRIOV_CAPABILITY);
    const total = pf.config.read(at + TOTAL_VFS, 2);
    if (wanted > total) {
      return this.why.refuse(ERRNO.ERANGE, 'sriov.total', `${pf.name} has at most ${total} virtual functions.`);
    }
    return this.bus.hold(pf, () => this.changeNumber(pf, wanted));
  }

  private changeNumber(pf: PciDevice, wanted: number): number | PendingCall {
    const now = pf.virtualFunctions.length;
    if (wanted === now) return 0;
    if (pf.driver === null) {
      this.log.print(LEVEL.INFO, `${devicePrefix(pf)}no driver bound to device; cannot configure SR-IOV`);
      return this.why.refuse(ERRNO.ENOENT, 'sriov.driver', `${pf.name} has no driver.`);
    }
    if (pf.driver.sriovConfigure === undefined) {
      this.log.print(LEVEL.INFO, `${devicePrefix(pf)}driver does not support SR-IOV configuration via sysfs`);
      return this.why.refuse(ERRNO.ENOENT, 'sriov.hook', `${pf.driver.name} cannot configure SR-IOV.`);
    }
    if (wanted !== 0 && now !== 0) {
      this.log.print(
        LEVEL.WARNING,
        `${devicePrefix(pf)}${now} VFs already enabled. Disable before enabling ${wanted} VFs`,
      );
      return this.why.refuse(
        ERRNO.EBUSY,
        'sriov.enabled',
        `${now} virtual functions are enabled.`,
        `echo 0 > /sys/bus/pci/devices/${pf.name}/sriov_numvfs`,
      );
    }
    const configure = pf.driver.sriovConfigure.bind(pf.driver);
    return afterwards(
      this.bus.rescanRemove.run(() => configure(pf, wanted, this)),
      (result) => {
        if (result >= 0 && wanted !== 0 && result !== wanted) {
          this.log.print(LEVEL.WARNING, `${devicePrefix(pf)}${wanted} VFs requested; only ${result} enabled`);
        }
        return result < 0 ? result : 0;
      },
    );
  }

  /** pci_enable_sriov */
  enable(pf: PciDevice, count: number): number {
    const { config } = pf;
    const at = config.findExtendedCapability(SRIOV_CAPABILITY);
    if (at === 0) return this.why.refuse(ERRNO.ENODEV, 'sriov.capability', `${pf.name} has no SR-IOV capability.`);
    const total = config.read(at + TOTAL_VFS, 2);
    if (config.read(at + INITIAL_VFS, 2) !== total) {
      return this.why.refuse(ERRNO.EIO, 'sriov.initial', 'InitialVFs differs from TotalVFs.');
    }
    if (count > total) {
      return this.why.refuse(ERRNO.EINVAL, 'sriov.total', `${pf.name} has at most ${total} virtual functions.`);
    }
    const bars = pf.resources.slice(IOV_RESOURCES, IOV_RESOURCES + 6);
    if (bars.some((bar) => bar.flags !== 0n && (bar.flags & RESOURCE_UNSET || bar.start === 0n))) {
      this.log.print(LEVEL.ERR, `${devicePrefix(pf)}not enough MMIO resources for SR-IOV`);
      return this.why.refuse(
        ERRNO.ENOMEM,
        'sriov.memory',
        `Firmware and kernel gave a VF BAR of ${pf.name} no address.`,
        'Boot with pci=realloc, or enable more address space above 4 GiB in the firmware.',
      );
    }
    const last = virtualFunctionAddress(pf.function, count - 1);
    const lastBus = pf.parent?.config.read(0x1a, 1) ?? pf.function.address.bus;
    if (last.bus > lastBus) {
      const hex = (value: number): string => value.toString(16).padStart(2, '0');
      this.log.print(
        LEVEL.ERR,
        `${devicePrefix(pf)}can't enable ${count} VFs (bus ${hex(last.bus)} out of range of [bus ${hex(pf.function.address.bus)}])`,
      );
      return this.why.refuse(
        ERRNO.ENOMEM,
        'sriov.bus',
        `${count} virtual functions reach to bus ${hex(last.bus)}, which the bridge above ${pf.name} does not forward.`,
        'Ask for fewer.',
      );
    }
    const orphan = this.orphanOf(pf, count);
    if (orphan !== null) return this.refuseOrphan(pf, orphan);
    config.set(at + NUM_VFS, 2, count);
    config.set(at + CONTROL, 2, config.read(at + CONTROL, 2) | VF_ENABLE | VF_MEMORY);
    const sizes = bars.map((bar) => (bar.flags === 0n ? 0 : Number((bar.end - bar.start + 1n) / BigInt(total))));
    for (let i = 0; i < count; i++) this.add(pf, i, sizes, config.read(at + VF_DEVICE, 2));
    return count;
  }

  /** A virtual function that was left behind when its physical one was removed, at an address that is needed. */
  private orphanOf(pf: PciDevice, count: number): PciDevice | null {
    for (let index = 0; index < count; index++) {
      const found = this.bus.devices.get(formatAddress(virtualFunctionAddress(pf.function, index)));
      if (found !== undefined) return found;
    }
    return null;
  }

  /** Linux finds out when it makes the second one of that name (recorded). */
  private refuseOrphan(pf: PciDevice, orphan: PciDevice): number {
    let path = orphan.name;
    for (let bridge = orphan.parent; bridge !== null; bridge = bridge.parent) path = `${bridge.name}/${path}`;
    const text = `sysfs: cannot create duplicate filename '/devices/${orphan.function.rootBus}/${path}'`;
    this.log.print(LEVEL.WARNING, text);
    return this.why.refuse(
      ERRNO.ENOENT,
      'sriov.orphan',
      `${orphan.name} is still there: it was left behind when ${pf.name} was removed with its virtual functions on.`,
      `echo 1 > /sys/bus/pci/devices/${pf.parent?.name ?? orphan.name}/remove`,
    );
  }

  /** pci_disable_sriov: waits while a virtual function is open through VFIO. */
  disable(pf: PciDevice): number | PendingCall {
    const steps = [...pf.virtualFunctions].map((vf) => () => this.remove(pf, vf));
    return afterwards(inTurn(steps), (result) => {
      if (result < 0) return result;
      const at = pf.config.findExtendedCapability(SRIOV_CAPABILITY);
      pf.config.set(at + CONTROL, 2, pf.config.read(at + CONTROL, 2) & ~(VF_ENABLE | VF_MEMORY));
      pf.config.set(at + NUM_VFS, 2, 0);
      return 0;
    });
  }

  private add(pf: PciDevice, index: number, sizes: readonly number[], deviceId: number): void {
    const known = this.machine.functions.get(formatAddress(virtualFunctionAddress(pf.function, index)));
    const fn = known ?? addVirtualFunction(this.machine, pf.function, index, sizes);
    const vf = new PciDevice(fn);
    vf.parent = pf.parent;
    vf.physicalFunction = pf;
    vf.attributes['vendor'] = pf.vendor;
    vf.attributes['device'] = deviceId;
    vf.remember();
    sizes.forEach((size, bar) => {
      const window = pf.resources[IOV_RESOURCES + bar]!;
      const start = size === 0 ? 0n : window.start + BigInt(size) * BigInt(index);
      vf.resources.push({
        start,
        end: size === 0 ? 0n : start + BigInt(size) - 1n,
        flags: size === 0 ? 0n : window.flags,
      });
    });
    while (vf.resources.length < 13) vf.resources.push({ start: 0n, end: 0n, flags: 0n });
    pf.virtualFunctions.push(vf);
    pf.bus?.put(vf);
    this.log.print(LEVEL.INFO, `${devicePrefix(vf)}${foundText(vf)}`);
    vf.resetMethods = probeResetMethods(vf, { siblings: () => [...(pf.bus?.devices ?? [])] });
    if (vf.resetMethods.length > 0) vf.attributes['resettable'] = 1;
    this.bus.add(vf);
  }

  private remove(pf: PciDevice, vf: PciDevice): number | PendingCall {
    return afterwards(this.bus.remove(vf), (result) => {
      if (result < 0) return result;
      pf.virtualFunctions.splice(pf.virtualFunctions.indexOf(vf), 1);
      removeVirtualFunction(this.machine, vf.function);
      return 0;
    });
  }
}

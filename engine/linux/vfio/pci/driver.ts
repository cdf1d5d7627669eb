import { ERRNO } from '../../errno';
import type { IovControl, PciDevice, PciDeviceId, PciDriver } from '../../pci/device';
import { setPowerState } from '../../pci/power';
import type { PendingCall } from '../../process/files';
import { VfioPciDevice } from './device';
import type { DriverContext, SetMember, VfioPciParameters, VfioPciServices } from './ops';
import { denied } from './quirks';
import type { VfToken } from './tokens';

const SRIOV = 0x10;
const ANY = 0xffffffff;

/** Defaults of a module loaded without options. */
export const DEFAULT_PARAMETERS: VfioPciParameters = {
  nointxmask: false,
  disableVga: false,
  disableIdleD3: false,
  enableSriov: false,
  disableDenylist: false,
};

/** The vfio-pci driver: binds any function that is given to it by name or dynamic ID, and hands it to vfio. */
export class VfioPciDriver implements PciDriver {
  readonly name = 'vfio-pci';
  readonly module = 'vfio_pci';
  readonly driverManagedDma = true;
  /** Matches everything, but only by driver_override. */
  ids: PciDeviceId[] = [
    { vendor: ANY, device: ANY, subvendor: ANY, subdevice: ANY, class: 0, classMask: 0, overrideOnly: true },
  ];
  dynamicIds: PciDeviceId[] = [];
  readonly parameters: VfioPciParameters;
  /** `nointxmask`, `disable_vga` and `disable_idle_d3` count as they were at load. */
  private readonly atLoad: VfioPciParameters;
  private readonly services: VfioPciServices;
  private readonly devices = new Map<PciDevice, VfioPciDevice>();
  private tokens = 0;

  constructor(services: VfioPciServices, parameters: Partial<VfioPciParameters> = {}) {
    this.services = services;
    this.parameters = { ...DEFAULT_PARAMETERS, ...parameters };
    this.atLoad = { ...this.parameters };
  }

  /** The device as vfio-pci holds it; null when it is not bound here. */
  of(device: PciDevice): VfioPciDevice | null {
    return this.devices.get(device) ?? null;
  }

  bound(): IterableIterator<VfioPciDevice> {
    return this.devices.values();
  }

  /** vfio_pci_core_aer_err_detected: tells whoever holds the function. */
  errorDetected(device: PciDevice): void {
    this.devices.get(device)?.reportError();
  }

  probe(device: PciDevice): number {
    const refused = this.refuses(device);
    if (refused < 0) return refused;
    const vdev = new VfioPciDevice(device, this.context(), this.makeToken(device));
    this.devices.set(device, vdev);
    device.driverData = vdev;
    setPowerState(device, 0);
    const result = this.services.core.registerDevice(device, vdev);
    if (result < 0) {
      this.devices.delete(device);
      device.driverData = null;
      return result;
    }
    vdev.idle();
    return 0;
  }

  remove(device: PciDevice, done: () => void): 'done' | 'waiting' {
    const finish = (): void => {
      this.devices.get(device)?.resume();
      this.devices.delete(device);
      device.driverData = null;
    };
    const result = this.services.core.unregisterDevice(device, () => {
      finish();
      done();
    });
    if (result === 'done') finish();
    return result;
  }

  sriovConfigure(device: PciDevice, count: number, iov: IovControl): number | PendingCall {
    const vdev = this.of(device);
    if (vdev === null) return -ERRNO.ENODEV;
    if (count === 0) {
      const result = iov.disable(device);
      vdev.enabledVfs = false;
      if (typeof result === 'number' && !vdev.opened) vdev.idle();
      return result;
    }
    if (!this.parameters.enableSriov) {
      return this.services.why.refuse(
        ERRNO.ENOENT,
        'vfio.pci.sriov.parameter',
        'vfio-pci was told not to create virtual functions',
        'echo 1 > /sys/module/vfio_pci/parameters/enable_sriov',
      );
    }
    if (vdev.enabledVfs) {
      return this.services.why.refuse(
        ERRNO.EINVAL,
        'vfio.pci.sriov.enabled',
        `${device.name} has virtual functions already`,
        `echo 0 > /sys/bus/pci/devices/${device.name}/sriov_numvfs`,
      );
    }
    vdev.resume();
    setPowerState(device, 0);
    vdev.enabledVfs = true;
    const result = iov.enable(device, count);
    if (result < 0) vdev.enabledVfs = false;
    return result < 0 ? result : count;
  }

  /** A virtual function of a PF that this driver holds is captured before any driver is tried. */
  deviceAdded(device: PciDevice): void {
    const parent = device.physicalFunction;
    if (parent === null || this.of(parent) === null) return;
    this.services.log.print(6, `vfio-pci ${parent.name}: Captured SR-IOV VF ${device.name} driver_override`);
    device.driverOverride = this.name;
  }

  private context(): DriverContext {
    return {
      services: this.services,
      parameters: this.atLoad,
      deviceSet: (vdev) => this.deviceSet(vdev),
      parentOf: (vdev) => this.parentOf(vdev),
    };
  }

  /** Functions that share a reset: a function on a root bus and a virtual function are alone. */
  private deviceSet(vdev: SetMember): SetMember[] {
    const { device } = vdev;
    if (device.parent === null || device.isVirtual) return [vdev];
    return this.services.bus.siblings(device).flatMap((d) => {
      const member = d.isVirtual ? null : this.of(d);
      return member === null ? [] : [member];
    });
  }

  private parentOf(vdev: SetMember): SetMember | null {
    const parent = vdev.device.physicalFunction === null ? null : this.of(vdev.device.physicalFunction);
    return parent?.enabledVfs ? parent : null;
  }

  private refuses(device: PciDevice): number {
    const { log, why } = this.services;
    const id = `${device.vendor.toString(16).padStart(4, '0')}:${device.device.toString(16).padStart(4, '0')}`;
    if (denied(device.vendor, device.device)) {
      if (!this.parameters.disableDenylist) {
        log.print(4, `vfio-pci ${device.name}: ${id} exists in vfio-pci device denylist, driver probing disallowed.`);
        return why.refuse(
          ERRNO.EINVAL,
          'vfio.pci.denylist',
          `${id} is on the denylist`,
          'load vfio-pci with disable_denylist=1',
        );
      }
      log.print(4, `vfio-pci ${device.name}: device denylist disabled - allowing device ${id}.`);
    }
    // A virtual function's header is an endpoint's, whatever its registers read.
    if (!device.isVirtual && (device.config.read(0x0e, 1) & 0x7f) !== 0) {
      return why.refuse(ERRNO.EINVAL, 'vfio.pci.header', `${device.name} is a bridge`);
    }
    if (!device.isVirtual && device.virtualFunctions.length > 0) {
      log.print(4, `vfio-pci ${device.name}: Cannot bind to PF with SR-IOV enabled`);
      return why.refuse(
        ERRNO.EBUSY,
        'vfio.pci.sriov',
        `${device.name} has virtual functions`,
        `echo 0 > /sys/bus/pci/devices/${device.name}/sriov_numvfs`,
      );
    }
    return 0;
  }

  /** A PF gets a token that nobody knows; a user sets one of its own. */
  private makeToken(device: PciDevice): VfToken | null {
    if (device.isVirtual || device.config.findExtendedCapability(SRIOV) === 0) return null;
    const number = (++this.tokens).toString(16).padStart(12, '0');
    return { uuid: `6d6f7265-7665-4669-8f00-${number}`, users: 0 };
  }
}

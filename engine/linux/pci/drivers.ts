/** Native drivers as models of what binding them does to a function: ownership, enabling, bus mastering, interrupts. */
import type { IrqCore } from '../irq/irq';
import type { KernelLog } from '../log';
import { LowestFree } from '../lowest-free';
import { PortType } from '../../hardware/pci/function';
import { ERRNO } from '../errno';
import type { PendingCall } from '../process/files';
import type { AerService } from './aer';
import { startErrorService } from './aer';
import type { IovControl, PciDevice, PciDeviceId, PciDriver } from './device';
import type { DriverFacts } from './driver-table';
import { driverFacts } from './driver-table';
import type { PciEnable } from './enable';
import type { Hotplug } from './hotplug';
import { LEVEL, devicePrefix } from './enable';
import { classId } from './match';
import type { Granted, PortService } from './port-services';
import { portServices } from './port-services';
import { canWake, listenForPme } from './wakeup';
import { lookUp } from '../../hardware/lookup';

export interface DriverServices {
  readonly log: KernelLog;
  readonly irqs: IrqCore;
  readonly enable: PciEnable;
  readonly errors: AerService;
  /** Slots that Linux drives. */
  readonly hotplug: Hotplug;
  /** What Linux may do at the ports of a root bus. */
  readonly granted: (rootBus: string) => Granted;
  /** Everything on the bus. */
  readonly devices: () => Iterable<PciDevice>;
}

/** A driver of the host: it enables the function, masters the bus and takes interrupts; its work is not modelled. */
export class NativeDriver implements PciDriver {
  readonly name: string;
  readonly module: string | null;
  readonly driverManagedDma = false;
  ids: PciDeviceId[];
  dynamicIds: PciDeviceId[] = [];
  readonly sriovConfigure?: NonNullable<PciDriver['sriovConfigure']>;
  readonly errorDetected?: NonNullable<PciDriver['errorDetected']>;
  readonly restoresAfterReset: boolean;
  private readonly facts: DriverFacts;
  private readonly services: DriverServices;
  /** Numbers of the driver's own devices: the lowest free one each. */
  private readonly numbers = new Map<PciDevice, number>();
  private readonly freeNumbers = new LowestFree();
  /** Pin numbers held, with the handler that identifies the request. */
  private readonly pins = new Map<PciDevice, { irq: number; handler: () => boolean }>();

  constructor(name: string, services: DriverServices, moreIds: readonly PciDeviceId[] = []) {
    this.name = name;
    this.services = services;
    this.facts = driverFacts(name);
    this.module = this.facts.module;
    this.ids = [...this.facts.ids, ...moreIds];
    if (this.facts.sriov) this.sriovConfigure = configureSimply;
    if (this.facts.recovers) this.errorDetected = () => undefined;
    this.restoresAfterReset = this.facts.recovers;
  }

  probe(device: PciDevice): number {
    const { enable } = this.services;
    const result = enable.enable(device);
    if (result < 0) return result;
    if (!this.facts.accepts(device)) {
      enable.disable(device);
      return -ERRNO.ENODEV;
    }
    if (this.facts.master) enable.setMaster(device);
    device.attributes['dmaMaskBits'] = this.facts.dmaBits;
    device.attributes['consistentDmaMaskBits'] = this.facts.dmaBits;
    this.serve(device);
    this.takeInterrupts(device);
    return 0;
  }

  /** The driver's own device appears: it has a number, and may let the function wake the machine. */
  serve(device: PciDevice): void {
    this.numbers.set(device, this.freeNumbers.take());
    if (this.facts.wakes && canWake(device)) device.wakeupEnabled = true;
  }

  children(device: PciDevice): Readonly<Record<string, readonly string[]>> {
    const n = this.numbers.get(device);
    return n === undefined ? {} : this.facts.children(n, device.name);
  }

  remove(device: PciDevice): 'done' {
    const { enable, irqs, log } = this.services;
    const number = this.numbers.get(device);
    if (number !== undefined) this.freeNumbers.free(number);
    this.numbers.delete(device);
    const pin = this.pins.get(device);
    if (pin !== undefined) irqs.freePin(pin.irq, pin.handler);
    this.pins.delete(device);
    irqs.freeVectors(device);
    enable.disable(device);
    if (device.virtualFunctions.length > 0) {
      log.print(LEVEL.WARNING, `${devicePrefix(device)}driver left SR-IOV enabled after remove`);
    }
    return 'done';
  }

  private handlerName(device: PciDevice, vector: number): string {
    return this.facts.handler(vector, device.name, this.numbers.get(device) ?? 0);
  }

  /** Its interrupts come by the pin: the driver wants no messages, or the function has none to give. */
  usesPin(device: PciDevice): boolean {
    const { interrupts } = this.facts.serves(device);
    const { config } = device;
    if (interrupts !== 'vectors') return interrupts === 'pin';
    return config.findCapability(0x05) === 0 && config.findCapability(0x11) === 0;
  }

  /** The driver held the function when this kernel's view of it began: its interrupts are taken, registers stay. */
  takeInterrupts(device: PciDevice): void {
    const { irqs } = this.services;
    const use = this.facts.serves(device);
    if (use.interrupts === 'none') return;
    if (use.interrupts === 'vectors') {
      const given = allocateAny(irqs, device, use.vectors);
      if (given > 0) {
        const messages = irqs.messagesOf(device)!;
        for (let i = 0; i < given; i++) messages.request(i, this.handlerName(device, i), () => true);
        return;
      }
    }
    if (device.config.read(0x3d, 1) === 0) return;
    const handler = (): boolean => false;
    const irq = irqs.requestPin(device, this.handlerName(device, 0), true, handler);
    if (irq > 0) this.pins.set(device, { irq, handler });
  }
}

/** pci_sriov_configure_simple */
function configureSimply(device: PciDevice, count: number, iov: IovControl): number | PendingCall {
  return count === 0 ? iov.disable(device) : iov.enable(device, count);
}

/** MSI-X, else MSI: number of vectors, or a negative errno. */
function allocateAny(irqs: IrqCore, device: PciDevice, count: number): number {
  const wide = irqs.allocVectors(device, 'msix', count);
  return wide > 0 ? wide : irqs.allocVectors(device, 'msi', 1);
}

/** Messages that a port's services need: one more than the highest number that its registers name (PCIe 7.5.3.2, 7.8.4.9). */
function messagesWanted(device: PciDevice): number {
  const { config } = device;
  const aer = config.findExtendedCapability(0x01);
  const express = (config.read(config.findCapability(0x10) + 2, 2) >>> 9) & 0x1f;
  return Math.max(express, aer === 0 ? 0 : config.read(aer + 0x30, 4) >>> 27) + 1;
}

/** Does nothing with its function; keeps other drivers away. Opted out of the DMA API. */
export class PciStubDriver implements PciDriver {
  readonly name = 'pci-stub';
  readonly module = 'pci_stub';
  readonly driverManagedDma = true;
  ids: PciDeviceId[] = [];
  dynamicIds: PciDeviceId[] = [];
  private readonly log: KernelLog;

  constructor(log: KernelLog) {
    this.log = log;
  }

  probe(device: PciDevice): number {
    this.log.print(LEVEL.INFO, `${devicePrefix(device)}claimed by stub`);
    return 0;
  }

  remove(): 'done' {
    return 'done';
  }
}

const COMMAND_MASTER = 0x4;
const ROOT_CONTROL = 0x1c;

const PME_SERVICE = 'PCIe PME';
/** Names of the services' interrupt handlers. */
const HANDLERS: Partial<Record<PortService, string>> = { pme: PME_SERVICE, aer: 'aerdrv', hotplug: 'pciehp' };

/** The PCI Express port driver with its services PME, AER and hot-plug (pci-linux.md 5). */
export class PortDriver implements PciDriver {
  readonly name = 'pcieport';
  readonly module = null;
  readonly driverManagedDma = true;
  readonly restoresAfterReset = true;
  ids: PciDeviceId[] = [classId(0x060400), classId(0x060401), classId(0x080700, 0xffffff00)];
  dynamicIds: PciDeviceId[] = [];
  private readonly services: DriverServices;
  private readonly pins = new Map<PciDevice, { irq: number; handler: () => boolean }>();

  constructor(services: DriverServices) {
    this.services = services;
  }

  probe(device: PciDevice): number {
    const type = device.portType;
    const known: readonly (number | null)[] = [
      PortType.RootPort,
      PortType.UpstreamPort,
      PortType.DownstreamPort,
      PortType.EventCollector,
    ];
    if (!known.includes(type)) return -ERRNO.ENODEV;
    const result = this.services.enable.enable(device);
    if (result < 0) return result;
    if (this.handlers(device).length > 0) this.services.enable.setMaster(device);
    this.takeInterrupts(device);
    if (type === PortType.RootPort && this.handlers(device).includes('aerdrv')) {
      const at = device.config.findCapability(0x10);
      device.config.write(at + ROOT_CONTROL, 2, device.config.read(at + ROOT_CONTROL, 2) & ~7);
      startErrorService(device);
    }
    this.listen(device);
    this.announce(device);
    return 0;
  }

  remove(device: PciDevice): 'done' {
    const pin = this.pins.get(device);
    if (pin !== undefined) this.services.irqs.freePin(pin.irq, pin.handler);
    this.pins.delete(device);
    this.services.irqs.freeVectors(device);
    this.services.enable.disable(device);
    return 'done';
  }

  errorDetected(): void {}

  /** Its PME service begins to listen. */
  listen(device: PciDevice): void {
    if (this.handlers(device).includes(PME_SERVICE)) listenForPme(device);
  }

  takeInterrupts(device: PciDevice): void {
    const { irqs } = this.services;
    const names = this.handlers(device);
    if (names.length === 0) return;
    const wanted = messagesWanted(device);
    const wide = irqs.allocVectors(device, 'msix', wanted);
    const given = wide > 0 ? wide : irqs.allocVectors(device, 'msi', wanted);
    const name = names.join(', ');
    if (given > 0) {
      irqs.messagesOf(device)!.request(0, name, () => {
        this.services.errors.handle(device);
        this.services.hotplug.interrupt(device);
        return true;
      });
      return;
    }
    if (device.config.read(0x3d, 1) === 0 || !(device.config.read(0x04, 2) & COMMAND_MASTER)) return;
    const handler = (): boolean => this.services.errors.handle(device);
    const irq = irqs.requestPin(device, name, true, handler);
    if (irq > 0) this.pins.set(device, { irq, handler });
  }

  private handlers(device: PciDevice): string[] {
    const services = portServices(device, this.services.granted(device.function.rootBus));
    return services.flatMap((service) => lookUp(HANDLERS, service) ?? []);
  }

  private announce(device: PciDevice): void {
    const { log, irqs } = this.services;
    const irq = irqs.messagesOf(device)?.line(0)?.irq ?? device.irq;
    const names = this.handlers(device);
    if (names.includes(PME_SERVICE)) log.print(LEVEL.INFO, `${devicePrefix(device)}PME: Signaling with IRQ ${irq}`);
    if (names.includes('aerdrv')) log.print(LEVEL.INFO, `${devicePrefix(device)}AER: enabled with IRQ ${irq}`);
    if (names.includes('pciehp')) this.services.hotplug.attach(device);
  }
}

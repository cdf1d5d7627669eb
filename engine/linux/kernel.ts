/** Boots a machine: composes the subsystems, lowest first, and takes over what the description says was running. */
import { buildMachine } from '../hardware/build';
import { unitOf } from '../hardware/description';
import type { FunctionDescription, MachineDescription } from '../hardware/description';
import type { Interrupts } from '../hardware/interrupts';
import type { HardwareMachine } from '../hardware/machine';
import { PhysicalMemory } from '../hardware/memory';
import { Platform } from '../hardware/platform';
import { upperMemoryOf } from '../hardware/upper-memory';
import { devfn } from '../hardware/pci/address';
import type { ConfigSpace } from '../hardware/pci/config-space';
import type { PciFunction } from '../hardware/pci/function';
import { Clock } from './clock';
import { characterDevices, groupNodes } from './devices';
import type { FsContext } from './fs/context';
import { rootDirectory } from './fs/root';
import { FileTree } from './fs/tree';
import { AmdDriver } from './iommu/amd';
import { IommuCore } from './iommu/core';
import { IntelDriver } from './iommu/intel';
import { hiddenServices } from './iommu/reach';
import { IommufdCore } from './iommufd/core';
import { hardwareInfo } from './iommufd/hardware-info';
import { IrqCore } from './irq/irq';
import { AmdRemapping } from './irq/amd-remapping';
import { IntelRemapping } from './irq/intel-remapping';
import type { InterruptRemapping } from './irq/remapping';
import { KernelLog } from './log';
import { ModuleLoader } from './module-loader';
import { ModuleTable } from './modules';
import { parseAcsOverride } from './pci/acs';
import { PciActionSet, busView } from './pci/actions';
import { AerService } from './pci/aer';
import { PciBus } from './pci/bus';
import type { PciDevice, PciDeviceId, PciDriver } from './pci/device';
import { NativeDriver, PciStubDriver, PortDriver } from './pci/drivers';
import { LEVEL, PciEnable } from './pci/enable';
import { pciDevicesOf } from './pci/enumerate';
import { heldByFirmware } from './pci/firmware-held';
import { Hierarchy } from './pci/hierarchy';
import { grantsOf, messagesForbidden } from './pci/port-services';
import { idOf } from './pci/match';
import { pciOptionsOf } from './pci/options';
import type { HostApertures } from './pci/resource-tree';
import { Sriov } from './pci/sriov';
import { VgaArbiter } from './pci/vga-arbiter';
import { describePhysical } from './physical';
import { EventFd } from './process/eventfd';
import { processFile } from './process/proc-files';
import type { PageAllocator } from './process/pages';
import type { Task } from './process/table';
import { ProcessTable } from './process/table';
import { Syscalls } from './syscalls';
import type { UserSpace } from './user-space-boot';
import { startDrivers } from './user-space-boot';
import { noiommuBackend } from './vfio/backends/noiommu';
import { VfioCore } from './vfio/core';
import { defaultVfioParameters } from './vfio/parameters';
import { VfioPciDriver } from './vfio/pci/driver';
import { VfioPower } from './vfio/pci/runtime-power';
import { WhyLog } from './why';

export interface Kernel {
  readonly description: MachineDescription;
  readonly machine: HardwareMachine;
  readonly platform: Platform;
  readonly interrupts: Interrupts;
  readonly clock: Clock;
  /** What is at a physical address, in words. */
  readonly describe: (physical: number) => string;
  readonly log: KernelLog;
  readonly why: WhyLog;
  readonly processes: ProcessTable;
  readonly pci: PciBus;
  readonly irqs: IrqCore;
  readonly iommu: IommuCore;
  readonly vfio: VfioCore;
  /** The vfio-pci driver while its module is loaded. */
  readonly vfioPci: () => VfioPciDriver | null;
  readonly modules: ModuleTable;
  readonly fs: FileTree;
  readonly syscalls: Syscalls;
  /** Each function's description by the name that boot gave it, which in a built machine may be another one. */
  readonly described: ReadonlyMap<string, FunctionDescription>;
}

/** The machine's RAM: what firmware leaves to PCI begins behind it. */
const MEMORY = 0x2000_0000n;
const MAX_MAP_COUNT = 65530;

/** What the host bridges pass down. */
export const APERTURES: HostApertures = [
  { kind: 'io', start: 0n, end: 0xcf7n },
  { kind: 'io', start: 0xd00n, end: 0xffffn },
  { kind: 'memory', start: 0xa0000n, end: 0xbffffn },
  { kind: 'memory', start: MEMORY, end: 0xafffffffn },
  { kind: 'memory', start: 0xc0000000n, end: 0xfebfffffn },
  { kind: 'memory', start: 0x1_0000_0000n, end: 0x7f_ffff_ffffn },
];

/** Boots a machine as its description found it, or again, with the disk of the machine that stood here before. */
export function bootKernel(
  description: MachineDescription,
  { disk = null, programs = [], files = {} }: UserSpace = {},
): Kernel {
  const machine = buildMachine(description);
  const origin = originOf(machine, description);
  const clock = new Clock();
  let booting = true;
  const log: KernelLog = new KernelLog(() => (booting ? printedBy(log) : clock.now));
  const why = new WhyLog();
  const { kernel: settings } = description;
  const build = settings.build;
  log.print(LEVEL.NOTICE, `Linux version ${settings.release} (lab@vfio-lab) (gcc) #1 SMP PREEMPT_DYNAMIC`);
  log.print(LEVEL.INFO, `Command line: ${settings.cmdline}`);
  for (const line of parseAcsOverride(settings.cmdline).lines) log.print(LEVEL.WARNING, line);

  const memory = new PhysicalMemory(upperMemoryOf(machine));
  const processes = new ProcessTable(memory);
  processes.spawn({ pid: 1, parent: 0, name: 'init', uid: 0 });
  const platform: Platform = new Platform({
    machine,
    memory,
    unit: unitOf(description),
    now: () => clock.now,
    serves: (fn) => {
      const device = pci.devices.get(fn.name);
      return device !== undefined && iommu.serves(device);
    },
    fabric: { services: (fn) => hiddenServices(iommu.index, pci.devices.get(fn.name)) },
  });
  const { interrupts } = platform;
  const iommu: IommuCore = new IommuCore({
    description,
    log,
    why,
    clock,
    units: platform.units,
    pages: processes.pages,
  });
  const irqs = new IrqCore({
    interrupts,
    messages: platform.messages,
    clock,
    log,
    remapper: remapperOf(iommu, processes.pages),
    unit: iommu.driver?.interrupt ?? null,
    messagesAllowed: !messagesForbidden(settings.cmdline),
  });
  const enable = new PciEnable(log, irqs);
  const pci = new PciBus(log, why, iommu);
  const granted = grantsOf(description);
  const vga = new VgaArbiter(log);
  const hierarchy = new Hierarchy({
    machine,
    log,
    options: pciOptionsOf(settings.cmdline),
    acs: {
      enable: iommu.settings.enabled,
      cmdline: settings.cmdline,
      neighbour: ({ function: { parent, rootBus } }, id) => registersAt(machine, parent, rootBus, id),
    },
    apertures: APERTURES,
    firmware: (fn) => firmwareFacts(origin.get(fn)),
    native: (rootBus) => ({ latencyTolerance: granted(rootBus).ltr }),
    vga,
  });
  pci.listen({ announced: (device) => vga.add(device), removed: (device) => vga.remove(device) });
  const devices = description.booted ? pciDevicesOf(machine, description) : hierarchy.boot(() => iommu.announce());
  if (description.booted) {
    hierarchy.takeOver(devices);
    vga.takeOver(devices);
  }
  if (description.booted) iommu.announce();
  for (const device of devices) pci.enlist(device);
  iommu.boot(devices);
  machine.connect({
    interrupts,
    after: (ns, act) => void clock.after(ns, act),
    dma: platform.dma,
  });

  let taint = 0;
  const vfioParameters = defaultVfioParameters();
  const vfio = new VfioCore({
    iommu,
    clock,
    log,
    why,
    parameters: vfioParameters,
    features: { noiommu: build !== 'debian', cdev: build !== 'debian', container: build !== 'ifdcompat' },
    taint: (bit) => (taint |= 1 << bit),
  });
  if (build === 'iommufd') vfio.registerBackend(noiommuBackend);
  const iommufd =
    build === 'debian'
      ? null
      : new IommufdCore(
          { iommu, log, why, parameters: vfioParameters },
          vfio,
          hardwareInfo(description.iommu, iommu.settings.unit),
        );
  vfio.iommufd = iommufd;

  let vfioPci: VfioPciDriver | null = null;
  const power = new VfioPower(() => vfioPci);
  pci.listen(power);
  const memoryStart = MEMORY;
  // By the names that boot gave.
  const described = new Map([...origin].map(([fn, source]) => [fn.name, source]));
  const sriov = new Sriov(machine, pci, log, why);
  const actions = new PciActionSet({
    hierarchy,
    bus: pci,
    irqs,
    clock,
    log,
    why,
    sriov,
    power,
    nativeHotplug: (rootBus) => granted(rootBus).hotplug,
  });
  for (const device of devices) {
    if (device.resetMethods.length > 0) device.attributes['resettable'] = 1;
    nameVirtual(device);
  }
  const unit = description.iommu === 'amd-vi' ? iommuFunction(pci) : null;
  if (unit !== null && iommu.settings.enabled) unit.attributes['msiData'] = 1;

  const errors = new AerService({ log });
  const driverServices = {
    log,
    irqs,
    enable,
    errors,
    hotplug: actions.hotplug,
    granted,
    devices: () => pci.devices.values(),
  };
  const boundIds = idsByDriver(devices, described);
  const nativeDriver = (name: string): PciDriver => {
    if (name === 'pcieport') return new PortDriver(driverServices);
    return new NativeDriver(name, driverServices, boundIds.get(name));
  };
  const modules = new ModuleTable(
    new ModuleLoader({
      bus: pci,
      log,
      vfio,
      vfioParameters,
      build,
      nativeDriver,
      stubDriver: () => new PciStubDriver(log),
      vfioPciDriver(parameters) {
        vfioPci = new VfioPciDriver(
          {
            irq: irqs,
            enable,
            log,
            clock,
            why,
            core: vfio,
            bus: busView(pci),
            groupOf: (device: PciDevice) => iommu.groupOf(device),
          },
          parameters,
        );
        return vfioPci;
      },
    }),
  );

  startDrivers({ pci, irqs, modules, description, described, devices, nativeDriver }, disk?.settings ?? null);
  const maxVfioMajor = build === 'debian' ? 245 : 252;
  const context: FsContext = {
    description,
    clock,
    log,
    why,
    processes: {
      all: () => processes.all(),
      get: (pid) => processes.get(pid),
      text: (process, file) => processFile(process as Task, file),
    },
    pci,
    enable,
    actions,
    irqs,
    iommu: {
      groups: () => iommu.groups.values(),
      group: (id) => iommu.groups.get(id) ?? null,
      groupOf: (device) => iommu.groupOf(device),
      unitOf: (device) => iommu.unitOf(device),
      units: () => iommu.units(),
      functionOf: () => (description.iommu === 'amd-vi' ? iommuFunction(pci) : null),
      typeOf: (group) => iommu.typeOf(group),
      setType: (group, word, process) => iommu.setType(group, word, process),
    },
    vfio: groupNodes(vfio, maxVfioMajor, build !== 'debian'),
    modules,
    roots: machine.roots.map((root) => root.name),
    granted,
    isFirstDisplay: (device) => vga.first === device,
    memory: memoryStart,
    maxMapCount: MAX_MAP_COUNT,
    vfioMajor: maxVfioMajor,
    taints: () => taint,
    regionHolder: (device, bar) => holderOf(device, bar),
    characterDevices: characterDevices({ vfio, iommufd, modules, build }),
  };
  const fs = new FileTree(rootDirectory(context, disk?.root ?? null, { programs, files }));
  const syscalls = new Syscalls(fs, why, (initial, flags) => new EventFd(initial, flags));
  booting = false;
  clock.advance(printedBy(log));
  return {
    description,
    machine,
    platform,
    interrupts,
    clock,
    describe: (physical) => describePhysical(memory, processes.all(), physical),
    log,
    why,
    processes,
    pci,
    irqs,
    iommu,
    vfio,
    vfioPci: () => vfioPci,
    modules,
    fs,
    syscalls,
    described,
  };

  function holderOf(device: PciDevice, bar: number): string | null {
    const firmware = heldByFirmware(device);
    if (firmware !== null) return firmware;
    if (vfioPci?.of(device)?.regions?.claimed(bar)) return 'vfio';
    const driver = pci.boundDriver(device);
    if (driver === null || driver.driverManagedDma) return null;
    return driver.name === 'virtio-pci' ? 'virtio-pci-modern' : driver.name;
  }
}

/** Each function's description. Boot may give a built machine's functions other names. */
function originOf(
  machine: HardwareMachine,
  description: MachineDescription,
): ReadonlyMap<PciFunction, FunctionDescription> {
  const sources = new Map(description.functions.map((fn) => [fn.address, fn]));
  return new Map([...machine.functions].map(([name, fn]) => [fn, sources.get(name)!]));
}

/** Facts that firmware tables hold. */
function firmwareFacts(source: FunctionDescription | undefined): PciDevice['attributes'] {
  const facts: PciDevice['attributes'] = {};
  if (source === undefined) return facts;
  for (const name of FIRMWARE_FACTS) if (source.attributes[name] !== undefined) facts[name] = source.attributes[name];
  return facts;
}

const FIRMWARE_FACTS = ['sysfs', 'bootVga', 'externalFacing', 'usb4Host', 'untrusted', 'proxyIds'] as const;

/** Registers of what answers at a devfn beside others below a bridge or on a root bus; null: nothing does. */
function registersAt(
  machine: HardwareMachine,
  parent: PciFunction | null,
  rootBus: string,
  id: number,
): ConfigSpace | null {
  for (const fn of parent?.children ?? machine.functions.values()) {
    if (fn.parent === parent && fn.rootBus === rootBus && devfn(fn.address) === id) return fn.config;
  }
  return null;
}

/** What each driver of the description was bound to, each ID once. */
function idsByDriver(
  devices: readonly PciDevice[],
  described: ReadonlyMap<string, FunctionDescription>,
): ReadonlyMap<string, PciDeviceId[]> {
  const byDriver = new Map<string, Map<number, PciDeviceId>>();
  for (const device of devices) {
    const driver = described.get(device.name)?.driver;
    if (driver == null) continue;
    const ids = byDriver.get(driver) ?? new Map<number, PciDeviceId>();
    byDriver.set(driver, ids);
    const key = device.vendor * 0x10000 + device.device;
    if (!ids.has(key)) ids.set(key, idOf(device.vendor, device.device));
  }
  return new Map([...byDriver].map(([driver, ids]) => [driver, [...ids.values()]]));
}

/** One character on a serial console of 115200 baud, 8N1. */
const CHARACTER_TIME = 86_806n;

/**
 * When the last line is out: boot takes the time that a serial console needs for its messages, so that they have
 * increasing times, the same after every boot. Nanoseconds.
 */
function printedBy(log: KernelLog): bigint {
  const last = log.records.at(-1);
  return last === undefined ? 0n : last.time + BigInt(last.text.length + 2) * CHARACTER_TIME;
}

/** A virtual function's own ID registers read FFFF: Linux takes the IDs from the physical function. */
function nameVirtual(device: PciDevice): void {
  const pf = device.physicalFunction;
  if (pf === null) return;
  const at = pf.config.findExtendedCapability(0x10);
  device.attributes['vendor'] = pf.vendor;
  device.remember();
  device.attributes['device'] = at === 0 ? pf.device : pf.config.read(at + 0x1a, 2);
}

/** The function of class 0806 that is the AMD IOMMU. */
function iommuFunction(pci: PciBus): PciDevice | null {
  for (const device of pci.devices.values()) if (device.class >>> 8 === 0x0806) return device;
  return null;
}

/** Interrupt remapping, where it is on. */
function remapperOf({ driver, interruptRemapping }: IommuCore, pages: PageAllocator): InterruptRemapping | null {
  if (!interruptRemapping) return null;
  if (driver instanceof IntelDriver) return new IntelRemapping(driver);
  return driver instanceof AmdDriver ? new AmdRemapping(driver, pages) : null;
}

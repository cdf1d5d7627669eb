/** What user space does while a machine boots: init, udev and kmod load modules, as the files on its disk tell them. */
import type { MachineDescription } from '../hardware/description';
import type { DirectoryNode } from './fs/node';
import type { IrqCore } from './irq/irq';
import { commandLineOptions } from './module-loader';
import { moduleFacts } from './module-facts';
import type { ModuleTable } from './modules';
import { moduleName } from './modules';
import type { PciBus } from './pci/bus';
import type { PciDevice, PciDriver } from './pci/device';
import { moduleOf, modulesFor } from './pci/driver-table';
import { portsDisabled } from './pci/port-services';
import type { Described } from './pci/takeover';
import { heldBy, inferAutoprobe, settle, takeOver } from './pci/takeover';

/** What the files say. Modules by their names with underscores. */
export interface BootSettings {
  /** Modules that are loaded before those for devices, in order (modules-load.d). */
  readonly early: readonly string[];
  /** `ids=1234:11e8 …` (modprobe.d). */
  readonly options: ReadonlyMap<string, string>;
  readonly blacklist: ReadonlySet<string>;
  /** What is loaded in front of a module (softdep … pre:). */
  readonly before: ReadonlyMap<string, readonly string[]>;
  /** Drivers that are to have single functions, by their address (driverctl). */
  readonly overrides: ReadonlyMap<string, string>;
}

/** The disk of a machine that ran before: it keeps its files. */
export interface Disk {
  readonly root: DirectoryNode;
  readonly settings: BootSettings;
}

/** What a kernel boots into. */
export interface UserSpace {
  readonly disk?: Disk | null;
  /** Names of the programs that are installed where there is no disk yet. */
  readonly programs?: Iterable<string>;
  /** Files by absolute path that are installed with them, owned by root. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface BootServices {
  readonly pci: PciBus;
  readonly irqs: IrqCore;
  readonly modules: ModuleTable;
  readonly description: MachineDescription;
  /** Each function's description by the name that boot gave it. */
  readonly described: Described;
  readonly devices: readonly PciDevice[];
  nativeDriver(name: string): PciDriver;
}

/** Modules of a machine whose description names none: what a learner needs. */
const DEFAULT_MODULES: readonly string[] = ['vfio', 'vfio_iommu_type1', 'vfio-pci', 'pci-stub'];

/** Drivers built into this kernel, in the order they register. */
const BUILT_IN: readonly string[] = ['pcieport', 'shpchp', 'virtio-pci'];

/**
 * Registers drivers and loads modules in the order of a boot; a booted machine's bindings are taken over. Without a disk
 * the machine was found as it is described; with one it boots again, and its files decide.
 */
export function startDrivers(services: BootServices, disk: BootSettings | null): void {
  const { pci, irqs, modules, description, devices } = services;
  const { kernel: settings, booted } = description;
  const builtIn = portsDisabled(settings.cmdline) ? BUILT_IN.filter((name) => name !== 'pcieport') : BUILT_IN;
  const names = settings.drivers.length > 0 ? settings.drivers : builtIn;
  const bound = description.functions.flatMap((fn) => (fn.driver === null ? [] : [fn.driver]));
  const first = BUILT_IN.filter((name) => names.includes(name));
  const later = [...new Set([...names, ...bound])].filter((name) => !first.includes(name));
  const listed = settings.modules.length > 0 ? settings.modules : DEFAULT_MODULES;
  const fromModules = new Set(listed.map(moduleName));
  const listedOnCommandLine = disk !== null || !booted ? blacklisted(settings.cmdline) : new Set<string>();
  const kept = new Set([...(disk?.blacklist ?? []), ...listedOnCommandLine]);
  const held = heldBy(pci.devices.values(), overridden(services.described, disk));
  const take = (until: (driver: PciDriver) => boolean): void => takeOver({ pci, irqs, held, until });
  const loading = new Set<string>();

  pci.autoprobe = !booted;
  for (const [address, driver] of disk?.overrides ?? []) {
    const device = pci.devices.get(address);
    if (device) pci.setOverride(device, driver);
  }
  for (const name of first) native(name);
  for (const name of disk?.early ?? []) load(name);
  for (const driver of new Set(disk?.overrides.values() ?? [])) {
    load(moduleOf(driver) ?? moduleName(driver));
    for (const [address, wanted] of disk?.overrides ?? []) if (wanted === driver) pci.driversProbe(address);
  }
  for (const name of later) if (name !== 'vfio-pci' && name !== 'pci-stub') native(name);
  take((driver) => driver.name !== 'vfio-pci');
  settle(pci, irqs);
  for (const name of listed) load(name);
  if (booted) inferAutoprobe(pci);
  else for (const device of devices) for (const name of modulesFor(device)) load(name);
  pci.autoprobe = true;

  /** A driver of the description that is no module of its list. */
  function native(name: string): void {
    const module = moduleOf(name);
    if (module !== null && fromModules.has(module)) return;
    if (module !== null && !booted) return;
    if (!BUILT_IN.includes(name) && kept.has(module ?? moduleName(name))) return;
    if (pci.drivers.has(name)) return;
    for (const other of disk?.before.get(module ?? moduleName(name)) ?? []) load(other);
    pci.register(services.nativeDriver(name));
  }

  /** A module with what it needs in front, unless it is there or is not to be loaded. */
  function load(given: string): void {
    const name = moduleName(given);
    if (kept.has(name) || loading.has(name)) return;
    loading.add(name);
    for (const other of disk?.before.get(name) ?? []) load(other);
    for (const one of [...needed(name, settings.build), name]) {
      if (modules.get(one) !== null) continue;
      modules.load(one, [optionsOf(one), commandLineOptions(settings.cmdline, one)].join(' '));
      take((driver) => moduleName(driver.module ?? '') === one);
    }
  }

  /** Options under either spelling of the module's name. */
  function optionsOf(name: string): string {
    if (disk) return disk.options.get(name) ?? '';
    const entry = Object.entries(settings.moduleOptions).find(([module]) => moduleName(module) === name);
    return entry?.[1] ?? '';
  }
}

/** Functions that are to have another driver are nobody's to take over. */
function overridden(described: Described, disk: BootSettings | null): Described {
  if (!disk || disk.overrides.size === 0) return described;
  return new Map(
    [...described].map(([name, fn]) => {
      const wanted = disk.overrides.get(name);
      return [name, wanted === undefined || wanted === fn.driver ? fn : { ...fn, driver: null }];
    }),
  );
}

/** Modules that are not to be loaded by themselves: `modprobe.blacklist=nouveau,…`, `module_blacklist=…`. */
function blacklisted(cmdline: string): ReadonlySet<string> {
  const lists = [...cmdline.matchAll(/(?:^|\s)(?:modprobe\.blacklist|module_blacklist)=(\S*)/g)];
  return new Set(lists.flatMap(([, list]) => list!.split(',').map(moduleName)));
}

/** What a module needs in front of it, in order. */
function needed(name: string, build: MachineDescription['kernel']['build']): string[] {
  if (name === 'vfio') return build === 'debian' ? [] : ['iommufd'];
  if (name === 'vfio_pci') return [...needed('vfio', build), 'vfio', 'irqbypass', 'vfio_pci_core'];
  return (moduleFacts(name)?.uses ?? []).flatMap((used) => [...needed(used, build), used]);
}

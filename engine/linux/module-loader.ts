/** What loading and removing a module does: drivers come and go, parameters take effect. */
import { ERRNO } from './errno';
import { parseBoolean, parseUnsigned } from './fs/numbers';
import type { KernelLog } from './log';
import { moduleFacts } from './module-facts';
import type { Module, ModuleActions, ModuleParameter } from './modules';
import { moduleName } from './modules';
import type { PciBus } from './pci/bus';
import type { PciDriver } from './pci/device';
import { driversOfModule } from './pci/driver-table';
import { LEVEL } from './pci/enable';
import { hex } from './fs/numbers';
import { inTurn } from './pending';
import type { PendingCall } from './process/files';
import { TYPE1_BACKENDS } from './vfio/backends';
import type { VfioCore } from './vfio/core';
import type { VfioParameters } from './vfio/parameters';
import type { VfioPciDriver } from './vfio/pci/driver';
import type { VfioPciParameters } from './vfio/pci/ops';

export interface LoaderServices {
  readonly bus: PciBus;
  readonly log: KernelLog;
  readonly vfio: VfioCore;
  readonly vfioParameters: VfioParameters;
  readonly build: 'debian' | 'iommufd' | 'ifdcompat';
  nativeDriver(name: string): PciDriver;
  stubDriver(): PciDriver;
  /** Makes the vfio-pci driver anew. */
  vfioPciDriver(parameters: Partial<VfioPciParameters>): VfioPciDriver;
}

const IDS = /^([0-9a-f]+):([0-9a-f]+)(?::([0-9a-f]+))?(?::([0-9a-f]+))?(?::([0-9a-f]+))?(?::([0-9a-f]+))?$/i;

/** `ids=1234:11e8 nointxmask=1` as pairs. */
export function parseOptions(text: string): Map<string, string> {
  const options = new Map<string, string>();
  for (const word of text.split(/\s+/)) {
    if (word === '') continue;
    const at = word.indexOf('=');
    options.set(at < 0 ? word : word.slice(0, at), at < 0 ? '1' : word.slice(at + 1));
  }
  return options;
}

/** Options that the kernel command line gives a module: `vfio-pci.ids=…`, with either spelling of its name. */
export function commandLineOptions(cmdline: string, module: string): string {
  return cmdline
    .split(/\s+/)
    .flatMap((word) => {
      const at = word.indexOf('.');
      return at > 0 && moduleName(word.slice(0, at)) === module ? [word.slice(at + 1)] : [];
    })
    .join(' ');
}

/** A bool parameter of an object; without `writable` the file is read-only. */
function flag<T extends object>(name: string, object: T, key: keyof T, writable: boolean): ModuleParameter {
  const values = object as Record<keyof T, unknown>;
  return {
    name,
    mode: writable ? 0o644 : 0o444,
    show: () => (values[key] === true ? 'Y' : 'N'),
    ...(writable && {
      store(text: string) {
        const value = parseBoolean(text);
        if (value === null) return -ERRNO.EINVAL;
        values[key] = value;
        return 0;
      },
    }),
  };
}

function count<T extends object>(name: string, object: T, key: keyof T): ModuleParameter {
  const values = object as Record<keyof T, unknown>;
  return {
    name,
    mode: 0o644,
    show: () => String(values[key]),
    store(text) {
      const value = parseUnsigned(text);
      if (value === null) return -ERRNO.EINVAL;
      if (value > 0xffffffffn) return -ERRNO.ERANGE;
      values[key] = Number(value);
      return 0;
    },
  };
}

export class ModuleLoader implements ModuleActions {
  private readonly services: LoaderServices;
  private readonly registered = new Map<string, PciDriver[]>();

  constructor(services: LoaderServices) {
    this.services = services;
  }

  load(name: string, options: string): Module | number | null {
    const facts = moduleFacts(name);
    if (facts === null && driversOfModule(name).length === 0) return null;
    const given = parseOptions(options);
    const module = (more: Partial<Module> = {}): Module => ({
      name,
      size: facts?.size ?? 16384,
      uses: facts?.uses ?? [],
      parameters: [],
      builtin: false,
      references: () => 0,
      drivers: [],
      ...more,
    });
    switch (name) {
      case 'vfio':
        return module({
          ...this.vfio(given),
          builtin: this.services.build !== 'debian',
          references: () => [...this.services.vfio.groups.values()].filter((group) => group.openedFile !== null).length,
        });
      case 'vfio_iommu_type1':
        return this.type1(given, module);
      case 'iommufd':
        return module({ parameters: this.iommufd(given), builtin: true });
      case 'vfio_pci':
        return this.vfioPci(given, module);
      case 'pci_stub':
        return this.register(module({ drivers: ['pci:pci-stub'] }), [this.services.stubDriver()], given.get('ids'));
      default: {
        const drivers = driversOfModule(name).map((driver) => this.services.nativeDriver(driver));
        return this.register(module({ drivers: drivers.map((driver) => `pci:${driver.name}`) }), drivers, undefined);
      }
    }
  }

  unload(module: Module): number | PendingCall {
    if (module.name === 'vfio_iommu_type1') {
      for (const backend of TYPE1_BACKENDS) this.services.vfio.unregisterBackend(backend.name);
      return 0;
    }
    const drivers = this.registered.get(module.name) ?? [];
    this.registered.delete(module.name);
    return inTurn(drivers.map((driver) => () => this.services.bus.unregister(driver)));
  }

  private vfio(given: Map<string, string>): Partial<Module> {
    const { vfioParameters, build, log } = this.services;
    log.print(LEVEL.INFO, 'VFIO - User Level meta-driver version: 0.3');
    if (build === 'debian') return {};
    vfioParameters.enableUnsafeNoiommuMode = parseBoolean(given.get('enable_unsafe_noiommu_mode') ?? 'N') ?? false;
    return { parameters: [flag('enable_unsafe_noiommu_mode', vfioParameters, 'enableUnsafeNoiommuMode', true)] };
  }

  private type1(given: Map<string, string>, module: (more?: Partial<Module>) => Module): Module | null {
    if (this.services.build === 'ifdcompat') return null;
    const { vfioParameters: values, vfio } = this.services;
    values.allowUnsafeInterrupts = parseBoolean(given.get('allow_unsafe_interrupts') ?? 'N') ?? false;
    values.disableHugepages = parseBoolean(given.get('disable_hugepages') ?? 'N') ?? false;
    values.dmaEntryLimit = Number(parseUnsigned(given.get('dma_entry_limit') ?? '65535') ?? 65535n);
    for (const backend of TYPE1_BACKENDS) vfio.registerBackend(backend);
    return module({
      builtin: this.services.build !== 'debian',
      parameters: [
        flag('allow_unsafe_interrupts', values, 'allowUnsafeInterrupts', true),
        flag('disable_hugepages', values, 'disableHugepages', true),
        count('dma_entry_limit', values, 'dmaEntryLimit'),
      ],
    });
  }

  private iommufd(given: Map<string, string>): ModuleParameter[] {
    const { vfioParameters } = this.services;
    vfioParameters.iommufdAllowUnsafeInterrupts = parseBoolean(given.get('allow_unsafe_interrupts') ?? 'N') ?? false;
    return [flag('allow_unsafe_interrupts', vfioParameters, 'iommufdAllowUnsafeInterrupts', true)];
  }

  private vfioPci(given: Map<string, string>, module: (more?: Partial<Module>) => Module): Module {
    const bool = (name: string): boolean => parseBoolean(given.get(name) ?? 'N') ?? false;
    const driver = this.services.vfioPciDriver({
      nointxmask: bool('nointxmask'),
      disableVga: bool('disable_vga'),
      disableIdleD3: bool('disable_idle_d3'),
      enableSriov: bool('enable_sriov'),
      disableDenylist: bool('disable_denylist'),
    });
    const values = driver.parameters;
    if (values.disableDenylist) this.services.log.print(LEVEL.WARNING, 'vfio_pci: device denylist disabled.');
    return this.register(
      module({
        drivers: ['pci:vfio-pci'],
        references: () => [...driver.bound()].filter((device) => device.opened).length,
        parameters: [
          flag('disable_denylist', values, 'disableDenylist', false),
          flag('disable_idle_d3', values, 'disableIdleD3', true),
          flag('disable_vga', values, 'disableVga', false),
          flag('enable_sriov', values, 'enableSriov', true),
          flag('nointxmask', values, 'nointxmask', true),
        ],
      }),
      [driver],
      given.get('ids'),
    );
  }

  private register(module: Module, drivers: PciDriver[], ids: string | undefined): Module {
    this.registered.set(module.name, drivers);
    for (const driver of drivers) this.services.bus.register(driver);
    const [first] = drivers;
    if (ids !== undefined && first !== undefined) this.addIds(module.name, first, ids);
    return module;
  }

  /** The `ids` parameter: the same as a row of writes to new_id. */
  private addIds(module: string, driver: PciDriver, ids: string): void {
    const { bus, log } = this.services;
    for (const text of ids.split(',')) {
      if (text === '') continue;
      const match = IDS.exec(text);
      if (!match) {
        log.print(LEVEL.WARNING, `${module}: invalid id string "${text}"`);
        continue;
      }
      const [vendor, device, subvendor = 'ffffffff', subdevice = 'ffffffff', code = '0', mask = '0'] = match.slice(1);
      const pad = (value: string, digits: number): string => hex(parseInt(value, 16), digits);
      const name = `[${pad(vendor!, 4)}:${pad(device!, 4)}[${pad(subvendor, 8)}:${pad(subdevice, 8)}]]`;
      const shown = `${name} class 0x${pad(code, 6)}/${pad(mask, 8)}`;
      const failed = bus.newId(driver, `${vendor} ${device} ${subvendor} ${subdevice} ${code} ${mask}`);
      if (failed < 0) log.print(LEVEL.WARNING, `${module}: failed to add dynamic id ${shown} (${failed})`);
      else log.print(LEVEL.INFO, `${module}: add ${shown}`);
    }
  }
}

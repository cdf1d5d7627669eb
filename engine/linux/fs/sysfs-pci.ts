/** The directory of one PCI function: /sys/devices/pci…/DDDD:BB:DD.F (pci-linux.md 8). */
import { ERRNO } from '../errno';
import { deviceCounters, rootCounter } from '../pci/aer-counters';
import { PORT_SERVICE, portServices } from '../pci/port-services';
import type { PciDevice } from '../pci/device';
import { LEVEL, devicePrefix } from '../pci/enable';
import { RESOURCE_PREFETCH } from '../pci/resource';
import { modalias, subsystemOf } from '../pci/match';
import type { Process } from '../process/process';
import { attribute, directory, link, listing, readOnly, writeOnly } from './attribute';
import type { Entries } from './attribute';
import { storeUevent } from './uevent';
import { configFile, resourceFile, romFile, vpdFile } from './binary';
import type { FsContext } from './context';
import type { DirectoryNode, FileNode, Node, StoreResult } from './node';
import { hex, parseSigned, parseUnsigned } from './numbers';
import { iommuUnit, unitPath } from './sysfs-iommu';
import { devicePath, relativeLink } from './sysfs-paths';
import * as text from './sysfs-pci-text';
import { canWake } from '../pci/wakeup';

const directories = new WeakMap<FsContext, WeakMap<PciDevice, DirectoryNode>>();

/** The directory of a function; made once, its entries when they are looked up. */
export function functionDirectory(context: FsContext, device: PciDevice): DirectoryNode {
  let known = directories.get(context);
  if (known === undefined) directories.set(context, (known = new WeakMap()));
  let made = known.get(device);
  if (made === undefined) known.set(device, (made = makeDirectory(context, device)));
  return made;
}

/** Entries by name; null: not there at the moment. */
function makeDirectory(context: FsContext, device: PciDevice): DirectoryNode {
  const entries: Entries = {
    ...identity(device),
    ...state(context, device),
    ...controls(context, device),
    ...binaries(context, device),
    ...express(device),
    ...bridge(context, device),
    ...virtualization(context, device),
    ...links(context, device),
  };
  return listing(
    () => [...childNames(context, device), ...namedFunctions(device).keys()],
    (name) => childEntry(context, device, name),
    entries,
    { owner: device },
  );
}

/** A directory that a device has without anyone's change: a number of a recording, or the kernel's default. */
const stored = (device: PciDevice, name: string, otherwise: number): number => {
  const value = device.attributes[name];
  return typeof value === 'number' ? value : otherwise;
};

const numberFile =
  (device: PciDevice, name: string, otherwise: () => number): (() => FileNode) =>
  () =>
    readOnly(() => `${stored(device, name, otherwise())}\n`);

function identity(device: PciDevice): Entries {
  const one = (value: () => string) => (): FileNode => readOnly(value);
  return {
    vendor: one(() => text.word16(device.vendor)),
    device: one(() => text.word16(device.device)),
    subsystem_vendor: one(() => text.word16(subsystemOf(device).vendor)),
    subsystem_device: one(() => text.word16(subsystemOf(device).device)),
    class: one(() => `0x${hex(device.class, 6)}\n`),
    revision: one(() => `0x${hex(device.revision, 2)}\n`),
    modalias: one(() => `${modalias(device)}\n`),
    resource: one(() => text.resourceTable(device)),
    local_cpus: one(() => '1\n'),
    local_cpulist: one(() => '0\n'),
    dma_mask_bits: numberFile(device, 'dmaMaskBits', () => 32),
    consistent_dma_mask_bits: numberFile(device, 'consistentDmaMaskBits', () => 32),
    ari_enabled: one(() => `${text.ariEnabled(device)}\n`),
  };
}

function state(context: FsContext, device: PciDevice): Entries {
  return {
    irq: () =>
      readOnly(
        () => `${context.irqs.messagesOf(device)?.kind === 'msi' ? firstVector(context, device) : device.irq}\n`,
      ),
    power_state: () => readOnly(() => `${device.powerState}\n`),
    enable: () =>
      attribute({
        mode: 0o644,
        owner: device,
        show: () => `${device.enableCount}\n`,
        store: (value, process) => storeEnable(context, device, value, process),
      }),
    driver_override: () =>
      attribute({
        mode: 0o644,
        owner: device,
        show: () => `${device.driverOverride ?? '(null)'}\n`,
        store: (value) => context.pci.setOverride(device, value),
      }),
    uevent: () =>
      attribute({
        mode: 0o644,
        show: () => text.uevent(device, context.pci.boundDriver(device)?.name ?? null),
        store: storeUevent,
      }),
    waiting_for_supplier: () =>
      hasFirmwareNode(device) && !context.pci.everBound.has(device) ? readOnly(() => '0\n') : null,
    msi_irqs: () => {
      if (device.attributes['msiData'] !== 1) return null;
      const messages = context.irqs.messagesOf(device);
      const numbers = (): string[] => messages?.irqs.map(String) ?? [];
      return listing(numbers, (name) => (numbers().includes(name) ? readOnly(() => `${messages!.kind}\n`) : null));
    },
    ctrl: () =>
      context.pci.boundDriver(device)?.name === 'shpchp' ? readOnly(() => text.freeResources(device)) : null,
    pools: () => (context.pci.boundDriver(device)?.name === 'nvme' ? readOnly(() => 'poolinfo - 0.1\n') : null),
    power: () => powerDirectory(context, device),
    link: () => directory({}),
  };
}

const firstVector = (context: FsContext, device: PciDevice): number => context.irqs.messagesOf(device)?.irqs[0] ?? 0;

function controls(context: FsContext, device: PciDevice): Entries {
  const flag = (name: string, otherwise: () => number) => (): FileNode =>
    attribute({
      mode: 0o644,
      owner: device,
      show: () => `${stored(device, name, otherwise())}\n`,
      store: (value) => {
        const number = parseUnsigned(value);
        if (number === null) return -ERRNO.EINVAL;
        device.attributes[name] = number === 0n ? 0 : 1;
        return 0;
      },
    });
  const unlessVirtual = (make: () => Node) => (): Node | null => (device.isVirtual ? null : make());
  const whenResettable = (make: () => Node) => (): Node | null =>
    device.attributes['resettable'] === 1 || device.resetMethods.length > 0 ? make() : null;
  return {
    broken_parity_status: flag('brokenParityStatus', () => 0),
    d3cold_allowed: flag('d3coldAllowed', () => (device.config.findCapability(0x01) !== 0 ? 1 : 0)),
    msi_bus: () =>
      attribute({
        mode: 0o644,
        owner: device,
        show: () => `${stored(device, 'msiBus', 1)}\n`,
        store: (value, process) => storeMsiBus(context, device, value, process),
      }),
    numa_node: () =>
      attribute({
        mode: 0o644,
        owner: device,
        show: () => `${stored(device, 'numaNode', -1)}\n`,
        store: (value, process) => storeNumaNode(context, device, value, process),
      }),
    remove: () =>
      device.isVirtual || device.removing ? null : writeOnly((value) => storeRemove(context, device, value), 0o220),
    rescan: unlessVirtual(() =>
      writeOnly((value) => {
        const number = parseUnsigned(value);
        if (number === null) return -ERRNO.EINVAL;
        return number === 0n ? 0 : context.actions.rescan(device);
      }),
    ),
    reset: whenResettable(() =>
      writeOnly((value) => (parseUnsigned(value) === 1n ? context.actions.reset(device) : -ERRNO.EINVAL)),
    ),
    reset_method: whenResettable(() =>
      attribute({
        mode: 0o644,
        owner: device,
        show: () => (device.resetMethods.length === 0 ? '' : `${device.resetMethods.join(' ')}\n`),
        store: (value) => context.actions.setResetMethods(device, value),
      }),
    ),
    boot_vga: () =>
      device.class >>> 8 === 0x0300 ? readOnly(() => `${context.isFirstDisplay(device) ? 1 : 0}\n`) : null,
  };
}

function binaries(context: FsContext, device: PciDevice): Entries {
  const entries: Record<string, () => Node | null> = {
    config: () => configFile(device),
    rom: () => (text.resourceLength(device, 6) > 0 ? romFile(device) : null),
    vpd: () => (device.config.findCapability(0x03) !== 0 ? vpdFile(device) : null),
  };
  for (let bar = 0; bar < 6; bar++) {
    entries[`resource${bar}`] = () => (text.resourceLength(device, bar) > 0 ? resourceFile(device, bar) : null);
    entries[`resource${bar}_wc`] = () =>
      text.resourceLength(device, bar) > 0 && device.resources[bar]!.flags & RESOURCE_PREFETCH
        ? resourceFile(device, bar)
        : null;
    entries[`resource${bar}_resize`] = () => resizeFile(context, device, bar);
  }
  return entries;
}

/** `resourceN_resize`: the sizes of the Resizable BAR capability that names this BAR. */
function resizeFile(context: FsContext, device: PciDevice, bar: number): FileNode | null {
  const at = device.config.findExtendedCapability(0x15);
  if (at === 0) return null;
  const count = (device.config.read(at + 8, 4) >>> 5) & 7;
  for (let i = 0; i < count; i++) {
    const control = device.config.read(at + 8 + i * 8, 4);
    if ((control & 7) !== bar) continue;
    const sizes = device.config.read(at + 4 + i * 8, 4) >>> 4;
    return attribute({
      mode: 0o644,
      owner: device,
      show: () => `${hex(sizes, 16)}\n`,
      store: (value) => {
        const size = parseUnsigned(value);
        if (size === null) return -ERRNO.EINVAL;
        if (device.driver !== null) return refuseBound(context, device, 'pci.resize.bound');
        return size < 64n && (BigInt(sizes) >> size) & 1n
          ? context.why.refuse(ERRNO.ENOSPC, 'pci.resize.space', `No window above ${device.name} has room for it.`)
          : context.why.refuse(
              ERRNO.EINVAL,
              'pci.resize.size',
              `BAR ${bar} does not offer size ${size}; it offers those of mask 0x${hex(sizes, 16)}.`,
            );
      },
    });
  }
  return null;
}

function express(device: PciDevice): Entries {
  const when = (present: boolean, show: () => string) => (): FileNode | null => (present ? readOnly(show) : null);
  const pcie = text.isPcie(device);
  const aer = text.hasAer(device) && pcie;
  const root = aer && text.isRootErrorReporter(device);
  return {
    current_link_speed: when(pcie, () => `${text.currentLinkSpeed(device)}\n`),
    current_link_width: when(pcie, () => `${text.currentLinkWidth(device)}\n`),
    max_link_speed: when(pcie, () => `${text.maxLinkSpeed(device)}\n`),
    max_link_width: when(pcie, () => `${text.maxLinkWidth(device)}\n`),
    aer_dev_correctable: when(aer, () => deviceCounters(device, 'correctable')),
    aer_dev_fatal: when(aer, () => deviceCounters(device, 'fatal')),
    aer_dev_nonfatal: when(aer, () => deviceCounters(device, 'nonfatal')),
    aer_rootport_total_err_cor: when(root, () => rootCounter(device, 'correctable')),
    aer_rootport_total_err_fatal: when(root, () => rootCounter(device, 'fatal')),
    aer_rootport_total_err_nonfatal: when(root, () => rootCounter(device, 'nonfatal')),
  };
}

function bridge(context: FsContext, device: PciDevice): Entries {
  if (!device.function.isBridge) return {};
  const secondary = (): number => device.config.read(0x19, 1);
  const busName = (): string => `${device.name.slice(0, device.name.indexOf(':'))}:${hex(secondary(), 2)}`;
  return {
    secondary_bus_number: () => readOnly(() => `${secondary()}\n`),
    subordinate_bus_number: () => readOnly(() => `${device.config.read(0x1a, 1)}\n`),
    reset_subordinate: () =>
      writeOnly((value, process) => {
        if (!process.capabilities.has('CAP_SYS_ADMIN')) return -ERRNO.EPERM;
        const number = parseUnsigned(value);
        if (number === null) return -ERRNO.EINVAL;
        return number === 0n ? 0 : context.actions.resetSubordinate(device);
      }),
    pci_bus: () =>
      secondary() === 0
        ? null
        : directory({ [busName()]: () => busDirectory(context, device, `${devicePath(device)}/pci_bus/${busName()}`) }),
  };
}

/** `pci_bus/DDDD:BB` below a bridge or a root. */
export function busDirectory(context: FsContext, device: PciDevice | null, path: string): DirectoryNode {
  return directory({
    rescan: () =>
      writeOnly((value) => {
        const number = parseUnsigned(value);
        if (number === null) return -ERRNO.EINVAL;
        if (number === 0n) return 0;
        return device === null ? context.actions.rescan(null) : context.actions.rescanBehind(device);
      }),
    cpuaffinity: () => readOnly(() => '1\n'),
    cpulistaffinity: () => readOnly(() => '0\n'),
    device: () => link('../..'),
    power: () => directory({}),
    subsystem: () => link(relativeLink(path, 'class/pci_bus')),
    uevent: () => attribute({ mode: 0o644, show: () => '', store: storeUevent }),
  });
}

function virtualization(context: FsContext, device: PciDevice): Entries {
  if (device.isVirtual) {
    return {
      sriov_vf_msix_count: () => attribute({ mode: 0o200, store: () => -ERRNO.EOPNOTSUPP }),
    };
  }
  const at = text.sriovOffset(device);
  if (at === 0) return {};
  const field = (offset: number, width: 1 | 2) => (): FileNode =>
    readOnly(() => `${device.config.read(at + offset, width)}\n`);
  return {
    sriov_totalvfs: field(0x0e, 2),
    sriov_offset: field(0x14, 2),
    sriov_stride: field(0x16, 2),
    sriov_vf_device: () => readOnly(() => `${device.config.read(at + 0x1a, 2).toString(16)}\n`),
    sriov_vf_total_msix: () => readOnly(() => '0\n'),
    sriov_numvfs: () =>
      attribute({
        mode: 0o644,
        owner: device,
        show: () => `${device.virtualFunctions.length}\n`,
        busy: () => context.pci.busy(device),
        store: (value) => context.actions.setVirtualFunctions(device, value),
      }),
    sriov_drivers_autoprobe: () =>
      attribute({
        mode: 0o644,
        owner: device,
        show: () => `${stored(device, 'sriovDriversAutoprobe', 1)}\n`,
        store: (value) => {
          const first = value[0]?.toLowerCase() ?? '';
          if (!'yn10tfo'.includes(first)) return -ERRNO.EINVAL;
          device.attributes['sriovDriversAutoprobe'] =
            'y1t'.includes(first) || value.toLowerCase().startsWith('on') ? 1 : 0;
          return 0;
        },
      }),
  };
}

function links(context: FsContext, device: PciDevice): Entries {
  const path = devicePath(device);
  const to = (target: string) => link(relativeLink(path, target));
  return {
    driver: () => {
      const driver = context.pci.boundDriver(device);
      return driver === null ? null : to(`bus/pci/drivers/${driver.name}`);
    },
    subsystem: () => to('bus/pci'),
    iommu_group: () => {
      const group = context.iommu.groupOf(device);
      return group === null ? null : to(`kernel/iommu_groups/${group.id}`);
    },
    iommu: () => {
      const own = context.iommu.units().find((name) => context.iommu.functionOf(name) === device);
      if (own !== undefined) return directory({ [own]: () => iommuUnit(context, own) });
      const unit = context.iommu.groupOf(device) === null ? null : context.iommu.unitOf(device);
      return unit === null ? null : to(unitPath(context, unit));
    },
    firmware_node: () =>
      hasFirmwareNode(device) ? to(`devices/LNXSYSTM:00/LNXSYBUS:00/PNP0A08:00/${firmwareName(device)}`) : null,
    physfn: () => (device.physicalFunction === null ? null : link(`../${device.physicalFunction.name}`)),
  };
}

/** ACPI names a function's object by a running number; the device number stands in for it. */
const firmwareName = (device: PciDevice): string => `device:${hex(device.function.address.device, 2)}`;

/** Firmware facts come with the machine: ACPI knows the function where its description says so. */
const recordedNames = (device: PciDevice): readonly string[] => {
  const names = device.attributes['sysfs'];
  return typeof names === 'string' ? names.split(' ') : [];
};

export const hasFirmwareNode = (device: PciDevice): boolean => recordedNames(device).includes('firmware_node');

function namedFunctions(device: PciDevice): Map<string, PciDevice> {
  return new Map(device.virtualFunctions.map((vf, i) => [`virtfn${i}`, vf]));
}

function childNames(context: FsContext, device: PciDevice): string[] {
  const names = context.pci.childrenOf(device).map((child) => child.name);
  if (vfioDevicesOf(context, device).length > 0) names.push('vfio-dev');
  if (device.wakeupEnabled) names.push('wakeup');
  names.push(...serviceNames(context, device), ...Object.keys(driverChildren(context, device)));
  return names;
}

function childEntry(context: FsContext, device: PciDevice, name: string): Node | null {
  const child = context.pci.devices.get(name);
  if (child !== undefined) return child.parent === device ? functionDirectory(context, child) : null;
  const virtual = namedFunctions(device).get(name);
  if (virtual !== undefined) return link(`../${virtual.name}`);
  if (name === 'vfio-dev') return vfioDirectory(context, device);
  if (name === 'wakeup' && device.wakeupEnabled) return wakeupDirectory(context, device);
  if (serviceNames(context, device).includes(name)) return serviceDirectory(device, name);
  const own = driverChildren(context, device)[name];
  return own === undefined ? null : directory(Object.fromEntries(own.map((child) => [child, () => directory({})])));
}

const driverChildren = (context: FsContext, device: PciDevice) =>
  context.pci.boundDriver(device)?.children?.(device) ?? {};

/** The wakeup source of a function that may wake the machine. */
function wakeupDirectory(context: FsContext, device: PciDevice): DirectoryNode {
  const sources = [...context.pci.devices.values()].filter((other) => other.wakeupEnabled);
  return directory({ [`wakeup${sources.indexOf(device)}`]: () => directory({}) });
}

const vfioDevicesOf = (context: FsContext, device: PciDevice) =>
  [...context.vfio.devices()].filter((vfio) => vfio.device === device);

function vfioDirectory(context: FsContext, device: PciDevice): DirectoryNode | null {
  const devices = vfioDevicesOf(context, device);
  if (devices.length === 0) return null;
  const path = `${devicePath(device)}/vfio-dev`;
  const entries: Record<string, () => Node> = {};
  for (const { name, numbers } of devices) {
    entries[name] = () =>
      directory({
        dev: () => (numbers === null ? null : readOnly(() => `${numbers.major}:${numbers.minor}\n`)),
        device: () => link(`../../../${device.name}`),
        power: () => directory({}),
        subsystem: () => link(relativeLink(`${path}/${name}`, 'class/vfio-dev')),
        uevent: () =>
          attribute({
            mode: 0o644,
            show: () =>
              numbers === null ? '' : `MAJOR=${numbers.major}\nMINOR=${numbers.minor}\nDEVNAME=vfio/devices/${name}\n`,
            store: storeUevent,
          }),
      });
  }
  return directory(entries);
}

/** Services of a bound port: `<port>:pcieNNN` (pci-linux.md 5). */
export function serviceNames(context: FsContext, device: PciDevice): string[] {
  if (context.pci.boundDriver(device)?.name !== 'pcieport') return [];
  const type = device.portType;
  if (type === null) return [];
  const services = portServices(device, context.granted(device.function.rootBus)).map((name) => PORT_SERVICE[name]);
  return services.map((service) => `${device.name}:pcie${hex(((type - 4) << 8) | service, 3)}`);
}

function serviceDirectory(device: PciDevice, name: string): DirectoryNode {
  const path = `${devicePath(device)}/${name}`;
  return directory({
    power: () => directory({}),
    subsystem: () => link(relativeLink(path, 'bus/pci_express')),
    uevent: () => attribute({ mode: 0o644, show: () => '', store: storeUevent }),
  });
}

function powerDirectory(context: FsContext, device: PciDevice): DirectoryNode {
  const fixed = (value: string) => (): FileNode => readOnly(() => value);
  const auto = (): boolean => device.attributes['powerControl'] === 'auto';
  const wakeup: Record<string, () => FileNode> = {};
  if (canWake(device)) {
    wakeup['wakeup'] = () =>
      attribute({
        mode: 0o644,
        owner: device,
        show: () => (device.wakeupEnabled ? 'enabled\n' : 'disabled\n'),
        store: (value) => {
          const word = value.trim();
          if (word !== 'enabled' && word !== 'disabled') return -ERRNO.EINVAL;
          device.wakeupEnabled = word === 'enabled';
          return 0;
        },
      });
    for (const name of [
      'count',
      'abort_count',
      'active',
      'active_count',
      'expire_count',
      'last_time_ms',
      'max_time_ms',
      'total_time_ms',
    ]) {
      wakeup[`wakeup_${name}`] = () => readOnly(() => (device.wakeupEnabled ? '0\n' : '\n'));
    }
  }
  return directory({
    async: () => attribute({ mode: 0o644, show: () => 'enabled\n', store: () => 0 }),
    autosuspend_delay_ms: () => attribute({ mode: 0o644, show: () => -ERRNO.EIO, store: () => -ERRNO.EIO }),
    control: () =>
      attribute({
        mode: 0o644,
        owner: device,
        show: () => (auto() ? 'auto\n' : 'on\n'),
        store: (value) => {
          const word = value.replace(/\n$/, '');
          if (word !== 'on' && word !== 'auto') return -ERRNO.EINVAL;
          context.actions.setPowerControl(device, word === 'auto');
          return 0;
        },
      }),
    runtime_active_kids: fixed('0\n'),
    runtime_active_time: fixed('0\n'),
    runtime_enabled: () => readOnly(() => (auto() ? 'enabled\n' : 'forbidden\n')),
    runtime_status: () => readOnly(() => `${context.actions.runtimeStatus(device)}\n`),
    runtime_suspended_time: fixed('0\n'),
    runtime_usage: () => readOnly(() => (context.actions.runtimeStatus(device) === 'active' ? '1\n' : '0\n')),
    ...wakeup,
  });
}

// ---- stores

function refuseBound(context: FsContext, device: PciDevice, check: string): number {
  const name = device.driver?.name ?? '';
  return context.why.refuse(
    ERRNO.EBUSY,
    check,
    `${device.name} is bound to ${name}.`,
    `echo ${device.name} > /sys/bus/pci/drivers/${name}/unbind`,
  );
}

function storeEnable(context: FsContext, device: PciDevice, value: string, process: Process): StoreResult {
  if (!process.capabilities.has('CAP_SYS_ADMIN')) return -ERRNO.EPERM;
  const number = parseUnsigned(value);
  if (number === null) return -ERRNO.EINVAL;
  return context.pci.whenFree(device, () => enableOrDisable(context, device, number !== 0n));
}

function enableOrDisable(context: FsContext, device: PciDevice, on: boolean): number {
  if (device.driver !== null) {
    return refuseBound(context, device, 'pci.enable.bound');
  }
  if (on) {
    const enabled = context.enable.enable(device);
    if (enabled >= 0) return enabled;
    return context.why.refuse(enabled, 'pci.enable.address', `A BAR of ${device.name} has no address.`, 'dmesg');
  }
  if (device.enableCount === 0) {
    return context.why.refuse(ERRNO.EIO, 'pci.enable.count', `${device.name} is not enabled.`);
  }
  context.enable.disable(device);
  return 0;
}

function storeMsiBus(context: FsContext, device: PciDevice, value: string, process: Process): number {
  const number = parseUnsigned(value);
  if (number === null) return -ERRNO.EINVAL;
  if (!process.capabilities.has('CAP_SYS_ADMIN')) return -ERRNO.EPERM;
  const allowed = number !== 0n;
  device.attributes['msiBus'] = allowed ? 1 : 0;
  const word = allowed ? 'allowed' : 'disallowed';
  if (!device.function.isBridge) {
    context.log.print(LEVEL.INFO, `${devicePrefix(device)}MSI/MSI-X ${word} for future drivers`);
    return 0;
  }
  const bus = `${device.name.slice(0, device.name.indexOf(':'))}:${hex(device.config.read(0x19, 1), 2)}`;
  context.log.print(LEVEL.INFO, `pci_bus ${bus}: MSI/MSI-X ${word} for future drivers of devices on this bus`);
  return 0;
}

/** Only node 0 is online. */
function storeNumaNode(context: FsContext, device: PciDevice, value: string, process: Process): number {
  if (!process.capabilities.has('CAP_SYS_ADMIN')) return -ERRNO.EPERM;
  const number = parseSigned(value);
  if (number === null || (number !== 0n && number !== -1n)) return -ERRNO.EINVAL;
  context.log.print(
    LEVEL.ALERT,
    `${devicePrefix(device)}[Firmware Bug]: Overriding NUMA node to ${number}.  Contact your vendor for updates.`,
  );
  device.attributes['numaNode'] = Number(number);
  return 0;
}

function storeRemove(context: FsContext, device: PciDevice, value: string): StoreResult {
  const number = parseUnsigned(value);
  if (number === null) return -ERRNO.EINVAL;
  return number === 0n ? 0 : context.actions.remove(device);
}

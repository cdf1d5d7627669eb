/** The root of /sys. */
import { attribute, directory, link, listing, once, readOnly } from './attribute';
import type { CharacterDevice, FsContext } from './context';
import type { DirectoryNode } from './node';
import { pciBusDirectory, pciExpressBusDirectory } from './sysfs-bus';
import { groupsDirectory } from './sysfs-groups';
import { iommuClass, virtualUnits } from './sysfs-iommu';
import { modulesDirectory } from './sysfs-modules';
import { devicePath, relativeLink } from './sysfs-paths';
import { busDirectory, functionDirectory } from './sysfs-pci';
import { storeUevent } from './uevent';

export function sysfs(context: FsContext): DirectoryNode {
  const pci = pciBusDirectory(context);
  const bus = directory({
    pci: () => pci,
    pci_express: once(() => pciExpressBusDirectory(context)),
  });
  const kernel = directory({ iommu_groups: once(() => groupsDirectory(context)), mm: () => directory({}) });
  return directory({
    bus: () => bus,
    class: once(() => classes(context)),
    devices: once(() => devices(context)),
    firmware: () => directory({}),
    fs: () => directory({}),
    kernel: () => kernel,
    module: once(() => modulesDirectory(context)),
  });
}

function classes(context: FsContext): DirectoryNode {
  const cdev = context.description.kernel.build !== 'debian';
  return directory({
    iommu: () => iommuClass(context),
    misc: () =>
      listing(
        () => miscDevices(context).map((d) => baseName(d)),
        (name) =>
          miscDevices(context).some((d) => baseName(d) === name)
            ? link(relativeLink('class/misc', `devices/virtual/misc/${name}`))
            : null,
      ),
    pci_bus: () => pciBusClass(context),
    vfio: () =>
      context.modules.get('vfio') === null
        ? null
        : listing(
            () => [...context.vfio.groupNodes()].map((node) => node.name),
            (name) =>
              [...context.vfio.groupNodes()].some((node) => node.name === name)
                ? link(relativeLink('class/vfio', `devices/virtual/vfio/${name}`))
                : null,
          ),
    'vfio-dev': () =>
      context.modules.get('vfio') === null && !cdev
        ? null
        : listing(
            () => [...context.vfio.devices()].map((vfio) => vfio.name),
            (name) => {
              const vfio = [...context.vfio.devices()].find((v) => v.name === name);
              return vfio === undefined
                ? null
                : link(relativeLink('class/vfio-dev', `${devicePath(vfio.device)}/vfio-dev/${name}`));
            },
          ),
  });
}

const MISC_MAJOR = 10;

const miscDevices = (context: FsContext): CharacterDevice[] =>
  [...context.characterDevices()].filter((device) => device.major === MISC_MAJOR);

/** Class devices are named by the last part of their path: `vfio` for /dev/vfio/vfio. */
const baseName = (device: CharacterDevice): string => device.path.slice(device.path.lastIndexOf('/') + 1);

/** `/sys/devices/virtual/<class>/<name>` of a character device. */
function classDevice(device: CharacterDevice, subsystem: string, path: string): DirectoryNode {
  return directory({
    dev: () => readOnly(() => `${device.major}:${device.minor}\n`),
    power: () => directory({}),
    subsystem: () => link(relativeLink(path, `class/${subsystem}`)),
    uevent: () =>
      attribute({
        mode: 0o644,
        show: () => `MAJOR=${device.major}\nMINOR=${device.minor}\nDEVNAME=${device.path}\n${modeLine(device)}`,
        store: storeUevent,
      }),
  });
}

/** devtmpfs is told a mode other than its own 0600. */
const modeLine = (device: CharacterDevice): string =>
  device.mode === 0o600 ? '' : `DEVMODE=0${device.mode.toString(8)}\n`;

function devices(context: FsContext): DirectoryNode {
  const roots = (): readonly string[] => context.roots;
  const made = new Map<string, DirectoryNode>();
  return listing(
    roots,
    (name) => {
      if (!roots().includes(name)) return null;
      const known = made.get(name) ?? rootBus(context, name);
      made.set(name, known);
      return known;
    },
    {
      virtual: () =>
        directory({
          iommu: () => virtualUnits(context),
          misc: () =>
            listing(
              () => miscDevices(context).map(baseName),
              (name) => {
                const device = miscDevices(context).find((d) => baseName(d) === name);
                return device === undefined ? null : classDevice(device, 'misc', `devices/virtual/misc/${name}`);
              },
            ),
          vfio: () =>
            listing(
              () => [...context.vfio.groupNodes()].map((node) => node.name),
              (name) => {
                const node = [...context.vfio.groupNodes()].find((n) => n.name === name);
                return node === undefined ? null : classDevice(node, 'vfio', `devices/virtual/vfio/${name}`);
              },
            ),
        }),
    },
  );
}

/** `/sys/devices/pci0000:00`. */
function rootBus(context: FsContext, name: string): DirectoryNode {
  const bus = name.slice('pci'.length);
  const members = () =>
    [...context.pci.devices.values()].filter((device) => device.parent === null && device.function.rootBus === name);
  return listing(
    () => members().map((device) => device.name),
    (entry) => {
      const device = context.pci.devices.get(entry);
      const here = device !== undefined && device.parent === null && device.function.rootBus === name;
      return here ? functionDirectory(context, device) : null;
    },
    {
      pci_bus: () => directory({ [bus]: () => busDirectory(context, null, `devices/${name}/pci_bus/${bus}`) }),
      power: () => directory({}),
      uevent: () => attribute({ mode: 0o644, show: () => '', store: storeUevent }),
    },
  );
}

function pciBusClass(context: FsContext): DirectoryNode {
  const buses = (): Map<string, string> => {
    const paths = new Map<string, string>();
    for (const device of context.pci.devices.values()) {
      const root = device.function.rootBus;
      paths.set(root.slice('pci'.length), `devices/${root}/pci_bus/${root.slice('pci'.length)}`);
      const secondary = device.function.isBridge ? device.config.read(0x19, 1) : 0;
      if (secondary === 0) continue;
      const bus = `${device.name.slice(0, device.name.indexOf(':'))}:${secondary.toString(16).padStart(2, '0')}`;
      paths.set(bus, `${devicePath(device)}/pci_bus/${bus}`);
    }
    return paths;
  };
  return listing(
    () => buses().keys(),
    (name) => {
      const path = buses().get(name);
      return path === undefined ? null : link(relativeLink('class/pci_bus', path));
    },
  );
}

/** IOMMU units: /sys/class/iommu and the directories behind it (iommu-groups.md 6). */
import { attribute, directory, link, listing } from './attribute';
import type { FsContext } from './context';
import type { DirectoryNode } from './node';
import { devicePath, relativeLink } from './sysfs-paths';
import { storeUevent } from './uevent';

/** Below /sys: a unit that is a PCI function has its directory there, others are virtual devices. */
export function unitPath(context: FsContext, unit: string): string {
  const device = context.iommu.functionOf(unit);
  return device === null ? `devices/virtual/iommu/${unit}` : `${devicePath(device)}/iommu/${unit}`;
}

/** /sys/class/iommu: one link for each unit. */
export const iommuClass = (context: FsContext): DirectoryNode =>
  listing(
    () => context.iommu.units(),
    (name) =>
      context.iommu.units().includes(name) ? link(relativeLink('class/iommu', unitPath(context, name))) : null,
  );

/** /sys/devices/virtual/iommu. */
export const virtualUnits = (context: FsContext): DirectoryNode =>
  directory(
    Object.fromEntries(
      context.iommu
        .units()
        .filter((unit) => context.iommu.functionOf(unit) === null)
        .map((unit) => [unit, () => iommuUnit(context, unit)]),
    ),
  );

export function iommuUnit(context: FsContext, unit: string): DirectoryNode {
  const path = unitPath(context, unit);
  const members = () => [...context.pci.devices.values()].filter((device) => context.iommu.unitOf(device) === unit);
  return directory({
    devices: () =>
      listing(
        () => members().map((device) => device.name),
        (name) => {
          const device = members().find((d) => d.name === name);
          return device === undefined ? null : link(relativeLink(`${path}/devices`, devicePath(device)));
        },
      ),
    power: () => directory({}),
    subsystem: () => link(relativeLink(path, 'class/iommu')),
    uevent: () => attribute({ mode: 0o644, show: () => '', store: storeUevent }),
  });
}

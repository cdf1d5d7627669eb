/** /sys/kernel/iommu_groups (iommu-groups.md 6). */
import { ERRNO } from '../errno';
import type { IommuGroup } from '../iommu/group';
import { attribute, directory, link, listing, readOnly } from './attribute';
import type { FsContext } from './context';
import type { DirectoryNode } from './node';
import { hex } from './numbers';
import { devicePath, relativeLink } from './sysfs-paths';

export function groupsDirectory(context: FsContext): DirectoryNode {
  return listing(
    () => [...context.iommu.groups()].map((group) => String(group.id)),
    (name) => {
      const group = /^(0|[1-9]\d*)$/.test(name) ? context.iommu.group(Number(name)) : null;
      return group === null ? null : groupDirectory(context, group);
    },
  );
}

const reservedText = (group: IommuGroup): string =>
  group.reserved.map((r) => `0x${hex(r.start, 16)} 0x${hex(r.end, 16)} ${r.kind}\n`).join('');

function groupDirectory(context: FsContext, group: IommuGroup): DirectoryNode {
  const from = `kernel/iommu_groups/${group.id}/devices`;
  return directory(
    {
      devices: () =>
        listing(
          () => group.devices.map((device) => device.name),
          (name) => {
            const device = group.devices.find((d) => d.name === name);
            return device === undefined ? null : link(relativeLink(from, devicePath(device)));
          },
        ),
      reserved_regions: () => readOnly(() => reservedText(group)),
      type: () =>
        attribute({
          mode: 0o644,
          owner: group,
          show: () => `${context.iommu.typeOf(group)}\n`,
          store: (text, process) => {
            if (!process.capabilities.has('CAP_SYS_ADMIN') || !process.capabilities.has('CAP_SYS_RAWIO')) {
              return context.why.refuse(
                ERRNO.EACCES,
                'iommu.group.type.capability',
                'The process lacks CAP_SYS_ADMIN or CAP_SYS_RAWIO.',
              );
            }
            return context.iommu.setType(group, text.replace(/\n$/, ''), process);
          },
        }),
      name: () => (group.name === null ? null : readOnly(() => `${group.name}\n`)),
    },
    { owner: group },
  );
}

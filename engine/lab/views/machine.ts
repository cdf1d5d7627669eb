import type { Kernel } from '../../linux/kernel';
import type { ViewContext } from './context';
import { culpritOf } from './topology';
import type { MachineView } from './types';

const UNITS: Readonly<Record<string, string>> = {
  'intel-vtd': 'VT-d',
  'amd-vi': 'AMD-Vi',
  'virtio-iommu': 'virtio-iommu',
  smmu: 'SMMU',
  none: 'no IOMMU',
  unknown: 'IOMMU unknown',
};

function iommuText(kernel: Kernel): string {
  const unit = UNITS[kernel.machine.iommu] ?? kernel.machine.iommu;
  if (kernel.machine.iommu === 'none') return unit;
  return `${unit} · IR ${kernel.iommu.interruptRemapping ? 'on' : 'off'}`;
}

const key = (members: readonly string[]): string => [...members].sort().join(' ');

/** Whether the predicted partition is the recorded one; which functions stand elsewhere. */
export function compareWithRecorded(kernel: Kernel): MachineView['recorded'] {
  const recorded = kernel.description.recordedGroups;
  if (recorded === null) return null;
  const recordedKey = new Map<string, string>();
  for (const group of Object.values(recorded)) {
    for (const device of group.devices) recordedKey.set(device, key(group.devices));
  }
  const differing: string[] = [];
  for (const device of kernel.pci.devices.values()) {
    const group = kernel.iommu.groupOf(device);
    const predicted = group ? key(group.devices.map((member) => member.name)) : undefined;
    if (recordedKey.get(device.name) !== predicted) differing.push(device.name);
  }
  return { equal: differing.length === 0, differing };
}

function undecidedOf(kernel: Kernel): MachineView['undecided'] {
  const functions = kernel.iommu.undecided.size;
  if (functions === 0) return null;
  return { functions, shown: kernel.description.recordedGroups === null ? 'rule' : 'recorded' };
}

export function machineView({ machine, document }: ViewContext): MachineView {
  const { kernel, description } = machine;
  const groups = [...kernel.iommu.groups.values()];
  return {
    name: description.name,
    about: description.about,
    source: description.source,
    release: description.kernel.release,
    cmdline: description.kernel.cmdline,
    iommu: iommuText(kernel),
    functions: kernel.pci.devices.size,
    groups: groups.length,
    notViable: groups
      .filter((group) => group.devices.some((d) => !d.function.isBridge) && culpritOf(group) !== null)
      .map((group) => group.id),
    unknown: description.unknown,
    undecided: undecidedOf(kernel),
    recorded: compareWithRecorded(kernel),
    document,
  };
}

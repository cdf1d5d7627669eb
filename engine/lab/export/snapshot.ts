/** A machine as a snapshot, format `machine/1`, which the importer reads back without loss of what it uses. */
import type { FunctionDescription, MachineDescription } from '../../hardware/description';

const IOMMU: Readonly<Record<string, string>> = {
  'intel-vtd': 'intel-vtd',
  'amd-vi': 'amd-vi',
  'virtio-iommu': 'virtio-iommu',
};

/** The emulator's arguments that stand for the IOMMU unit. */
function qemuArguments(machine: MachineDescription): string[] {
  const unit = machine.iommuUnit;
  if (machine.iommu === 'virtio-iommu') return ['-device', 'virtio-iommu-pci'];
  const name = machine.iommu === 'intel-vtd' ? 'intel-iommu' : machine.iommu === 'amd-vi' ? 'amd-iommu' : null;
  if (name === null || !unit) return [];
  const options = [name, `intremap=${unit.interruptRemapping ? 'on' : 'off'}`];
  if (name === 'intel-iommu') {
    options.push(`aw-bits=${unit.addressBits}`, `caching-mode=${unit.cachingMode ? 'on' : 'off'}`);
    options.push(`x-scalable-mode=${unit.scalableMode ? 'on' : 'off'}`);
    options.push(
      `snoop-control=${(unit.snoopControl ?? true) ? 'on' : 'off'}`,
      `eim=${(unit.x2apic ?? true) ? 'on' : 'off'}`,
    );
  }
  return ['-device', options.join(',')];
}

function functionOf(fn: FunctionDescription, groups: ReadonlyMap<string, number>): Record<string, unknown> {
  const { sysfs, ...attributes } = fn.attributes;
  return {
    address: fn.address,
    parent: fn.parent,
    rootBus: fn.rootBus,
    config: fn.config,
    writable: fn.writable,
    writeOneToClear: fn.writeOneToClear,
    ...(fn.notProbed && { notProbed: fn.notProbed }),
    resources: fn.resources,
    group: groups.get(fn.address) ?? null,
    driver: fn.driver,
    irq: fn.irq === null ? null : String(fn.irq),
    resetMethod: fn.resetMethod === '' ? null : fn.resetMethod,
    numaNode: fn.numaNode,
    sriov: fn.sriov && { totalvfs: fn.sriov.totalVfs, numvfs: fn.sriov.numVfs },
    physfn: fn.physicalFunction,
    ...attributes,
    ...(typeof sysfs === 'string' && { sysfs: sysfs.split(' ') }),
  };
}

export function exportSnapshot(machine: MachineDescription): string {
  const groups = new Map<string, number>();
  for (const [id, group] of Object.entries(machine.recordedGroups ?? {})) {
    for (const address of group.devices) groups.set(address, Number(id));
  }
  const snapshot = {
    format: 'machine/1',
    name: machine.name,
    about: machine.about,
    kernel: machine.kernel.release,
    cmdline: machine.kernel.cmdline,
    iommu: IOMMU[machine.iommu] ?? 'none',
    ...(machine.kernel.build !== 'debian' && { kernelBuild: machine.kernel.build }),
    ...(machine.iommuTable && { iommuTable: machine.iommuTable }),
    qemu: qemuArguments(machine),
    modules: machine.kernel.modules,
    moduleOptions: machine.kernel.moduleOptions,
    drivers: machine.kernel.drivers,
    functions: machine.functions.map((fn) => functionOf(fn, groups)),
    groups: Object.fromEntries(
      Object.entries(machine.recordedGroups ?? {}).map(([id, { devices, type, reserved }]) => [
        id,
        { devices, type, reserved },
      ]),
    ),
  };
  return `${JSON.stringify(snapshot, null, 1)}\n`;
}

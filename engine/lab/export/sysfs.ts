/** A machine as a copy of `/sys`, in the form that the importer and `lspci -O sysfs.path=` read. */
import type { FunctionDescription, MachineDescription } from '../../hardware/description';
import { fromHex } from '../../shell/calls/hex';
import type { Archive } from '../import/tar';
import { idsOf } from './identity';

const encoder = new TextEncoder();
const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
const upper = (value: number, digits: number): string => hex(value, digits).toUpperCase();

/** Folder of a function below `devices/`, through all bridges above it. */
function folderOf(fn: FunctionDescription, byAddress: ReadonlyMap<string, FunctionDescription>): string {
  const parts = [fn.address];
  let above = fn.parent;
  for (let left = byAddress.size; above !== null && left > 0; left--) {
    parts.unshift(above);
    above = byAddress.get(above)?.parent ?? null;
  }
  return `devices/${fn.rootBus}/${parts.join('/')}`;
}

/** Relative target of a link in folder `from` to `to`, both below the top. */
function relative(from: string, to: string): string {
  return `${'../'.repeat(from.split('/').length)}${to}`;
}

const EMPTY_ROW = '0x0000000000000000 0x0000000000000000 0x0000000000000000';

function attributeFiles(fn: FunctionDescription, machine: MachineDescription): Record<string, string> {
  const ids = idsOf(fn, machine);
  const base = ids.classCode >> 16;
  const sub = (ids.classCode >> 8) & 0xff;
  const modalias = `pci:v${upper(ids.vendor, 8)}d${upper(ids.device, 8)}sv${upper(ids.subVendor, 8)}sd${upper(ids.subDevice, 8)}bc${upper(base, 2)}sc${upper(sub, 2)}i${upper(ids.classCode & 0xff, 2)}`;
  const rows =
    fn.resources ?? Array<[string, string, string]>(13).fill(EMPTY_ROW.split(' ') as [string, string, string]);
  const uevent = [
    ...(fn.driver === null ? [] : [`DRIVER=${fn.driver}`]),
    `PCI_CLASS=${upper(ids.classCode, 4)}`,
    `PCI_ID=${upper(ids.vendor, 4)}:${upper(ids.device, 4)}`,
    `PCI_SUBSYS_ID=${upper(ids.subVendor, 4)}:${upper(ids.subDevice, 4)}`,
    `PCI_SLOT_NAME=${fn.address}`,
    `MODALIAS=${modalias}`,
  ].join('\n');
  const files: Record<string, string> = {
    vendor: `0x${hex(ids.vendor, 4)}`,
    device: `0x${hex(ids.device, 4)}`,
    subsystem_vendor: `0x${hex(ids.subVendor, 4)}`,
    subsystem_device: `0x${hex(ids.subDevice, 4)}`,
    class: `0x${hex(ids.classCode, 6)}`,
    revision: `0x${hex(ids.revision, 2)}`,
    irq: String(fn.irq ?? 0),
    numa_node: String(fn.numaNode),
    modalias,
    uevent,
    resource: rows.map((row) => row.join(' ')).join('\n'),
  };
  if (fn.attributes['untrusted'] === 1) files.removable = 'removable';
  if (fn.resetMethod) files.reset_method = fn.resetMethod;
  if (fn.sriov) {
    files.sriov_totalvfs = String(fn.sriov.totalVfs);
    files.sriov_numvfs = String(fn.sriov.numVfs);
  }
  return files;
}

export function exportSysfs(machine: MachineDescription): Archive {
  const files = new Map<string, Uint8Array>();
  const links = new Map<string, string>();
  const put = (path: string, text: string): void => void files.set(path, encoder.encode(`${text}\n`));
  const byAddress = new Map(machine.functions.map((fn) => [fn.address, fn]));
  const folders = new Map(machine.functions.map((fn) => [fn.address, folderOf(fn, byAddress)]));
  for (const fn of machine.functions) {
    const folder = folders.get(fn.address)!;
    files.set(`${folder}/config`, fromHex(fn.config));
    for (const [name, text] of Object.entries(attributeFiles(fn, machine))) put(`${folder}/${name}`, text);
    links.set(`bus/pci/devices/${fn.address}`, relative('bus/pci/devices', folder));
    if (fn.driver !== null) {
      links.set(`${folder}/driver`, relative(folder, `bus/pci/drivers/${fn.driver}`));
      links.set(`bus/pci/drivers/${fn.driver}/${fn.address}`, relative(`bus/pci/drivers/${fn.driver}`, folder));
    }
    const physical = fn.physicalFunction === null ? undefined : folders.get(fn.physicalFunction);
    if (physical !== undefined) links.set(`${folder}/physfn`, relative(folder, physical));
  }
  for (const [id, group] of Object.entries(machine.recordedGroups ?? {})) {
    const top = `kernel/iommu_groups/${id}`;
    if (group.type !== null) put(`${top}/type`, group.type);
    put(`${top}/reserved_regions`, group.reserved.map((row) => row.join(' ')).join('\n'));
    for (const address of group.devices) {
      const folder = folders.get(address);
      if (folder === undefined) continue;
      links.set(`${top}/devices/${address}`, relative(`${top}/devices`, folder));
      links.set(`${folder}/iommu_group`, relative(folder, top));
    }
  }
  put('proc/cmdline', machine.kernel.cmdline);
  put('proc/version', `Linux version ${machine.kernel.release || '6.12.0'}`);
  return { files, links, folders: new Set(machine.iommu === 'none' ? ['class/iommu', 'kernel/iommu_groups'] : []) };
}

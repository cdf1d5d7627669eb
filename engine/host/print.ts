/** What `vfiolab groups` and `vfiolab why` print. */
import type { MachineDescription } from '../hardware/description';
import { bootKernel } from '../linux/kernel';
import type { PciDevice } from '../linux/pci/device';
import { explainPair, explanationLines } from '../linux/iommu/separate';
import { pciIds } from '../shell/pci-ids';

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

const shortName = (name: string, domains: boolean): string => (domains ? name : name.replace(/^0000:/, ''));

/** One function as `lspci -nns` prints it. */
function lspciLine(device: PciDevice, description: MachineDescription, domains: boolean): string {
  const ids = pciIds();
  const described = description.functions.find((fn) => fn.address === device.name);
  const base = device.class >>> 16;
  const sub = (device.class >>> 8) & 0xff;
  const className = ids.subclass(base, sub) ?? ids.baseClass(base) ?? described?.className ?? 'Class';
  const vendor = ids.vendor(device.vendor);
  const name = vendor
    ? `${vendor} ${ids.device(device.vendor, device.device) ?? 'Device'}`
    : (described?.deviceName ?? 'Device');
  const revision = device.config.read(0x08, 1);
  const rev = revision === 0 ? '' : ` (rev ${hex(revision, 2)})`;
  return `${shortName(device.name, domains)} ${className} [${hex(device.class >>> 8, 4)}]: ${name} [${hex(device.vendor, 4)}:${hex(device.device, 4)}]${rev}`;
}

export function printGroups(description: MachineDescription, json: boolean): number {
  const kernel = bootKernel(description);
  const groups = [...kernel.iommu.groups.values()].sort((a, b) => a.id - b.id);
  if (json) {
    const recorded = description.recordedGroups;
    console.log(
      JSON.stringify({
        groups: Object.fromEntries(groups.map((group) => [group.id, group.devices.map((device) => device.name)])),
        recorded: recorded && Object.fromEntries(Object.entries(recorded).map(([id, group]) => [id, group.devices])),
        unknown: description.unknown,
      }),
    );
    return 0;
  }
  const domains = description.functions.some((fn) => !fn.address.startsWith('0000:'));
  for (const group of groups) {
    console.log(`IOMMU Group ${group.id}:`);
    for (const device of group.devices) console.log(`\t${lspciLine(device, description, domains)}`);
  }
  if (groups.length === 0) console.log('There are no IOMMU groups: the machine has no IOMMU, or it is off.');
  for (const fact of description.unknown) {
    console.error(`unknown: ${fact.function ? `${fact.function}: ` : ''}${fact.what}: ${fact.why}`);
  }
  return 0;
}

export function printWhy(description: MachineDescription, first: string, second: string, json: boolean): number {
  const kernel = bootKernel(description);
  const find = (text: string): PciDevice | undefined =>
    kernel.pci.devices.get(text) ?? kernel.pci.devices.get(`0000:${text}`);
  const a = find(first);
  const b = find(second);
  if (!a || !b) {
    console.error(`vfiolab: the machine has no function ${a ? second : first}`);
    return 1;
  }
  const explanation = explainPair(kernel.iommu, a, b);
  if (json) console.log(JSON.stringify(explanation));
  else for (const line of explanationLines(explanation)) console.log(line);
  return 0;
}

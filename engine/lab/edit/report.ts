/** What an edit did to the machine as a whole: names that boot gave, functions that are new, processes that ended. */
import type { MachineDescription } from '../../hardware/description';
import { renamed } from '../../hardware/renamed';
import type { Kernel } from '../../linux/kernel';
import { functionKeys } from '../views/keys';
import type { Edited } from './index';

export interface EditReport {
  readonly added: readonly string[];
  /** The first function of what was asked for; null when nothing was added or moved. */
  readonly main: string | null;
  /** Its key, which later boots leave as it is. */
  readonly key: string | null;
  /** Functions that have another address: before → now. */
  readonly names: ReadonlyMap<string, string>;
  /** Processes that held devices and ended with the machine: `nvme-demo (4217)`. */
  readonly ended: readonly string[];
  readonly notes: readonly string[];
}

/** The description by the names that boot gave. */
export function asBooted(description: MachineDescription, kernel: Kernel): MachineDescription {
  const names = bootNames(kernel);
  if (names.size === 0) return description;
  return {
    ...description,
    functions: renamed(description.functions, names),
  };
}

/** Addresses of the description that boot changed → the names it gave. */
function bootNames(kernel: Kernel): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [name, { address }] of kernel.described) if (name !== address) names.set(address, name);
  return names;
}

export function reportOf(
  before: { kernel: Kernel; description: MachineDescription },
  edited: Edited,
  { kernel, description }: { kernel: Kernel; description: MachineDescription },
): EditReport {
  const booted = bootNames(kernel);
  const now = (address: string): string => booted.get(address) ?? address;
  const names = new Map<string, string>();
  for (const { address } of before.description.functions) {
    const name = now(edited.renamed.get(address) ?? address);
    if (name !== address) names.set(address, name);
  }
  const main = edited.main === null ? null : now(edited.main);
  const device = main === null ? undefined : kernel.pci.devices.get(main);
  return {
    added: edited.added.map(now),
    main,
    key: device ? functionKeys(description).of(device) : null,
    names,
    ended: usersOf(before.kernel),
    notes: edited.notes,
  };
}

/** Processes with descriptors other than the shells of the terminals and init have. */
function usersOf(kernel: Kernel): string[] {
  const found: string[] = [];
  for (const process of kernel.processes.all()) {
    for (const [, file] of process.files.entries()) {
      if (!file.kind.startsWith('vfio') && file.kind !== 'iommufd') continue;
      found.push(`${process.name} (${process.pid})`);
      break;
    }
  }
  return found;
}

/** Changes of the silicon as pure functions on the machine's description. */
import type { FunctionDescription, MachineDescription } from '../hardware/description';
import type { Kernel } from '../linux/kernel';
import { fromHex, toHex } from '../shell/calls/hex';
import type { TopologyEdit } from './input';

/** A function and everything below it, and the virtual functions of what goes. */
function withDescendants(functions: readonly FunctionDescription[], address: string): Set<string> {
  const gone = new Set([address]);
  for (let grown = true; grown;) {
    grown = false;
    for (const fn of functions) {
      if (gone.has(fn.address)) continue;
      if (
        (fn.parent !== null && gone.has(fn.parent)) ||
        (fn.physicalFunction !== null && gone.has(fn.physicalFunction))
      ) {
        gone.add(fn.address);
        grown = true;
      }
    }
  }
  return gone;
}

function removeFunction(description: MachineDescription, address: string): MachineDescription | string {
  if (!description.functions.some((fn) => fn.address === address)) return `There is no function ${address}.`;
  const gone = withDescendants(description.functions, address);
  return {
    ...description,
    functions: description.functions.filter((fn) => !gone.has(fn.address)),
    recordedGroups: description.recordedGroups && withoutMembers(description.recordedGroups, gone),
    unknown: description.unknown.filter((fact) => fact.function === null || !gone.has(fact.function)),
  };
}

function withoutMembers(groups: NonNullable<MachineDescription['recordedGroups']>, gone: ReadonlySet<string>) {
  return Object.fromEntries(
    Object.entries(groups)
      .map(([id, group]) => [id, { ...group, devices: group.devices.filter((device) => !gone.has(device)) }] as const)
      .filter(([, group]) => group.devices.length > 0),
  );
}

function editConfig(description: MachineDescription, address: string, offset: number, hex: string) {
  const fn = description.functions.find((candidate) => candidate.address === address);
  if (!fn) return `There is no function ${address}.`;
  const bytes = fromHex(fn.config);
  const data = fromHex(hex);
  if (data.length === 0 || offset < 0 || offset + data.length > bytes.length) {
    return `${address} has ${bytes.length} bytes of config space; bytes ${offset} to ${offset + data.length - 1} are not in it.`;
  }
  bytes.set(data, offset);
  const known = fn.known === null ? null : fromHex(fn.known);
  known?.fill(0xff, offset, offset + data.length);
  const edited: FunctionDescription = { ...fn, config: toHex(bytes), known: known && toHex(known) };
  return {
    ...description,
    // Groups that a dump recorded belong to the registers it recorded, not to edited ones.
    recordedGroups: null,
    functions: description.functions.map((candidate) => (candidate === fn ? edited : candidate)),
  };
}

/** The description after an edit, or a sentence that says why it cannot be. The running kernel's bindings are kept. */
export function applyEdit(
  description: MachineDescription,
  kernel: Kernel,
  edit: TopologyEdit,
): MachineDescription | string {
  const bound: MachineDescription = {
    ...description,
    functions: description.functions.map((fn) => ({
      ...fn,
      driver: kernel.pci.devices.get(fn.address)?.driver?.name ?? fn.driver,
    })),
  };
  switch (edit.kind) {
    case 'replace':
      return edit.description;
    case 'remove':
      return removeFunction(bound, edit.address);
    case 'config':
      return editConfig(bound, edit.address, edit.offset, edit.hex);
  }
}

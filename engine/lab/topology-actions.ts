/** What the topology pane does to a machine: edits of the silicon, and what root does to functions through sysfs. */
import type { Action } from './action';
import { editLabel, editMessage, listed } from './edit/words';
import { Refused, devicePath, short, write } from './script';
import type { Script } from './script';

export type TopologyAction = Extract<Action, { kind: 'edit' | 'set-acs' | 'rescan' | 'set-vfs' | 'reboot' }>;

const KINDS: ReadonlySet<string> = new Set(['edit', 'set-acs', 'rescan', 'set-vfs', 'reboot']);
export const isTopologyAction = (action: Action): action is TopologyAction => KINDS.has(action.kind);

const hex4 = (value: number): string => value.toString(16).padStart(4, '0');

/** ACS Control, as `setpci -s ADDRESS ECAP_ACS+6.w=VALUE` writes it. */
function setAcs(script: Script, changes: readonly { address: string; control: number }[]): string {
  for (const { address, control } of changes) {
    const at = script.caller.acsAt(address);
    if (at === null) {
      throw new Refused(`${short(address)} has no ACS capability: there is no bit to set.`, 'ENODEV', null);
    }
    const text = hex4(control);
    script.call(
      script.caller.rootPid(),
      { op: 'syswrite', path: `${devicePath(address)}/config`, offset: at + 6, hex: text.slice(2) + text.slice(0, 2) },
      `ACS Control of ${short(address)} was not written`,
    );
  }
  const names = changes.map(({ address, control }) => `${short(address)} = ${hex4(control)}`);
  return `ACS Control: ${listed(names)}.`;
}

const UNCHANGED = 'Linux groups a function when it is added, so the groups did not change.';

/** Takes functions off the bus and has Linux find them again, which groups them anew. */
function rescan(script: Script, addresses: readonly string[]): string {
  for (const address of addresses) {
    const answer = write(script, `${devicePath(address)}/remove`, '1', `${short(address)} was not removed`);
    if (!answer.pending) continue;
    throw new Refused(
      `${short(address)} is not removed yet: a process holds a device there, and its driver has asked it to let go.`,
      'EBUSY',
      null,
    );
  }
  write(script, '/sys/bus/pci/rescan', '1', 'The bus was not scanned');
  const lost = addresses.filter((address) => !script.caller.isListed(address));
  if (lost.length > 0) throw new Refused(`The scan did not find ${listed(lost.map(short))} again.`, 'ENODEV', null);
  return `${listed(addresses.map(short))} ${addresses.length === 1 ? 'was' : 'were'} removed and found again.`;
}

function setVirtualFunctions(script: Script, address: string, count: number): string {
  const path = `${devicePath(address)}/sriov_numvfs`;
  const refusal = `The virtual functions of ${short(address)} were not changed`;
  const now = script.caller.observe({ op: 'sysread', path }).text?.trim() ?? '0';
  if (now === String(count)) return `${short(address)} has ${count} virtual functions already.`;
  if (now !== '0' && count !== 0) pendingRefused(write(script, path, '0', refusal).pending, address);
  pendingRefused(write(script, path, String(count), refusal).pending, address);
  return count === 0
    ? `${short(address)} has no virtual functions any more.`
    : `${short(address)} has ${count} ${count === 1 ? 'virtual function' : 'virtual functions'}.`;
}

function pendingRefused(pending: true | undefined, address: string): void {
  if (!pending) return;
  throw new Refused(
    `The virtual functions of ${short(address)} cannot go yet: a process holds one open, and its driver has asked it to let go.`,
    'EBUSY',
    null,
  );
}

export function performTopology(script: Script, action: TopologyAction): string {
  switch (action.kind) {
    case 'edit':
      script.input({ kind: 'edit', edit: action.edit });
      return editMessage(action.edit, script.report ?? undefined);
    case 'set-acs': {
      const told = setAcs(script, action.changes);
      const { rescan: addresses = [] } = action;
      return addresses.length === 0 ? `${told} ${UNCHANGED}` : `${told} ${rescan(script, addresses)}`;
    }
    case 'rescan':
      return rescan(script, action.addresses);
    case 'set-vfs':
      return setVirtualFunctions(script, action.address, action.count);
    case 'reboot':
      script.input({ kind: 'reboot', cmdline: action.cmdline });
      return action.cmdline === null
        ? 'The machine was started again.'
        : 'The machine was started with the new command line.';
  }
}

export function topologyLabel(action: TopologyAction): string {
  switch (action.kind) {
    case 'edit':
      return editLabel(action.edit);
    case 'set-acs':
      return `Set ACS of ${listed(action.changes.map(({ address }) => short(address)))}`;
    case 'rescan':
      return `Remove and rescan ${listed(action.addresses.map(short))}`;
    case 'set-vfs':
      return `Set ${action.count} VFs of ${short(action.address)}`;
    case 'reboot':
      return action.cmdline === null ? 'Reboot' : 'Reboot with another command line';
  }
}

import { describe, expect, it } from 'vitest';
import { EMPTY_MACHINE, MachineBuilder } from '../hardware/parts/fixture';
import { headlessHost } from '../host/headless';
import type { Action, ActionResult } from './action';
import { DocumentError, readDocument } from './document/format';
import type { TopologyEdit } from './input';
import { Lab } from './lab';

const host = headlessHost();

/** Story board 5: a switch below a root port that the command line keeps from isolating. */
function open(): Lab {
  const cmdline = 'intel_iommu=on pci=config_acs=0000000@00:01.0';
  const builder = new MachineBuilder({ ...EMPTY_MACHINE, kernel: { ...EMPTY_MACHINE.kernel, cmdline } });
  const ports = builder.behindPort('switch-acs', { ports: 2 });
  builder.add('nvme', ports[1]!);
  builder.add('lab-nic', ports[2]!);
  return new Lab(host, builder.description);
}

function act(lab: Lab, action: Action): ActionResult {
  const result = lab.act(action);
  expect(result, JSON.stringify(action)).toMatchObject({ ok: true });
  return result;
}
const edit = (lab: Lab, change: TopologyEdit): ActionResult => act(lab, { kind: 'edit', edit: change });
const groups = (lab: Lab): string[] =>
  lab.view('topology', null).groups.map((group) => group.members.map((member) => member.slice(5)).join(' '));

describe('ACS bits of a running machine', () => {
  const port = '0000:00:01.0';

  it('change no group before the function is added again', () => {
    const lab = open();
    expect(groups(lab)).toEqual(['00:00.0', '00:01.0 01:00.0 02:01.0 02:02.0 03:00.0 04:00.0']);
    const result = act(lab, { kind: 'set-acs', changes: [{ address: port, control: 0x1d }] });
    expect(result.message).toBe(
      'ACS Control: 00:01.0 = 001d. Linux groups a function when it is added, so the groups did not change.',
    );
    expect(result.calls).toHaveLength(1);
    expect(groups(lab)).toHaveLength(2);
    const found = act(lab, { kind: 'rescan', addresses: ['0000:01:00.0'] });
    expect(found.calls.map((call) => call.includes('rescan') || call.includes('remove'))).toEqual([true, true]);
    expect(groups(lab).sort()).toEqual(['00:00.0', '00:01.0', '01:00.0', '02:01.0', '02:02.0', '03:00.0', '04:00.0']);
    lab.undo();
    lab.undo();
    expect(groups(lab)).toHaveLength(2);
  });

  it('are set by Linux again when the port itself is added again', () => {
    const lab = open();
    act(lab, { kind: 'set-acs', changes: [{ address: port, control: 0x1d }] });
    act(lab, { kind: 'rescan', addresses: [port] });
    expect(groups(lab)).toHaveLength(2);
    expect(lab.view('dmesg', null).lines.filter((line) => line.includes('Configured ACS to 0x0000'))).toHaveLength(2);
  });

  it('are refused where there is no capability', () => {
    const result = open().act({ kind: 'set-acs', changes: [{ address: '0000:03:00.0', control: 1 }] });
    expect(result).toMatchObject({ ok: false, message: '03:00.0 has no ACS capability: there is no bit to set.' });
  });

  it('come from another command line at the next boot', () => {
    const lab = open();
    act(lab, { kind: 'reboot', cmdline: 'intel_iommu=on' });
    expect(groups(lab)).toHaveLength(7);
  });
});

describe('virtual functions', () => {
  it('come and go by sriov_numvfs, stay over an edit, with their drivers', () => {
    const moduleOptions = { 'vfio-pci': 'enable_sriov=1' };
    const builder = new MachineBuilder({ ...EMPTY_MACHINE, kernel: { ...EMPTY_MACHINE.kernel, moduleOptions } });
    builder.behindPort('lab-nic-sriov', { vfs: 7 });
    const lab = new Lab(host, builder.description);
    const pf = '0000:01:00.0';
    expect(lab.act({ kind: 'set-vfs', address: pf, count: 3 }).message).toMatch(/were not changed \(ENOENT\)\.$/);
    act(lab, { kind: 'bind', address: pf, driver: 'vfio-pci' });
    const virtual = (): string[] =>
      lab.view('topology', null).functions.flatMap((fn) => (fn.physicalFunction === pf ? [fn.driver ?? '-'] : []));
    expect(act(lab, { kind: 'set-vfs', address: pf, count: 2 }).message).toBe('01:00.0 has 2 virtual functions.');
    expect(virtual()).toHaveLength(2);
    act(lab, { kind: 'set-vfs', address: pf, count: 3 });
    expect(virtual()).toHaveLength(3);
    const third = lab.view('topology', null).functions.filter((fn) => fn.physicalFunction === pf)[2]!.address;
    act(lab, { kind: 'bind', address: third, driver: 'vfio-pci' });
    const before = virtual();
    expect(before[2]).toBe('vfio-pci');
    edit(lab, { kind: 'add', part: 'root-port', at: { parent: null } });
    expect(virtual()).toEqual(before);
    expect(lab.act({ kind: 'set-vfs', address: pf, count: 5000 })).toMatchObject({ ok: false });
  });
});

describe('edits as actions', () => {
  it('have names for undo and say what else they did', () => {
    const lab = open();
    const added = edit(lab, { kind: 'add', part: 'nvme', at: null });
    expect(added.message).toBe('NVMe drive is 05:00.0.');
    expect(added.edited).toMatchObject({
      main: '0000:05:00.0',
      notes: ['No port was free: a root port was put in for it.'],
    });
    expect(lab.undo().message).toBe('Undone: Add NVMe drive.');
    const moved = edit(lab, { kind: 'add', part: 'root-port', at: { parent: null } });
    edit(lab, { kind: 'move', address: '0000:03:00.0', to: { parent: moved.edited!.main! } });
    expect(lab.undo().message).toBe('Undone: Move 03:00.0 below 00:02.0.');
  });

  it('tell who ended with the machine', () => {
    const lab = open();
    act(lab, { kind: 'reboot', cmdline: 'intel_iommu=on' });
    act(lab, { kind: 'bind', address: '0000:04:00.0', driver: 'vfio-pci' });
    const group = lab.view('topology', null).functions.find((fn) => fn.address === '0000:04:00.0')!.group!;
    act(lab, { kind: 'attach', group, pid: null, containerFd: null });
    const result = edit(lab, { kind: 'add', part: 'root-port', at: { parent: null } });
    expect(result.edited!.notes.at(-1)).toMatch(
      /^The machine was powered off for it, which ended vfio-client \(\d+\)\. Undo brings everything back\.$/,
    );
    const fn = lab.view('topology', null).functions.find((one) => one.address === '0000:04:00.0')!;
    expect(fn.driver).toBe('vfio-pci');
    lab.undo();
    expect(lab.view('topology', null).groups.some((one) => one.owned)).toBe(true);
  });

  it('come back from a file, and a broken one is refused there', () => {
    const lab = open();
    edit(lab, {
      kind: 'several',
      edits: [
        { kind: 'add', part: 'nvme', at: null },
        { kind: 'remove', address: '0000:03:00.0' },
      ],
    });
    edit(lab, { kind: 'copy', addresses: ['0000:01:00.0'], to: null });
    const text = new TextDecoder().decode(lab.serialize());
    const { hash } = lab;
    expect(lab.openBytes('again.vfiolab', new TextEncoder().encode(text), null)).toMatchObject({ ok: true });
    expect(lab.hash).toBe(hash);
    const broken = text.replace('"kind":"copy","addresses":["0000:01:00.0"]', '"kind":"copy","addresses":"all"');
    expect(broken).not.toBe(text);
    expect(() => readDocument(broken)).toThrow(DocumentError);
  });
});

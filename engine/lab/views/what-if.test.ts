import { describe, expect, it } from 'vitest';
import { EMPTY_MACHINE, MachineBuilder } from '../../hardware/parts/fixture';
import { headlessHost } from '../../host/headless';
import type { Action } from '../action';
import { importMachine } from '../import';
import { Lab } from '../lab';
import { withAcsOption } from './config-acs';

const host = headlessHost();
const PORT = '0000:00:01.0';

/** Story board 5: a switch below a root port that the command line keeps from isolating. */
function open(cmdline = 'intel_iommu=on pci=config_acs=0000000@00:01.0'): Lab {
  const builder = new MachineBuilder({ ...EMPTY_MACHINE, kernel: { ...EMPTY_MACHINE.kernel, cmdline } });
  const ports = builder.behindPort('switch-acs', { ports: 2 });
  builder.add('nvme', ports[1]!);
  builder.add('lab-nic', ports[2]!);
  return new Lab(host, builder.description);
}

function act(lab: Lab, action: Action): void {
  expect(lab.act(action), JSON.stringify(action)).toMatchObject({ ok: true });
}

describe('what if', () => {
  it('tells the groups, their colours, the reach and the ways to get there, and changes nothing', () => {
    const lab = open();
    const before = lab.hash;
    const shown = lab.view('topology', null);
    const preview = lab.view('what-if', { changes: [{ address: PORT, control: 0x1d }] });
    expect(preview.changes).toEqual([{ address: PORT, before: 0, after: 0x1d, offered: 0x1f }]);
    expect(preview.texts).toEqual([
      expect.objectContaining({
        kind: 'split',
        text: 'Group 1 split into 1, 2, 3, 4, 5 and 6.',
        because: '00:01.0 isolates now (root port: ACS SV RR CR UF on)',
      }),
    ]);
    expect(preview.rescan).toEqual(['0000:01:00.0']);
    expect(preview.setpci).toEqual(['setpci -s 00:01.0 ECAP_ACS+6.w=001d']);
    expect(preview.option).toBe('pci=config_acs=0011101@00:01.0');
    expect(preview.cmdline).toBe('intel_iommu=on pci=config_acs=0011101@00:01.0');
    expect(preview.functions.map((fn) => [fn.address.slice(5), fn.before, fn.after])).toEqual([
      ['00:01.0', 1, 1],
      ['01:00.0', 1, 2],
      ['02:01.0', 1, 3],
      ['02:02.0', 1, 4],
      ['03:00.0', 1, 5],
      ['04:00.0', 1, 6],
    ]);
    const places = preview.groups.filter((group) => group.hasEndpoint).map((group) => group.place);
    expect(new Set(places).size).toBe(3);
    expect(lab.hash).toBe(before);
    expect(lab.view('topology', null)).toEqual(shown);
  });

  it('gives the numbers that Linux then gives', () => {
    const lab = open();
    const preview = lab.view('what-if', { changes: [{ address: PORT, control: 0x1d }] });
    act(lab, { kind: 'set-acs', changes: [{ address: PORT, control: 0x1d }] });
    act(lab, { kind: 'rescan', addresses: preview.rescan });
    const made = new Map(lab.view('topology', null).groups.map((group) => [group.id, [...group.members].sort()]));
    expect(made).toEqual(new Map(preview.groups.map((group) => [group.id, [...group.members].sort()])));
  });

  it('gives at boot what it says of the command line', () => {
    const lab = open();
    const { cmdline, groups } = lab.view('what-if', { changes: [{ address: PORT, control: 0x1d }] });
    act(lab, { kind: 'reboot', cmdline });
    const sets = (list: readonly { members: readonly string[] }[]): string[] =>
      list.map(({ members }) => [...members].sort().join()).sort();
    expect(sets(lab.view('topology', null).groups)).toEqual(sets(groups));
  });

  it('shows what a peer reaches once a port no longer redirects', () => {
    const lab = open('intel_iommu=on');
    const [down] = lab.view('topology', null).functions.filter((fn) => fn.kind === 'switch-down');
    const preview = lab.view('what-if', { changes: [{ address: down!.address, control: 0 }] });
    expect(preview.reach!.after).toBeGreaterThan(preview.reach!.before);
    expect(preview.functions.some((fn) => fn.reachAfter > fn.reachBefore)).toBe(true);
  });

  it('takes only bits that the capability offers', () => {
    const { changes } = open().view('what-if', {
      changes: [
        { address: PORT, control: 0x7f },
        { address: '0000:03:00.0', control: 1 },
        { address: '0000:77:00.0', control: 1 },
      ],
    });
    expect(changes).toEqual([{ address: PORT, before: 0, after: 0x1f, offered: 0x1f }]);
  });
});

describe('stale groups', () => {
  it('are told until the functions were added again', () => {
    const lab = open();
    expect(lab.view('topology', null).stale).toBeNull();
    act(lab, { kind: 'set-acs', changes: [{ address: PORT, control: 0x1d }] });
    const { stale, groups } = lab.view('topology', null);
    expect(stale).toEqual({ rescan: ['0000:01:00.0'] });
    expect(groups.map((group) => group.stale ?? false)).toEqual([false, true]);
    act(lab, { kind: 'rescan', addresses: stale!.rescan });
    expect(lab.view('topology', null).stale).toBeNull();
    act(lab, { kind: 'set-acs', changes: [{ address: PORT, control: 0 }] });
    const merged = lab.view('topology', null);
    expect(merged.stale).toEqual({ rescan: ['0000:01:00.0'] });
    expect(merged.groups.filter((group) => group.stale)).toHaveLength(6);
  });

  it.each(host.samples().map(({ id }) => id))('are not in %s as it is opened', (id) => {
    const lab = new Lab(host, importMachine(id, host.readSample(id)));
    expect(lab.view('topology', null).stale).toBeNull();
  });
});

describe('group changes', () => {
  const texts = (lab: Lab): string[] => lab.view('topology', null).changes.list.map(({ text }) => text);

  it('follow functions through other addresses, with colours that stay', () => {
    const builder = new MachineBuilder();
    const first = builder.add('root-port')[0]!;
    builder.behindPort('nvme');
    builder.behindPort('lab-nic');
    expect(first).toBe('0000:00:01.0');
    const lab = new Lab(host, builder.description);
    const places = (): Record<string, number> => {
      const { functions, groups } = lab.view('topology', null);
      const placeOf = new Map(groups.map(({ id, place }) => [id, place]));
      return Object.fromEntries(functions.map((fn) => [fn.key, placeOf.get(fn.group!)!]));
    };
    const before = places();
    expect(texts(lab)).toEqual([]);
    act(lab, {
      kind: 'edit',
      edit: { kind: 'add', part: 'switch-acs', straps: { ports: 1 }, at: { parent: '0000:00:01.0' } },
    });
    const after = lab.view('topology', null);
    expect(after.functions.map((fn) => fn.address.slice(5))).toContain('04:00.0');
    expect(after.changes.list.map(({ kind }) => kind)).toEqual(['new', 'new', 'renumbered']);
    expect(places()).toMatchObject(before);
    lab.undo();
    expect(places()).toEqual(before);
    expect(lab.view('topology', null).changes.list.map(({ kind }) => kind)).toEqual(['gone', 'gone', 'renumbered']);
  });

  it('say what separated and what joined', () => {
    const builder = new MachineBuilder();
    const ports = builder.behindPort('switch-acs', { ports: 2 });
    builder.add('nvme', ports[1]!);
    builder.add('nvme', ports[2]!);
    const lab = new Lab(host, builder.description);
    lab.view('topology', null);
    act(lab, { kind: 'edit', edit: { kind: 'acs', address: PORT, services: [] } });
    const merged = lab.view('topology', null).changes.list;
    expect(merged.map(({ text }) => text)).toEqual(['Groups 1, 2, 3, 4, 5 and 6 merged into 1.']);
    expect(merged[0]!.because).toBe('00:01.0 does not isolate (root port without an ACS capability)');
    lab.undo();
    const split = lab.view('topology', null).changes.list;
    expect(split.map(({ text }) => text)).toEqual(['Group 1 split into 1, 2, 3, 4, 5 and 6.']);
    expect(split[0]!.because).toBe('00:01.0 isolates now (root port: ACS SV RR CR UF on)');
  });

  it('of another document are none', () => {
    const lab = Lab.create(host);
    lab.view('topology', null);
    lab.openSample('q35-switch');
    expect(texts(lab)).toEqual([]);
  });
});

describe('pci=config_acs', () => {
  it.each([
    ['quiet', 'quiet pci=config_acs=0011101@00:01.0'],
    ['pci=noats quiet', 'quiet pci=noats,config_acs=0011101@00:01.0'],
    ['pci=config_acs=1@00:01.0;x1@00:02.0', 'pci=config_acs=0011101@00:01.0;x1@00:02.0'],
    ['pci=config_acs=1@0000:00:01.0,noats', 'pci=noats,config_acs=0011101@00:01.0'],
  ])('%s', (before, after) => {
    expect(withAcsOption(before, [{ address: PORT, after: 0x1d }]).cmdline).toBe(after);
  });
});

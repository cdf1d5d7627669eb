/** What changes groups tells what became of them, and which step of the rule decided. */
import { describe, expect, it } from 'vitest';
import { EMPTY_MACHINE, MachineBuilder } from '../../hardware/parts/fixture';
import { headlessHost } from '../../host/headless';
import type { Action } from '../action';
import { Lab } from '../lab';
import type { GroupChange } from './topology-types';

const host = headlessHost();

/** 00:01.0 a switch with a drive and a controller; 00:02.0 a bridge with two cards; 00:03.0 one with nothing below. */
function built(): Lab {
  const builder = new MachineBuilder(EMPTY_MACHINE);
  const ports = builder.behindPort('switch-acs', { ports: 2 });
  builder.add('nvme', ports[1]!);
  builder.add('lab-nic-sriov', ports[2]!);
  const [bridge] = builder.behindPort('pcie-to-pci-bridge');
  builder.add('pci-sound', bridge!);
  builder.add('pci-network', bridge!);
  builder.behindPort('pcie-to-pci-bridge');
  return new Lab(host, builder.description);
}
const sample = (): Lab => Lab.create(host);

function changesBy(lab: Lab, action: Action): GroupChange[] {
  const before = lab.view('topology', null).changes.sequence;
  const result = lab.act(action);
  expect(result, result.message).toMatchObject({ ok: true });
  const { sequence, list } = lab.view('topology', null).changes;
  expect(sequence).toBe(before + 1);
  return list;
}
const edit = (one: Extract<Action, { kind: 'edit' }>['edit']): Action => ({ kind: 'edit', edit: one });
const addressOf = (lab: Lab, part: string): string =>
  lab.view('topology', null).functions.find((fn) => fn.part === part && !fn.isBridge)!.address;
const parentOf = (lab: Lab, address: string): string =>
  lab.view('topology', null).functions.find((fn) => fn.address === address)!.parent!;
const emptyBridge = (lab: Lab): string => {
  const { functions } = lab.view('topology', null);
  return functions.find((fn) => fn.kind === 'bridge' && functions.every(({ parent }) => parent !== fn.address))!
    .address;
};

/** What is new or gone explains itself; everything else needs its reason. */
const unexplained = (list: readonly GroupChange[]): string[] =>
  list.flatMap(({ kind, because, text }) => (because === null && kind !== 'new' && kind !== 'gone' ? [text] : []));

describe('what became of the groups is told with its reason', () => {
  const cases: readonly [name: string, lab: () => Lab, action: (lab: Lab) => Action, kinds: GroupChange['kind'][]][] = [
    [
      'a function moved to another bridge',
      built,
      (lab) => edit({ kind: 'move', address: addressOf(lab, 'pci-network'), to: { parent: emptyBridge(lab) } }),
      ['mixed'],
    ],
    [
      'a function of a dump moved to its root bus',
      sample,
      () => edit({ kind: 'move', address: '0000:0e:01.0', to: { parent: null, rootBus: 'pci0000:00' } }),
      ['split', 'renumbered'],
    ],
    [
      'a copy beside the original',
      built,
      (lab) => edit({ kind: 'copy', addresses: [addressOf(lab, 'pci-sound')], to: null }),
      ['grown'],
    ],
    [
      'a part added',
      built,
      (lab) => edit({ kind: 'add', part: 'pci-serial', at: { parent: parentOf(lab, addressOf(lab, 'pci-sound')) } }),
      ['grown'],
    ],
    [
      'a function taken out',
      built,
      (lab) => edit({ kind: 'remove', address: addressOf(lab, 'pci-sound') }),
      ['shrunk'],
    ],
    [
      'ACS taken away in silicon',
      built,
      () => edit({ kind: 'acs', address: '0000:00:01.0', services: [] }),
      ['merged', 'renumbered'],
    ],
    [
      'ACS bits written, and the functions found again',
      built,
      () => ({ kind: 'set-acs', changes: [{ address: '0000:02:01.0', control: 0 }], rescan: ['0000:03:00.0'] }),
      ['merged'],
    ],
    ['no IOMMU', built, () => edit({ kind: 'iommu', iommu: 'none' }), ['gone']],
  ];
  for (const [name, lab, action, kinds] of cases) {
    it(name, () => {
      const machine = lab();
      const list = changesBy(machine, action(machine));
      expect(unexplained(list)).toEqual([]);
      expect([...new Set(list.map(({ kind }) => kind))]).toEqual(expect.arrayContaining(kinds));
    });
  }
});

import { describe, expect, it } from 'vitest';
import { EMPTY_MACHINE, MachineBuilder } from '../../hardware/parts/fixture';
import { headlessHost } from '../../host/headless';
import type { TopologyEdit } from '../input';
import { Lab } from '../lab';

const host = headlessHost();

/** Two PCI cards behind one bridge, and a second bridge with nothing below it. */
function open(): { lab: Lab; cards: string[]; empty: string } {
  const builder = new MachineBuilder(EMPTY_MACHINE);
  const [bridge] = builder.behindPort('pcie-to-pci-bridge');
  builder.add('pci-sound', bridge!);
  builder.add('pci-network', bridge!);
  builder.behindPort('pcie-to-pci-bridge');
  const lab = new Lab(host, builder.description);
  const { functions } = lab.view('topology', null);
  const bridges = functions.filter((fn) => fn.kind === 'bridge').map((fn) => fn.address);
  const cards = functions.filter((fn) => !fn.isBridge && fn.parent !== null).map((fn) => fn.address);
  return { lab, cards, empty: bridges.find((one) => functions.every((fn) => fn.parent !== one))! };
}

const groupsOf = (lab: Lab): string[][] => lab.view('topology', null).groups.map(({ members }) => [...members].sort());

describe('what if a function stood elsewhere', () => {
  it('tells the groups that the edit then gives, and changes nothing', () => {
    const { lab, cards, empty } = open();
    const edit: TopologyEdit = { kind: 'move', address: cards[1]!, to: { parent: empty } };
    const before = lab.hash;
    const shown = lab.view('topology', null);
    const preview = lab.view('what-if-edit', { edit });
    expect(lab.hash).toBe(before);
    expect(lab.view('topology', null)).toEqual(shown);
    expect(preview.problem).toBeNull();
    expect(preview.texts.filter(({ because }) => because !== null)).not.toEqual([]);
    // The card is drawn where it still is, in a group apart from the other card's.
    const groupOf = (address: string): number | undefined =>
      preview.groups.find(({ members }) => members.includes(address))?.id;
    expect(groupOf(cards[1]!)).toBeDefined();
    expect(groupOf(cards[1]!)).not.toBe(groupOf(cards[0]!));
    expect(preview.functions.map(({ name }) => name)).toContain(
      shown.functions.find(({ address }) => address === cards[1])!.name,
    );
    expect(lab.act({ kind: 'edit', edit })).toMatchObject({ ok: true });
    const after = lab.view('topology', null);
    expect(after.changes.list).toEqual(preview.texts);
    expect(after.groups.map(({ id }) => id)).toEqual(preview.groups.map(({ id }) => id));
  });

  it('draws nothing of what is not there yet, and says why an edit cannot be', () => {
    const { lab, cards } = open();
    const added = lab.view('what-if-edit', { edit: { kind: 'copy', addresses: [cards[0]!], to: null } });
    expect(added.problem).toBeNull();
    const known = groupsOf(lab).flat().sort();
    expect(added.groups.flatMap(({ members }) => members).sort()).toEqual(known);
    expect(added.functions.some(({ before }) => before === null)).toBe(true);
    const refused = lab.view('what-if-edit', {
      edit: { kind: 'move', address: cards[0]!, to: { parent: '0000:7f:00.0' } },
    });
    expect(refused.problem).toMatch(/7f:00\.0/);
    expect(refused.groups).toEqual([]);
  });

  it('asks anew when something that it rests on has changed', () => {
    const { lab, cards, empty } = open();
    const edit: TopologyEdit = { kind: 'move', address: cards[1]!, to: { parent: empty } };
    const preview = lab.view('what-if-edit', { edit });
    expect(lab.view('what-if-edit', { edit })).toBe(preview);
    lab.act({ kind: 'edit', edit: { kind: 'remove', address: cards[0]! } });
    expect(lab.view('what-if-edit', { edit })).not.toEqual(preview);
  });
});

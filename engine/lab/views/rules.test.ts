import { describe, expect, it } from 'vitest';
import { EMPTY_MACHINE, MachineBuilder } from '../../hardware/parts/fixture';
import { headlessHost } from '../../host/headless';
import { Lab } from '../lab';

const host = headlessHost();

/** A switch whose ports have no ACS, below a root port that isolates. */
function openSwitch(): Lab {
  const builder = new MachineBuilder(EMPTY_MACHINE);
  const ports = builder.behindPort('switch-plain', { ports: 2 });
  builder.add('nvme', ports[1]!);
  builder.add('lab-nic', ports[2]!);
  return new Lab(host, builder.description);
}

describe('the view of another rule', () => {
  it('names every rule and, by the kernel’s own, differs in nothing', () => {
    const lab = openSwitch();
    const view = lab.view('rules', { other: null });
    expect(view.rules.map(({ name }) => name)).toEqual(['linux-6.12', 'linux-3.6', 'reachable-set']);
    expect(view).toMatchObject({ own: 'linux-6.12', other: 'linux-6.12', differences: [], undecided: [] });
    const now = lab.view('topology', null).groups;
    expect(view.groups.map(({ members, place }) => [members, place])).toEqual(
      now.map(({ members, place }) => [members, place]),
    );
  });

  it('says which joins one rule makes and the other does not, with the reasons of both', () => {
    const lab = openSwitch();
    const before = lab.hash;
    const view = lab.view('rules', { other: 'reachable-set' });
    expect(view.other).toBe('reachable-set');
    expect(view.differences).toHaveLength(1);
    const [difference] = view.differences;
    expect(difference!.kind).toBe('merged');
    expect(difference!.own).toEqual([
      ['0000:02:01.0', '0000:03:00.0'],
      ['0000:02:02.0', '0000:04:00.0'],
    ]);
    expect(difference!.other).toEqual([['0000:02:01.0', '0000:02:02.0', '0000:03:00.0', '0000:04:00.0']]);
    expect(difference!.reasons.map(({ address, joins, rule }) => [address, joins, rule])).toEqual([
      ['0000:02:02.0', '0000:02:01.0', 'reachable-set'],
    ]);
    expect(difference!.reasons[0]!.because).toContain('a port of this switch forwards to its siblings');
    expect(difference!.reasons[0]!.instead).toContain('a new group');
    expect(lab.hash).toBe(before);
  });

  it('gives a group of the other rule the colour of the group it would go on as', () => {
    const lab = openSwitch();
    const now = lab.view('topology', null).groups;
    const placeOf = (address: string): number => now.find(({ members }) => members.includes(address))!.place;
    const merged = lab.view('rules', { other: 'reachable-set' }).groups.find(({ members }) => members.length === 4)!;
    expect([placeOf('0000:03:00.0'), placeOf('0000:04:00.0')]).toContain(merged.place);
  });

  it('numbers a group that Linux has as Linux does, and compares any two rules', () => {
    const lab = Lab.create(host);
    const { groups } = lab.view('topology', null);
    const sorted = (list: readonly { id: number; members: string[] }[]): [number, string][] =>
      list.map(({ id, members }) => [id, [...members].sort().join(' ')]);
    const pairs = [
      ['linux-6.12', 'linux-3.6'],
      ['linux-6.12', 'reachable-set'],
      ['reachable-set', 'linux-3.6'],
    ] as const;
    let found = 0;
    for (const [own, other] of pairs) {
      const view = lab.view('rules', { own, other });
      expect(view).toMatchObject({ kernel: 'linux-6.12', own, other });
      if (own === 'linux-6.12') expect(sorted(view.ownGroups)).toEqual(sorted(groups));
      const changed = new Set(view.differences.flatMap(({ functions }) => functions));
      const same = (list: typeof view.groups): string[] =>
        sorted(list.filter(({ members }) => !members.some((member) => changed.has(member))))
          .map(([, members]) => members)
          .sort();
      expect(same(view.ownGroups)).toEqual(same(view.groups));
      for (const list of [view.ownGroups, view.groups]) {
        expect(new Set(list.map(({ id }) => id)).size).toBe(list.length);
      }
      found += view.differences.length;
    }
    expect(found).toBeGreaterThan(0);
    const old = lab.view('rules', { other: 'linux-3.6' }).differences.flatMap(({ reasons }) => reasons);
    expect(old.map(({ because }) => because)).toContain(
      '06:00.1 goes with function 0 of its device: ACS RR CR off or not offered',
    );
  });
});

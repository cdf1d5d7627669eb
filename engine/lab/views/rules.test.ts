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
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KernelLog } from '../log';
import { WhyLog } from '../why';
import { compareRules } from './compare';
import { IommuCore } from './core';
import type { FixtureFunction } from './fixture';
import { ACS_EMPTY, ACS_OFF, ACS_ON, bareMachine, fixtureDevices, PLAIN_ACS, randomTree } from './fixture';
import { POLICIES } from './policies';
import { predictGroups } from './predict';

function groups(name: string, functions: readonly FixtureFunction[]): string {
  const found = predictGroups(fixtureDevices(functions), { acs: PLAIN_ACS, policy: POLICIES.get(name)! });
  return [...found.groups.values()]
    .map((members) => `{${members.map((device) => device.name.replace(/^0000:/, '')).join(' ')}}`)
    .join(' ');
}

const multi = { multifunction: true };
const switchTree = (first: object, second: object): FixtureFunction[] => [
  { at: '00:01.0', type: 'RootPort', secondary: 1, acs: ACS_ON },
  { at: '01:00.0', type: 'UpstreamPort', below: '00:01.0', secondary: 2 },
  { at: '02:00.0', type: 'DownstreamPort', below: '01:00.0', secondary: 3, ...first },
  { at: '02:01.0', type: 'DownstreamPort', below: '01:00.0', secondary: 4, ...second },
  { at: '03:00.0', type: 'Endpoint', below: '02:00.0' },
  { at: '04:00.0', type: 'Endpoint', below: '02:01.0' },
];

describe('reachable-set', () => {
  it('merges sibling ports without ACS with everything below them', () => {
    expect(groups('reachable-set', switchTree({}, {}))).toBe('{00:01.0} {01:00.0} {02:00.0 02:01.0 03:00.0 04:00.0}');
    expect(groups('linux-6.12', switchTree({}, {}))).toBe('{00:01.0} {01:00.0} {02:00.0 03:00.0} {02:01.0 04:00.0}');
  });

  it('splits a device of several functions that has no ACS capability at all', () => {
    const nic: FixtureFunction[] = [
      { at: '00:01.0', type: 'RootPort', secondary: 1, acs: ACS_ON },
      { at: '01:00.0', type: 'Endpoint', below: '00:01.0', ...multi },
      { at: '01:00.1', type: 'Endpoint', below: '00:01.0', ...multi },
    ];
    expect(groups('reachable-set', nic)).toBe('{00:01.0} {01:00.0} {01:00.1}');
    const openNic = nic.map((fn) => (fn.type === 'Endpoint' ? { ...fn, acs: ACS_OFF } : fn));
    expect(groups('reachable-set', openNic)).toBe('{00:01.0} {01:00.0 01:00.1}');
  });

  it('splits an endpoint from a root port without ACS, but not from one that has it off', () => {
    const tree = (acs: object): FixtureFunction[] => [
      { at: '00:01.0', type: 'RootPort', secondary: 1, ...acs },
      { at: '01:00.0', type: 'Endpoint', below: '00:01.0' },
    ];
    expect(groups('reachable-set', tree({}))).toBe('{00:01.0} {01:00.0}');
    expect(groups('reachable-set', tree({ acs: ACS_OFF }))).toBe('{00:01.0 01:00.0}');
  });

  it('leaves a PCIe-to-PCI bridge without memory of its own out of its children’s group', () => {
    expect(
      groups('reachable-set', [
        { at: '00:01.0', type: 'RootPort', secondary: 1, acs: ACS_ON },
        { at: '01:00.0', type: 'PcieToPciBridge', below: '00:01.0', secondary: 2 },
        { at: '02:04.0', type: 'Conventional', below: '01:00.0' },
        { at: '02:05.0', type: 'Conventional', below: '01:00.0' },
      ]),
    ).toBe('{00:01.0} {01:00.0} {02:04.0 02:05.0}');
  });
});

describe('linux-3.6', () => {
  it('counts what a capability does not offer as off', () => {
    const slot: FixtureFunction[] = [
      { at: '00:01.0', type: 'RootPort', secondary: 1, acs: ACS_ON },
      { at: '01:00.0', type: 'Endpoint', below: '00:01.0', ...multi, acs: ACS_EMPTY },
      { at: '01:00.1', type: 'Endpoint', below: '00:01.0', ...multi, acs: ACS_EMPTY },
    ];
    expect(groups('linux-3.6', slot)).toBe('{00:01.0} {01:00.0 01:00.1}');
    expect(groups('linux-6.12', slot)).toBe('{00:01.0} {01:00.0} {01:00.1}');
  });

  it('takes function 0 as the base of its slot even when that one isolates', () => {
    const slot: FixtureFunction[] = [
      { at: '00:01.0', type: 'RootPort', secondary: 1, acs: ACS_ON },
      { at: '01:00.0', type: 'Endpoint', below: '00:01.0', ...multi, acs: ACS_ON },
      { at: '01:00.1', type: 'Endpoint', below: '00:01.0', ...multi },
    ];
    expect(groups('linux-3.6', slot)).toBe('{00:01.0} {01:00.0 01:00.1}');
    expect(groups('linux-6.12', slot)).toBe('{00:01.0} {01:00.0} {01:00.1}');
  });

  it('knows no quirks', () => {
    const port: FixtureFunction[] = [
      { at: '00:1c.0', type: 'RootPort', secondary: 1, id: '8086:1c10' },
      { at: '01:00.0', type: 'Endpoint', below: '00:1c.0' },
    ];
    expect(groups('linux-3.6', port)).toBe('{00:1c.0 01:00.0}');
    expect(groups('linux-6.12', port)).toBe('{00:1c.0} {01:00.0}');
  });

  it('takes a conventional function for the first one behind its PCIe bridge', () => {
    expect(
      groups('linux-3.6', [
        { at: '00:01.0', type: 'RootPort', secondary: 1, acs: ACS_ON },
        { at: '01:00.0', type: 'PcieToPciBridge', below: '00:01.0', secondary: 2 },
        { at: '02:00.0', type: 'Conventional', below: '01:00.0' },
        { at: '02:05.0', type: 'Conventional', below: '01:00.0' },
      ]),
    ).toBe('{00:01.0} {01:00.0} {02:00.0 02:05.0}');
  });
});

describe('the difference of two rules', () => {
  const picks = fc.array(fc.nat(1 << 30), { minLength: 50, maxLength: 400 });

  /** On random trees: the blocks are cut differently, and each has joins that one rule makes and the other does not. */
  it('always has reasons', () => {
    let differing = 0;
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 120 }), picks, (count, numbers) => {
        let next = 0;
        const specs = randomTree(count, (below) => numbers[next++ % numbers.length]! % below);
        const core = new IommuCore({ description: bareMachine(), log: new KernelLog(() => 0n), why: new WhyLog() });
        core.boot(fixtureDevices(specs));
        const rules = [...POLICIES.values()];
        for (const first of rules) {
          for (const second of rules) {
            const { differences } = compareRules(core, first, second);
            if (first === second) expect(differences).toEqual([]);
            differing += differences.length;
            for (const { first: a, second: b, functions, reasons, kind } of differences) {
              expect([...a.flat()].sort()).toEqual([...functions].sort());
              expect([...b.flat()].sort()).toEqual([...functions].sort());
              expect(reasons.length).toBeGreaterThan(0);
              const groupsOf = (rule: string): readonly (readonly string[])[] => (rule === first.name ? a : b);
              for (const { function: fn, joins, rule } of reasons) {
                const together = (groups: readonly (readonly string[])[]): boolean =>
                  groups.some((group) => group.includes(fn) && group.includes(joins));
                expect(together(groupsOf(rule))).toBe(true);
                expect(together(groupsOf(rule === first.name ? second.name : first.name))).toBe(false);
              }
              expect(kind).toBe(a.length === 1 ? 'split' : b.length === 1 ? 'merged' : 'mixed');
            }
          }
        }
      }),
      { numRuns: 40 },
    );
    expect(differing).toBeGreaterThan(0);
  });
});

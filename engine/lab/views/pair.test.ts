import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { headlessHost } from '../../host/headless';
import { Lab } from '../lab';

const start = (): Lab => Lab.create(headlessHost());

describe('the view of a pair', () => {
  it('leads both functions of one card into their group and says what would part them', () => {
    const lab = start();
    const { functions, groups } = lab.view('topology', null);
    const gpu = functions.find((fn) => fn.kind === 'gpu')!;
    const [a, b] = groups.find((group) => group.id === gpu.group)!.members;
    const pair = lab.view('pair', { a: a!, b: b! })!;
    expect(pair.sameGroup).toBe(true);
    expect(pair.paths.map((path) => [path.address, path.group])).toEqual([
      [a, gpu.group],
      [b, gpu.group],
    ]);
    expect(pair.paths[1].steps.filter((step) => step.decided).length).toBeGreaterThan(0);
    expect(pair.separation).not.toBe('separate');
    expect(pair.lines.at(-1)).toBe(pair.separate);
  });

  it('has nothing to part where two are apart, and no value for a function that is not there', () => {
    const lab = start();
    const { groups } = lab.view('topology', null);
    const [one, other] = groups.filter((group) => group.hasEndpoint);
    const pair = lab.view('pair', { a: one!.members[0]!, b: other!.members[0]! })!;
    expect(pair).toMatchObject({ sameGroup: false, separate: null, separation: 'separate' });
    expect(lab.view('pair', { a: one!.members[0]!, b: '0000:ff:1f.7' })).toBeNull();
  });
});

const HIDDEN = '../shared/corpus/xps15-9560-kbl/lspci.txt';
describe.skipIf(!existsSync(HIDDEN))(`a dump without root (skipped: ${HIDDEN} not present)`, () => {
  it('shows its own groups and says that the rule cannot decide', () => {
    const lab = start();
    expect(lab.view('machine', null).undecided).toBeNull();
    expect(lab.openBytes('lspci.txt', new Uint8Array(readFileSync(HIDDEN)), null).ok).toBe(true);
    const { undecided, recorded } = lab.view('machine', null);
    expect(undecided?.shown).toBe('recorded');
    expect(undecided?.functions).toBeGreaterThan(0);
    expect(recorded?.equal).toBe(true);
  });
});

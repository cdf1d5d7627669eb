/** `vfiolab groups`: what is printed, what is admitted, and the exit status. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { main } from '../cli';

const RECORDED = 'engine/conformance/recordings/q35-multifn.machine.json.gz';

/** Two root ports, one device of two functions below each; taken without root: no capability is shown. */
const HIDDEN = `00:00.0 Host bridge [0600]: Intel Corporation Device [8086:1237]
	Flags: fast devsel

00:01.0 PCI bridge [0604]: Intel Corporation Device [8086:3420] (prog-if 00 [Normal decode])
	Flags: bus master, fast devsel, latency 0
	Bus: primary=00, secondary=01, subordinate=01, sec-latency=0
	Capabilities: <access denied>

01:00.0 Ethernet controller [0200]: Intel Corporation 82576 [8086:10c9]
	Flags: bus master, fast devsel, latency 0
	Capabilities: <access denied>

01:00.1 Ethernet controller [0200]: Intel Corporation 82576 [8086:10c9]
	Flags: bus master, fast devsel, latency 0
	Capabilities: <access denied>
`;

/** Two functions of one chipset slot: ports whose isolation Linux knows from a list and no register shows. */
const CHIPSET = `00:1c.0 PCI bridge [0604]: Intel Corporation Device [8086:1c10] (prog-if 00 [Normal decode])
	Bus: primary=00, secondary=02, subordinate=02, sec-latency=0
	Capabilities: [40] Express Root Port (Slot+), MSI 00

00:1c.1 PCI bridge [0604]: Intel Corporation Device [8086:1c12] (prog-if 00 [Normal decode])
	Bus: primary=00, secondary=03, subordinate=03, sec-latency=0
	Capabilities: [40] Express Root Port (Slot+), MSI 00

02:00.0 Network controller [0280]: Intel Corporation Device [8086:24fd]
	Flags: fast devsel

03:00.0 Network controller [0280]: Intel Corporation Device [8086:24fd]
	Flags: fast devsel
`;

const folder = mkdtempSync(join(tmpdir(), 'vfiolab-groups-'));
afterAll(() => rmSync(folder, { recursive: true }));
const hidden = join(folder, 'hidden.txt');
writeFileSync(hidden, HIDDEN);
const chipset = join(folder, 'chipset.txt');
writeFileSync(chipset, CHIPSET);

let out: string[] = [];
let errors: string[] = [];
beforeEach(() => {
  out = [];
  errors = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line));
  vi.spyOn(console, 'error').mockImplementation((line: string) => void errors.push(line));
});
afterEach(() => vi.restoreAllMocks());

interface GroupsJson {
  groups: Record<string, string[]>;
  recorded: Record<string, string[]> | null;
  unknown: unknown[];
  undecided: string[];
  range: { finest: number; coarsest: number };
}

async function json<T = GroupsJson>(...argv: string[]): Promise<T> {
  expect(await main(['groups', ...argv, '--json'])).toBe(0);
  expect(out).toHaveLength(1);
  return JSON.parse(out[0]!) as T;
}

describe('vfiolab groups', () => {
  it('is certain where the machine shows its registers', async () => {
    const result = await json(RECORDED);
    expect(Object.keys(result)).toEqual(['groups', 'recorded', 'unknown', 'undecided', 'range']);
    expect(result.groups).toEqual(result.recorded);
    const count = Object.keys(result.groups).length;
    expect(result.undecided).toEqual([]);
    expect(result.range).toEqual({ finest: count, coarsest: count });
  });

  it('names what it cannot know, and how far that goes', async () => {
    const result = await json(hidden);
    expect(result.undecided).toEqual(['0000:00:01.0', '0000:01:00.0', '0000:01:00.1']);
    expect(result.range).toEqual({ finest: 4, coarsest: 2 });
    expect(Object.keys(result.groups)).toHaveLength(2);
  });

  it('says so in one line of text, beside the listing', async () => {
    expect(await main(['groups', hidden])).toBe(0);
    expect(out.filter((line) => line.startsWith('IOMMU Group'))).toHaveLength(2);
    const admitted = errors.filter((line) => line.startsWith('cannot know'));
    expect(admitted).toHaveLength(1);
    expect(admitted[0]).toContain('3 functions; between 2 and 4 groups');
    out = [];
    errors = [];
    expect(await main(['groups', RECORDED])).toBe(0);
    expect(errors).toEqual([]);
  });

  it('says where a known machine was recorded with other groups', async () => {
    const other = join(folder, 'other.txt');
    const groups: Record<string, string> = { '00:1c.0': '0', '00:1c.1': '0', '02:00.0': '1', '03:00.0': '2' };
    writeFileSync(
      other,
      CHIPSET.replace(/^(\S+) .*\n/gm, (line, at: string) => `${line}\tIOMMU group: ${groups[at]!}\n`),
    );
    expect(await main(['groups', other])).toBe(0);
    expect(errors.filter((line) => line.startsWith('recorded otherwise'))).toEqual([
      'recorded otherwise: {0000:00:1c.0 0000:00:1c.1}, by the rule {0000:00:1c.0} {0000:00:1c.1}: that kernel had other rules, or ACS was changed since',
    ]);
    expect(out.filter((line) => line.startsWith('IOMMU Group'))).toHaveLength(4);
  });

  it('groups by another rule', async () => {
    expect(Object.keys((await json(chipset)).groups)).toHaveLength(4);
    out = [];
    expect(Object.keys((await json(chipset, '--policy', 'linux-3.6')).groups)).toHaveLength(1);
  });

  it('shows where two rules differ, and nothing where they agree', async () => {
    interface Comparison {
      policies: { name: string; groups: number }[];
      equal: boolean;
      differences: {
        functions: string[];
        first: string[][];
        second: string[][];
        kind: string;
        reasons: { function: string; joins: string; rule: string; because: object; instead: object }[];
      }[];
    }
    const all = ['0000:00:1c.0', '0000:00:1c.1', '0000:02:00.0', '0000:03:00.0'];
    const result = await json<Comparison>(chipset, '--compare', 'linux-3.6');
    expect(result.policies.map(({ name, groups }) => [name, groups])).toEqual([
      ['linux-6.12', 4],
      ['linux-3.6', 1],
    ]);
    expect(result.equal).toBe(false);
    expect(result.differences).toMatchObject([
      { functions: all, first: all.map((name) => [name]), second: [all], kind: 'merged' },
    ]);
    const { reasons } = result.differences[0]!;
    expect(reasons.map((reason) => [reason.function, reason.rule])).toEqual(
      all.slice(1).map((fn) => [fn, 'linux-3.6']),
    );
    expect(reasons[1]).toMatchObject({
      joins: '0000:00:1c.0',
      because: { rule: 'path', decided: true },
      instead: { rule: 'new', decided: true },
    });
    out = [];
    expect(await json<Comparison>(RECORDED, '--compare', 'linux-3.6')).toMatchObject({ equal: true, differences: [] });
    out = [];
    expect(await main(['groups', chipset, '--compare', 'linux-3.6'])).toBe(0);
    expect(out).toContain('  linux-6.12: {00:1c.0} {00:1c.1} {02:00.0} {03:00.0}');
    expect(out).toContain('  linux-3.6: {00:1c.0 00:1c.1 02:00.0 03:00.0}');
    expect(out.filter((line) => line.startsWith('    00:1c.1 with 00:1c.0 by linux-3.6: '))).toHaveLength(1);
    expect(out.filter((line) => line.startsWith('      but by linux-6.12: '))).toHaveLength(3);
  });

  it('takes only rules it knows', async () => {
    expect(await main(['groups', RECORDED, '--policy', 'linux-9'])).toBe(2);
    expect(errors[0]).toContain('there are linux-6.12, linux-3.6, reachable-set');
    expect(await main(['groups', join(folder, 'nothing')])).toBe(1);
  });
});

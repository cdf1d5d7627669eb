import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encode } from '../../streams';
import { setpci } from '../setpci/run';
import { lspci } from './run';
import type { FileAccess } from './source';

/** A run of Debian's program over a made-up dump (scripts/refresh-pciutils.mjs), bytes as Latin-1. */
interface Recorded {
  program: 'lspci' | 'setpci';
  args: string[];
  dump: string;
  stdout: string;
  stderr: string;
  status: number;
}

const CASES = JSON.parse(
  gunzipSync(readFileSync(new URL('./recorded.json.gz', import.meta.url))).toString(),
) as Recorded[];

function run({ program, args, dump }: Recorded): { stdout: string; stderr: string; status: number } {
  const files: FileAccess = {
    list: () => [],
    link: () => null,
    read: (path) => (path === 'dump' ? new TextEncoder().encode(dump) : null),
  };
  return program === 'lspci'
    ? lspci([...args, '-F', 'dump'], files)
    : setpci(['-A', 'dump', '-O', 'dump.name=dump', ...args], files, () => false);
}

const latin1 = (text: string): string => Buffer.from(encode(text)).toString('latin1');

/** The first line in which the two differ; null: none. */
function difference(recorded: Recorded): string | null {
  const got = run(recorded);
  if (got.status !== recorded.status) return `status ${got.status}, not ${recorded.status}`;
  for (const stream of ['stdout', 'stderr'] as const) {
    const want = recorded[stream].split('\n');
    const lines = latin1(got[stream]).split('\n');
    const at = want.findIndex((line, index) => line !== lines[index]);
    if (at >= 0 || lines.length > want.length) {
      return `${recorded.program} ${recorded.args.join(' ')}: ${stream}: ${lines[at]} instead of ${want[at]}`;
    }
  }
  return null;
}

describe('lspci and setpci over dumps that nobody has seen', () => {
  it.each(['lspci', 'setpci'] as const)('%s prints byte for byte what the real one prints', (program) => {
    const wrong = CASES.filter((one) => one.program === program).map(difference);
    expect(wrong.filter((one) => one !== null)).toEqual([]);
  });

  it('has runs of both in number', () => {
    expect(CASES.filter((one) => one.program === 'lspci').length).toBeGreaterThan(350);
    expect(CASES.filter((one) => one.program === 'setpci').length).toBeGreaterThan(120);
  });
});

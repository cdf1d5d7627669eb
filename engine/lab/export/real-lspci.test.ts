/** Debian's lspci over what the lab exports: every part of the palette with several straps, as it is after boot. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PARTS } from '../../hardware/parts/catalog';
import { MachineBuilder } from '../../hardware/parts/fixture';
import type { Part } from '../../hardware/parts/part';
import type { Strap } from '../../hardware/parts/straps';
import { lspci } from '../../shell/programs/lspci/run';
import { History } from '../journal';
import { presentMachine } from './present';
import { exportHexDump } from './hex-dump';

/** Version of the lspci at hand; null when there is none. */
const version = ((): string | null => {
  try {
    return /\d+\.\d+\.\d+/.exec(execFileSync('lspci', ['--version'], { encoding: 'utf8' }))?.[0] ?? null;
  } catch {
    return null;
  }
})();

/** Values at one end of what is allowed, or at the other. */
function extreme(strap: Strap, high: boolean): unknown {
  switch (strap.kind) {
    case 'number':
      return high ? strap.max : strap.min;
    case 'flag':
      return high;
    case 'choice':
      return (high ? strap.options.at(-1) : strap.options[0])!.value;
    case 'set':
      return high ? strap.options.map((option) => option.value) : [];
  }
}

const KINDS = ['default', 'least', 'most'] as const;

function strapsOf(part: Part, kind: (typeof KINDS)[number]): Record<string, unknown> {
  if (kind === 'default') return {};
  return Object.fromEntries(part.straps.map((strap) => [strap.key, extreme(strap, kind === 'most')]));
}

/** A machine of all parts, each where it can stand. */
function machineOf(parts: readonly Part[], kind: (typeof KINDS)[number]): MachineBuilder {
  const builder = new MachineBuilder();
  for (const part of parts) {
    const straps = strapsOf(part, kind);
    const [place] = part.places;
    if (place === 'machine' || place === 'root') builder.add(part.id, null, straps);
    else if (place === 'link') builder.behindPort(part.id, straps);
    else builder.add(part.id, builder.behindPort('pcie-to-pci-bridge')[0]!, straps);
  }
  return builder;
}

const OPTIONS = ['-nn', '-t', '-tv', '-k', '-x', '-xxx', '-xxxx', '-v', '-vvv', '-vmm', '-PP'];

/** Debian's database does not have the parts that only the lab has: those go by number. */
const byNumber = (option: string): string[] => (option === '-nn' ? ['-n'] : [option, '-n']);

describe.skipIf(version !== '3.9.0')(`Debian's lspci 3.9.0 (skipped where there is another: ${version})`, () => {
  const isOwn = (part: Part): boolean => /^(?:lab-|plain-)/.test(part.id);
  it.each(
    KINDS.flatMap(
      (kind) =>
        [
          [kind, 'parts that are made', PARTS.filter((part) => !isOwn(part)), false],
          [kind, 'parts of the lab', PARTS.filter(isOwn), true],
        ] as const,
    ),
  )('prints, with %s straps, %s as the lab does', (kind, _name, parts, own) => {
    const folder = mkdtempSync(join(tmpdir(), 'vfiolab-lspci-'));
    try {
      const built = machineOf(parts, kind).description;
      for (const machine of [built, presentMachine(History.of(built).machine)]) {
        const text = exportHexDump(machine);
        const file = join(folder, 'dump.txt');
        writeFileSync(file, text);
        const files = { list: () => [], link: () => null, read: () => new TextEncoder().encode(text) };
        for (const option of OPTIONS) {
          const options = own ? byNumber(option) : [option];
          const real = execFileSync('lspci', ['-O', 'hwdb.disable=1', '-F', file, ...options], {
            encoding: 'utf8',
            stdio: ['ignore', 'pipe', 'ignore'],
            maxBuffer: 1 << 26,
          });
          expect(lspci(['-F', file, ...options], files).stdout, `${kind} ${option}`).toBe(real);
        }
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

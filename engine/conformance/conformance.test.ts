/**
 * Replays every recording of a real 6.12 kernel. `known-differences.json` counts, file by file, the answers that still
 * differ (docs/fidelity.md says why); more or fewer than that fails, so neither a regression nor a gain goes unseen.
 */
import { describe, expect, it } from 'vitest';
import { basename, dirname, join, listFiles, readText } from '../host/files';
import { readMachine } from '../host/machines';
import { lspciText } from '../host/shell';
import { fileURLToPath } from 'node:url';
import type { MachineDescription } from '../hardware/description';
import type { Snapshot } from './machine-check';
import { checkMachine } from './machine-check';
import { playTrace } from './player';
import { readTrace } from './trace';

const here = dirname(fileURLToPath(import.meta.url));
// The oracle's recordings, and those made for this project on machines of its own.
const folders = ['recordings', 'own-recordings'].map((name) => join(here, name));
const known = JSON.parse(readText(join(here, 'known-differences.json'))) as Record<string, number>;
const files = listFiles(folders);

const machines = new Map<string, MachineDescription>();
function machine(name: string): MachineDescription {
  const cached = machines.get(name);
  if (cached) return cached;
  const file = files.find((candidate) => basename(candidate) === `${name}.machine.json.gz`);
  if (file === undefined) throw new Error(`no recording of machine ${name}`);
  const read = readMachine(file);
  machines.set(name, read);
  return read;
}

const name = (file: string): string => basename(file).replace(/\.gz$/, '');

describe('machines', () => {
  it.each(files.filter((file) => file.includes('.machine.json')).map((file) => [name(file), file]))(
    '%s',
    async (id, file) => {
      const snapshot = JSON.parse(readText(file)) as Snapshot;
      const result = await checkMachine(machine(id.replace('.machine.json', '')), snapshot, lspciText);
      expect(result.passed).toBeGreaterThan(50);
      expect(result.failed, JSON.stringify(result.differences.slice(0, 3), null, 1)).toBe(known[id] ?? 0);
    },
  );
});

describe('traces', () => {
  it.each(files.filter((file) => file.includes('.trace.jsonl')).map((file) => [name(file), file]))('%s', (id, file) => {
    const trace = readTrace(readText(file));
    expect(trace.steps.length).toBeGreaterThan(0);
    const result = playTrace(machine(trace.machine), trace);
    expect(result.failed, JSON.stringify(result.differences.slice(0, 3), null, 1)).toBe(known[id] ?? 0);
  });
});

describe('the ledger of known differences', () => {
  it('names only recordings that are here', () => {
    const here = new Set(files.map(name));
    for (const id of Object.keys(known)) expect(here.has(id), id).toBe(true);
  });
});

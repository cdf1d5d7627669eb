/**
 * The lab's headers beside those of the machine that runs the tests: same numbers, same layouts; and the samples compile
 * with its own compiler. Skipped where there is no gcc, or no header to compare with.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CBench, programsFolder } from './fixture';
import installed from '../../lab/installed.json';
import { headersFolder } from './places';

const gcc = spawnSync('gcc', ['--version']).status === 0;
const work = mkdtempSync(join(tmpdir(), 'vfio-lab-headers-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const theirs = (header: string): string => join('/usr/include', header);
/** Names that both a header of the lab and the machine's own define. */
function common(header: string, pattern: RegExp): string[] {
  const names = (text: string): Set<string> => new Set([...text.matchAll(pattern)].map(([, name]) => name!));
  const own = names(readFileSync(join(headersFolder(), header), 'utf8'));
  const real = names(readFileSync(theirs(header), 'utf8'));
  return [...own].filter((name) => real.has(name));
}

const STRUCTURE = /^struct (\w+) \{$/gm;
const MACRO = /^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+[^\s\\]/gm;

/** Fields of a structure in the lab's header; a flexible array has a place and no size. */
function fieldsOf(text: string, name: string): string[] {
  const body = new RegExp(`^struct ${name} \\{\\n([\\s\\S]*?)\\n\\}`, 'm').exec(text)?.[1] ?? '';
  return body
    .split('\n')
    .map((line) => line.replace(/\/\*.*/, ''))
    .filter((line) => /;/.test(line) && !/[{}*]/.test(line))
    .flatMap((line) => /(\w+)(?:\[\])?;/.exec(line)?.[1] ?? [])
    .filter((field) => field !== 'data_high');
}

/** A program that prints every layout and number. */
function probe(headers: readonly string[]): string {
  const rows: string[] = [];
  const row = (name: string, value: string): void => void rows.push(`{"${name}", (long long)${value}},`);
  for (const header of headers) {
    const [own, real] = [join(headersFolder(), header), theirs(header)].map((file) => readFileSync(file, 'utf8'));
    for (const name of common(header, STRUCTURE)) {
      const fields = fieldsOf(own!, name);
      // Headers of another kernel may know fewer fields.
      const known = fields.filter((field) => fieldsOf(real!, name).includes(field));
      if (known.length === fields.length) row(`struct ${name}`, `sizeof(struct ${name})`);
      for (const field of known) row(`${name}.${field}`, `offsetof(struct ${name}, ${field})`);
    }
    for (const name of common(header, MACRO)) {
      if (!/_MASK$|_H$/.test(name)) row(name, `(unsigned)(${name})`);
    }
  }
  return [
    ...['#include <stddef.h>', '#include <stdio.h>', ...headers.map((header) => `#include <${header}>`)],
    'static const struct { const char *name; long long value; } rows[] = {',
    ...rows,
    '};',
    'int main(void) {',
    '  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) printf("%s %lld\\n", rows[i].name, rows[i].value);',
    '  return 0;',
    '}',
    '',
  ].join('\n');
}

const HEADERS = ['linux/vfio.h', 'linux/iommufd.h', 'linux/pci_regs.h'].filter((header) => existsSync(theirs(header)));

describe.skipIf(!gcc)('beside the compiler of this machine', () => {
  it.skipIf(HEADERS.length === 0)('numbers and layouts are the same', async () => {
    const text = probe(HEADERS);
    const [source, program] = [join(work, 'probe.c'), join(work, 'probe')];
    writeFileSync(source, text);
    execFileSync('gcc', ['-w', source, '-o', program]);
    const real = execFileSync(program, { encoding: 'utf8' }).split('\n');
    const ran = await CBench.of('q35-basic').program(text);
    expect(ran.err).toBe('');
    expect(ran.out.split('\n')).toEqual(real);
    expect(real.length).toBeGreaterThan(800);
  });

  it('error numbers and their texts are the same', async () => {
    const text = `#include <stdio.h>\n#include <string.h>\nint main(void) { for (int i = 0; i < 140; i++) puts(strerror(i)); return 0; }\n`;
    const [source, program] = [join(work, 'errors.c'), join(work, 'errors')];
    writeFileSync(source, text);
    execFileSync('gcc', [source, '-o', program]);
    const real = execFileSync(program, { encoding: 'utf8', env: { LC_ALL: 'C' } });
    expect((await CBench.of('q35-basic').program(text)).out).toBe(real);
  });

  it.each(readdirSync(programsFolder).filter((name) => name.endsWith('.c')))('%s compiles there too', (name) => {
    const file = join(programsFolder, name);
    const headers = readFileSync(file, 'utf8').match(/<linux\/[\w/]+\.h>/g) ?? [];
    if (headers.some((header) => !existsSync(theirs(header.slice(1, -1))))) return;
    const { status, stderr } = spawnSync('gcc', ['-Wall', '-Wextra', '-fsyntax-only', file], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });
});

it('every machine comes with the samples and headers as they are (node scripts/refresh-installed.mjs)', () => {
  const folders = { '/root/samples/': programsFolder, '/usr/include/linux/': join(headersFolder(), 'linux') };
  const files = Object.entries(folders).flatMap(([place, folder]) =>
    readdirSync(folder)
      .filter((name) => /\.[ch]$/.test(name))
      .map((name) => [`${place}${name}`, readFileSync(join(folder, name), 'utf8')]),
  );
  expect(installed).toEqual(Object.fromEntries(files));
});

import fs, {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { diskWords } from './problems';
import { identityOf, sameIdentity, writeWhole } from './whole-file';

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'vfio-lab-whole-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('takes the place of a file, follows links and keeps permissions', () => {
  const real = path.join(folder, 'real.vfiolab');
  const link = path.join(folder, 'link.vfiolab');
  writeFileSync(real, 'old');
  chmodSync(real, 0o640);
  symlinkSync(real, link);
  const written = writeWhole(link, bytes('new'));
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(real, 'utf8')).toBe('new');
  expect(statSync(real).mode & 0o777).toBe(0o640);
  expect(readdirSync(folder).sort()).toEqual(['link.vfiolab', 'real.vfiolab']);
  expect(sameIdentity(written, identityOf(link)!)).toBe(true);
  writeFileSync(real, 'by another');
  expect(sameIdentity(written, identityOf(link)!)).toBe(false);
});

test('leaves the old contents and nothing else where it cannot write', () => {
  const file = path.join(folder, 'a.vfiolab');
  mkdirSync(file);
  let problem: unknown;
  try {
    writeWhole(file, bytes('new'));
  } catch (error) {
    problem = error;
  }
  expect(diskWords(problem as NodeJS.ErrnoException)).toMatch(/^a folder has that name|^it may not/);
  expect(readdirSync(folder)).toEqual(['a.vfiolab']);
  expect(() => writeWhole(path.join(folder, 'gone', 'b'), bytes('x'))).toThrow(/ENOENT/);
  expect(existsSync(path.join(folder, 'gone'))).toBe(false);
});

test('leaves the old contents and nothing else where the disk is full in the middle', () => {
  const file = path.join(folder, 'a.vfiolab');
  writeFileSync(file, 'old');
  const well = fs.writeFileSync;
  fs.writeFileSync = (target, data, options) => {
    well(target, (data as Uint8Array).subarray(0, 1), options);
    throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
  };
  syncBuiltinESMExports();
  try {
    expect(() => writeWhole(file, bytes('new'))).toThrow('no space');
  } finally {
    fs.writeFileSync = well;
    syncBuiltinESMExports();
  }
  expect(readFileSync(file, 'utf8')).toBe('old');
  expect(readdirSync(folder)).toEqual(['a.vfiolab']);
});

test.each([
  ['ENOSPC', 'the disk is full (ENOSPC)'],
  ['EACCES', 'it may not be written there (EACCES)'],
  ['EWHATEVER', 'the text (EWHATEVER)'],
])('%s in words', (code, words) => {
  expect(diskWords(Object.assign(new Error('the text'), { code }))).toBe(words);
});

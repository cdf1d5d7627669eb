import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { exportSysfs } from '../lab/export';
import type { MachineDescription } from '../hardware/description';
import { importMachine } from '../lab/import';
import { writeTar } from '../lab/import/tar';
import { readBytes } from './files';
import { readMachine } from './machines';
import { listSamples, samplesFolder } from './samples';

const folder = samplesFolder();

/** Where each function is and who drives it, by address: a copy lists them in that order. */
const placesOf = ({ functions }: MachineDescription): (string | null)[][] =>
  functions.map(({ address, parent, driver }) => [address, parent, driver]).sort(([a], [b]) => (a! < b! ? -1 : 1));

it.each(listSamples(folder).map(({ id, file }) => [id, file] as const))(
  'reads an unpacked copy of /sys like its archive: %s',
  (_id, file) => {
    const machine = importMachine(file, readBytes(join(folder, file)));
    const copy = exportSysfs(machine);
    const place = mkdtempSync(join(tmpdir(), 'vfio-lab-sysfs-'));
    const at = (path: string): string => {
      const full = join(place, 'copy', path);
      mkdirSync(dirname(full), { recursive: true });
      return full;
    };
    try {
      for (const [path, bytes] of copy.files) writeFileSync(at(path), bytes);
      for (const [path, target] of copy.links) symlinkSync(target, at(path));
      const fromFolder = readMachine(join(place, 'copy'));
      const fromArchive = importMachine('copy.tar', writeTar(copy));
      expect(fromFolder.functions).toEqual(fromArchive.functions);
      expect(fromFolder.recordedGroups).toEqual(fromArchive.recordedGroups);
      expect(placesOf(fromFolder)).toEqual(placesOf(machine));
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  },
);

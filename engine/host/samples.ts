/** The sample machines that the lab ships, from `labs/machines/`. */
import { fileURLToPath } from 'node:url';
import type { MachineDescription } from '../hardware/description';
import { importMachine } from '../lab/import';
import { dirname, exists, HostFileError, join, readBytes, readText } from './files';

export interface Sample {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly file: string;
}

/** The folder, looked for from this file upwards: in the checkout, beside a bundle, in a packaged application. */
export function samplesFolder(start = dirname(fileURLToPath(import.meta.url))): string {
  for (let at = start; ; at = dirname(at)) {
    const folder = join(at, 'labs', 'machines');
    if (exists(join(folder, 'index.json'))) return folder;
    if (dirname(at) === at) throw new HostFileError('labs/machines/index.json was not found');
  }
}

export const listSamples = (folder: string): Sample[] => JSON.parse(readText(join(folder, 'index.json'))) as Sample[];

/** The machine that a first start opens. */
export function sampleMachine(): MachineDescription {
  const folder = samplesFolder();
  const first = listSamples(folder)[0];
  if (!first) throw new HostFileError('labs/machines/index.json lists no machine');
  return importMachine(first.file, readBytes(join(folder, first.file)));
}

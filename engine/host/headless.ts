/** A lab without a screen: for the command line and for tests. Time passes at once. */
import { programHost } from './c/programs';
import { dirname, join, readBytes } from './files';
import { lessonLibrary } from './lessons';
import { boundPatterns } from './patterns';
import { listSamples, samplesFolder } from './samples';
import type { LabHost } from '../lab/host';

/** `labs`: the folder with the lessons and, in `machines`, the sample machines. */
export function headlessHost(labs = dirname(samplesFolder())): LabHost {
  boundPatterns();
  const folder = join(labs, 'machines');
  const samples = listSamples(folder);
  return {
    samples: () => samples,
    readSample: (id) => {
      const sample = samples.find((candidate) => candidate.id === id);
      if (!sample) throw new Error(`There is no sample machine ${id}.`);
      return readBytes(join(folder, sample.file));
    },
    lessons: lessonLibrary(labs),
    openTerminal: () => ({ write: () => undefined, resize: () => undefined, close: () => undefined }),
    delay: () => Promise.resolve(),
    breathe: () => new Promise((resolve) => setImmediate(resolve)),
    realtime: () => 0,
    programs: programHost(),
  };
}

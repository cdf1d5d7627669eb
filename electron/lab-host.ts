/** What the lab needs from where it runs: the sample machines, real time, and room for others between two steps. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { programHost } from '../engine/host/c/programs';
import { readBytes } from '../engine/host/files';
import type { LabHost } from '../engine/lab/host';
import { lessonLibrary } from '../engine/host/lessons';
import { boundPatterns } from '../engine/host/patterns';
import { openTerminal } from '../engine/host/terminal';

const index = z.array(z.object({ id: z.string(), title: z.string(), about: z.string(), file: z.string() }));

export function labHost(samplesFolder: string): LabHost {
  boundPatterns();
  const samples = index.parse(JSON.parse(readFileSync(path.join(samplesFolder, 'index.json'), 'utf8')));
  return {
    openTerminal,
    samples: () => samples.map(({ id, title, about }) => ({ id, title, about })),
    readSample: (id) => {
      const sample = samples.find((candidate) => candidate.id === id);
      if (!sample) throw new Error(`There is no sample machine ${id}.`);
      return readBytes(path.join(samplesFolder, sample.file));
    },
    lessons: lessonLibrary(path.dirname(samplesFolder)),
    delay: async (ms, signal) => {
      try {
        await setTimeout(ms, undefined, { signal });
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
    breathe: () => setImmediate(),
    realtime: () => Date.now(),
    programs: programHost(),
  };
}

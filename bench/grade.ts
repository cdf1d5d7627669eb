/** Grading a class by replay, beside reading the same documents' text. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programHost } from '../engine/host/c/programs';
import { headlessHost } from '../engine/host/headless';
import { gradeCommand } from '../engine/host/lesson-command';
import { Lab } from '../engine/lab/lab';
import { processorTime, report } from './lib/figures';

const FILES = 200;
const BUDGET_MS = 60_000;

/** One solved document a lesson. */
async function solvedDocuments(): Promise<Uint8Array[]> {
  const lab = Lab.create({ ...headlessHost(), programs: programHost() });
  const documents: Uint8Array[] = [];
  for (const { id, steps } of lab.view('lessons', null).lessons) {
    lab.openLesson(id);
    for (let step = 0; step < steps; step++) await lab.showStep(() => undefined);
    if (lab.view('lesson', null)?.current !== steps) throw new Error(`The solution of ${id} does not pass.`);
    documents.push(lab.serialize());
  }
  return documents;
}

const folder = mkdtempSync(join(tmpdir(), 'vfiolab-class-'));
try {
  const solved = await solvedDocuments();
  const files = Array.from({ length: FILES }, (_, n) => join(folder, `${n}.vfiolab`));
  files.forEach((file, n) => writeFileSync(file, solved[n % solved.length]!));

  const beforeReading = processorTime();
  for (const file of files) for (const line of readFileSync(file, 'utf8').split('\n')) if (line) JSON.parse(line);
  const reading = processorTime() - beforeReading;

  const said: string[] = [];
  const { log } = console;
  console.log = (line: string) => void said.push(line);
  const before = processorTime();
  const status = gradeCommand(files, false);
  const grading = processorTime() - before;
  console.log = log;
  if (status !== 0) throw new Error(`A solved document was not graded as genuine:\n${said.join('\n')}`);
  report([
    {
      what: `grade ${FILES} documents of ${solved.length} lessons`,
      value: grading,
      unit: 'ms',
      budget: BUDGET_MS,
      baseline: { what: 'JSON.parse of their lines', value: reading },
    },
  ]);
} finally {
  rmSync(folder, { recursive: true });
}
process.exit(0);

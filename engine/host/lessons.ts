/** Lessons from the folders of `labs/`: each holds a `lesson.md`, and what it names. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { MachineDescription } from '../hardware/description';
import { importMachine } from '../lab/import';
import type { LessonLibrary, LessonList, OpenedLesson } from '../lab/host';
import { readLesson } from '../lab/lessons/read';
import type { Lesson } from '../lab/lessons/lesson';
import { LessonError } from '../lab/lessons/lesson';
import { basename, exists, join, readBytes } from './files';
import { readMachine } from './machines';
import { listSamples } from './samples';

export const LESSON_FILE = 'lesson.md';
/** Texts and pictures; a machine may be larger and is read by its own limits. */
const TEXT_LIMIT = 1024 * 1024;

function readLessonFolder(folder: string): Lesson {
  const file = join(folder, LESSON_FILE);
  if (!exists(file)) throw new LessonError(file, 1, 'there is no such file, so the folder is no lesson');
  if (statSync(file).size > TEXT_LIMIT) throw new LessonError(file, 1, 'is larger than 1 MiB');
  return readLesson(basename(folder), file, readFileSync(file, 'utf8'));
}

/** A name in the lesson's folder; null for anything that leads out of it. */
const inFolder = (folder: string, name: string): string | null =>
  /^[\w-][\w.-]*$/.test(name) && exists(join(folder, name)) ? join(folder, name) : null;

function startOf(lesson: Lesson, folder: string, samples: string): MachineDescription {
  const own = inFolder(folder, lesson.machine);
  if (own !== null) return readMachine(own);
  const sample = listSamples(samples).find(({ id }) => id === lesson.machine);
  if (sample !== undefined) return importMachine(sample.file, readBytes(join(samples, sample.file)));
  throw new LessonError(
    join(folder, LESSON_FILE),
    1,
    `machine: there is neither a file nor a sample machine ${lesson.machine}`,
  );
}

/** The lesson in a folder, with the machine it starts on. `samples`: the folder of the sample machines. */
export function openLessonFolder(folder: string, samples: string): OpenedLesson {
  const lesson = readLessonFolder(folder);
  return {
    lesson,
    machine: startOf(lesson, folder, samples),
    file: (name) => {
      const path = inFolder(folder, name);
      return path === null || statSync(path).size > TEXT_LIMIT ? null : readBytes(path);
    },
  };
}

/** Folders below `labs` that hold a lesson, by name. */
export const lessonFolders = (labs: string): string[] =>
  readdirSync(labs, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && exists(join(labs, entry.name, LESSON_FILE)))
    .map((entry) => entry.name)
    .sort();

function listLessons(labs: string): LessonList {
  const readable: Lesson[] = [];
  const broken: { id: string; message: string }[] = [];
  for (const id of lessonFolders(labs)) {
    try {
      readable.push(readLessonFolder(join(labs, id)));
    } catch (error) {
      if (!(error instanceof LessonError)) throw error;
      broken.push({ id, message: error.message });
    }
  }
  return { readable, broken };
}

/** The lessons of a folder such as `labs`; its sample machines are in `machines` below it. */
export function lessonLibrary(labs: string): LessonLibrary {
  const samples = join(labs, 'machines');
  let known: LessonList | null = null;
  /** Folders outside, by the id of their lesson. */
  const guests = new Map<string, string>();
  const openFolder = (folder: string): OpenedLesson => openLessonFolder(folder, samples);
  return {
    list: () => (known ??= listLessons(labs)),
    open: (id) => {
      const guest = guests.get(id);
      if (guest !== undefined) return openFolder(guest);
      if (!lessonFolders(labs).includes(id)) throw new LessonError(labs, 1, `there is no lesson ${id}`);
      return openFolder(join(labs, id));
    },
    openAt: (folder) => {
      const opened = openFolder(folder);
      guests.set(opened.lesson.id, folder);
      return opened;
    },
  };
}

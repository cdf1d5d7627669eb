/** `vfiolab lesson` and `vfiolab grade`: for those who write lessons and those who teach with them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Input } from '../lab/input';
import { Lab } from '../lab/lab';
import type { LessonList, OpenedLesson } from '../lab/host';
import { conditionLines } from '../lab/lessons/conditions';
import { checkLesson, refreshOutputs } from '../lab/lessons/author';
import type { LessonProblem } from '../lab/lessons/author';
import { gradeDocument } from '../lab/lessons/grade';
import type { Grade } from '../lab/lessons/grade';
import { lessonSheet } from '../lab/lessons/sheet';
import { lessonTemplate } from '../lab/lessons/template';
import { LessonError } from '../lab/lessons/lesson';
import { basename, dirname, exists, HostFileError, join, readText } from './files';
import { programHost } from './c/programs';
import { headlessHost } from './headless';
import { lessonFolders, openLessonFolder } from './lessons';
import { readDocumentFile } from './machines';
import { doorTo, rootShell } from './shell';
import { samplesFolder } from './samples';
import { runScript } from '../shell/session';
import { BytesWriter, NULL_READER } from '../shell/streams';

/** What a command prints on a machine in the state after these inputs; the machine itself is not touched. */
const printed =
  (opened: OpenedLesson) =>
  async (inputs: readonly Input[], command: string): Promise<string> => {
    const out = new BytesWriter();
    const door = doorTo(opened.machine, inputs);
    await runScript(rootShell(door, command), command, { stdin: NULL_READER, stdout: out, stderr: out });
    return out.text;
  };

/** Folders that a list of paths names: each a lesson, or a folder of lessons. */
function foldersOf(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    if (!exists(path)) throw new HostFileError(`${path}: no such file or directory`);
    if (exists(join(path, 'lesson.md'))) return [path];
    const inside = lessonFolders(path);
    if (inside.length === 0) throw new HostFileError(`${path}: holds no lesson.md, nor folders that do`);
    return inside.map((name) => join(path, name));
  });
}

/** What is wrong with the lesson in a folder; throws LessonError when it cannot be read. */
export function checkLessonFolder(folder: string): Promise<LessonProblem[]> {
  const opened = openLessonFolder(folder, samplesFolder());
  return checkLesson(opened, { lab: labFor(opened), printed: printed(opened) });
}

const say = (file: string, { line, message }: LessonProblem): void => console.log(`${file}:${line}: ${message}`);

async function check(paths: readonly string[], fix: boolean): Promise<number> {
  let broken = 0;
  let good = 0;
  for (const folder of foldersOf(paths)) {
    const file = join(folder, 'lesson.md');
    try {
      if (fix) {
        const opened = openLessonFolder(folder, samplesFolder());
        const source = readText(file);
        const fresh = await refreshOutputs(opened, source, { lab: labFor(opened), printed: printed(opened) });
        if (fresh !== source) writeFileSync(file, fresh);
      }
      const problems = await checkLessonFolder(folder);
      for (const problem of problems) say(file, problem);
      if (problems.length === 0) good++;
      else broken++;
    } catch (error) {
      if (!(error instanceof LessonError)) throw error;
      console.log(error.message);
      broken++;
    }
  }
  console.log(`${good} passed, ${broken} failed`);
  return broken === 0 ? 0 : 1;
}

/** A lab whose library is this one lesson. */
export function labFor(opened: OpenedLesson): Lab {
  const host = { ...headlessHost(), programs: programHost() };
  const list = (): LessonList => ({ readable: [opened.lesson], broken: [] });
  return Lab.create({ ...host, lessons: { list, open: () => opened, openAt: () => opened } });
}

function create(folder: string): number {
  if (exists(folder)) throw new HostFileError(`${folder}: is there already`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'lesson.md'), lessonTemplate(basename(folder)));
  console.log(`${join(folder, 'lesson.md')} is a lesson of one step that passes "vfiolab lesson check ${folder}".`);
  return 0;
}

function sheet(folder: string): number {
  const { lesson } = openLessonFolder(folder, samplesFolder());
  process.stdout.write(lessonSheet(lesson));
  return 0;
}

export const LESSON_HELP = `usage: vfiolab lesson check [--fix] PATH…    PATH: a lesson's folder, or a folder of lessons
       vfiolab lesson new FOLDER
       vfiolab lesson conditions               what checks and mistakes can ask for
       vfiolab lesson sheet FOLDER > sheet.html`;

export async function lessonCommand(argv: readonly string[]): Promise<number | null> {
  const [verb, ...rest] = argv;
  const paths = rest.filter((word) => !word.startsWith('-'));
  const options = rest.filter((word) => word.startsWith('-'));
  if (verb === 'check' && paths.length > 0 && options.every((word) => word === '--fix')) {
    return check(paths, options.length > 0);
  }
  if (verb === 'conditions' && rest.length === 0) {
    for (const lines of conditionLines()) console.log(lines.join('\n'));
    return 0;
  }
  if (options.length > 0 || paths.length !== 1) return null;
  if (verb === 'new') return create(paths[0]!);
  if (verb === 'sheet') return sheet(paths[0]!);
  return null;
}

// ---- grading

interface Graded {
  readonly file: string;
  readonly grade: Grade | null;
  readonly problem: string | null;
}

function gradeFile(file: string, lessonOf: (id: string) => OpenedLesson): Graded {
  try {
    const contents = readDocumentFile(file);
    const { lesson } = contents;
    if (lesson === undefined) return { file, grade: null, problem: 'is no way through a lesson' };
    const opened = lessonOf(lesson.id);
    return { file, grade: gradeDocument(opened.lesson, opened.machine, { ...contents, lesson }), problem: null };
  } catch (error) {
    return { file, grade: null, problem: error instanceof Error ? error.message : String(error) };
  }
}

function gradeLines({ file, grade, problem }: Graded): string[] {
  if (grade === null) return [`${file}\t—\t${problem ?? ''}`];
  const steps = grade.steps.map((step) => (step.passed ? '✓' : '·')).join('');
  const tries =
    grade.answers.tries === 0 ? '' : `, answers ${grade.answers.right} right in ${grade.answers.tries} tries`;
  const line = `${file}\t${grade.lesson}\t${steps} ${grade.passed}/${grade.steps.length}${tries}`;
  return [line, ...grade.suspicions.map((text) => `${file}\tNOT GENUINE\t${text}`)];
}

/** Replays learners' documents. Exit status 1 when one cannot be read or is not genuine. `labs`: the folder of the lessons. */
export function gradeCommand(files: readonly string[], json: boolean, labs = dirname(samplesFolder())): number {
  const opened = new Map<string, OpenedLesson>();
  const lessonOf = (id: string): OpenedLesson => {
    const known = opened.get(id);
    if (known !== undefined) return known;
    if (!lessonFolders(labs).includes(id)) throw new HostFileError(`is of a lesson ${id}, which is not here`);
    const fresh = openLessonFolder(join(labs, id), samplesFolder());
    opened.set(id, fresh);
    return fresh;
  };
  const graded = files.map((file) => gradeFile(file, lessonOf));
  if (json) console.log(JSON.stringify(graded, null, 1));
  else for (const one of graded) for (const line of gradeLines(one)) console.log(line);
  return graded.every(({ grade }) => grade !== null && grade.suspicions.length === 0) ? 0 : 1;
}

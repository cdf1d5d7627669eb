/** What a lesson's author has proved: its outputs are the engine's, its solution passes, doing nothing does not. */
import type { Input } from '../input';
import type { OpenedLesson } from '../host';
import type { Lab } from '../lab';
import type { Block, LessonStep, Mistake } from './lesson';
import { labLinks, pictures } from './markdown';
import { LessonRun } from './run';

export interface LessonProblem {
  readonly line: number;
  readonly message: string;
}

export interface Bench {
  /** A lab that knows the lesson. */
  readonly lab: Lab;
  /** What a command prints on the lesson's machine after these inputs. */
  readonly printed: (inputs: readonly Input[], command: string) => Promise<string>;
}

type Output = Block & { kind: 'output' };

/** The output blocks of a part of the lesson, with what they should hold. */
async function outputsNow(blocks: readonly Block[], bench: Bench): Promise<[Output, string][]> {
  const inputs = [...bench.lab.machine.journal];
  const list: [Output, string][] = [];
  for (const block of blocks) {
    if (block.kind !== 'output') continue;
    list.push([block, (await bench.printed(inputs, block.command)).replace(/\n$/, '')]);
  }
  return list;
}

/** Plays the lesson until a step is not passed; `before` sees the texts of each step before its solution, `after` the run after it. */
async function playThrough(
  opened: OpenedLesson,
  bench: Bench,
  visit: {
    before(blocks: readonly Block[]): Promise<void>;
    after?(step: LessonStep, index: number, run: LessonRun, output: string): void;
  },
): Promise<void> {
  const { lab } = bench;
  lab.openLesson(opened.lesson.id);
  await visit.before(opened.lesson.intro);
  for (const [index, step] of opened.lesson.steps.entries()) {
    await visit.before(step.blocks);
    let output = '';
    await lab.showStep((played) => (output += `${played.what}\n${played.output}`));
    const run = lab.machine.follower;
    if (run instanceof LessonRun) visit.after?.(step, index, run, output);
    if (!(run instanceof LessonRun) || run.claims.length <= index) return;
  }
}

/** Everything that is wrong with a lesson that could be read. */
export async function checkLesson(opened: OpenedLesson, bench: Bench): Promise<LessonProblem[]> {
  const { lesson } = opened;
  const problems: LessonProblem[] = [...textProblems(opened)];
  bench.lab.openLesson(lesson.id);
  // An input that does nothing: what holds now holds without the learner.
  bench.lab.answer('', 0);
  const start = bench.lab.machine.follower;
  if (start instanceof LessonRun && start.claims.length > 0) {
    const { line, title } = lesson.steps[0]!;
    problems.push({ line, message: `step "${title}" is passed by an untouched start` });
  }
  await playThrough(opened, bench, {
    async before(blocks) {
      for (const [block, text] of await outputsNow(blocks, bench)) {
        if (block.text !== text) {
          problems.push({
            line: block.lines[0],
            message: `"${block.command}" prints something else now; "vfiolab lesson check --fix" puts it in`,
          });
        }
      }
    },
    after(step, index, run, output) {
      const state = run.progress(bench.lab.machine).steps[index]!;
      for (const say of state.mistakes) {
        const line = step.mistakes.find((mistake) => mistake.say === say)?.line ?? step.line;
        problems.push({ line, message: `the solution of step "${step.title}" gets this advice as well` });
      }
      if (run.claims.length === index + 1) return;
      const missing = state.checks.filter((check) => !check.holds).map((check) => `"${check.say}"`);
      const message =
        run.claims.length > index + 1
          ? `the solution of step "${step.title}" passes the next step too`
          : `the solution of step "${step.title}" does not pass ${missing.join(', ')}; it printed:\n${indented(output)}`;
      problems.push({ line: step.line, message });
    },
  });
  for (const [index, step] of lesson.steps.entries()) {
    for (const mistake of step.mistakes) problems.push(...(await tryMistake(opened, bench.lab, index, mistake)));
  }
  return problems.sort((a, b) => a.line - b.line);
}

/** Takes a wrong way in a step that was come to the right way: its advice has to come, and the step must not be passed. */
async function tryMistake(
  { lesson }: OpenedLesson,
  lab: Lab,
  step: number,
  mistake: Mistake,
): Promise<LessonProblem[]> {
  if (mistake.tries.length === 0) return [];
  lab.openLesson(lesson.id);
  for (let before = 0; before < step; before++) await lab.showStep(() => undefined);
  // A step before it is not passed: that is told already.
  if (passedSteps(lab) !== step) return [];
  let output = '';
  await lab.tryMistake(mistake, (played) => (output += `${played.what}\n${played.output}`));
  const { line } = mistake;
  if (passedSteps(lab) > step) return [{ line, message: 'this wrong way passes the step' }];
  if (mistakesSaid(lab, step).includes(mistake.say)) return [];
  return [{ line, message: `this wrong way does not get its advice; it printed:\n${indented(output)}` }];
}

const runOf = (lab: Lab): LessonRun | null => {
  const { follower } = lab.machine;
  return follower instanceof LessonRun ? follower : null;
};

const passedSteps = (lab: Lab): number => runOf(lab)?.claims.length ?? 0;

const mistakesSaid = (lab: Lab, step: number): readonly string[] =>
  runOf(lab)?.progress(lab.machine).steps[step]?.mistakes ?? [];

const indented = (text: string): string =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');

const LINK = /^(?:function|group|config|bar|vector|pane|step|command)\/\S+$/;

function* textProblems({ lesson, file }: OpenedLesson): Generator<LessonProblem> {
  const parts = [{ line: 1, blocks: lesson.intro }, ...lesson.steps];
  for (const { line, blocks } of parts) {
    for (const block of blocks) {
      if (block.kind !== 'prose') continue;
      for (const target of labLinks(block.markdown)) {
        if (!LINK.test(target)) yield { line, message: `the link lab:${target} points at nothing in the window` };
      }
      for (const name of pictures(block.markdown)) {
        if (file(name) === null) yield { line, message: `there is no picture ${name}` };
      }
    }
  }
}

/** The lesson's text with what its commands print now. */
export async function refreshOutputs(opened: OpenedLesson, source: string, bench: Bench): Promise<string> {
  const found: [Output, string][] = [];
  await playThrough(opened, bench, {
    async before(blocks) {
      found.push(...(await outputsNow(blocks, bench)));
    },
  });
  const lines = source.split('\n');
  for (const [block, text] of found.sort(([a], [b]) => b.lines[0] - a.lines[0])) {
    const [from, to] = block.lines;
    lines.splice(from, to - from - 1, ...text.split('\n'));
  }
  return lines.join('\n');
}

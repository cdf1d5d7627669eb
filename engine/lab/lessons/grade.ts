/** Who solved what: a learner's document is replayed, and what it claims is compared with what the replay finds. */
import type { DocumentContents } from '../document/format';
import type { MachineDescription } from '../../hardware/description';
import type { Lesson } from './lesson';
import { replayLesson } from './replay';
import type { Claim } from './run';

/** What a document says of its lesson. A replay must find the same. */
export interface LessonRecord {
  /** The lesson's id. */
  readonly id: string;
  readonly claims: readonly Claim[];
}

export interface Grade {
  readonly lesson: string;
  readonly title: string;
  readonly steps: readonly {
    readonly id: string;
    readonly title: string;
    readonly passed: boolean;
    readonly mistakes: number;
  }[];
  readonly passed: number;
  readonly answers: { readonly right: number; readonly tries: number };
  readonly inputs: number;
  /** What does not fit: the file was not made by doing the lesson in the lab. Empty for an honest file. */
  readonly suspicions: readonly string[];
}

/** `machine`: what the lesson starts on. */
export function gradeDocument(
  lesson: Lesson,
  machine: MachineDescription,
  contents: DocumentContents & { lesson: LessonRecord },
): Grade {
  const inputs = contents.gestures.flatMap((gesture) => gesture.inputs);
  const { machine: reached, run, refused } = replayLesson(lesson, machine, inputs);
  const progress = run.progress(reached);
  const suspicions: string[] = [];
  if (!sameMachine(contents.machine, machine)) {
    suspicions.push('The machine it starts from is not the one of the lesson.');
  }
  if (refused.length > 0) suspicions.push(`Input ${refused[0]} cannot be done; the lab keeps no such input.`);
  suspicions.push(...differences(contents.lesson.claims, run.claims));
  return {
    lesson: lesson.id,
    title: lesson.title,
    steps: progress.steps.map(({ id, passed, mistakes }, index) => ({
      id,
      title: lesson.steps[index]!.title,
      passed: passed !== null,
      mistakes: mistakes.length,
    })),
    passed: progress.current,
    answers: {
      right: progress.answers.filter((answer) => answer.right).length,
      tries: progress.answers.reduce((sum, answer) => sum + answer.tries, 0),
    },
    inputs: inputs.length,
    suspicions,
  };
}

function differences(claimed: readonly Claim[], found: readonly Claim[]): string[] {
  const list = claimed.flatMap((claim, index): string[] => {
    const truth = found[index];
    const says = `It says that step "${claim.step}" was passed after ${claim.inputs} inputs`;
    if (truth === undefined) return [`${says}; the replay does not pass it.`];
    if (truth.step !== claim.step || truth.inputs !== claim.inputs) {
      return [`${says}; the replay passes "${truth.step}" after ${truth.inputs}.`];
    }
    return truth.state === claim.state
      ? []
      : [`Input ${claim.inputs} leaves the machine in another state than the file says: inputs before it were edited.`];
  });
  if (claimed.length < found.length) {
    list.push(`It says that ${claimed.length} steps were passed; the replay passes ${found.length}.`);
  }
  return list;
}

/** Equal but for the name, which a person may have changed, and for the order of keys. */
function sameMachine(a: MachineDescription, b: MachineDescription): boolean {
  const bare = (description: MachineDescription): string =>
    JSON.stringify({ ...description, name: '', about: '' }, (_, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
        : value,
    );
  return bare(a) === bare(b);
}

/** A lesson as data: what `read.ts` makes of a `lesson.md`. */
import type { Condition } from './conditions';
import type { SolutionStep } from './solution';

export interface Lesson {
  /** Name of its folder: `10-msix-vectors`. */
  readonly id: string;
  readonly title: string;
  /** One sentence for lists. */
  readonly about: string;
  readonly minutes: number;
  /** The machine it starts on: a file of the lesson's folder, or the name of a sample machine. */
  readonly machine: string;
  /** Names of lessons that help to have done. */
  readonly needs: readonly string[];
  /** Markdown between the front matter and the first step. */
  readonly intro: readonly Block[];
  readonly steps: readonly LessonStep[];
  /** Where its statements come from: PCIe clauses, kernel documents. */
  readonly sources: readonly string[];
}

export interface LessonStep {
  readonly id: string;
  readonly title: string;
  /** Line of its heading in the file. */
  readonly line: number;
  readonly blocks: readonly Block[];
  readonly checks: readonly Check[];
  readonly hints: readonly string[];
  readonly mistakes: readonly Mistake[];
  readonly solution: readonly SolutionStep[];
  /** Markdown shown once the step is passed; null when there is none. */
  readonly passed: string | null;
  /** Markdown for who presents the lesson before others; null when there is none. */
  readonly notes: string | null;
}

/** What a step shows, in order. */
export type Block =
  | { readonly kind: 'prose'; readonly markdown: string }
  /** What commands print on the lesson's machine, as the engine printed it when the lesson was built. */
  | {
      readonly kind: 'output';
      readonly command: string;
      readonly text: string;
      /** Line of the opening fence and of the closing one. */
      readonly lines: readonly [number, number];
    }
  | Question;

/** A question with one right choice; the answer is an input of the journal. */
export interface Question {
  readonly kind: 'question';
  readonly id: string;
  readonly ask: string;
  readonly choices: readonly { readonly text: string; readonly right: boolean; readonly say: string | null }[];
}

/** One thing that a step asks for. */
export interface Check {
  readonly id: string;
  /** What has to be so, as the learner reads it. */
  readonly say: string;
  readonly condition: Condition;
  /** The question whose right answer it asks for; null: it asks for something else. */
  readonly question: string | null;
}

/** A wrong way that people take, and what to tell them. */
export interface Mistake {
  readonly when: Condition;
  readonly say: string;
  /** The wrong way itself: `lesson check` takes it, and expects this advice and no tick. Empty: none is given. */
  readonly tries: readonly SolutionStep[];
  /** Line of its block in the file. */
  readonly line: number;
}

/** What a choice of a step's question says. */
export function choiceText(step: LessonStep, question: string, choice: number): string {
  const asked = step.blocks.find((block) => block.kind === 'question' && block.id === question);
  const text = asked?.kind === 'question' ? asked.choices[choice]?.text : undefined;
  return text ?? String(choice);
}

/** A lesson's folder that cannot be read: which file, where, and what is wrong. */
export class LessonError extends Error {
  readonly file: string;
  readonly line: number;

  constructor(file: string, line: number, message: string) {
    super(`${file}:${line}: ${message}`);
    this.file = file;
    this.line = line;
  }
}

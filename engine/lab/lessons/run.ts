/**
 * A learner's way through a lesson. It sees every input of the machine and nothing else, so the journal alone decides:
 * a replay passes the same steps at the same inputs.
 */
import type { Input } from '../input';
import type { Machine, MachineFollower, Outcome, ProgramCall } from '../machine';
import { stateHash } from '../state-hash';
import type { Condition, Watcher } from './conditions';
import { lessonParts, watch } from './conditions';
import type { Before, Happening, MadeCall } from './happening';
import { happeningOf, lookBefore, programCallOf } from './happening';
import type { Lesson, LessonStep, Question } from './lesson';

export interface CheckState {
  readonly id: string;
  readonly say: string;
  readonly question: string | null;
  readonly holds: boolean;
}

export interface StepState {
  readonly id: string;
  readonly checks: readonly CheckState[];
  /** How many inputs the journal had when the step began and when it was passed; null: not yet. */
  readonly begun: number | null;
  readonly passed: number | null;
  /** Advice for the wrong ways that were taken in this step, the newest last. */
  readonly mistakes: readonly string[];
}

export interface AnswerState {
  readonly question: string;
  readonly choice: number;
  readonly right: boolean;
  readonly tries: number;
}

/** Where a learner is: the step in work, or the number of steps when the lesson is done. */
export interface LessonProgress {
  readonly current: number;
  readonly steps: readonly StepState[];
  readonly answers: readonly AnswerState[];
}

/** A passed step as a document keeps it: a replay must find the same. */
export interface Claim {
  readonly step: string;
  /** Inputs in the journal when it was passed, and the machine's state then. */
  readonly inputs: number;
  readonly state: string;
}

interface RunningStep {
  readonly checks: readonly Watcher[];
  readonly mistakes: readonly Watcher[];
}

export class LessonRun implements MachineFollower {
  readonly lesson: Lesson;
  /** Watchers of what counts from the lesson's beginning. */
  private readonly fromStart = new Map<Condition, Watcher>();
  private readonly questions = new Map<string, Question>();
  private readonly begun: number[] = [];
  readonly claims: Claim[] = [];
  private readonly said: string[][] = [];
  private readonly answers = new Map<string, AnswerState>();
  private running: RunningStep;
  private seen: Before | null = null;
  /** Calls of the program whose batch is open. */
  private programs: MadeCall[] = [];

  /** The machine it follows begins its journal with the lesson. */
  constructor(lesson: Lesson) {
    this.lesson = lesson;
    for (const step of lesson.steps) {
      for (const { condition } of step.checks) this.runFromStart(condition);
      for (const { when } of step.mistakes) this.runFromStart(when);
      for (const block of step.blocks) if (block.kind === 'question') this.questions.set(block.id, block);
    }
    this.running = this.begin(0);
  }

  private runFromStart(condition: Condition): void {
    for (const part of lessonParts(condition)) this.fromStart.set(part, watch(part));
  }

  private get step(): LessonStep | undefined {
    return this.lesson.steps[this.claims.length];
  }

  private begin(inputs: number): RunningStep {
    const { step } = this;
    if (step === undefined) return { checks: [], mistakes: [] };
    this.begun.push(inputs);
    this.said.push([]);
    const known = (condition: Condition): Watcher | undefined => {
      const running = this.fromStart.get(condition);
      // It is fed on its own.
      return running && { observe: () => undefined, holds: running.holds };
    };
    return {
      checks: step.checks.map(({ condition }) => watch(condition, known)),
      mistakes: step.mistakes.map(({ when }) => watch(when, known)),
    };
  }

  before(machine: Machine, input: Input): void {
    this.seen = lookBefore(machine, input);
    this.programs = [];
  }

  called(_machine: Machine, call: ProgramCall): void {
    this.programs.push(programCallOf(call));
  }

  after(machine: Machine, input: Input, outcome: Outcome): void {
    const before = this.seen;
    this.seen = null;
    if (before === null || outcome.error !== null) return;
    this.feed(happeningOf(machine, input, outcome, before, this.programs, this.judge(input)));
    this.advise(machine);
    // One input may pass several steps: the next may hold already.
    while (this.step !== undefined && this.running.checks.every((watcher) => watcher.holds(machine))) {
      const inputs = machine.journal.length;
      this.claims.push({ step: this.step.id, inputs, state: stateHash(machine.kernel) });
      this.running = this.begin(inputs);
    }
  }

  private judge(input: Input): boolean | null {
    if (input.kind !== 'answer') return null;
    const { question, choice } = input;
    const right = this.questions.get(question)?.choices[choice]?.right ?? false;
    const tries = (this.answers.get(question)?.tries ?? 0) + 1;
    this.answers.set(question, { question, choice, right, tries });
    return right;
  }

  private feed(happening: Happening): void {
    for (const watcher of this.fromStart.values()) watcher.observe(happening);
    for (const watcher of [...this.running.checks, ...this.running.mistakes]) watcher.observe(happening);
  }

  private advise(machine: Machine): void {
    const said = this.said.at(-1);
    this.running.mistakes.forEach((watcher, index) => {
      const text = this.step?.mistakes[index]?.say;
      if (text !== undefined && said !== undefined && !said.includes(text) && watcher.holds(machine)) {
        said.push(text);
      }
    });
  }

  /** `machine`: the one it follows. */
  progress(machine: Machine): LessonProgress {
    const current = this.claims.length;
    const steps = this.lesson.steps.map((step, index): StepState => {
      const checks = step.checks.map(({ id, say, question }, place) => ({
        id,
        say,
        question,
        holds: index < current || (index === current && this.running.checks[place]!.holds(machine)),
      }));
      return {
        id: step.id,
        checks,
        begun: this.begun[index] ?? null,
        passed: this.claims[index]?.inputs ?? null,
        mistakes: this.said[index] ?? [],
      };
    });
    return { current, steps, answers: [...this.answers.values()] };
  }

  /** Every step is passed. */
  get done(): boolean {
    return this.claims.length >= this.lesson.steps.length;
  }
}

/** Plays a journal through a lesson: how a learner's file is judged. */
import type { MachineDescription } from '../../hardware/description';
import type { Input } from '../input';
import { Machine } from '../machine';
import type { Lesson } from './lesson';
import { LessonRun } from './run';

export interface Replay {
  readonly machine: Machine;
  readonly run: LessonRun;
  /** Numbers, from 1, of inputs that the lab refused: a saved journal holds none. */
  readonly refused: readonly number[];
}

export function replayLesson(lesson: Lesson, base: MachineDescription, inputs: readonly Input[]): Replay {
  const run = new LessonRun(lesson);
  const machine = new Machine(base, run);
  const refused: number[] = [];
  inputs.forEach((input, index) => {
    if (machine.apply(input).error !== null) refused.push(index + 1);
  });
  return { machine, run, refused };
}

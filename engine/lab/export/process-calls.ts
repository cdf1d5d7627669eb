/** The system calls of one process in a document's journal, with their answers, by the step that they belong to. */
import type { Answer, TracedOperation } from '../../linux/uapi/operation';
import type { DocumentContents } from '../document/format';
import { Machine } from '../machine';

export interface AnsweredCall {
  readonly pid: number;
  readonly operation: TracedOperation;
  readonly answer: Answer;
}

export interface AnsweredStep {
  /** Of the document's steps in force, from 1. */
  readonly number: number;
  readonly label: string;
  readonly calls: readonly AnsweredCall[];
}

/** Replays the document. Steps without a call of the process are left out; null: of every process. */
export function answeredSteps(contents: DocumentContents, pid: number | null): AnsweredStep[] {
  const machine = new Machine(contents.machine);
  return contents.gestures.flatMap(({ label, inputs }, k) => {
    const calls: AnsweredCall[] = [];
    for (const input of inputs) {
      const { answer } = machine.apply(input);
      if (input.kind === 'call' && answer !== null && (pid === null || input.pid === pid))
        calls.push({ pid: input.pid, operation: input.operation, answer });
    }
    return calls.length === 0 ? [] : [{ number: k + 1, label, calls }];
  });
}

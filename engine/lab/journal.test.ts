import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headlessHost } from '../host/headless';
import type { MachineDescription } from '../hardware/description';
import { readDocument, serializeDocument, serializeStep } from './document/format';
import type { DocumentStep } from './document/format';
import type { Input } from './input';
import { History, ReplayError } from './journal';
import type { Moved } from './journal';
import { Lab } from './lab';
import { stateHash } from './state-hash';

const host = headlessHost();
const whole = Lab.create(host).machine.base;
const machine: MachineDescription = {
  ...whole,
  recordedGroups: null,
  functions: whole.functions.filter((fn) => /^0000:0(0:01\.0|1:00\.[01])$/.test(fn.address)),
};
const time = (ms: number): Input => ({ kind: 'time', ms });
const journalOf = (history: History): Input[] => [...history.machine.journal];

/** A history with what a journal on disk would hold of it. */
class Kept {
  readonly history = History.of(machine);
  text = serializeDocument(this.history.contents);
  private serial = 0;

  private write(step: DocumentStep): void {
    this.text += serializeStep(step);
  }
  do(inputs: number): void {
    const key = {};
    for (let k = 0; k < inputs; k++) {
      const input = time(++this.serial);
      const label = `step ${this.serial}`;
      const { step } = this.history.apply(input, label, key);
      if (step) this.write(step);
    }
  }
  move(moved: Moved | null): void {
    if (moved) this.write(moved.step);
  }
}

type Step =
  | { do: number }
  | { run: 'undo' | 'redo' }
  /** Share of what there is. */
  | { go: number }
  | { continue: number };

function perform(kept: Kept, step: Step): void {
  const { history } = kept;
  if ('do' in step) kept.do(step.do);
  else if ('run' in step) kept.move(history[step.run]());
  else if ('go' in step) {
    const branches = history.aside;
    const branch = branches[Math.floor(step.go * branches.length)];
    if (branch) kept.move(history.goTo(branch.tip, 'go'));
  } else kept.move(history.continueFrom(Math.round(step.continue * history.length.shown), 'continue'));
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 3 }).map((n) => ({ do: n })) },
  { weight: 2, arbitrary: fc.constantFrom('undo' as const, 'redo' as const).map((run) => ({ run })) },
  fc.double({ min: 0, max: 0.999, noNaN: true }).map((go) => ({ go })),
  fc.double({ min: 0, max: 1, noNaN: true }).map((at) => ({ continue: at })),
);

describe('a history', () => {
  it('is in its document and in the journal that follows it, whatever is done', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const kept = new Kept();
        for (const one of steps) perform(kept, one);
        const { history } = kept;
        for (const text of [kept.text, serializeDocument(history.contents)]) {
          const again = new History(readDocument(text));
          expect(journalOf(again)).toEqual(journalOf(history));
          expect(again.redoable).toEqual(history.redoable);
          expect(again.aside).toEqual(history.aside);
          expect(again.branch).toBe(history.branch);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('loses no gesture: each that was made is in force, ahead or on a branch', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const kept = new Kept();
        let made = 0;
        for (const one of steps) {
          const before = kept.history.contents;
          perform(kept, one);
          const sizeOf = ({ tree, gestures }: typeof before): number => tree?.gestures.length ?? gestures.length;
          const grown = sizeOf(kept.history.contents) - sizeOf(before);
          expect(grown).toBeGreaterThanOrEqual(0);
          made += grown;
        }
        const { history } = kept;
        const { tree, gestures } = history.contents;
        expect(tree?.gestures.length ?? gestures.length).toBe(made);
      }),
      { numRuns: 60 },
    );
  });

  it('undoes everything back to the start and does it again', () => {
    const kept = new Kept();
    for (let k = 0; k < 4; k++) kept.do(2);
    const { history } = kept;
    const end = stateHash(history.machine.kernel);
    while (history.undo());
    expect(history.machine.journal).toEqual([]);
    expect(history.redoLabel).toBe('step 1');
    while (history.redo());
    expect(stateHash(history.machine.kernel)).toBe(end);
  });

  it('continues from the past, keeps what came later as a branch, and undo leads back', () => {
    const kept = new Kept();
    for (let k = 0; k < 3; k++) kept.do(2);
    const { history } = kept;
    const end = journalOf(history);
    expect(history.continueFrom(4, 'Continue from input 4')?.step).toEqual({ head: 2 });
    expect(journalOf(history)).toEqual(end.slice(0, 4));
    // Until something else is done, redo leads to what came later.
    expect(history.redoable.map((g) => g.label)).toEqual(['step 5']);
    kept.do(1);
    expect(history.aside).toEqual([{ branch: 1, tip: 3, fork: 2, gestures: 1, inputs: 2 }]);
    expect(history.branch).toBe(2);
    expect(history.undoLabel).toBe('step 7');
    history.undo();
    expect(history.undoLabel).toBe('Continue from input 4');
    history.undo();
    expect(journalOf(history)).toEqual(end);
    expect(history.redoLabel).toBe('Continue from input 4');
    history.redo();
    history.redo();
    expect(journalOf(history)).toEqual([...end.slice(0, 4), time(7)]);
  });

  it('continues from within a gesture with a part of it', () => {
    const kept = new Kept();
    kept.do(3);
    const { history } = kept;
    expect(history.continueFrom(2, 'here')?.step).toMatchObject({ label: 'step 1 (2 of 3)', from: 0 });
    expect(history.machine.journal).toHaveLength(2);
    expect(history.aside).toMatchObject([{ tip: 1, gestures: 1, inputs: 3 }]);
  });

  it('looks at any input without changing anything, forwards from the last look', () => {
    const kept = new Kept();
    for (let k = 0; k < 5; k++) kept.do(2);
    const { history } = kept;
    history.undo();
    const journal = journalOf(history);
    const third = history.at(3, null);
    expect(third.journal).toHaveLength(3);
    expect(history.at(5, third)).toBe(third);
    expect(history.at(2, third)).not.toBe(third);
    // What redo would bring back can be looked at too.
    expect(history.at(10, third).journal).toHaveLength(10);
    expect(journalOf(history)).toEqual(journal);
  });

  it('tells which step of a document cannot be made', () => {
    const broken = { label: 'odd', inputs: [{ kind: 'call', pid: 1, operation: { op: 'frobnicate' } } as never] };
    expect(() => new History({ machine, gestures: [{ label: 'fine', inputs: [time(1)] }, broken] })).toThrow(
      ReplayError,
    );
  });
});

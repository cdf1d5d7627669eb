/** Gestures on a machine: what undo takes back, what redo brings again, what a document stores. */
import type { MachineDescription } from '../hardware/description';
import type { DocumentContents, DocumentGesture, DocumentStep } from './document/format';
import type { Answer, Operation } from '../linux/uapi/operation';
import { Performer } from '../shell/calls/perform';
import type { LinearMemory } from '../shell/c/abi';
import type { Input } from './input';
import type { MachineFollower, Outcome } from './machine';
import { Machine } from './machine';
import type { LiveProgram, OpenBatch } from './program';

/** Who looks: a process that may not be in the machine yet. `parent`: null for a child of init. */
export interface Looker {
  readonly pid: number;
  readonly parent: Looker | null;
  readonly name: string;
  readonly uid: number;
}

/** A program's doings become a step of the document after so many bytes. */
const BATCH_SIZE = 65536;

/** A machine with its gestures. Undo and redo are replays of the first n gestures, nothing else. */
export class History {
  machine: Machine;
  private gestures: DocumentGesture[] = [];
  private undone: DocumentGesture[] = [];
  private lastKey: object | null = null;
  private readonly refused = new WeakSet<DocumentGesture>();
  /** Whose open batch it is. */
  private batchOwner: { label: string; key: object } | null = null;
  /** Told when what a program did has become a step of the document. */
  onSealed: (step: DocumentStep) => void = () => undefined;

  private readonly follow: () => MachineFollower | null;

  /** `follow` makes who watches a machine, for each machine that is replayed. */
  constructor(contents: DocumentContents, follow: () => MachineFollower | null = () => null) {
    this.follow = follow;
    this.machine = new Machine(contents.machine, follow());
    for (const gesture of contents.gestures) {
      for (const input of gesture.inputs) {
        if (this.machine.apply(input).answer?.errno !== undefined) this.refused.add(gesture);
      }
      this.gestures.push(gesture);
    }
  }

  static of(description: MachineDescription, follow?: () => MachineFollower | null): History {
    return new History({ machine: description, gestures: [] }, follow);
  }

  get contents(): DocumentContents {
    this.seal();
    return { machine: this.machine.base, gestures: this.gestures };
  }

  get all(): readonly DocumentGesture[] {
    return this.gestures;
  }

  /** Gestures taken back, next one to redo first. */
  get redoable(): readonly DocumentGesture[] {
    return [...this.undone].reverse();
  }

  /** Linux refused one of its calls. */
  wasRefused(gesture: DocumentGesture): boolean {
    return this.refused.has(gesture);
  }

  get undoLabel(): string | null {
    return this.gestures.at(-1)?.label ?? null;
  }

  get redoLabel(): string | null {
    return this.undone.at(-1)?.label ?? null;
  }

  /**
   * Applies an input. Inputs with the same `key` in a row are one gesture (a click, a command line); `label` names a
   * gesture that this input begins.
   */
  apply(input: Input, label: string, key: object): Outcome {
    this.seal();
    const outcome = this.attempt(input);
    if (outcome.error !== null) return outcome;
    this.keep(outcome.input, label, key);
    if (outcome.answer?.errno !== undefined) this.refused.add(this.gestures.at(-1)!);
    return outcome;
  }

  /** Writes an input that was applied into the gesture that it belongs to; true when that is a new one. */
  private keep(input: Input, label: string, key: object): boolean {
    const last = this.gestures.at(-1);
    this.undone = [];
    if (last && this.lastKey === key) {
      last.inputs.push(input);
      return false;
    }
    this.gestures.push({ label, inputs: [input] });
    this.lastKey = key;
    return true;
  }

  /** The last input that was applied, as it stands in the journal. */
  get lastInput(): Input | null {
    return this.machine.journal.at(-1) ?? null;
  }

  // ---- programs in C

  /** A program begins; `owner` names the gesture that its steps belong to, at the time of each. */
  attach(pid: number, memory: LinearMemory, owner: () => { label: string; key: object }): LiveProgram | null {
    const { machine } = this;
    return machine.attach(pid, memory, {
      batchOf: (who): OpenBatch => {
        const open = machine.openBatch;
        if (open?.pid === who && open.writer.size < BATCH_SIZE) return open;
        this.seal();
        this.batchOwner = owner();
        return machine.batchOf(who);
      },
      failed: () => this.replay(),
    });
  }

  /** Makes a step of what a program did since the last one. */
  seal(): void {
    const input = this.machine.seal();
    const owner = this.batchOwner;
    this.batchOwner = null;
    if (input === null || owner === null) return;
    const { label, key } = owner;
    const begun = this.keep(input, label, key);
    this.onSealed(begun ? { label, inputs: [input] } : { more: [input] });
  }

  /** A fault of the lab itself ends with the machine as its journal says, not with half an input. */
  private attempt(input: Input): Outcome & { input: Input } {
    try {
      return this.machine.apply(input);
    } catch (error) {
      this.replay();
      const text = error instanceof Error ? error.message : String(error);
      return { input, answer: null, why: null, error: `The lab failed at this step and took it back: ${text}` };
    }
  }

  /**
   * A look that changes nothing. A process that has done nothing yet is in no journal: it and its parents stand in the
   * machine for the time of the look, so that /proc/self shows them.
   */
  observe(looker: Looker, operation: Operation): Answer {
    const { kernel } = this.machine;
    const passing: number[] = [];
    for (let who: Looker | null = looker; who !== null && kernel.processes.get(who.pid) === null; who = who.parent) {
      kernel.processes.spawn({ pid: who.pid, parent: who.parent?.pid ?? 1, name: who.name, uid: who.uid });
      passing.push(who.pid);
    }
    if (passing.length === 0) return this.machine.observe(looker.pid, operation);
    try {
      return new Performer(kernel, kernel.processes.get(looker.pid)!).perform(operation);
    } finally {
      for (const pid of passing) kernel.processes.exit(pid);
    }
  }

  /** Takes back the last gesture; its label, or null when there is none. */
  undo(): string | null {
    this.seal();
    const last = this.gestures.pop();
    if (!last) return null;
    this.undone.push(last);
    this.lastKey = null;
    this.replay();
    return last.label;
  }

  redo(): string | null {
    this.seal();
    const next = this.undone.pop();
    if (!next) return null;
    for (const input of next.inputs) this.machine.apply(input);
    this.gestures.push(next);
    this.lastKey = null;
    return next.label;
  }

  private replay(): void {
    this.machine.drop();
    this.batchOwner = null;
    this.machine = Machine.replay(
      this.machine.base,
      this.gestures.flatMap((gesture) => gesture.inputs),
      this.follow(),
    );
  }
}

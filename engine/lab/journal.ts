/** Gestures on a machine: what undo takes back, what redo brings again, ways that were left, looks into the past. */
import type { MachineDescription } from '../hardware/description';
import { contentsOf } from './document/format';
import type { DocumentContents, DocumentGesture, DocumentStep } from './document/format';
import { ShownSteps } from './document/shown';
import { GestureTree } from './document/tree';
import type { Branch } from './document/tree';
import type { Answer, Operation } from '../linux/uapi/operation';
import { Performer } from '../shell/calls/perform';
import type { LinearMemory } from '../shell/c/abi';
import type { Input } from './input';
import type { MachineFollower, Outcome } from './machine';
import { Machine } from './machine';
import type { BatchKeeper, LiveProgram, OpenBatch, ProgramWatchers } from './program';
import { Recording } from './recording/recording';

/** Who looks: a process that may not be in the machine yet. `parent`: null for a child of init. */
export interface Looker {
  readonly pid: number;
  readonly parent: Looker | null;
  readonly name: string;
  readonly uid: number;
}

/** A program's doings become a step of the document after so many bytes. */
const BATCH_SIZE = 65536;

/** A fault of the lab itself. */
export interface Fault {
  /** A sentence for the person. */
  readonly what: string;
  readonly cause: unknown;
  /** The input at which it happened, as text. */
  readonly during: string;
}

const LONGEST_TOLD = 500;

/** A step of a document that cannot be made. */
export class ReplayError extends Error {
  readonly gesture: number;

  constructor(gesture: number, label: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`Step ${gesture} (${label}) cannot be made: ${reason}`);
    this.gesture = gesture;
  }
}

/** The head went elsewhere by name, not by undo or redo. */
interface Jump {
  readonly from: number;
  readonly to: number;
  readonly label: string;
  /** What redo led to when it was taken back. */
  readonly ahead: number;
}

/** What a move of the head is called, and how a journal tells it. */
export interface Moved {
  readonly label: string;
  readonly step: DocumentStep;
}

/** A machine with its gestures. Every state is a replay of the gestures on the way to the head, nothing else. */
export class History {
  machine: Machine;
  private readonly base: MachineDescription;
  private readonly tree: GestureTree;
  private readonly steps: ShownSteps;
  /** Numbers of the gestures in force. */
  private way: number[] = [];
  private lastKey: object | null = null;
  private readonly jumps: Jump[] = [];
  private returned: Jump[] = [];
  private readonly refused = new WeakSet<DocumentGesture>();
  /** Whose open batch it is. */
  private batchOwner: { label: string; key: object } | null = null;
  /** Told when what a program did has become a step of the document. */
  onSealed: (step: DocumentStep) => void = () => undefined;
  /** Told when the lab itself failed at an input: the answer's words, and what was thrown. */
  onFault: (fault: Fault) => void = () => undefined;
  private readonly follow: () => MachineFollower | null;

  /** `follow` makes who watches a machine, for each machine that is replayed. Throws ReplayError. */
  constructor(contents: DocumentContents, follow: () => MachineFollower | null = () => null) {
    this.follow = follow;
    this.base = contents.machine;
    this.tree = contents.tree ? GestureTree.of(contents.tree) : new GestureTree();
    if (!contents.tree) for (const gesture of contents.gestures) this.tree.add(gesture);
    this.steps = new ShownSteps(this.tree);
    this.machine = this.replayed();
  }

  static of(description: MachineDescription, follow?: () => MachineFollower | null): History {
    return new History({ machine: description, gestures: [] }, follow);
  }

  get contents(): DocumentContents {
    this.seal();
    return contentsOf(this.base, this.tree);
  }

  /** Gestures in force. */
  get done(): number {
    return this.way.length;
  }

  /** Place, in what is shown, of the gesture that input `n` belongs to. */
  stepAt(n: number): number {
    return Math.max(0, this.steps.placeOf(n));
  }

  /** Inputs before the gesture at place `k` of what is shown. */
  startOf(k: number): number {
    return this.steps.startOf(k);
  }

  /** In force, oldest first. */
  get all(): readonly DocumentGesture[] {
    return this.way.map((at) => this.tree.gesture(at));
  }

  /** Gestures that redo brings back, the next one first. */
  get redoable(): readonly DocumentGesture[] {
    return this.tree.ahead.map((at) => this.tree.gesture(at));
  }

  /** Ways that were left, none of which undo or redo leads to. */
  get aside(): readonly Branch[] {
    return this.steps.branches;
  }

  /** Number of the branch in force. */
  get branch(): number {
    return this.tree.branchOf(this.tree.head);
  }

  nameOf(branch: number): string | null {
    return this.tree.names.get(branch) ?? null;
  }

  nameBranch(branch: number, name: string): DocumentStep {
    if (name === '') this.tree.names.delete(branch);
    else this.tree.names.set(branch, name);
    return { branch, name };
  }

  /** The last step in force was made under this key. */
  isLast(key: object): boolean {
    return this.tree.head !== 0 && this.lastKey === key;
  }

  /** Linux refused one of its calls. */
  wasRefused(gesture: DocumentGesture): boolean {
    return this.refused.has(gesture);
  }

  private get lastJump(): Jump | undefined {
    const jump = this.jumps.at(-1);
    return jump?.to === this.tree.head ? jump : undefined;
  }

  private get nextJump(): Jump | undefined {
    const jump = this.returned.at(-1);
    return jump?.from === this.tree.head ? jump : undefined;
  }

  get undoLabel(): string | null {
    if (this.lastJump) return this.lastJump.label;
    return this.tree.head === 0 ? null : this.tree.gesture(this.tree.head).label;
  }

  get redoLabel(): string | null {
    if (this.nextJump) return this.nextJump.label;
    const next = this.tree.ahead[0];
    return next === undefined ? null : this.tree.gesture(next).label;
  }

  /**
   * Applies an input. Inputs with the same `key` in a row are one gesture (a click, a command line); `label` names a
   * gesture that this input begins. What redo would have brought back stays in the tree, as a branch.
   */
  apply(input: Input, label: string, key: object): Outcome & { step: DocumentStep | null } {
    this.seal();
    const { input: written, ...outcome } = this.attempt(input);
    if (outcome.error !== null) return { ...outcome, step: null };
    const step = this.keep(written, label, key);
    if (outcome.answer?.errno !== undefined) this.refused.add(this.tree.gesture(this.tree.head));
    return { ...outcome, step };
  }

  /** Writes an input that was applied into the gesture that it belongs to, a new one or the last. */
  private keep(input: Input, label: string, key: object): DocumentStep {
    if (this.tree.head !== 0 && this.lastKey === key) {
      this.tree.gesture(this.tree.head).inputs.push(input);
      return { more: [input] };
    }
    this.way.push(this.tree.add({ label, inputs: [input] }));
    this.lastKey = key;
    this.returned = [];
    return { label, inputs: [input] };
  }

  // ---- programs in C

  /** A program begins; `owner` names the gesture that its steps belong to, at the time of each. */
  attach(
    pid: number,
    memory: LinearMemory,
    owner: () => { label: string; key: object },
    watchers: ProgramWatchers,
  ): LiveProgram | null {
    const { machine } = this;
    const keeper: BatchKeeper = {
      batchOf: (who): OpenBatch => {
        const open = machine.openBatch;
        if (open?.pid === who && open.writer.size < BATCH_SIZE) return open;
        this.seal();
        this.batchOwner = owner();
        return machine.batchOf(who);
      },
      failed: () => {
        this.machine = this.replayed();
      },
    };
    return machine.attach(pid, memory, keeper, watchers);
  }

  /** Makes a step of what a program did since the last one. */
  seal(): void {
    const input = this.machine.seal();
    const owner = this.batchOwner;
    this.batchOwner = null;
    if (input !== null && owner !== null) this.onSealed(this.keep(input, owner.label, owner.key));
  }

  /** A fault of the lab itself ends with the machine as its journal says, not with half an input. */
  private attempt(input: Input): Outcome & { input: Input } {
    try {
      return this.machine.apply(input);
    } catch (error) {
      this.machine = this.replayed();
      const text = error instanceof Error ? error.message : String(error);
      const what = `The lab failed at this step and took it back: ${text}`;
      this.onFault({ what, cause: error, during: JSON.stringify(input).slice(0, LONGEST_TOLD) });
      return { input, answer: null, why: null, error: what };
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

  // ---- moving the head

  /** Takes back the last gesture, or the last jump; null when there is nothing. */
  undo(): Moved | null {
    this.seal();
    const jump = this.lastJump;
    if (jump) {
      this.jumps.pop();
      this.returned.push({ ...jump, ahead: this.tree.ahead.at(-1) ?? jump.to });
      return this.moveTo(jump.from, jump.label);
    }
    const { head } = this.tree;
    return head === 0 ? null : this.moveTo(this.tree.from(head), this.tree.gesture(head).label);
  }

  redo(): Moved | null {
    this.seal();
    const jump = this.nextJump;
    if (jump) {
      this.returned.pop();
      this.jumps.push(jump);
      return this.moveTo(jump.to, jump.label, jump.ahead);
    }
    const next = this.tree.ahead[0];
    return next === undefined ? null : this.moveTo(next, this.tree.gesture(next).label);
  }

  /** Goes to a gesture by its number, also on another branch; undo leads back. Null when it is the head already. */
  goTo(gesture: number, label: string): Moved | null {
    this.seal();
    if (!this.tree.has(gesture) || gesture === this.tree.head) return null;
    this.jumps.push({ from: this.tree.head, to: gesture, label, ahead: gesture });
    this.returned = [];
    return this.moveTo(gesture, label);
  }

  /**
   * Makes the state after input `n` of what is shown (in force, then ahead) the present one. What came later stays in
   * the tree. Inside a gesture a new one is made of its first inputs.
   */
  continueFrom(n: number, label: string): Moved | null {
    this.seal();
    const { before, gesture, inside } = this.placeOf(n);
    if (inside === 0) return this.goTo(before, label);
    const whole = this.tree.gesture(gesture);
    const inputs = whole.inputs.slice(0, inside);
    const from = before;
    const head = this.tree.head;
    this.tree.moveTo(from);
    const part = { label: `${whole.label} (${inside} of ${whole.inputs.length})`, inputs };
    const to = this.tree.add(part);
    this.jumps.push({ from: head, to, label, ahead: to });
    this.returned = [];
    this.lastKey = null;
    this.machine = this.replayed();
    return { label, step: { ...part, from } };
  }

  private moveTo(gesture: number, label: string, redoTo = gesture): Moved {
    const ahead = this.tree.ahead;
    const forward = ahead.indexOf(gesture);
    this.tree.moveTo(redoTo);
    this.tree.moveTo(gesture);
    this.lastKey = null;
    if (forward < 0) this.machine = this.replayed();
    else for (const at of ahead.slice(0, forward + 1)) this.perform(this.machine, at);
    this.way = this.tree.way();
    return { label, step: redoTo === gesture ? { head: gesture } : { head: gesture, ahead: redoTo } };
  }

  // ---- the past

  /** Inputs in force, and with those that redo would bring back. */
  get length(): { inForce: number; shown: number } {
    const inForce = this.machine.journal.length;
    return { inForce, shown: Math.max(inForce, this.steps.inputs) };
  }

  /** Numbers of the gestures that are shown: in force, then ahead. */
  get shown(): readonly number[] {
    return this.steps.list;
  }

  /** Name of the gesture that input `n` of what is shown belongs to; null for the start. */
  labelAt(n: number): string | null {
    const { gesture } = this.placeOf(n);
    return gesture === 0 ? null : this.tree.gesture(gesture).label;
  }

  gesture(number: number): DocumentGesture {
    return this.tree.gesture(number);
  }

  /** The gesture whose end is input `n` (`inside` 0), or the one that `n` lies in and how many of its inputs are done. */
  private placeOf(n: number): { before: number; gesture: number; inside: number } {
    const { list } = this.steps;
    const at = this.steps.placeOf(n);
    if (at < 0) return { before: 0, gesture: 0, inside: 0 };
    const gesture = list[at]!;
    const inside = n - this.steps.startOf(at);
    if (inside >= this.tree.gesture(gesture).inputs.length) return { before: gesture, gesture, inside: 0 };
    return { before: list[at - 1] ?? 0, gesture, inside };
  }

  /** A machine in the state after the first `n` inputs that are shown. `known`, with fewer inputs, is led on to it. */
  at(n: number, known: Machine | null): Machine {
    this.seal();
    const usable = known !== null && known.journal.length <= n && this.isPrefix(known);
    const machine = usable ? known : this.fresh();
    let done = 0;
    for (const gesture of this.shown) {
      for (const input of this.tree.gesture(gesture).inputs) {
        if (done >= n) return machine;
        if (done++ >= machine.journal.length) machine.apply(input);
      }
    }
    return machine;
  }

  /** Its journal is the beginning of what is shown. Inputs are the same objects for as long as the history lives. */
  private isPrefix(machine: Machine): boolean {
    let done = 0;
    for (const gesture of this.shown) {
      for (const input of this.tree.gesture(gesture).inputs) {
        if (done >= machine.journal.length) return true;
        if (machine.journal[done++] !== input) return false;
      }
    }
    return done >= machine.journal.length;
  }

  private fresh(): Machine {
    return new Machine(this.base, this.follow(), new Recording());
  }

  private perform(machine: Machine, number: number): void {
    const gesture = this.tree.gesture(number);
    try {
      for (const input of gesture.inputs) {
        if (machine.apply(input).answer?.errno !== undefined) this.refused.add(gesture);
      }
    } catch (error) {
      throw new ReplayError(number, gesture.label, error);
    }
  }

  /** A machine after the gestures in force, in the place of the one before. */
  private replayed(): Machine {
    this.machine?.drop();
    this.batchOwner = null;
    const machine = this.fresh();
    this.way = this.tree.way();
    for (const at of this.way) this.perform(machine, at);
    return machine;
  }
}

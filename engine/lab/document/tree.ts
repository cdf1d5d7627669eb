/**
 * Everything that was done to a machine, as a tree of gestures: each goes on from another one or from the start. One of
 * them is the head: the way to it is in force. Undo, redo and going elsewhere only move the head; nothing is thrown
 * away. Gestures are numbered from 1 in the order they were made; 0 is the start.
 */
import type { Input } from '../input';

export interface DocumentGesture {
  label: string;
  inputs: Input[];
}

/** The tree as a document keeps it. */
export interface TreeContents {
  /** By number; `from` is the number of the gesture it goes on from. */
  readonly gestures: readonly (DocumentGesture & { from: number })[];
  readonly head: number;
  /** The gesture that redoing everything would lead to. */
  readonly ahead: number;
  /** Names of branches by their number. */
  readonly names: Readonly<Record<number, string>>;
}

interface Node {
  readonly gesture: DocumentGesture;
  readonly from: number;
  /** Branch that it is on: the first child of a gesture stays on its branch, each further one begins a new one. */
  readonly branch: number;
  /** What redo brings back from here; 0: nothing. */
  next: number;
  children: number;
}

/** A way that is not in force. */
export interface Branch {
  readonly branch: number;
  /** Its last gesture. */
  readonly tip: number;
  /** The gesture at which it leaves the way in force. */
  readonly fork: number;
  /** Gestures behind the fork, and their inputs. */
  readonly gestures: number;
  readonly inputs: number;
}

export class GestureTree {
  private readonly nodes: Node[] = [{ gesture: { label: '', inputs: [] }, from: 0, branch: 1, next: 0, children: 0 }];
  private branches = 1;
  private at = 0;
  /** How often anything else happened than that a gesture went on from the last one shown. */
  moves = 0;
  readonly names = new Map<number, string>();

  static of(contents: TreeContents): GestureTree {
    const tree = new GestureTree();
    for (const { from, label, inputs } of contents.gestures) {
      tree.at = from;
      tree.add({ label, inputs });
    }
    tree.steer(contents.ahead);
    tree.moveTo(contents.head);
    for (const [branch, name] of Object.entries(contents.names)) tree.names.set(Number(branch), name);
    return tree;
  }

  get contents(): TreeContents {
    return {
      gestures: this.nodes.slice(1).map(({ gesture, from }) => ({ ...gesture, from })),
      head: this.at,
      ahead: this.ahead.at(-1) ?? this.at,
      names: Object.fromEntries(this.names),
    };
  }

  /** Number of gestures. */
  get size(): number {
    return this.nodes.length - 1;
  }

  get head(): number {
    return this.at;
  }

  has(gesture: number): boolean {
    return Number.isInteger(gesture) && gesture >= 0 && gesture < this.nodes.length;
  }

  gesture(at: number): DocumentGesture {
    return this.node(at).gesture;
  }

  from(at: number): number {
    return this.node(at).from;
  }

  branchOf(at: number): number {
    return this.node(at).branch;
  }

  private node(at: number): Node {
    const node = this.nodes[at];
    if (!node) throw new RangeError(`There is no gesture ${at}.`);
    return node;
  }

  /** Makes a gesture that goes on from the head the head; its number. */
  add(gesture: DocumentGesture): number {
    const parent = this.node(this.at);
    if (parent.next !== 0) this.moves++;
    const branch = parent.children++ === 0 ? parent.branch : ++this.branches;
    this.nodes.push({ gesture, from: this.at, branch, next: 0, children: 0 });
    this.at = parent.next = this.nodes.length - 1;
    return this.at;
  }

  /** Numbers on the way from the start to a gesture. */
  way(to = this.at): number[] {
    const way: number[] = [];
    for (let at = to; at !== 0; at = this.node(at).from) way.push(at);
    return way.reverse();
  }

  /** What redo brings back, in order. */
  get ahead(): number[] {
    const ahead: number[] = [];
    for (let at = this.node(this.at).next; at !== 0; at = this.node(at).next) ahead.push(at);
    return ahead;
  }

  moveTo(gesture: number): void {
    this.steer(gesture);
    this.at = gesture;
  }

  /** From now on redo leads to this gesture where the ways part. */
  private steer(gesture: number): void {
    this.moves++;
    for (const at of this.way(gesture)) this.node(this.node(at).from).next = at;
  }

  /** Ways that neither the head nor redo is on, in the order they were begun. */
  aside(): Branch[] {
    const shown = new Set([0, ...this.way(), ...this.ahead]);
    const out: Branch[] = [];
    for (let tip = 1; tip < this.nodes.length; tip++) {
      if (this.node(tip).children > 0 || shown.has(tip)) continue;
      let fork = tip;
      let gestures = 0;
      let inputs = 0;
      for (; !shown.has(fork); fork = this.node(fork).from) {
        gestures++;
        inputs += this.node(fork).gesture.inputs.length;
      }
      out.push({ branch: this.node(tip).branch, tip, fork, gestures, inputs });
    }
    return out.sort((a, b) => a.branch - b.branch);
  }
}

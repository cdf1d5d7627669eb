/**
 * The gestures of a tree that are shown, in force and then ahead, and where the inputs of each begin. A step more costs
 * one entry more; only a move of the head makes the list anew.
 */
import type { Branch, GestureTree } from './tree';

export class ShownSteps {
  private readonly tree: GestureTree;
  private numbers: number[] = [];
  /** Inputs before each. */
  private starts: number[] = [];
  private aside: Branch[] = [];
  /** What the lists were made of. */
  private moves = -1;
  private size = 0;

  constructor(tree: GestureTree) {
    this.tree = tree;
  }

  private refresh(): void {
    const { tree } = this;
    if (this.moves !== tree.moves) {
      this.numbers = [];
      this.starts = [];
      for (const number of [...tree.way(), ...tree.ahead]) this.push(number);
      this.aside = tree.aside();
    } else for (let number = this.size + 1; number <= tree.size; number++) this.push(number);
    this.moves = tree.moves;
    this.size = tree.size;
  }

  private push(number: number): void {
    this.starts.push(this.end);
    this.numbers.push(number);
  }

  /** Inputs of all in the lists; the last gesture may have got some more since. */
  private get end(): number {
    const last = this.numbers.length - 1;
    return last < 0 ? 0 : this.starts[last]! + this.tree.gesture(this.numbers[last]!).inputs.length;
  }

  /** Numbers of the gestures, in order. */
  get list(): readonly number[] {
    this.refresh();
    return this.numbers;
  }

  /** Inputs of all together. */
  get inputs(): number {
    this.refresh();
    return this.end;
  }

  /** Inputs before the gesture at place `k`. */
  startOf(k: number): number {
    this.refresh();
    return this.starts[k]!;
  }

  /** The last place whose gesture begins before input `n` is done; -1 for the start. */
  placeOf(n: number): number {
    this.refresh();
    let low = 0;
    let high = this.numbers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle]! < n) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Ways that are not shown, in the order they were begun. */
  get branches(): readonly Branch[] {
    this.refresh();
    return this.aside;
  }
}

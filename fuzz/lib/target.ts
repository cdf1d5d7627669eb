/** A part of the product that takes something from outside, and what must hold whatever comes. */
import type { Mutation } from './mutate';

export interface Target {
  /** Also the folder in `kept/` with inputs that once broke it. */
  readonly name: string;
  /** Whose code it is meant to reach: the beginnings of source files' paths. */
  readonly reaches: readonly string[];
  /** Inputs that are in order, to begin with. */
  seeds(): readonly Uint8Array[];
  readonly mutations: readonly Mutation[];
  /** Takes one input. Throws when something that must hold does not. Does a bounded number of steps. */
  run(input: Uint8Array): void | Promise<void>;
  /** How many inputs `npm test` tries. */
  readonly briefly: number;
}

/** Something that must hold did not. */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const bytesOf = (text: string): Uint8Array => encoder.encode(text);
export const textOf = (bytes: Uint8Array): string => decoder.decode(bytes);

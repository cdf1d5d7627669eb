/** How a step is done: what "show me" plays and what `vfiolab lesson check` proves. */
import { z } from 'zod';
import type { Action } from '../action';

/** Commands typed into a shell, a gesture of the window, an answer, or time that passes. */
export type SolutionStep =
  | { readonly sh: string }
  | { readonly act: Action }
  | { readonly answer: { question: string; choice: number } }
  | { readonly wait: number };

export const solutionStep = z.union([
  z.strictObject({ sh: z.string().min(1) }),
  z.strictObject({ act: z.looseObject({ kind: z.string() }) }),
  z.strictObject({ answer: z.strictObject({ question: z.string(), choice: z.number().int().nonnegative() }) }),
  z.strictObject({ wait: z.number().positive().max(3_600_000) }),
]);

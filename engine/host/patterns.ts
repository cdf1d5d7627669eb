/**
 * Patterns that people type (`grep -E '(a+)+$'`) can take a backtracking engine longer than anybody waits. V8 has one
 * more that goes through the text once; with this flag it takes over where the first backtracks too much. Patterns with
 * references to groups stay with the first, as they do elsewhere.
 */
import { setFlagsFromString } from 'node:v8';

let bounded = false;

export function boundPatterns(): void {
  if (bounded) return;
  bounded = true;
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
}

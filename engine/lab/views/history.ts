/** The steps of the document in order, and the ways that were left. */
import type { ViewContext } from './context';
import type { HistoryView, Views } from './types';

const MOST = 500;

export function historyView({ history }: ViewContext, { from, count }: Views['history']['parameters']): HistoryView {
  const shown = history.shown;
  const end = Math.min(shown.length, from + Math.min(count, MOST));
  const steps: HistoryView['steps'] = [];
  for (let k = from; k < end; k++) {
    const gesture = history.gesture(shown[k]!);
    const before = history.startOf(k);
    steps.push({
      label: gesture.label,
      inputs: [before + 1, before + gesture.inputs.length],
      refused: history.wasRefused(gesture),
    });
  }
  return {
    from,
    total: shown.length,
    done: history.done,
    steps,
    branch: { number: history.branch, name: history.nameOf(history.branch) },
    branches: history.aside.map(({ branch, tip, fork, gestures, inputs }) => ({
      number: branch,
      name: history.nameOf(branch),
      tip,
      steps: gestures,
      inputs,
      last: history.gesture(tip).label,
      fork: fork === 0 ? null : history.gesture(fork).label,
    })),
  };
}

/** Timeline. */
import { count } from '../ui/address';

export const timeline = {
  back: 'Undo one step',
  forward: 'Redo one step',
  live: 'live',
  past: 'past',
  lanes: { edit: 'edits', call: 'calls', stimulus: 'device', time: 'time' },
  empty: 'No input yet. Everything you do appears here and can be undone by name.',
  chart: (at: number, of: number) => `Inputs of this session, ${count(at)} of ${count(of)} in force`,
  refused: 'refused',
} as const;

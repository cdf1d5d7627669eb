import type { Input } from '../input';
import type { ViewContext } from './context';
import type { TimelineView } from './types';

const ADDRESS = /[0-9a-f]{4,5}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]/;

function kindOf(input: Input | undefined): TimelineView['entries'][number]['kind'] {
  switch (input?.kind) {
    case 'stimulus':
      return 'stimulus';
    case 'time':
      return 'time';
    case 'edit':
    case 'reboot':
      return 'edit';
    default:
      return 'call';
  }
}

/** One entry a gesture: the done ones, then those that redo would bring back. */
export function timelineView({ history }: ViewContext): TimelineView {
  const gestures = [...history.all, ...history.redoable];
  return {
    position: history.all.length,
    length: gestures.length,
    entries: gestures.map((gesture, index) => {
      const main = gesture.inputs.find((input) => input.kind !== 'spawn') ?? gesture.inputs[0];
      return {
        index,
        label: gesture.label,
        kind: kindOf(main),
        address: ADDRESS.exec(JSON.stringify(gesture.inputs))?.[0] ?? null,
        refused: history.wasRefused(gesture),
      };
    }),
  };
}

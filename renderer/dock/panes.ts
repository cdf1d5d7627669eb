/** What every pane is called by: its icon and its key. Its title is in the texts. */
import type { PaneName } from './layout';

export interface PaneInfo {
  readonly icon: string;
  /** Brings it to the front and into the focus. */
  readonly keys: string;
}

/** In the order of their keys. */
export const PANES: Readonly<Record<PaneName, PaneInfo>> = {
  topology: { icon: 'root-complex', keys: 'Ctrl 1' },
  inspector: { icon: 'inspect', keys: 'Ctrl 2' },
  containers: { icon: 'container', keys: 'Ctrl 3' },
  interrupts: { icon: 'irq', keys: 'Ctrl 4' },
  terminal: { icon: 'terminal', keys: 'Ctrl 5' },
  timeline: { icon: 'timeline', keys: 'Ctrl 6' },
  lesson: { icon: 'lesson', keys: 'Ctrl 7' },
  history: { icon: 'undo', keys: 'Ctrl 8' },
  messages: { icon: 'info', keys: 'Ctrl 9' },
  editor: { icon: 'code', keys: 'Ctrl Shift E' },
};

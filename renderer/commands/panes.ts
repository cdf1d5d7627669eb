/** The panes in their order, and moving between them by keyboard. */
import type { PaneName } from '../stores/frame';
import { enterPane } from '../ui/focus';

export const PANES: readonly PaneName[] = ['topology', 'inspector', 'containers', 'interrupts', 'terminal', 'timeline'];

/** Moves the focus to the next or previous pane that is in the window. */
export function stepPane(direction: 1 | -1): void {
  const panes = [...document.querySelectorAll<HTMLElement>('[data-pane]')];
  const at = panes.findIndex((p) => p.contains(document.activeElement));
  const next = panes[(at + direction + panes.length) % panes.length] ?? panes[0];
  enterPane(next);
}

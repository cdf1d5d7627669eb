/** Moving between the panes by keyboard. */
import { enterPane } from '../ui/focus';

/** In front in its cell, and not behind a pane that fills the window. */
const isShown = (pane: HTMLElement): boolean => pane.offsetParent !== null && pane.closest('[inert]') === null;

/** Moves the focus to the next or previous pane that is in the window. */
export function stepPane(direction: 1 | -1): void {
  const panes = [...document.querySelectorAll<HTMLElement>('[data-pane]')].filter(isShown);
  const at = panes.findIndex((p) => p.contains(document.activeElement));
  const next = panes[(at + direction + panes.length) % panes.length] ?? panes[0];
  enterPane(next);
}

/**
 * One element a pane for as long as the window lives. A pane is rendered into its element once; moving it to another
 * cell moves the element, so that terminals, drafts and folds stay as they are.
 */
import { inject, provide, type InjectionKey } from 'vue';
import type { PaneName } from './layout';

const hosts = new Map<PaneName, HTMLElement>();

export function hostOf(pane: PaneName): HTMLElement {
  const known = hosts.get(pane);
  if (known) return known;
  const host = document.createElement('div');
  host.className = 'host';
  hosts.set(pane, host);
  return host;
}

const PANE: InjectionKey<PaneName> = Symbol('pane');
export const providePane = (pane: PaneName): void => provide(PANE, pane);
/** The pane that a component is a part of; null outside the dock. */
export const injectPane = (): PaneName | null => inject(PANE, null);

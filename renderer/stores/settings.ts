/** What the person has set, the same in every window. */
import { defineStore } from 'pinia';
import { onScopeDispose, shallowRef } from 'vue';
import { lab, type Settings } from '../bridge';

/** Steps of the window's size. */
export const ZOOMS: readonly number[] = [1, 1.1, 1.25, 1.5, 1.75, 2];

export const useSettings = defineStore('settings', () => {
  const now = shallowRef<Settings>(lab().settings);
  onScopeDispose(lab().onSettings((settings) => (now.value = settings)));

  /** Shown at once; the other windows follow. */
  function change(patch: Partial<Settings>): void {
    now.value = { ...now.value, ...patch };
    void lab().changeSettings(patch);
  }
  function zoomBy(steps: 1 | -1): void {
    const { zoom } = now.value;
    const next = steps > 0 ? ZOOMS.find((z) => z > zoom + 0.01) : ZOOMS.findLast((z) => z < zoom - 0.01);
    if (next !== undefined) change({ zoom: next });
  }
  return { now, change, zoomBy };
});

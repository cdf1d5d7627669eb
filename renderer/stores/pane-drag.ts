/** A pane on its way to another place: follows the pointer, knows where it would go. */
import { defineStore } from 'pinia';
import { ref, shallowRef } from 'vue';
import { dropAt, emptyAreaAt, type Box, type Drop } from '../dock/drop';
import type { Area, PaneName } from '../dock/layout';
import { useDock } from './dock';

const STARTS_AFTER_PX = 5;

export const usePaneDrag = defineStore('pane-drag', () => {
  const dock = useDock();
  const pane = ref<PaneName | null>(null);
  const x = ref(0);
  const y = ref(0);
  const over = shallowRef<Drop | null>(null);

  function start(name: PaneName, down: PointerEvent): void {
    if (down.button !== 0) return;
    let moving = false;
    const move = (e: PointerEvent): void => {
      if (!moving && Math.hypot(e.clientX - down.clientX, e.clientY - down.clientY) < STARTS_AFTER_PX) return;
      moving = true;
      pane.value = name;
      x.value = e.clientX;
      y.value = e.clientY;
      over.value = under(e.clientX, e.clientY);
    };
    const end = (drop: boolean): void => {
      removeEventListener('pointermove', move);
      removeEventListener('pointerup', up);
      removeEventListener('pointercancel', cancel);
      removeEventListener('keydown', key, true);
      if (moving && drop && over.value) dock.move(name, over.value.target);
      pane.value = null;
      over.value = null;
    };
    const up = (): void => end(true);
    const cancel = (): void => end(false);
    const key = (e: KeyboardEvent): void => {
      if (e.key !== 'Escape') return;
      e.stopPropagation();
      end(false);
    };
    addEventListener('pointermove', move);
    addEventListener('pointerup', up);
    addEventListener('pointercancel', cancel);
    addEventListener('keydown', key, true);
  }

  function under(atX: number, atY: number): Drop | null {
    const work = document.querySelector<HTMLElement>('.work');
    if (!work) return null;
    const empty = emptyAreaAt(boxOf(work), dock.shown.areas, atX, atY);
    if (empty) return empty;
    const cell = document.elementFromPoint(atX, atY)?.closest<HTMLElement>('[data-cell]');
    if (!cell) return null;
    return dropAt(boxOf(cell), cell.dataset['area'] as Area, Number(cell.dataset['cell']), atX, atY);
  }

  return { pane, x, y, over, start };
});

const boxOf = (element: HTMLElement): Box => {
  const { left, top, width, height } = element.getBoundingClientRect();
  return { left, top, width, height };
};

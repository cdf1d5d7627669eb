/** A rectangle drawn on the ground: it picks the functions that it touches. */
import { shallowRef } from 'vue';
import { usePicked } from '../../stores/picked';
import { useSelection } from '../../stores/selection';
import { NODE_HEIGHT, type Layout, type PlacedNode } from './layout';
import type { Viewport } from './viewport';

export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

const STARTS_AFTER_PX = 4;

const touches = (rect: Rectangle, node: PlacedNode): boolean =>
  node.x < rect.x + rect.width &&
  node.x + node.width > rect.x &&
  node.y < rect.y + rect.height &&
  node.y + NODE_HEIGHT > rect.y;

/** Functions that a rectangle in the drawing touches; a shut fold stands for what is in it. */
export function touched(layout: Layout, rect: Rectangle): string[] {
  return layout.nodes.flatMap((node) => {
    if (!touches(rect, node)) return [];
    if (node.fn) return node.fn.address;
    return node.fold && !node.fold.open ? node.fold.members.map(({ address }) => address) : [];
  });
}

export function useMarquee(view: Viewport, layout: () => Layout | null) {
  const picked = usePicked();
  const selection = useSelection();
  const rect = shallowRef<Rectangle | null>(null);
  let drew = false;

  /** Follows the pointer; with `add` what was picked stays so. Escape gives back what was picked. */
  function begin(down: PointerEvent, add: boolean, done: (count: number) => void): void {
    const start = view.pointAt(down);
    if (!start || down.button !== 0) return;
    const before = { addresses: picked.addresses, primary: selection.address };
    const kept = add ? before.addresses : [];
    let found: string[] = [];
    drew = false;
    const move = (e: PointerEvent): void => {
      if (!rect.value && Math.hypot(e.clientX - down.clientX, e.clientY - down.clientY) < STARTS_AFTER_PX) return;
      view.creep(e.clientX, e.clientY);
      const now = view.pointAt(e);
      const drawn = layout();
      if (!now || !drawn) return;
      drew = true;
      rect.value = {
        x: Math.min(start.x, now.x),
        y: Math.min(start.y, now.y),
        width: Math.abs(now.x - start.x),
        height: Math.abs(now.y - start.y),
      };
      const next = touched(drawn, rect.value);
      if (next.length === found.length && next.every((address, k) => address === found[k])) return;
      found = next;
      picked.set([...kept, ...found]);
    };
    const up = (): void => {
      const drawn = rect.value !== null;
      end();
      if (!drawn) return;
      const all = [...new Set([...kept, ...found])];
      const { primary } = before;
      picked.set(all, primary !== null && all.includes(primary) ? primary : (all[0] ?? null));
      done(all.length);
    };
    const key = (e: KeyboardEvent): void => {
      if (e.key !== 'Escape') return;
      e.preventDefault();
      e.stopPropagation();
      end();
      picked.set(before.addresses, before.primary);
    };
    const end = (): void => {
      rect.value = null;
      removeEventListener('pointermove', move);
      removeEventListener('pointerup', up);
      removeEventListener('keydown', key, true);
    };
    addEventListener('pointermove', move);
    addEventListener('pointerup', up);
    addEventListener('keydown', key, true);
  }
  /** The press that drew a rectangle ends with a click, which means nothing. */
  function swallowsClick(): boolean {
    const was = drew;
    drew = false;
    return was;
  }
  return { rect, begin, swallowsClick };
}

/** A group on its way to a container: follows the pointer, knows what lies under it. */
import { defineStore } from 'pinia';
import { ref } from 'vue';
import { useActions } from './actions';
import { useDock } from './dock';

/** Where a group can be dropped: an existing container, or a new one (`pid` null). */
export interface DropTarget {
  pid: number | null;
  fd: number | null;
}

const STARTS_AFTER_PX = 4;

export const useDrag = defineStore('drag', () => {
  const actions = useActions();
  const dock = useDock();
  const group = ref<number | null>(null);
  const x = ref(0);
  const y = ref(0);
  /** Key of the drop target under the pointer: `new`, or `pid:fd`. */
  const over = ref<string | null>(null);

  function start(id: number, down: PointerEvent): void {
    if (down.button !== 0) return;
    let moving = false;
    const move = (e: PointerEvent): void => {
      if (!moving && Math.hypot(e.clientX - down.clientX, e.clientY - down.clientY) < STARTS_AFTER_PX) return;
      if (!moving) {
        moving = true;
        group.value = id;
        dock.show('containers');
      }
      x.value = e.clientX;
      y.value = e.clientY;
      over.value = targetAt(e.clientX, e.clientY);
    };
    const end = (drop: boolean): void => {
      removeEventListener('pointermove', move);
      removeEventListener('pointerup', up);
      removeEventListener('keydown', key, true);
      if (moving && drop && over.value !== null) dropOn(id, over.value);
      group.value = null;
      over.value = null;
    };
    const up = (): void => end(true);
    const key = (e: KeyboardEvent): void => {
      if (e.key !== 'Escape') return;
      e.stopPropagation();
      end(false);
    };
    addEventListener('pointermove', move);
    addEventListener('pointerup', up);
    addEventListener('keydown', key, true);
  }

  function targetAt(clientX: number, clientY: number): string | null {
    const element = document.elementFromPoint(clientX, clientY)?.closest<HTMLElement>('[data-drop]');
    return element?.dataset['drop'] ?? null;
  }

  function dropOn(id: number, key: string): void {
    const target = parseTarget(key);
    dock.drawer = null;
    void actions.perform({ kind: 'attach', group: id, pid: target.pid, containerFd: target.fd });
  }

  return { group, x, y, over, start };
});

export function targetKey(target: DropTarget): string {
  return target.pid === null ? 'new' : `${target.pid}:${target.fd}`;
}

export function parseTarget(key: string): DropTarget {
  if (key === 'new') return { pid: null, fd: null };
  const [pid, fd] = key.split(':').map(Number);
  return { pid: pid ?? null, fd: fd ?? null };
}

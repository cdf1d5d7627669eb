/** A group on its way to a container or an iommufd, by pointer or by keys; or out of one. */
import { defineStore } from 'pinia';
import { computed, nextTick, ref } from 'vue';
import { T } from '../texts';
import { short } from '../ui/address';
import { useActions } from './actions';
import { useDock } from './dock';
import { useMachine } from './machine';
import { useMessages } from './messages';

/** Where a group can be dropped: a container, an iommufd, a new container; `free`: nobody's. */
export type DropTarget =
  { kind: 'new' } | { kind: 'free' } | { kind: 'container' | 'iommufd'; pid: number; fd: number };

const STARTS_AFTER_PX = 4;

export const useDrag = defineStore('drag', () => {
  const actions = useActions();
  const dock = useDock();
  const machine = useMachine();
  const messages = useMessages();
  const group = ref<number | null>(null);
  const by = ref<'pointer' | 'keys'>('pointer');
  const x = ref(0);
  const y = ref(0);
  /** Key of the drop target under the pointer, or that the keys stand on. */
  const over = ref<string | null>(null);
  /** What had the focus when it was picked up by keys. */
  let from: HTMLElement | null = null;

  const isHeld = (id: number): boolean => machine.groups.get(id)?.owned ?? false;
  const held = computed(() => group.value !== null && isHeld(group.value));
  const targets = computed(() => targetsOf(group.value));
  /** Where a group could go, in the order in which the keys go through it. */
  function targetsOf(id: number | null): DropTarget[] {
    if (id === null) return [];
    const open = (machine.containers?.processes ?? []).flatMap(({ pid, containers, iommufds }): DropTarget[] => [
      ...containers.map(({ fd }): DropTarget => ({ kind: 'container', pid, fd })),
      ...iommufds.map(({ fd }): DropTarget => ({ kind: 'iommufd', pid, fd })),
    ]);
    return [{ kind: isHeld(id) ? 'free' : 'new' }, ...open];
  }
  /** The member that keeps the kernel from lending the group: a drop will be refused. */
  const culprit = computed(() => (group.value === null ? null : (machine.groups.get(group.value)?.culprit ?? null)));

  function name(target: DropTarget): string {
    if (target.kind === 'new' || target.kind === 'free') return T.attach.targets[target.kind];
    const process = machine.containers?.processes.find(({ pid }) => pid === target.pid);
    return T.attach.targets[target.kind](process?.name ?? String(target.pid), target.fd);
  }

  function start(id: number, down: PointerEvent): void {
    if (down.button !== 0) return;
    let moving = false;
    const move = (e: PointerEvent): void => {
      if (!moving && Math.hypot(e.clientX - down.clientX, e.clientY - down.clientY) < STARTS_AFTER_PX) return;
      if (!moving) {
        moving = true;
        by.value = 'pointer';
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
      const at = over.value;
      if (moving) put();
      if (moving && drop && at !== null) dropOn(id, parseTarget(at));
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
    const element = document.elementFromPoint(clientX, clientY)?.closest<HTMLElement | SVGElement>('[data-drop]');
    return element?.dataset['drop'] ?? null;
  }

  function put(): void {
    group.value = null;
    over.value = null;
  }

  function dropOn(id: number, target: DropTarget): void {
    dock.drawer = null;
    void attach(id, target);
  }

  /** Gives the group to what was chosen, or back. */
  function attach(id: number, target: DropTarget): Promise<unknown> {
    switch (target.kind) {
      case 'free':
        return actions.perform({ kind: 'detach', group: id });
      case 'new':
        return actions.perform({ kind: 'attach', group: id, pid: null, containerFd: null });
      case 'container':
        return actions.perform({ kind: 'attach', group: id, pid: target.pid, containerFd: target.fd });
      case 'iommufd':
        return actions.perform({ kind: 'attach-iommufd', group: id, pid: target.pid, fd: target.fd });
    }
  }

  /** Picks up by keys: arrows choose, Enter drops, Esc puts back. */
  function pickUp(id: number): void {
    from = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    by.value = 'keys';
    group.value = id;
    dock.show('containers');
    const first = targets.value[0];
    if (!first) return;
    over.value = targetKey(first);
    messages.say(`${T.attach.pickedUp(id)} ${told(first)} ${T.attach.pickedUpKeys}`);
    addEventListener('keydown', onKey, true);
  }
  const told = (target: DropTarget): string => {
    const { value } = culprit;
    const refusal =
      value && target.kind !== 'free' ? ` ${T.attach.willRefuse(short(value.address), value.driver)}` : '';
    return `${name(target)}.${refusal}`;
  };
  function step(direction: 1 | -1): void {
    const list = targets.value;
    const at = list.findIndex((target) => targetKey(target) === over.value);
    const next = list[(at + direction + list.length) % list.length];
    if (!next) return;
    over.value = targetKey(next);
    messages.say(told(next));
  }
  function endKeys(): void {
    removeEventListener('keydown', onKey, true);
    put();
    const back = from;
    from = null;
    void nextTick(() => back?.isConnected && back.focus());
  }
  function onKey(e: KeyboardEvent): void {
    if (group.value === null) return endKeys();
    const id = group.value;
    if (e.key === 'ArrowDown' || e.key === 'ArrowRight') step(1);
    else if (e.key === 'ArrowUp' || e.key === 'ArrowLeft') step(-1);
    else if (e.key === 'Escape' || e.key === 'Tab') {
      endKeys();
      messages.say(T.attach.putBack(id));
    } else if (e.key === 'Enter' || e.key === ' ') {
      const at = over.value;
      endKeys();
      if (at !== null) dropOn(id, parseTarget(at));
    } else return;
    e.preventDefault();
    e.stopPropagation();
  }

  return { group, by, x, y, over, held, culprit, targetsOf, name, start, pickUp, attach };
});

export const targetKey = (target: DropTarget): string =>
  target.kind === 'new' || target.kind === 'free' ? target.kind : `${target.kind}:${target.pid}:${target.fd}`;

export function parseTarget(key: string): DropTarget {
  const [kind, pid, fd] = key.split(':');
  if (kind === 'container' || kind === 'iommufd') return { kind, pid: Number(pid), fd: Number(fd) };
  return { kind: kind === 'free' ? 'free' : 'new' };
}

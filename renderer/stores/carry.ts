/** What is picked up to be put somewhere: by pointer or by keys, a part, functions or copies; and where it could go. */
import { defineStore } from 'pinia';
import { computed, nextTick, ref, shallowRef, watch } from 'vue';
import { lab } from '../bridge';
import type { Carried, EditPlace, PlaceTarget, TopologyEdit } from '../bridge';
import { T } from '../texts';
import { short } from '../ui/address';
import { useActions } from './actions';
import type { Copied } from './clipboard';
import { live } from './live';
import { useMachine } from './machine';
import { useMessages } from './messages';
import { useSelection } from './selection';
import { useTopology } from './topology';
import { useWhatIf } from './what-if';

export interface Load {
  what: Carried;
  title: string;
  icon: string;
  /** By keys the drawing shows one target after the other. */
  by: 'pointer' | 'keys';
  /** Key of the function whose link was taken hold of. */
  link?: string;
  edit: (to: EditPlace | null) => TopologyEdit;
}

const STARTS_AFTER_PX = 4;

/** Held while dragging: copies go there, and the functions stay. */
const wantsCopies = (e: MouseEvent | KeyboardEvent): boolean => (lab().platform === 'mac' ? e.altKey : e.ctrlKey);

export const useCarry = defineStore('carry', () => {
  const actions = useActions();
  const machine = useMachine();
  const messages = useMessages();
  const selection = useSelection();
  const topology = useTopology();
  const whatIf = useWhatIf();
  const load = shallowRef<Load | null>(null);
  const x = ref(0);
  const y = ref(0);
  /** Key of the target under the pointer, or that the keys stand on. */
  const over = ref<string | null>(null);
  /** Function near which the keys begin. */
  let start: string | null = null;

  const places = live('places', () => load.value?.what);
  const targets = computed<ReadonlyMap<string, PlaceTarget>>(
    () => new Map(places.value?.targets.map((target) => [target.key, target])),
  );
  const target = computed(() => (over.value === null ? null : (targets.value.get(over.value) ?? null)));

  const loadOfPart = (part: string, title: string, icon: string): Omit<Load, 'by'> => ({
    what: { kind: 'part', part },
    title,
    icon,
    edit: (at) => ({ kind: 'add', part, at }),
  });
  function loadOfFunctions(addresses: string[], copy = false): Omit<Load, 'by'> {
    const first = machine.functions.get(addresses[0] ?? '');
    const title =
      addresses.length === 1 && first ? `${short(first.address)} ${first.name}` : T.build.many(addresses.length);
    if (copy) {
      return {
        what: { kind: 'functions', addresses, copy },
        title: T.build.copyOf(title),
        icon: 'copy',
        edit: (to) => ({ kind: 'copy', addresses, to }),
      };
    }
    return {
      what: { kind: 'functions', addresses },
      title,
      icon: first?.kind ?? 'endpoint',
      edit: (to) => {
        const edits = addresses.map((address) => ({ kind: 'move' as const, address, to: to ?? { parent: null } }));
        return edits.length === 1 ? edits[0]! : { kind: 'several', edits };
      },
    };
  }
  const loadOfCopies = ({ clip, places: fits, title }: Copied): Omit<Load, 'by'> => ({
    what: { kind: 'copies', title, places: fits, count: clip.tops.length },
    title,
    icon: 'copy',
    edit: (to) => ({ kind: 'paste', clip, to }),
  });

  /** Picks up by keys: the arrows choose, Enter puts down, Esc puts back. The first place is as near as can be. */
  function pickUp(what: Omit<Load, 'by'>, near: string | null = null): void {
    over.value = null;
    start = near;
    load.value = { ...what, by: 'keys' };
  }
  /** What is carried by keys stays where it is and copies go, or the other way round. */
  function turnCopying(): void {
    const what = load.value?.what;
    if (what?.kind !== 'functions') return;
    start = over.value ?? start;
    pickUp(loadOfFunctions(what.addresses, !what.copy), start);
  }
  const isBelow = (address: string | null, above: string): boolean => {
    for (let at = address; at !== null; at = machine.functions.get(at)?.parent ?? null) if (at === above) return true;
    return false;
  };
  /** Tried first: the function itself and what is below it, then what is above, then any port, then the rest. */
  function nearest(list: readonly PlaceTarget[]): PlaceTarget | undefined {
    const open = list.filter((one) => one.problem === null);
    for (let at = start; at !== null; at = machine.functions.get(at)?.parent ?? null) {
      const above = at;
      const found = open.find((one) => isBelow(one.parent, above));
      if (found) return found;
    }
    return open.find((one) => one.parent !== null) ?? open[0];
  }
  function refuse(kind: 'bad' | 'info', what: string, why: string | null): void {
    cancel();
    messages.show({ kind, what, why, remedy: null, next: [] });
  }
  // The places come from the engine: the first that takes it is shown, or the reason why none does.
  watch(places, (view) => {
    if (!view || !load.value) return;
    const { title, by } = load.value;
    if (view.problem !== null) refuse('bad', T.build.notPicked(title), view.problem);
    else if (by === 'pointer') {
      // The drawing marks the places first; the pointer may rest on one of them already.
      void nextTick(() => load.value && (over.value = targetAt(x.value, y.value)));
    } else if (over.value === null) {
      const first = nearest(view.targets);
      if (!first) {
        refuse(
          'info',
          T.build.nowhere(title),
          (view.targets.find((one) => one.parent !== null) ?? view.targets[0])?.problem ?? null,
        );
        return;
      }
      over.value = first.key;
      tell(first, T.build.pickedUp(title));
    }
  });

  function tell(at: PlaceTarget, before = ''): void {
    const where = placeText(at);
    messages.say([before, at.problem === null ? where : `${where}: ${at.problem}`].filter(Boolean).join(' '));
  }
  const placeText = (at: PlaceTarget): string =>
    at.key === 'machine'
      ? T.build.inMachine
      : at.parent === null
        ? T.build.onRoot(at.rootBus?.replace(/^pci(0000:)?/, '') ?? '')
        : T.build.below(short(at.parent));

  /** The next target in the order of the drawing; those that refuse only with `all`. */
  function step(direction: 1 | -1, order: readonly string[], all: boolean): void {
    const rank = new Map(order.map((key, index) => [key, index]));
    const list = [...targets.value.values()]
      .filter((one) => all || one.problem === null || one.key === over.value)
      .sort((a, b) => (rank.get(a.key) ?? -1) - (rank.get(b.key) ?? -1));
    if (list.length === 0) return;
    const at = list.findIndex((one) => one.key === over.value);
    const next = list[(at + direction + list.length) % list.length];
    if (!next) return;
    over.value = next.key;
    tell(next);
  }

  function cancel(): void {
    load.value = null;
    over.value = null;
    topology.ask('focus');
  }

  /** Puts down what is carried where it is now. Says why not where it cannot be. */
  async function drop(): Promise<boolean> {
    const now = load.value;
    if (!now) return false;
    await arrived();
    const at = target.value;
    if (load.value !== now) return false;
    if (!at) {
      cancel();
      return false;
    }
    if (at.problem !== null) {
      if (now.by === 'pointer') cancel();
      messages.show({
        kind: 'bad',
        what: T.build.notThere(now.title, placeText(at)),
        why: at.problem,
        remedy: null,
        next: [],
      });
      return false;
    }
    load.value = null;
    over.value = null;
    topology.ask('focus');
    return put(now, at.key === 'machine' ? null : placeOf(at), placeText(at));
  }
  /** Tries what is carried where it is now, beside the machine. */
  function dropInWhatIf(): void {
    if (target.value?.problem == null) topology.panel = 'what-if';
    void drop();
  }
  /** A quick hand may drop before the engine has named the places. */
  const arrived = (): Promise<void> =>
    places.value !== null
      ? Promise.resolve()
      : new Promise((resolve) => {
          const stop = watch(places, () => {
            stop();
            void nextTick(resolve);
          });
        });
  /** Leaves the place to the engine: the first with room, and what is missing above it. */
  async function dropAnywhere(): Promise<void> {
    const now = load.value;
    if (!now) return;
    load.value = null;
    over.value = null;
    topology.ask('focus');
    await put(now, null, T.build.carryAnywhere);
  }
  const placeOf = (at: PlaceTarget): EditPlace =>
    at.parent === null && at.rootBus !== null ? { parent: null, rootBus: at.rootBus } : { parent: at.parent };

  /** Makes the edit and selects what came of it; while "what if" is open, only tries it. */
  async function put(what: Pick<Load, 'edit' | 'title'>, to: EditPlace | null, where: string): Promise<boolean> {
    if (topology.panel === 'what-if') {
      whatIf.tryEdit({ edit: what.edit(to), title: what.title, where });
      return true;
    }
    const result = await actions.perform({ kind: 'edit', edit: what.edit(to) });
    const key = result.edited?.key;
    if (key) selection.selectWhenThere(key);
    return result.ok;
  }

  /** Follows the pointer from where it was pressed; a click without a move is none of ours. */
  function follow(what: (copy: boolean) => Omit<Load, 'by'> | null, down: PointerEvent, moved?: () => void): void {
    if (down.button !== 0) return;
    let moving = false;
    let copies = false;
    const take = (copy: boolean): boolean => {
      const made = what(copy);
      if (made === null) return false;
      copies = copy;
      load.value = { ...made, by: 'pointer' };
      return true;
    };
    const move = (e: PointerEvent): void => {
      if (!moving) {
        if (Math.hypot(e.clientX - down.clientX, e.clientY - down.clientY) < STARTS_AFTER_PX) return;
        if (!take(wantsCopies(e))) return end();
        moving = true;
        moved?.();
      } else if (wantsCopies(e) !== copies) take(!copies);
      x.value = e.clientX;
      y.value = e.clientY;
      over.value = targetAt(e.clientX, e.clientY);
    };
    const up = (): void => {
      end();
      if (moving) void drop();
    };
    const key = (e: KeyboardEvent): void => {
      if (moving && wantsCopies(e) !== copies) take(!copies);
      if (e.key !== 'Escape' || e.type !== 'keydown') return;
      e.preventDefault();
      e.stopPropagation();
      end();
      if (moving) cancel();
    };
    const end = (): void => {
      removeEventListener('pointermove', move);
      removeEventListener('pointerup', up);
      removeEventListener('keydown', key, true);
      removeEventListener('keyup', key, true);
    };
    addEventListener('pointermove', move);
    addEventListener('pointerup', up);
    addEventListener('keydown', key, true);
    addEventListener('keyup', key, true);
  }

  const targetAt = (clientX: number, clientY: number): string | null =>
    document.elementFromPoint(clientX, clientY)?.closest<SVGElement | HTMLElement>('[data-place]')?.dataset['place'] ??
    null;

  /** The pointer moves while something is carried by keys. */
  function hover(clientX: number, clientY: number): void {
    const at = targetAt(clientX, clientY);
    if (at !== null && targets.value.has(at)) over.value = at;
  }

  return {
    load,
    x,
    y,
    over,
    target,
    targets,
    loadOfPart,
    loadOfFunctions,
    loadOfCopies,
    pickUp,
    turnCopying,
    step,
    cancel,
    drop,
    dropInWhatIf,
    put,
    follow,
    hover,
    dropAnywhere,
    placeText,
  };
});

/** How the topology is drawn: what is shown over it, what is folded; commands of the window reach the drawing here. */
import { defineStore } from 'pinia';
import { ref, shallowRef } from 'vue';

/** Something that the drawing itself must do. */
export type Wish = 'fit' | 'in' | 'out' | 'full' | 'focus';

export const useTopology = defineStore('topology', () => {
  const groups = ref(true);
  const lamps = ref(true);
  const reach = ref(false);
  const minimap = ref(true);
  const palette = ref(true);
  /** Counts up with every wish, so that the same one can come twice. */
  const wish = shallowRef<{ what: Wish; serial: number }>({ what: 'focus', serial: 0 });
  const ask = (what: Wish): void => {
    wish.value = { what, serial: wish.value.serial + 1 };
  };
  /** Folds that a person opened (true) and shut, by key. */
  const folds = shallowRef<ReadonlyMap<string, boolean>>(new Map());
  function setFold(key: string, open: boolean): void {
    folds.value = new Map(folds.value).set(key, open);
  }
  function setFolds(keys: Iterable<string>, open: boolean): void {
    const next = new Map(folds.value);
    for (const key of keys) next.set(key, open);
    folds.value = next;
  }
  const forgetFolds = (): void => {
    folds.value = new Map();
  };
  /** Function whose straps and bits are being edited at its node. */
  const editing = ref<string | null>(null);
  /** The list of parts to add is open; what is added goes below this function or onto this root bus if it can. */
  const adding = shallowRef<{ near: string | null } | null>(null);
  /** What is compared with the machine below the drawing: something tried out, or another grouping rule. */
  const panel = ref<'what-if' | 'rules' | null>(null);
  /** A drag on the ground picks functions instead of moving the drawing. */
  const marquee = ref(false);
  /** The list of what became of the groups is open. */
  const changesShown = ref(false);
  return {
    groups,
    lamps,
    reach,
    minimap,
    palette,
    wish,
    ask,
    folds,
    setFold,
    setFolds,
    forgetFolds,
    editing,
    adding,
    panel,
    marquee,
    changesShown,
  };
});

/** The functions that are picked in the topology, one or many. The selected one is always among them. */
import { defineStore } from 'pinia';
import { computed, shallowRef, watch } from 'vue';
import { useMachine } from './machine';
import { useSelection } from './selection';

export const usePicked = defineStore('picked', () => {
  const machine = useMachine();
  const selection = useSelection();
  /** Keys, which stay when a boot gives other addresses. */
  const keys = shallowRef<ReadonlySet<string>>(new Set());
  const keyOf = (address: string): string | null => machine.functions.get(address)?.key ?? null;
  const addresses = computed<string[]>(() =>
    (machine.topology?.functions ?? []).flatMap((fn) => (keys.value.has(fn.key) ? [fn.address] : [])),
  );
  const has = (key: string): boolean => keys.value.has(key);

  function set(list: Iterable<string>, primary?: string | null): void {
    const next = new Set<string>();
    for (const address of list) {
      const key = keyOf(address);
      if (key !== null) next.add(key);
    }
    keys.value = next;
    if (primary !== undefined && primary !== selection.address) selection.select(primary, false);
  }
  const only = (address: string): void => set([address], address);
  function toggle(address: string): void {
    const key = keyOf(address);
    if (key === null) return;
    const next = new Set(keys.value);
    if (!next.delete(key)) {
      next.add(key);
      keys.value = next;
      selection.select(address, false);
      return;
    }
    keys.value = next;
    if (selection.address === address) selection.select(addresses.value.at(-1) ?? null, false);
  }
  function clear(): void {
    keys.value = new Set();
    selection.select(null, false);
  }

  // Whoever selects one function elsewhere picks it alone.
  watch(
    () => selection.address,
    (address) => {
      const key = address === null ? null : keyOf(address);
      if (key === null) keys.value = new Set();
      else if (!keys.value.has(key)) keys.value = new Set([key]);
    },
    { immediate: true, flush: 'sync' },
  );
  // A boot may have numbered the buses anew: the selection follows the function, not the address.
  watch(
    () => machine.functions,
    (now, before) => {
      const { address } = selection;
      const key = address === null ? undefined : before.get(address)?.key;
      if (address === null || key === undefined || now.get(address)?.key === key) return;
      const moved = [...now.values()].find((fn) => fn.key === key);
      if (moved) selection.rename(moved.address);
    },
    { flush: 'sync' },
  );
  // What an edit made may be known before or after the edit's answer.
  watch([() => machine.functions, () => selection.wanted], ([now]) => {
    const made = selection.wanted === null ? undefined : [...now.values()].find((fn) => fn.key === selection.wanted);
    if (!made) return;
    selection.wanted = null;
    selection.select(made.address);
  });
  return { keys, addresses, has, set, only, toggle, clear };
});

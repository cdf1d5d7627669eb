/** Interrupts of every function that a process holds, and of the one that is inspected. */
import { defineStore } from 'pinia';
import { computed, onScopeDispose, shallowRef, watch } from 'vue';
import { lab, type ArrivalView } from '../bridge';
import { useMachine } from './machine';
import { useSelection } from './selection';

/** More are not watched at once; the inspected function always is. */
const WATCHED = 16;

export const useArrivals = defineStore('arrivals', () => {
  const machine = useMachine();
  const selection = useSelection();
  const byAddress = shallowRef<ReadonlyMap<string, readonly ArrivalView[]>>(new Map());
  const stops = new Map<string, () => void>();

  const wanted = computed(() => {
    const owned = (machine.topology?.functions ?? []).filter((f) => f.ownership === 'process').map((f) => f.address);
    const first = selection.address !== null && machine.functions.has(selection.address) ? [selection.address] : [];
    return [...new Set([...first, ...owned])].slice(0, WATCHED);
  });

  function put(address: string, arrivals: readonly ArrivalView[]): void {
    const before = byAddress.value.get(address);
    if (before?.at(-1)?.sequence === arrivals.at(-1)?.sequence && before?.length === arrivals.length) return;
    byAddress.value = new Map(byAddress.value).set(address, arrivals);
  }
  function drop(address: string): void {
    stops.get(address)?.();
    stops.delete(address);
    const rest = new Map(byAddress.value);
    if (rest.delete(address)) byAddress.value = rest;
  }
  watch(
    () => wanted.value.join(),
    () => {
      const now = new Set(wanted.value);
      for (const address of [...stops.keys()]) if (!now.has(address)) drop(address);
      for (const address of now) {
        if (stops.has(address)) continue;
        stops.set(
          address,
          lab().subscribe('function', { address }, (view) => put(address, view?.interrupts.arrivals ?? [])),
        );
      }
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    for (const stop of stops.values()) stop();
  });

  /** Oldest first. */
  const all = computed(() => [...byAddress.value.values()].flat().sort((a, b) => a.sequence - b.sequence));
  return { all };
});

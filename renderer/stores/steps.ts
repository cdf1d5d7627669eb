/** The five first steps: each ticks when it happens, by whatever way it was done. */
import { defineStore } from 'pinia';
import { computed, ref, watch } from 'vue';
import { useArrivals } from './arrivals';
import { useDock } from './dock';
import { useMachine } from './machine';
import { useSelection } from './selection';

export type StepName = 'open' | 'look' | 'bind' | 'attach' | 'fire';
export const STEP_ORDER: readonly StepName[] = ['open', 'look', 'bind', 'attach', 'fire'];

export const useSteps = defineStore('steps', () => {
  const machine = useMachine();
  const selection = useSelection();
  const arrivals = useArrivals();
  const dock = useDock();
  const done = ref<ReadonlySet<StepName>>(new Set());

  const tick = (name: StepName): void => {
    if (!done.value.has(name)) done.value = new Set([...done.value, name]);
  };
  const happened: Record<StepName, () => boolean> = {
    open: () => (machine.machine?.functions ?? 0) > 0,
    look: () => selection.address !== null || selection.group !== null,
    bind: () => (machine.topology?.functions ?? []).some((f) => f.ownership === 'vfio' || f.ownership === 'process'),
    attach: () => (machine.topology?.groups ?? []).some((g) => g.owned),
    fire: () => arrivals.all.some((a) => a.path.every((hop) => hop.ok)),
  };
  for (const name of STEP_ORDER) watch(happened[name], (yes) => yes && tick(name), { immediate: true });

  const current = computed<StepName | null>(() => STEP_ORDER.find((s) => !done.value.has(s)) ?? null);
  /** The person does not want them. */
  const hidden = ref(false);
  const show = (): void => {
    hidden.value = false;
    void dock.focus('lesson');
  };
  return { done, current, hidden, show };
});

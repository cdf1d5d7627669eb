/** The groups by two rules side by side. */
import { defineStore } from 'pinia';
import { computed, ref, shallowRef, watch } from 'vue';
import { live } from './live';
import { useMachine } from './machine';
import { useSelection } from './selection';
import { useTopology } from './topology';

export const useRules = defineStore('rules', () => {
  const machine = useMachine();
  const selection = useSelection();
  const topology = useTopology();
  const own = ref('linux-6.12');
  const other = ref('linux-3.6');
  /** The rule whose groups are drawn. */
  const side = ref<'own' | 'other'>('other');
  const open = computed(() => topology.panel === 'rules');
  const view = live('rules', () => (open.value ? { own: own.value, other: other.value } : undefined));
  // While the engine answers, the last comparison stands.
  const shown = shallowRef(view.value);
  watch([view, open], ([next, now]) => {
    if (next !== null || !now) shown.value = next;
  });
  const changed = computed<ReadonlySet<string>>(
    () => new Set(shown.value?.differences.flatMap(({ functions }) => functions)),
  );
  const groups = computed(() => (side.value === 'own' ? shown.value?.ownGroups : shown.value?.groups) ?? []);

  function begin(): void {
    side.value = 'other';
    selection.topologyTab = 'fabric';
    topology.panel = 'rules';
  }
  const end = (): void => void (topology.panel = null);
  watch(
    () => machine.machine?.name,
    () => open.value && end(),
  );
  return { own, other, side, shown, changed, groups, begin, end };
});

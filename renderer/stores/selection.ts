/** What the person looks at: one function or one group, and which side of it. */
import { defineStore } from 'pinia';
import { ref, shallowRef } from 'vue';

export type InspectorTab = 'overview' | 'config' | 'bars' | 'interrupts';
export type TopologyTab = 'fabric' | 'table';

export const useSelection = defineStore('selection', () => {
  const address = ref<string | null>(null);
  const group = ref<number | null>(null);
  const tab = ref<InspectorTab>('overview');
  const topologyTab = ref<TopologyTab>('fabric');
  /** Rises when the selected function is to be scrolled into view. */
  const reveal = ref(0);
  /** Offset in config space that the inspector is to show, once. */
  const wantedOffset = shallowRef<number | null>(null);

  function select(next: string | null, show = true): void {
    if (address.value !== next) group.value = null;
    address.value = next;
    if (show && next !== null) reveal.value++;
  }
  function selectGroup(id: number, member: string | undefined): void {
    if (member !== undefined) address.value = member;
    group.value = id;
  }
  return { address, group, tab, topologyTab, reveal, wantedOffset, select, selectGroup };
});

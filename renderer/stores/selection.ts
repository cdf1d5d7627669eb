/** What the person looks at: one function or one group, and which side of it. */
import { defineStore } from 'pinia';
import { ref, shallowRef } from 'vue';

export type InspectorTab = 'overview' | 'config' | 'bars' | 'interrupts' | 'iommu';
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

  /** The function that the selected one is compared with. */
  const compared = ref<string | null>(null);
  /** Rises when somebody asks why; the question takes the focus. */
  const whyAsked = ref(0);

  function select(next: string | null, show = true): void {
    if (address.value !== next) {
      group.value = null;
      compared.value = null;
      whyAsked.value = 0;
    }
    address.value = next;
    if (show && next !== null) reveal.value++;
  }
  /** Key of a function that an edit has just made: it is selected as soon as the window knows it. */
  const wanted = ref<string | null>(null);
  function selectWhenThere(next: string): void {
    wanted.value = next;
  }
  /** The selected function has another address now; nothing else of the selection changes. */
  function rename(next: string): void {
    address.value = next;
  }
  function selectGroup(id: number, member: string | undefined): void {
    if (member !== undefined) select(member, false);
    group.value = id;
  }
  /** Why it is in its group, beside `other` when there is one. */
  function ask(next: string, other: string | null): void {
    select(next);
    tab.value = 'overview';
    compared.value ??= other;
    whyAsked.value++;
  }
  return {
    address,
    group,
    tab,
    topologyTab,
    reveal,
    wantedOffset,
    compared,
    whyAsked,
    wanted,
    select,
    selectWhenThere,
    rename,
    selectGroup,
    ask,
  };
});

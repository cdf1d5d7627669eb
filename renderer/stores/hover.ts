/** What is under the pointer in one pane, for the others to mark. */
import { defineStore } from 'pinia';
import { ref } from 'vue';

export const useHover = defineStore('hover', () => {
  const address = ref<string | null>(null);
  const group = ref<number | null>(null);
  function set(nextAddress: string | null, nextGroup: number | null): void {
    address.value = nextAddress;
    group.value = nextGroup;
  }
  return { address, group, set };
});

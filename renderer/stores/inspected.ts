/** The selected function's views; config space only while somebody looks at it. */
import { defineStore } from 'pinia';
import { computed } from 'vue';
import { live } from './live';
import { useSelection } from './selection';

export const useInspected = defineStore('inspected', () => {
  const selection = useSelection();
  const parameters = (): { address: string } | undefined =>
    selection.address === null ? undefined : { address: selection.address };
  const fn = live('function', parameters);
  const config = live('config', () => (selection.tab === 'config' ? parameters() : undefined));
  const interrupts = computed(() => fn.value?.interrupts ?? null);
  return { fn, config, interrupts };
});

/** Which terminals are open; each lives in its own screen component. */
import { defineStore } from 'pinia';
import { ref } from 'vue';

export const useTerminals = defineStore('terminals', () => {
  const ids = ref<number[]>([1]);
  const active = ref(1);
  let last = 1;
  function add(): void {
    ids.value = [...ids.value, ++last];
    active.value = last;
  }
  function close(id: number): void {
    const rest = ids.value.filter((other) => other !== id);
    if (rest.length === 0) return;
    ids.value = rest;
    if (active.value === id) active.value = rest.at(-1) ?? 1;
  }
  return { ids, active, add, close };
});

/** The steps of the document around the one that is shown, and the ways that were left. */
import { defineStore } from 'pinia';
import { computed, ref } from 'vue';
import { T } from '../texts';
import { live } from './live';

/** Steps that are asked for at once. */
export const WINDOW = 200;

export const useHistory = defineStore('history', () => {
  const from = ref(0);
  const view = live('history', () => ({ from: from.value, count: WINDOW }));
  const nameOf = (branch: { number: number; name: string | null }): string =>
    branch.name ?? T.past.branch(branch.number);
  const branchName = computed(() => (view.value ? nameOf(view.value.branch) : T.past.branch(1)));
  return { from, view, nameOf, branchName };
});

/** Which terminals are open and what they are called; each lives in its own screen component. */
import { defineStore } from 'pinia';
import { computed, ref } from 'vue';
import { T } from '../texts';

export interface TerminalTab {
  readonly id: number;
  /** A person's name for it; null: what its programs say, or its number. */
  readonly name: string | null;
  /** What a program in it calls it. */
  readonly said: string;
}

export const useTerminals = defineStore('terminals', () => {
  const tabs = ref<TerminalTab[]>([{ id: 1, name: null, said: '' }]);
  const active = ref(1);
  const renaming = ref<number | null>(null);
  /** The terminal with an open find bar. */
  const finding = ref<number | null>(null);
  /** Counted up when the active screen shall take the keys. */
  const focusWanted = ref(0);
  let last = 1;

  const titleOf = ({ id, name, said }: TerminalTab): string => name ?? (said || T.terminal.tab(id));
  const title = computed(() => titleOf(tabs.value.find(({ id }) => id === active.value)!));

  function show(id: number): void {
    active.value = id;
    focusWanted.value++;
  }
  function add(): void {
    tabs.value = [...tabs.value, { id: ++last, name: null, said: '' }];
    show(last);
  }
  /** The last one makes room for a fresh one. */
  function close(id: number): void {
    const at = tabs.value.findIndex((tab) => tab.id === id);
    if (at < 0) return;
    if (tabs.value.length === 1) add();
    tabs.value = tabs.value.filter((tab) => tab.id !== id);
    if (active.value === id) show(tabs.value[Math.min(at, tabs.value.length - 1)]!.id);
  }
  /** The next tab, or the one before. */
  function step(by: 1 | -1): void {
    const { length } = tabs.value;
    const at = tabs.value.findIndex((tab) => tab.id === active.value);
    show(tabs.value[(at + by + length) % length]!.id);
  }
  function set(id: number, change: Partial<TerminalTab>): void {
    tabs.value = tabs.value.map((tab) => (tab.id === id ? { ...tab, ...change } : tab));
  }
  const rename = (id: number, name: string): void => set(id, { name: name.trim() || null });
  const say = (id: number, said: string): void => set(id, { said: said.trim() });

  return { tabs, active, title, titleOf, renaming, finding, focusWanted, show, add, close, step, rename, say };
});

/** Commands that the window types into the terminal in front, where the learner sees them and goes on from them. */
import { defineStore } from 'pinia';
import { nextTick } from 'vue';
import { useDock } from './dock';
import { useTerminals } from './terminals';

export interface Typist {
  /** Waits for a shell that begins; false: a program has the keys. */
  ready(): Promise<boolean>;
  /** Puts text on the command line and leaves it there. */
  insert(text: string): void;
  /** Runs lines one after the other; false, at once: a program has the keys. */
  run(text: string): Promise<boolean>;
}

/** A terminal that was hidden is on the screen within this time. */
const APPEAR_MS = 5_000;

export type RunEnd = 'done' | 'busy' | 'noTerminal';

export const useTyping = defineStore('typing', () => {
  const dock = useDock();
  const terminals = useTerminals();
  const typists = new Map<number, Typist>();
  /** Called when a terminal comes to stand on the screen. */
  const waiting: (() => void)[] = [];

  /** Names who types into a terminal; the returned function takes it back. */
  function register(id: number, typist: Typist): () => void {
    typists.set(id, typist);
    for (const go of waiting.splice(0)) go();
    return () => void typists.delete(id);
  }
  async function front(): Promise<Typist | null> {
    dock.showTerminal('terminal');
    await nextTick();
    if (!typists.has(terminals.active))
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        setTimeout(resolve, APPEAR_MS);
      });
    return typists.get(terminals.active) ?? null;
  }
  const ready = async (): Promise<boolean> => (await (await front())?.ready()) ?? false;
  async function insert(text: string): Promise<void> {
    const typist = await front();
    if (await typist?.ready()) typist?.insert(text);
  }
  async function run(text: string): Promise<RunEnd> {
    const typist = await front();
    if (!typist) return 'noTerminal';
    return (await typist.run(text)) ? 'done' : 'busy';
  }
  return { register, ready, insert, run };
});

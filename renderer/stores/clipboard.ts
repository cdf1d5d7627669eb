/** Copied functions: as text on the system's clipboard, so that they go from window to window and file to file. */
import { defineStore } from 'pinia';
import { shallowRef } from 'vue';
import { lab, type Clip, type ClipView } from '../bridge';
import { T } from '../texts';
import { useActions } from './actions';
import { useMessages } from './messages';
import { once } from './live';

const FORMAT = 'vfiolab-parts/1';
const MOST_PLACES = 8;
const LONGEST_TITLE = 200;

export interface Copied {
  clip: Clip;
  places: string[];
  title: string;
}

/** Copied functions of a text; null when it is another text. What is in the clip is checked where it is pasted. */
export function readCopied(text: string): Copied | null {
  if (!text.startsWith(`{"format":"${FORMAT}"`)) return null;
  try {
    const { clip, places, title } = JSON.parse(text) as Copied;
    if (!Array.isArray(clip.tops) || !Array.isArray(places)) return null;
    return {
      clip,
      places: places.map((place) => String(place)).slice(0, MOST_PLACES),
      title: String(title).slice(0, LONGEST_TITLE),
    };
  } catch {
    return null;
  }
}

export const useClipboard = defineStore('clipboard', () => {
  const messages = useMessages();
  const actions = useActions();
  const copied = shallowRef<Copied | null>(null);

  async function copy(addresses: string[]): Promise<boolean> {
    const view: ClipView = await once('clip', { addresses });
    if (view.clip === null) {
      messages.show({ kind: 'bad', what: T.build.notCopied, why: view.problem, remedy: null, next: [] });
      return false;
    }
    const { clip, places, title } = view;
    copied.value = { clip, places, title };
    lab().copy(JSON.stringify({ format: FORMAT, title, places, clip }));
    messages.say(T.build.copied(title));
    return true;
  }
  async function cut(addresses: string[]): Promise<void> {
    if (!(await copy(addresses))) return;
    await actions.perform({ kind: 'edit', edit: removal(addresses) });
  }
  return { copied, copy, cut };
});

/** One edit for any number of functions. */
export function removal(addresses: readonly string[]) {
  const edits = addresses.map((address) => ({ kind: 'remove' as const, address }));
  return edits.length === 1 ? edits[0]! : { kind: 'several' as const, edits };
}

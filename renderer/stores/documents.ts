/** Opening and saving: says what came of it; the open document is the engine's affair. */
import { defineStore } from 'pinia';
import { ref, shallowRef } from 'vue';
import { lab, type FileResult, type SampleMachine } from '../bridge';
import { T } from '../texts';
import { useMessages } from './messages';
import { useSelection } from './selection';

export type OpenProblem = Extract<FileResult, { ok: false }>;

const NOTES_SHOWN = 3;

/** The first notes of an import; all of them stay in the status bar's list of unknown facts. */
function notes(all: readonly string[]): string | null {
  if (all.length === 0) return null;
  return all.slice(0, NOTES_SHOWN).join(' · ') + (all.length > NOTES_SHOWN ? ' · …' : '');
}

export const useDocuments = defineStore('documents', () => {
  const messages = useMessages();
  const selection = useSelection();
  const samples = shallowRef<SampleMachine[]>([]);
  const problem = shallowRef<OpenProblem | null>(null);
  const opening = ref(false);
  /** Rises with each document that was opened. */
  const opened = ref(0);

  async function loadSamples(): Promise<void> {
    samples.value = await lab().samples();
  }

  async function take(run: () => Promise<FileResult>, done: (title: string) => string): Promise<boolean> {
    opening.value = true;
    try {
      const result = await run();
      if (!result.ok) {
        if (!result.cancelled) problem.value = result;
        return false;
      }
      messages.show({
        kind: 'ok',
        what: done(result.title),
        why: notes(result.notes),
        remedy: null,
        next: [],
      });
      return true;
    } finally {
      opening.value = false;
    }
  }
  async function takeMachine(run: () => Promise<FileResult>): Promise<boolean> {
    const ok = await take(run, T.file.opened);
    if (ok) {
      selection.select(null);
      opened.value++;
    }
    return ok;
  }

  const open = (file?: File): Promise<boolean> => takeMachine(() => lab().open(file));
  const openText = (text: string): Promise<boolean> => takeMachine(() => lab().openText(text));
  const openSample = (id: string): Promise<boolean> => takeMachine(() => lab().openSample(id));
  const newMachine = (): Promise<boolean> => takeMachine(() => lab().newMachine());
  const openLesson = (id: string): Promise<boolean> => takeMachine(() => lab().openLesson(id));
  const save = (as: boolean): Promise<boolean> => take(() => lab().save(as), T.file.saved);

  return { samples, problem, opening, opened, loadSamples, open, openText, openSample, openLesson, newMachine, save };
});

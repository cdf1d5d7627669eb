/** Opening and saving: says what came of it; the open document is the engine's affair. */
import { defineStore } from 'pinia';
import { ref, shallowRef } from 'vue';
import { lab, type ExportFormat, type FileResult, type RecentFile, type SampleMachine } from '../bridge';
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
  const recent = shallowRef<RecentFile[]>([]);
  const problem = shallowRef<OpenProblem | null>(null);
  const opening = ref(false);
  /** Rises with each document that was opened. */
  const opened = ref(0);

  async function loadSamples(): Promise<void> {
    samples.value = await lab().samples();
  }
  async function loadRecent(): Promise<void> {
    recent.value = await lab().recentFiles();
  }

  async function take(run: () => Promise<FileResult>, done: (title: string) => string): Promise<boolean> {
    opening.value = true;
    try {
      const result = await run();
      if (!result.ok) {
        if (result.cancelled) return false;
        problem.value = result;
        const where = result.file === null ? [] : [T.file.where(result.file, result.line)];
        messages.record({
          kind: 'bad',
          what: result.message,
          why: result.reason,
          remedy: null,
          next: [],
          details: where,
        });
        return false;
      }
      messages.show({
        kind: 'ok',
        what: done(result.title),
        why: notes(result.notes),
        remedy: null,
        next: [],
      });
      void loadRecent();
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
  const openRecent = (path: string): Promise<boolean> => takeMachine(() => lab().openRecent(path));
  const revert = (): Promise<boolean> => takeMachine(() => lab().revert());
  const exportAs = (format: ExportFormat): Promise<boolean> => take(() => lab().exportAs(format), T.exporting.done);
  const savePicture = (name: string, format: 'svg' | 'png', bytes: Uint8Array<ArrayBuffer>): Promise<boolean> =>
    take(() => lab().savePicture(name, format, bytes), T.exporting.done);
  async function forgetRecent(): Promise<void> {
    await lab().forgetRecent();
    await loadRecent();
  }
  const save = (as: boolean): Promise<boolean> => take(() => lab().save(as), T.file.saved);

  return {
    samples,
    recent,
    problem,
    opening,
    opened,
    loadSamples,
    loadRecent,
    open,
    openText,
    openSample,
    openLesson,
    openRecent,
    forgetRecent,
    newMachine,
    save,
    revert,
    exportAs,
    savePicture,
  };
});

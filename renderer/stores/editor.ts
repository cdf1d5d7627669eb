/** Files of the lab that are being edited: their texts here and there, and what the compiler said of them. */
import { defineStore } from 'pinia';
import { computed, ref, shallowRef, watch } from 'vue';
import { lab, type CompilerProblem, type FileView } from '../bridge';
import { T } from '../texts';
import { useActions } from './actions';
import { useDock } from './dock';
import { useDocuments } from './documents';
import { live } from './live';
import { useMessages } from './messages';
import { useTyping } from './typing';

export interface EditedFile {
  readonly path: string;
  /** As the lab has it; null before the first look. */
  readonly base: string | null;
  /** As it stands in the editor. */
  readonly draft: string;
  /** There is no such file yet. */
  readonly missing: boolean;
  /** Why its text cannot be shown. */
  readonly problem: string | null;
  /** The text that the lab has got meanwhile, while the draft is another one. */
  readonly conflict: string | null;
}

/** Where the cursor shall go; a higher number is a new wish. */
export interface Jump {
  readonly number: number;
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
export const isDirty = (file: EditedFile): boolean => file.draft !== (file.base ?? '') && file.problem === null;
export const isSource = (path: string): boolean => path.endsWith('.c');
/** A word for the shell. */
const word = (text: string): string => (/^[\w./+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** What a look at a file makes of its state here. */
export function seen(file: EditedFile, view: FileView): EditedFile {
  if (view.text === null && !view.missing) return { ...file, problem: view.problem };
  const text = view.text ?? '';
  const next = { ...file, missing: view.missing, problem: null };
  if (!isDirty(file) || text === file.draft) return { ...next, base: text, draft: text, conflict: null };
  // The first look at the file of a text that was kept from an earlier window.
  if (file.base === null) return { ...next, base: text };
  return text === file.base ? next : { ...next, conflict: text };
}

const STORAGE = 'vfiolab.drafts';

/** Texts that were not saved when the window closed, by path. */
function keptDrafts(): [string, string][] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(STORAGE) ?? '[]');
    return Array.isArray(kept)
      ? kept.filter(
          (one): one is [string, string] =>
            Array.isArray(one) && one.length === 2 && one.every((part) => typeof part === 'string'),
        )
      : [];
  } catch {
    // What cannot be read is lost; there is nobody to tell it to yet.
    return [];
  }
}

export const useEditor = defineStore('editor', () => {
  const actions = useActions();
  const dock = useDock();
  const documents = useDocuments();
  const messages = useMessages();
  const typing = useTyping();
  const state = live('editor', () => null);

  const files = shallowRef<readonly EditedFile[]>([]);
  const active = ref<string | null>(null);
  const choosing = ref(false);
  const jump = shallowRef<Jump | null>(null);
  /** A file with changes that a person wants to close. */
  const closing = ref<string | null>(null);
  const stops = new Map<string, () => void>();

  const current = computed(() => files.value.find((file) => file.path === active.value) ?? null);
  const problems = computed<readonly CompilerProblem[]>(() => state.value?.problems ?? []);

  function change(path: string, made: (file: EditedFile) => EditedFile): void {
    files.value = files.value.map((file) => (file.path === path ? made(file) : file));
  }

  function add(path: string, draft: string): void {
    files.value = [...files.value, { path, base: null, draft, missing: false, problem: null, conflict: null }];
    const take = (view: FileView): void => change(path, (file) => seen(file, view));
    stops.set(path, lab().subscribe('file', { path }, take));
  }

  /** Brings a file to the front, and the cursor to a place in it. */
  function open(path: string, line: number | null = null, column = 1): void {
    if (!files.value.some((file) => file.path === path)) add(path, '');
    active.value = path;
    choosing.value = false;
    if (line !== null) jump.value = { number: (jump.value?.number ?? 0) + 1, path, line, column };
    void dock.focus('editor');
  }

  /** Closes a file; one with changes is asked about first, unless they may go. */
  function close(path: string, anyway = false): void {
    const file = files.value.find((one) => one.path === path);
    closing.value = file && isDirty(file) && !anyway ? path : null;
    if (closing.value !== null) return;
    stops.get(path)?.();
    stops.delete(path);
    const at = files.value.findIndex((file) => file.path === path);
    files.value = files.value.filter((file) => file.path !== path);
    if (active.value === path) active.value = files.value[Math.max(0, at - 1)]?.path ?? null;
  }

  const edit = (path: string, draft: string): void => change(path, (file) => ({ ...file, draft }));
  const takeTheirs = (path: string): void =>
    change(path, (file) => ({ ...file, base: file.conflict, draft: file.conflict ?? file.draft, conflict: null }));
  const keepMine = (path: string): void => change(path, (file) => ({ ...file, base: file.conflict, conflict: null }));

  /** Writes a file into the lab; false where that was refused. */
  async function save(path: string): Promise<boolean> {
    const file = files.value.find((one) => one.path === path);
    if (!file || file.problem !== null) return false;
    const text = file.draft;
    const result = await actions.perform({ kind: 'write-file', path, text }, true);
    if (result.ok) change(path, (now) => ({ ...now, base: text, missing: false, conflict: null }));
    return result.ok;
  }

  /** Types the compiler's command into the terminal; `run`: and the program's. */
  async function compile(path: string, run: boolean): Promise<void> {
    const file = files.value.find((one) => one.path === path);
    if (!file || ((isDirty(file) || file.missing) && !(await save(path)))) return;
    const program = path.replace(/\.c$/, '');
    const command = `cc -Wall -Wextra ${word(path)} -o ${word(program)}`;
    // The program may read from the terminal, and Ctrl C stops it there.
    if (run) void dock.focus('terminal');
    const end = await typing.run(run ? `${command} && ${word(program)}` : command);
    if (end !== 'done') messages.show({ kind: 'bad', what: T.editor[end], why: null, remedy: null, next: [] });
  }

  for (const [path, draft] of keptDrafts()) add(path, draft);
  active.value = files.value[0]?.path ?? null;
  watch(files, (now) => {
    const drafts = now.filter(isDirty).map(({ path, draft }) => [path, draft]);
    localStorage.setItem(STORAGE, JSON.stringify(drafts));
  });

  // Programs of the terminal ask for files; one wish is answered once.
  let answered = 0;
  watch(
    () => state.value?.wish ?? null,
    (wish) => {
      if (wish === null || wish.number <= answered) return;
      answered = wish.number;
      open(wish.path, wish.line);
    },
  );
  // Another machine has other files; texts that are not saved stay.
  watch(
    () => documents.opened,
    () => {
      for (const file of files.value) if (!isDirty(file)) close(file.path);
    },
  );

  return {
    files,
    active,
    choosing,
    closing,
    jump,
    current,
    problems,
    compilations: computed(() => state.value?.compilations ?? 0),
    open,
    close,
    edit,
    save,
    compile,
    takeTheirs,
    keepMine,
  };
});

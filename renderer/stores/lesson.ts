/** The open lesson as the learner sees it: which step is read, which hints are out, and the solution being played. */
import { defineStore } from 'pinia';
import { computed, ref, watch } from 'vue';
import { lab, type LessonSolutionView, type LessonStepView } from '../bridge';
import { T } from '../texts';
import { useActions } from './actions';
import { useDock } from './dock';
import { useDocuments } from './documents';
import { live } from './live';
import { useMachine } from './machine';
import { useMessages } from './messages';
import { useTyping } from './typing';

const STORAGE = 'vfiolab.lessons';
/** A step of a lesson that was played is passed at once; programs may take longer. */
const PASS_WAIT_MS = 10_000;

type Kept = Record<string, number>;

function readKept(): Kept {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(STORAGE) ?? '{}');
    return typeof kept === 'object' && kept !== null ? (kept as Kept) : {};
  } catch {
    // What cannot be read only costs the ticks in the list.
    return {};
  }
}

/** What one part of a solution did. */
export interface PlayedPart {
  readonly calls: readonly string[];
  readonly ok: boolean;
}

/** Waits until `holds`; false: it did not within the time. */
async function until(holds: () => boolean): Promise<boolean> {
  if (holds()) return true;
  return new Promise((resolve) => {
    const end = (held: boolean): void => {
      stop();
      clearTimeout(timer);
      resolve(held);
    };
    const stop = watch(holds, (yes) => yes && end(true));
    const timer = setTimeout(() => end(false), PASS_WAIT_MS);
  });
}

export const useLesson = defineStore('lesson', () => {
  const actions = useActions();
  const dock = useDock();
  const documents = useDocuments();
  const machine = useMachine();
  const messages = useMessages();
  const typing = useTyping();

  const lesson = live('lesson', () => null);
  const all = live('lessons', () => null);

  /** Steps passed at best, by lesson: what the list shows. On this computer only. */
  const best = ref<Kept>(readKept());
  /** Index of the step that is read; it stays when the step is passed, until the learner goes on. */
  const reading = ref(0);
  /** Hints shown, by step. */
  const hints = ref<ReadonlyMap<string, number>>(new Map());
  /** The step whose solution is shown. */
  const shown = ref<string | null>(null);
  /** What was played of it, by place. */
  const played = ref<ReadonlyMap<number, PlayedPart>>(new Map());
  const playing = ref(false);

  /** The list of lessons stands in front of the open one. */
  const listed = ref(false);

  const step = computed<LessonStepView | null>(() => lesson.value?.steps[reading.value] ?? null);
  const isPassed = (index: number): boolean => index < (lesson.value?.current ?? 0);
  const done = computed(() => lesson.value !== null && lesson.value.current >= lesson.value.steps.length);
  const mayGoOn = computed(() => isPassed(reading.value) && reading.value + 1 < (lesson.value?.steps.length ?? 0));
  const hintsLeft = computed(() => (step.value?.hints.length ?? 0) - (hints.value.get(step.value?.id ?? '') ?? 0));
  const following = computed(() => {
    const list = all.value?.lessons ?? [];
    const at = list.findIndex(({ id }) => id === lesson.value?.id);
    return at < 0 ? null : (list[at + 1] ?? null);
  });

  function forget(): void {
    hints.value = new Map();
    shown.value = null;
    played.value = new Map();
  }
  watch(
    () => lesson.value?.id ?? null,
    (id) => {
      forget();
      reading.value = Math.min(lesson.value?.current ?? 0, (lesson.value?.steps.length ?? 1) - 1);
      if (id === null) return;
      dock.show('lesson');
      dock.makeReadable('lesson');
    },
  );
  watch(
    () => lesson.value?.current ?? null,
    (now, before) => {
      const view = lesson.value;
      if (now === null || view === null) return;
      // Undo may take back what had passed.
      if (reading.value > now) reading.value = now;
      if (now > (best.value[view.id] ?? 0)) {
        best.value = { ...best.value, [view.id]: now };
        localStorage.setItem(STORAGE, JSON.stringify(best.value));
      }
      const passed = view.steps[now - 1];
      if (before !== null && now > before && passed) messages.say(`${T.lesson.passed} ${passed.title}`);
    },
  );
  watch(reading, () => {
    shown.value = null;
    played.value = new Map();
  });

  async function open(id: string): Promise<boolean> {
    const opened = await documents.openLesson(id);
    listed.value &&= !opened;
    if (opened) void dock.focus('lesson');
    return opened;
  }
  function read(index: number): void {
    if (index <= (lesson.value?.current ?? 0)) reading.value = index;
  }
  function next(): void {
    if (mayGoOn.value) reading.value++;
  }
  function hint(): void {
    const now = step.value;
    if (!now) return;
    if (hintsLeft.value === 0) messages.say(T.lesson.noHint);
    else hints.value = new Map([...hints.value, [now.id, now.hints.length - hintsLeft.value + 1]]);
  }
  const answer = (question: string, choice: number): Promise<void> => lab().answer(question, choice);
  async function restart(): Promise<void> {
    messages.say(T.lesson.restarted(await lab().restartStep(null)));
    played.value = new Map();
  }
  function toggleShown(): void {
    const id = step.value?.id ?? null;
    shown.value = shown.value === id ? null : id;
  }

  /** Number of the newest call, so that those of a part can be told from those before. */
  const lastCall = (): number => machine.calls?.calls.at(-1)?.sequence ?? 0;

  async function perform(part: LessonSolutionView): Promise<boolean> {
    switch (part.kind) {
      case 'sh': {
        const end = await typing.run(part.text);
        if (end !== 'done') messages.show({ kind: 'bad', what: T.lesson[end], why: null, remedy: null, next: [] });
        return end === 'done';
      }
      case 'act':
        return (await actions.perform(part.action)).ok;
      case 'answer':
        await answer(part.question, part.choice);
        return true;
      case 'wait':
        return (await actions.perform({ kind: 'wait', ms: part.ms }, true)).ok;
    }
  }
  /** Does one part of the shown solution. */
  async function play(place: number): Promise<boolean> {
    const part = step.value?.solution[place];
    if (!part || playing.value) return false;
    playing.value = true;
    const from = lastCall();
    try {
      const ok = await perform(part);
      // The view of the calls follows within a frame or two.
      await new Promise((resolve) => setTimeout(resolve, 60));
      const calls = (machine.calls?.calls ?? []).filter(({ sequence }) => sequence > from).map(({ text }) => text);
      played.value = new Map([...played.value, [place, { ok, calls }]]);
      return ok;
    } finally {
      playing.value = false;
    }
  }
  async function playAll(): Promise<void> {
    const parts = step.value?.solution.length ?? 0;
    for (let place = 0; place < parts; place++) if (!played.value.has(place) && !(await play(place))) return;
  }

  /** Plays the solution of the step in work; whether it passed. */
  async function solve(): Promise<boolean> {
    const view = lesson.value;
    const now = view?.steps[view.current];
    if (!view || !now) return false;
    const after = view.current + 1;
    for (const part of now.solution) if (!(await perform(part))) return false;
    if (await until(() => (lesson.value?.current ?? 0) >= after)) return true;
    messages.show({ kind: 'bad', what: T.lesson.stuck(now.title), why: null, remedy: null, next: [] });
    return false;
  }
  /** Begins the lesson again and plays the solutions of the steps before this one. */
  async function startAt(index: number): Promise<void> {
    const id = lesson.value?.id;
    if (id === undefined || !(await open(id))) return;
    playing.value = true;
    try {
      // The screen may still show the way that was left.
      await until(() => lesson.value?.current === 0);
      if (!(await typing.ready())) return;
      while ((lesson.value?.current ?? index) < index) if (!(await solve())) return;
      reading.value = index;
    } finally {
      playing.value = false;
    }
  }

  return {
    lesson,
    all,
    best,
    reading,
    step,
    done,
    listed,
    mayGoOn,
    hintsLeft,
    following,
    hints,
    shown,
    played,
    playing,
    isPassed,
    open,
    read,
    next,
    hint,
    answer,
    restart,
    toggleShown,
    play,
    playAll,
    solve,
    startAt,
  };
});

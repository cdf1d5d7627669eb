/** Presenting a lesson before others: one key plays its steps, another takes them back. */
import { defineStore } from 'pinia';
import { computed, ref, watch } from 'vue';
import { lab } from '../bridge';
import { useLabLinks } from './lab-links';
import { useLesson } from './lesson';
import { useSettings } from './settings';

/** Type that the last row of a room can read. */
const ZOOM = 1.5;

export const usePresenting = defineStore('presenting', () => {
  const lesson = useLesson();
  const links = useLabLinks();
  const settings = useSettings();
  const wanted = ref(false);
  const notes = ref(false);
  const on = computed(() => wanted.value && lesson.lesson !== null);
  const passed = computed(() => lesson.isPassed(lesson.reading));
  const last = computed(() => lesson.reading + 1 >= (lesson.lesson?.steps.length ?? 0));

  let before: number | null = null;

  function begin(): void {
    wanted.value = true;
    before = settings.now.zoom;
    if (before < ZOOM) settings.change({ zoom: ZOOM });
    point();
  }
  function end(): void {
    wanted.value = false;
    if (before !== null) settings.change({ zoom: before });
    before = null;
  }
  /** Shows what the step's text points at first. */
  function point(): void {
    const html = (lesson.step?.blocks ?? []).map((block) => (block.kind === 'prose' ? block.html : '')).join('');
    const link = new DOMParser().parseFromString(html, 'text/html').querySelector<HTMLElement>('a[data-lab]');
    if (link && !link.dataset['lab']!.startsWith('command/')) links.follow(link.dataset['lab']!, () => undefined);
  }
  /** Plays the step; once it is passed, goes to the next. */
  async function forward(): Promise<void> {
    if (lesson.playing) return;
    if (!passed.value) await lesson.solve();
    else lesson.next();
  }
  /** Takes the step back; one that is untouched leads to the one before, as it stood when it was passed. */
  async function back(): Promise<void> {
    if (lesson.playing) return;
    const taken = await lab().restartStep(lesson.reading);
    if (taken === 0 && lesson.reading > 0) lesson.read(lesson.reading - 1);
  }
  watch(
    () => lesson.reading,
    () => on.value && point(),
  );
  return { on, notes, passed, last, begin, end, forward, back };
});

/** Which instant the screen shows: the present, or a look at the past that changes nothing. */
import { defineStore } from 'pinia';
import { computed, onScopeDispose, ref, watch } from 'vue';
import { lab, type ActionResult } from '../bridge';
import { T } from '../texts';
import { useMachine } from './machine';
import { useMessages } from './messages';

/** Resolves once it holds. */
const until = (holds: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    const stop = watch(
      holds,
      (yes) => {
        if (!yes) return;
        resolve();
        queueMicrotask(() => stop());
      },
      { immediate: true },
    );
  });

/** A picture is on the screen by then. */
const PICTURE_MS = 150;

/** Inputs a second at speed 1. */
const PACE = 4;

export const usePast = defineStore('past', () => {
  const machine = useMachine();
  const messages = useMessages();
  const past = computed(() => machine.machine?.document.past ?? null);
  const inForce = computed(() => machine.machine?.document.inputs ?? 0);
  const position = computed(() => past.value?.input ?? inForce.value);
  /** What a person wanted to do while the past was shown; asked once whether to go on from there. */
  const asked = ref<(() => void) | null>(null);
  const speed = ref<1 | 4 | 16>(1);
  const playing = ref(false);
  let timer: ReturnType<typeof setTimeout> | null = null;

  /** The input that is on its way to the screen: keys may come faster than pictures. */
  let wanted: number | null = null;
  async function look(input: number | null): Promise<void> {
    const target = input ?? inForce.value;
    wanted = target;
    await lab().look(input);
    setTimeout(() => (wanted = wanted === target ? null : wanted), PICTURE_MS);
  }
  function stop(): void {
    playing.value = false;
    if (timer !== null) clearTimeout(timer);
    timer = null;
  }
  async function go(input: number | null): Promise<void> {
    stop();
    await look(input);
    const now = past.value;
    messages.say(now ? T.past.shows(now.input, now.of) : T.past.live);
  }
  /** One input back (-1) or on (1). */
  const step = (by: number): Promise<void> => go(Math.max(0, (wanted ?? position.value) + by));

  /** The instant that a run has come to; the screen may be behind. */
  let head = 0;
  const later = (): void => {
    timer = setTimeout(() => void advance(), 1000 / PACE / speed.value);
  };
  async function advance(): Promise<void> {
    if (!playing.value) return;
    head++;
    const ends = head >= inForce.value;
    await look(ends ? null : head);
    if (ends) stop();
    else if (playing.value) later();
  }
  /** Runs from the shown instant to the present, or stops that; from the present it begins at the start. */
  async function toggle(): Promise<void> {
    if (playing.value) {
      stop();
      return;
    }
    if (inForce.value === 0) return;
    head = past.value?.input ?? 0;
    playing.value = true;
    if (past.value === null) await look(0);
    if (playing.value) later();
  }

  function tell(result: ActionResult): void {
    if (result.ok) messages.say(result.message);
    else messages.show({ kind: 'bad', what: result.message, why: null, remedy: null, next: [] });
  }
  async function continueHere(): Promise<boolean> {
    stop();
    const result = await lab().continueHere();
    tell(result);
    if (result.ok) await until(() => past.value === null);
    return result.ok;
  }
  async function goToBranch(tip: number): Promise<void> {
    stop();
    tell(await lab().goToBranch(tip));
  }
  onScopeDispose(stop);

  return { past, position, asked, speed, playing, go, step, toggle, continueHere, goToBranch };
});

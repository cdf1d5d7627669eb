/** The window's own state: fold, theme, what floats. Kept apart from the machine, on this computer only. */
import { defineStore } from 'pinia';
import { computed, ref, watch } from 'vue';
import type { Fold } from '../dock/layout';

export type Theme = 'system' | 'light' | 'dark' | 'hc';
export type DockTab = 'terminal' | 'calls' | 'log';
export type Overlay = 'palette' | 'paste' | 'collect' | 'about' | 'keys' | 'attach' | null;

const STORAGE = 'vfiolab.frame';

interface Kept {
  theme: Theme;
  comfortable: boolean;
}

function read(): Kept {
  const kept: Kept = { theme: 'system', comfortable: false };
  try {
    const text = localStorage.getItem(STORAGE);
    if (text) Object.assign(kept, JSON.parse(text));
  } catch {
    // Settings that cannot be read are not worth a message: the standard ones hold.
  }
  return kept;
}

export function foldFor(width: number): Fold {
  return width >= 1700 ? 'wide' : width > 1180 ? 'normal' : 'small';
}

export const useFrame = defineStore('frame', () => {
  const kept = read();
  const theme = ref<Theme>(kept.theme);
  const comfortable = ref(kept.comfortable);

  const width = ref(window.innerWidth);
  const height = ref(window.innerHeight);
  const fold = computed(() => foldFor(width.value));
  addEventListener('resize', () => {
    width.value = window.innerWidth;
    height.value = window.innerHeight;
  });

  const overlay = ref<Overlay>(null);
  const dockTab = ref<DockTab>('terminal');
  /** Group that the attach dialog asks about. */
  const attaching = ref<number | null>(null);
  const paletteQuery = ref('');
  /** Text on its way into the paste dialog. */
  const pasted = ref('');

  const dark = matchMedia('(prefers-color-scheme: dark)');
  const contrast = matchMedia('(prefers-contrast: more)');
  const systemTheme = ref<'light' | 'dark' | 'hc'>('light');
  const readSystem = (): void => {
    systemTheme.value = contrast.matches ? 'hc' : dark.matches ? 'dark' : 'light';
  };
  readSystem();
  dark.addEventListener('change', readSystem);
  contrast.addEventListener('change', readSystem);
  const shownTheme = computed(() => (theme.value === 'system' ? systemTheme.value : theme.value));
  watch(shownTheme, (t) => (document.documentElement.dataset['theme'] = t), { immediate: true });

  watch([theme, comfortable], () => {
    const keep: Kept = { theme: theme.value, comfortable: comfortable.value };
    localStorage.setItem(STORAGE, JSON.stringify(keep));
  });

  function cycleTheme(): void {
    const order: Theme[] = ['light', 'dark', 'hc'];
    theme.value = order[(order.indexOf(shownTheme.value) + 1) % order.length] ?? 'light';
  }
  function attach(group: number): void {
    attaching.value = group;
    overlay.value = 'attach';
  }
  function find(query = ''): void {
    paletteQuery.value = query;
    overlay.value = 'palette';
  }

  return {
    theme,
    shownTheme,
    comfortable,
    width,
    height,
    fold,
    overlay,
    dockTab,
    attaching,
    paletteQuery,
    pasted,
    cycleTheme,
    attach,
    find,
  };
});

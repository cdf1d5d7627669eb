/** The window's own state: fold, theme, what floats. Kept apart from the machine, on this computer only. */
import { defineStore } from 'pinia';
import { computed, ref, shallowRef, watch } from 'vue';
import { lab } from '../bridge';
import type { Fold } from '../dock/layout';
import { hexColour } from '../ui/colour';
import { useSettings } from './settings';

export type DockTab = 'terminal' | 'calls' | 'log';
export type Overlay =
  'palette' | 'paste' | 'collect' | 'about' | 'keys' | 'attach' | 'stimulus' | 'layouts' | 'cmdline' | null;

export function foldFor(width: number): Fold {
  return width >= 1700 ? 'wide' : width > 1180 ? 'normal' : 'small';
}

/** Less room than this, in px, is one pane's. */
const ONE_PANE = { width: 900, height: 500 };

export const useFrame = defineStore('frame', () => {
  const settings = useSettings();

  const width = ref(window.innerWidth);
  const height = ref(window.innerHeight);
  const fold = computed(() => foldFor(width.value));
  /** Large type in a small window. */
  const tiny = computed(
    () => fold.value === 'small' && (width.value < ONE_PANE.width || height.value < ONE_PANE.height),
  );
  addEventListener('resize', () => {
    width.value = window.innerWidth;
    height.value = window.innerHeight;
  });

  const overlay = ref<Overlay>(null);
  const startPage = ref(settings.now.startPage);
  const dockTab = ref<DockTab>('terminal');
  /** Group that the attach dialog asks about. */
  const attaching = ref<number | null>(null);
  /** Function that the stimulus dialog is about. */
  const stimulated = ref<string | null>(null);
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
  const shownTheme = computed(() => (settings.now.theme === 'system' ? systemTheme.value : settings.now.theme));
  watch(
    shownTheme,
    (theme) => {
      const root = document.documentElement;
      root.dataset['theme'] = theme;
      // The window's own buttons stand in the title bar.
      const style = getComputedStyle(root);
      const bar = hexColour(style.getPropertyValue('--bg-chrome'));
      const symbols = hexColour(style.getPropertyValue('--fg'));
      if (bar !== null && symbols !== null) void lab().paintFrame(bar, symbols);
    },
    { immediate: true },
  );
  watch(
    () => settings.now.motion,
    (motion) => (document.documentElement.dataset['motion'] = motion),
    { immediate: true },
  );
  const comfortable = computed(() => settings.now.comfortable);
  const screenReader = computed(() => settings.now.screenReader);

  /** What no message may lie over. */
  const clear = shallowRef<ReadonlySet<HTMLElement>>(new Set());
  function keepClear(element: HTMLElement): () => void {
    clear.value = new Set(clear.value).add(element);
    return () => (clear.value = new Set([...clear.value].filter((other) => other !== element)));
  }
  function cycleTheme(): void {
    const order = ['light', 'dark', 'hc'] as const;
    settings.change({ theme: order[(order.indexOf(shownTheme.value) + 1) % order.length] ?? 'light' });
  }
  function attach(group: number): void {
    attaching.value = group;
    overlay.value = 'attach';
  }
  function stimulate(address: string): void {
    stimulated.value = address;
    overlay.value = 'stimulus';
  }
  function find(query = ''): void {
    paletteQuery.value = query;
    overlay.value = 'palette';
  }

  return {
    shownTheme,
    comfortable,
    screenReader,
    width,
    height,
    fold,
    tiny,
    overlay,
    startPage,
    dockTab,
    attaching,
    stimulated,
    paletteQuery,
    pasted,
    clear,
    keepClear,
    cycleTheme,
    attach,
    stimulate,
    find,
  };
});

/** The window's own state: fold, splitters, theme, what floats. Kept apart from the machine, on this computer only. */
import { defineStore } from 'pinia';
import { computed, ref, watch } from 'vue';
import { enterPane } from '../ui/focus';

export type Fold = 'wide' | 'normal' | 'small';
export type Theme = 'system' | 'light' | 'dark' | 'hc';
export type PaneName = 'topology' | 'inspector' | 'containers' | 'interrupts' | 'terminal' | 'timeline';
export type DockTab = 'terminal' | 'calls' | 'log';
export type Overlay = 'palette' | 'paste' | 'collect' | 'about' | 'keys' | 'attach' | null;
export type Drawer = 'steps' | 'containers' | null;

/** Splitters, by the area whose size they set. */
export type Splitter = 'left' | 'right' | 'dock' | 'irqs' | 'steps';

interface Range {
  size: number;
  min: number;
  max: number;
}

/** Sizes in px for each fold: the table of the visual specification. */
const SIZES: Record<Fold, Record<Splitter, Range>> = {
  wide: {
    left: { size: 292, min: 200, max: 480 },
    right: { size: 452, min: 384, max: 760 },
    dock: { size: 290, min: 120, max: 620 },
    irqs: { size: 520, min: 300, max: 800 },
    steps: { size: 330, min: 120, max: 620 },
  },
  normal: {
    left: { size: 224, min: 180, max: 360 },
    right: { size: 412, min: 384, max: 560 },
    dock: { size: 250, min: 110, max: 480 },
    irqs: { size: 414, min: 260, max: 560 },
    steps: { size: 300, min: 120, max: 520 },
  },
  small: {
    left: { size: 38, min: 38, max: 38 },
    right: { size: 384, min: 360, max: 460 },
    dock: { size: 186, min: 96, max: 360 },
    irqs: { size: 0, min: 0, max: 0 },
    steps: { size: 0, min: 0, max: 0 },
  },
};

const STORAGE = 'vfiolab.frame';

interface Kept {
  theme: Theme;
  sizes: Partial<Record<Fold, Partial<Record<Splitter, number>>>>;
  stepsShown: boolean;
  comfortable: boolean;
}

function read(): Kept {
  const kept: Kept = { theme: 'system', sizes: {}, stepsShown: true, comfortable: false };
  try {
    const text = localStorage.getItem(STORAGE);
    if (text) Object.assign(kept, JSON.parse(text));
  } catch {
    // A layout that cannot be read is not worth a message: the default one is shown.
  }
  return kept;
}

export function foldFor(width: number): Fold {
  return width >= 1700 ? 'wide' : width > 1180 ? 'normal' : 'small';
}

export const useFrame = defineStore('frame', () => {
  const kept = read();
  const theme = ref<Theme>(kept.theme);
  const sizes = ref(kept.sizes);
  const stepsShown = ref(kept.stepsShown);
  const comfortable = ref(kept.comfortable);

  const width = ref(window.innerWidth);
  const height = ref(window.innerHeight);
  const fold = computed(() => foldFor(width.value));
  addEventListener('resize', () => {
    width.value = window.innerWidth;
    height.value = window.innerHeight;
  });

  const overlay = ref<Overlay>(null);
  const drawer = ref<Drawer>(null);
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

  watch(
    [theme, sizes, stepsShown, comfortable],
    () => {
      const keep: Kept = {
        theme: theme.value,
        sizes: sizes.value,
        stepsShown: stepsShown.value,
        comfortable: comfortable.value,
      };
      localStorage.setItem(STORAGE, JSON.stringify(keep));
    },
    { deep: true },
  );

  function range(splitter: Splitter): Range {
    const base = SIZES[fold.value][splitter];
    const max = splitter === 'dock' ? Math.min(base.max, Math.max(base.min, height.value - 320)) : base.max;
    return { ...base, max };
  }
  function size(splitter: Splitter): number {
    const { size: standard, min, max } = range(splitter);
    return Math.min(max, Math.max(min, sizes.value[fold.value]?.[splitter] ?? standard));
  }
  function resize(splitter: Splitter, px: number): void {
    const { min, max } = range(splitter);
    const value = Math.round(Math.min(max, Math.max(min, px)));
    sizes.value = { ...sizes.value, [fold.value]: { ...sizes.value[fold.value], [splitter]: value } };
  }
  function resetSize(splitter: Splitter): void {
    resize(splitter, SIZES[fold.value][splitter].size);
  }

  function cycleTheme(): void {
    const order: Theme[] = ['light', 'dark', 'hc'];
    theme.value = order[(order.indexOf(shownTheme.value) + 1) % order.length] ?? 'light';
  }
  function showDock(tab: DockTab): void {
    dockTab.value = tab;
  }
  function attach(group: number): void {
    attaching.value = group;
    overlay.value = 'attach';
  }
  function find(query = ''): void {
    paletteQuery.value = query;
    overlay.value = 'palette';
  }
  function focusPane(name: PaneName): void {
    if (fold.value === 'small' && name === 'containers') drawer.value = 'containers';
    requestAnimationFrame(() => enterPane(document.querySelector<HTMLElement>(`[data-pane="${name}"]`)));
  }

  return {
    theme,
    shownTheme,
    comfortable,
    stepsShown,
    width,
    height,
    fold,
    overlay,
    drawer,
    dockTab,
    attaching,
    paletteQuery,
    pasted,
    size,
    range,
    resize,
    resetSize,
    cycleTheme,
    showDock,
    attach,
    find,
    focusPane,
  };
});

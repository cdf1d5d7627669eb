/** Where the panes stand now, and what may be done with them. Kept apart from the machine, on this computer only. */
import { defineStore } from 'pinia';
import { computed, nextTick, ref, shallowRef, watch } from 'vue';
import { lab } from '../bridge';
import * as layouts from '../dock/layout';
import type { Area, Layout, PaneName, SizedArea, Target } from '../dock/layout';
import { enterPane } from '../ui/focus';
import { useDocuments } from './documents';
import { useFrame, type DockTab } from './frame';

export interface Range {
  size: number;
  min: number;
  max: number;
}

/** Sizes of areas in px for each fold: the table of the visual specification. */
const SIZES: Record<layouts.Fold, Record<SizedArea, Range>> = {
  wide: {
    left: { size: 292, min: 200, max: 480 },
    right: { size: 452, min: 384, max: 760 },
    dock: { size: 290, min: 120, max: 620 },
    strip: { size: 84, min: 84, max: 320 },
  },
  normal: {
    left: { size: 224, min: 180, max: 360 },
    right: { size: 412, min: 384, max: 560 },
    dock: { size: 250, min: 110, max: 480 },
    strip: { size: 84, min: 84, max: 240 },
  },
  small: {
    left: { size: 38, min: 38, max: 38 },
    right: { size: 384, min: 360, max: 460 },
    dock: { size: 186, min: 96, max: 360 },
    strip: { size: 34, min: 34, max: 160 },
  },
};

/** Width in px and part of the window's height for a pane of running text. */
const READING = { width: 336, share: 0.6 };

const CELL_MIN = 120;
/** What the other areas leave the centre at least. */
const CENTRE_MIN = 320;
/** A layout is kept when it has not changed for so long. */
const KEEP_MS = 400;

function parse(text: string | null): Layout | null {
  try {
    return layouts.parseLayout(JSON.parse(text ?? 'null'));
  } catch {
    // A layout that cannot be read is not worth a message: the standard one is shown.
    return null;
  }
}

export const useDock = defineStore('dock', () => {
  const frame = useFrame();
  const documents = useDocuments();
  const layout = shallowRef<Layout>(parse(lab().layoutAtStart) ?? layouts.STANDARD);
  let timer: ReturnType<typeof setTimeout> | null = null;
  /** The layout as text, for the settings. */
  const text = (): string => JSON.stringify(layout.value);
  watch(layout, () => {
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(() => void lab().keepLayout(text()), KEEP_MS);
  });
  // Each document has the layout that it was last seen with.
  watch(
    () => documents.opened,
    async () => {
      const kept = parse(await lab().layout());
      if (kept) layout.value = kept;
    },
  );

  /** Panes in the order in which they were shown, last first. */
  const recent = shallowRef<readonly PaneName[]>([]);
  const shown = computed(() => layouts.folded(layout.value, frame.fold, frame.tiny, recent.value));
  const isOpen = (pane: PaneName): boolean => layouts.placeOf(layout.value, pane) !== null;
  /** Panes of the cell that a pane shares with others, in their order. */
  function tabsOf(pane: PaneName): readonly PaneName[] {
    for (const area of layouts.AREAS)
      for (const cell of shown.value.areas[area]) if (cell.panes.includes(pane)) return cell.panes;
    return [pane];
  }
  const areaOf = (pane: PaneName): Area | null => layouts.placeOf(layout.value, pane)?.area ?? null;

  function range(area: SizedArea): Range {
    const base = SIZES[frame.fold][area];
    const max = area === 'dock' ? Math.min(base.max, Math.max(base.min, frame.height - CENTRE_MIN)) : base.max;
    return { ...base, max };
  }
  function size(area: SizedArea): number {
    const { size: standard, min, max } = range(area);
    return Math.min(max, Math.max(min, layout.value.sizes[frame.fold]?.[area] ?? standard));
  }
  function resize(area: SizedArea, px: number): void {
    const { min, max } = range(area);
    layout.value = layouts.resizeArea(layout.value, frame.fold, area, Math.round(Math.min(max, Math.max(min, px))));
  }
  function resetSize(area: SizedArea): void {
    layout.value = layouts.resizeArea(layout.value, frame.fold, area, undefined);
  }
  function resizeCell(area: Area, cell: number, px: number | null): void {
    layout.value = layouts.resizeCell(layout.value, area, cell, px === null ? null : Math.max(CELL_MIN, px));
  }

  /** The pane whose menu is open. */
  const menu = ref<PaneName | null>(null);
  /** The pane behind a button of the rail that is drawn out. */
  const drawer = ref<PaneName | null>(null);
  function show(pane: PaneName): void {
    layout.value = layouts.show(layout.value, pane);
    recent.value = [pane, ...recent.value.filter((one) => one !== pane)];
    if (shown.value.rail.includes(pane)) drawer.value = pane;
  }
  function close(pane: PaneName): void {
    if (drawer.value === pane) drawer.value = null;
    else layout.value = layouts.close(layout.value, pane);
  }
  function move(pane: PaneName, target: Target): void {
    layout.value = layouts.move(layout.value, pane, target);
  }
  /** Moves a pane to the end of an area, beside what stands there. */
  function moveTo(pane: PaneName, area: Area): void {
    move(pane, { area, cell: Math.max(0, layout.value.areas[area].length - 1), as: 'after' });
    void focus(pane);
  }
  const maximised = computed(() => layout.value.maximised);
  function toggleMaximised(pane: PaneName): void {
    layout.value = layouts.maximise(layout.value, layout.value.maximised === pane ? null : pane);
    void focus(pane);
  }
  function reset(): void {
    layout.value = layouts.STANDARD;
  }
  /** Takes a layout that was kept under a name. */
  function use(kept: string): void {
    layout.value = parse(kept) ?? layouts.STANDARD;
  }
  /** The pane that has or last had the focus: what commands about a pane mean. */
  const current = ref<PaneName>('topology');
  addEventListener('focusin', (e) => {
    const name = e.target instanceof Element && e.target.closest<HTMLElement>('[data-pane]')?.dataset['pane'];
    current.value = layouts.PANE_NAMES.find((pane) => pane === name) ?? current.value;
  });

  /** Makes a pane of the left area as wide and high as running text needs, where nobody has chosen sizes. */
  function makeReadable(pane: PaneName): void {
    const place = layouts.placeOf(layout.value, pane);
    if (place?.area !== 'left' || frame.fold === 'small') return;
    if (layout.value.sizes[frame.fold]?.left === undefined) resize('left', READING.width);
    if (layout.value.areas.left[place.cell]?.size === null)
      resizeCell('left', place.cell, Math.round(frame.height * READING.share));
  }

  /** Brings the terminal pane to the front with one of its tabs. */
  function showTerminal(tab: DockTab): void {
    frame.dockTab = tab;
    show('terminal');
  }
  /** Brings a pane to the front and gives it the focus. */
  async function focus(pane: PaneName): Promise<void> {
    show(pane);
    current.value = pane;
    await nextTick();
    requestAnimationFrame(() => enterPane(document.querySelector<HTMLElement>(`[data-pane="${pane}"]`)));
  }
  return {
    layout,
    shown,
    drawer,
    menu,
    maximised,
    isOpen,
    tabsOf,
    areaOf,
    range,
    size,
    resize,
    resetSize,
    resizeCell,
    show,
    showTerminal,
    close,
    move,
    moveTo,
    toggleMaximised,
    makeReadable,
    reset,
    use,
    text,
    focus,
    current,
  };
});

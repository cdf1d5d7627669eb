/**
 * Where the panes stand, as data: five areas, in each area cells side by side, in each cell one pane or several as
 * tabs. Every pane stands in one place at most. All functions return a new layout and leave theirs alone.
 */

export const PANE_NAMES = [
  'topology',
  'inspector',
  'containers',
  'interrupts',
  'terminal',
  'timeline',
  'lesson',
  'history',
  'messages',
  'editor',
] as const;
export type PaneName = (typeof PANE_NAMES)[number];

export const AREAS = ['left', 'centre', 'dock', 'right', 'strip'] as const;
export type Area = (typeof AREAS)[number];

export type Fold = 'wide' | 'normal' | 'small';
/** Areas whose size a person sets; the centre takes the rest. */
export type SizedArea = Exclude<Area, 'centre'>;

export interface Cell {
  readonly panes: readonly PaneName[];
  /** The tab in front. */
  readonly active: PaneName;
  /** Px along the area; null: what its first pane prefers, or a share of the rest. */
  readonly size: number | null;
}

export interface Layout {
  readonly areas: Readonly<Record<Area, readonly Cell[]>>;
  /** Px of areas that a person has set, by fold. */
  readonly sizes: Readonly<Partial<Record<Fold, Readonly<Partial<Record<SizedArea, number>>>>>>;
  /** The pane that fills the window. */
  readonly maximised: PaneName | null;
}

/** Where a pane goes: into a cell as a tab, or beside it as a cell of its own. */
export interface Target {
  readonly area: Area;
  /** Cell of the area; the number of cells stands for the end. */
  readonly cell: number;
  readonly as: 'tab' | 'before' | 'after';
}

/** Cells of these areas stand one above the other. */
export const isStack = (area: Area): boolean => area === 'left' || area === 'right';

const HOME: Readonly<Record<PaneName, Area>> = {
  topology: 'centre',
  inspector: 'right',
  containers: 'left',
  interrupts: 'dock',
  terminal: 'dock',
  timeline: 'strip',
  lesson: 'left',
  history: 'left',
  messages: 'dock',
  editor: 'centre',
};

/** Px along its area that a pane wants where others share the area with it. */
const PREFERRED: Readonly<Partial<Record<PaneName, Readonly<Record<Exclude<Fold, 'small'>, number>>>>> = {
  interrupts: { wide: 520, normal: 414 },
  lesson: { wide: 330, normal: 300 },
};

const cell = (...panes: [PaneName, ...PaneName[]]): Cell => ({ panes, active: panes[0], size: null });

export const STANDARD: Layout = {
  areas: {
    left: [cell('lesson'), cell('containers')],
    centre: [cell('topology')],
    dock: [cell('terminal'), cell('interrupts')],
    right: [cell('inspector')],
    strip: [cell('timeline')],
  },
  sizes: {},
  maximised: null,
};

export interface Place {
  area: Area;
  cell: number;
}

export function placeOf(layout: Layout, pane: PaneName): Place | null {
  for (const area of AREAS) {
    const at = layout.areas[area].findIndex((c) => c.panes.includes(pane));
    if (at >= 0) return { area, cell: at };
  }
  return null;
}

const withArea = (layout: Layout, area: Area, cells: readonly Cell[]): Layout => ({
  ...layout,
  areas: { ...layout.areas, [area]: cells },
});

function without(layout: Layout, pane: PaneName): Layout {
  const place = placeOf(layout, pane);
  if (!place) return layout;
  const cells = layout.areas[place.area].flatMap((c, k): Cell[] => {
    if (k !== place.cell) return [c];
    const panes = c.panes.filter((p) => p !== pane);
    if (panes.length === 0) return [];
    const before = panes[Math.max(0, c.panes.indexOf(pane) - 1)] ?? panes[0]!;
    return [{ ...c, panes, active: c.active === pane ? before : c.active }];
  });
  return withArea(layout, place.area, cells);
}

export function close(layout: Layout, pane: PaneName): Layout {
  const rest = without(layout, pane);
  return layout.maximised === pane ? { ...rest, maximised: null } : rest;
}

export function move(layout: Layout, pane: PaneName, target: Target): Layout {
  const anchor = layout.areas[target.area][target.cell];
  const alone = anchor?.panes.length === 1 && anchor.panes[0] === pane;
  if (alone) return layout;
  const rest = without(layout, pane);
  // Taking the pane out may have moved the cell that it goes to.
  const others = anchor?.panes.filter((p) => p !== pane) ?? [];
  const cells = rest.areas[target.area];
  const at = others.length > 0 ? cells.findIndex((c) => c.panes.includes(others[0]!)) : cells.length;
  const beside = cells[at];
  if (target.as === 'tab' && beside) {
    const joined: Cell = { ...beside, panes: [...beside.panes, pane], active: pane };
    return withArea(rest, target.area, cells.with(at, joined));
  }
  const place = target.as === 'after' ? Math.min(cells.length, at + 1) : at;
  return withArea(rest, target.area, cells.toSpliced(place, 0, cell(pane)));
}

/** Opens a pane where it belongs, or brings its tab to the front. */
export function show(layout: Layout, pane: PaneName): Layout {
  const place = placeOf(layout, pane);
  const cleared = layout.maximised === null || layout.maximised === pane ? layout : { ...layout, maximised: null };
  if (!place) {
    const area = HOME[pane];
    const last = cleared.areas[area].length - 1;
    const as = PREFERRED[pane] || last < 0 ? 'after' : 'tab';
    return move(cleared, pane, { area, cell: Math.max(last, 0), as });
  }
  const cells = cleared.areas[place.area];
  return withArea(cleared, place.area, cells.with(place.cell, { ...cells[place.cell]!, active: pane }));
}

export const maximise = (layout: Layout, pane: PaneName | null): Layout => ({
  ...(pane === null ? layout : show(layout, pane)),
  maximised: pane,
});

export function resizeCell(layout: Layout, area: Area, at: number, size: number | null): Layout {
  const cells = layout.areas[area];
  const old = cells[at];
  return old ? withArea(layout, area, cells.with(at, { ...old, size })) : layout;
}

export const resizeArea = (layout: Layout, fold: Fold, area: SizedArea, size: number | undefined): Layout => ({
  ...layout,
  sizes: { ...layout.sizes, [fold]: { ...layout.sizes[fold], [area]: size } },
});

export const openPanes = (layout: Layout): PaneName[] =>
  AREAS.flatMap((area) => layout.areas[area].flatMap((c) => c.panes));

/** Px of each cell of an area; null for the ones that share the rest. There is always one. */
export function cellSizes(cells: readonly Cell[], fold: Fold): (number | null)[] {
  const wanted = cells.map((c) => c.size ?? (fold === 'small' ? null : (PREFERRED[c.panes[0]!]?.[fold] ?? null)));
  return wanted.includes(null) ? wanted : wanted.with(0, null);
}

export interface Shown {
  readonly areas: Readonly<Record<Area, readonly Cell[]>>;
  /** Panes behind a button of the rail. */
  readonly rail: readonly PaneName[];
}

/** All panes of some cells as tabs of one; in front is the one that was shown last. */
function joined(cells: readonly Cell[], recent: readonly PaneName[]): readonly Cell[] {
  if (cells.length < 2) return cells;
  const panes = cells.flatMap((c) => c.panes);
  const active = recent.find((pane) => cells.some((c) => c.active === pane)) ?? cells[0]!.active;
  return [{ panes, active, size: null }];
}

/**
 * What a window of this fold shows of the layout. In a small one the left area is a rail, interrupts are a tab of the
 * inspector, and the dock is one cell. Where even that leaves no pane enough room (`tiny`: large type in a small
 * window), centre, dock and right are tabs of one cell. `recent`: panes in the order in which they were shown, last first.
 */
export function folded(layout: Layout, fold: Fold, tiny = false, recent: readonly PaneName[] = []): Shown {
  if (fold !== 'small') return { areas: layout.areas, rail: [] };
  const inInspector = placeOf(layout, 'inspector') !== null;
  const rest = inInspector ? without(layout, 'interrupts') : layout;
  const { left, centre, dock, right } = rest.areas;
  const areas = tiny
    ? { ...rest.areas, left: [], centre: joined([...centre, ...dock, ...right], recent), dock: [], right: [] }
    : { ...rest.areas, left: [], dock: joined(dock, recent) };
  return { areas, rail: left.flatMap((c) => c.panes) };
}

const isPane = (value: unknown): value is PaneName => (PANE_NAMES as readonly unknown[]).includes(value);
const px = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 && value < 10_000 ? value : null;
const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/** A layout that was kept, made good: unknown panes are dropped, doubles too. Null when it is none at all. */
export function parseLayout(value: unknown): Layout | null {
  const kept = record(value);
  const stored = record(kept['areas']);
  if (!AREAS.every((area) => Array.isArray(stored[area]))) return null;
  const seen = new Set<PaneName>();
  const areas = Object.fromEntries(
    AREAS.map((area) => [
      area,
      (stored[area] as unknown[]).flatMap((one): Cell[] => {
        const { panes: listed, active, size } = record(one);
        const panes = (Array.isArray(listed) ? listed : []).filter(
          (pane): pane is PaneName => isPane(pane) && !seen.has(pane),
        );
        for (const pane of panes) seen.add(pane);
        if (panes.length === 0) return [];
        return [{ panes: [...new Set(panes)], active: panes.find((p) => p === active) ?? panes[0]!, size: px(size) }];
      }),
    ]),
  ) as Record<Area, Cell[]>;
  const sizes = Object.fromEntries(
    Object.entries(record(kept['sizes'])).map(([fold, of]) => [
      fold,
      Object.fromEntries(Object.entries(record(of)).filter(([, size]) => px(size) !== null)),
    ]),
  );
  const maximised = isPane(kept['maximised']) && seen.has(kept['maximised']) ? kept['maximised'] : null;
  return { areas, sizes, maximised };
}

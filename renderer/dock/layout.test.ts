import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Layout, PaneName } from './layout';
import {
  AREAS,
  PANE_NAMES,
  STANDARD,
  cellSizes,
  close,
  folded,
  maximise,
  move,
  openPanes,
  parseLayout,
  placeOf,
  resizeCell,
  show,
} from './layout';

const names = (layout: Layout): Record<string, string[]> =>
  Object.fromEntries(AREAS.map((area) => [area, layout.areas[area].map((c) => c.panes.join('+'))]));

describe('layout', () => {
  it('moves a pane into a cell as a tab, and beside one', () => {
    const joined = move(STANDARD, 'containers', { area: 'right', cell: 0, as: 'tab' });
    expect(names(joined)).toMatchObject({ left: ['lesson'], right: ['inspector+containers'] });
    expect(joined.areas.right[0]?.active).toBe('containers');
    const beside = move(STANDARD, 'inspector', { area: 'dock', cell: 0, as: 'before' });
    expect(names(beside)).toMatchObject({ right: [], dock: ['inspector', 'terminal', 'interrupts'] });
  });

  it('lets a pane of a cell leave it for the side of the same cell', () => {
    const two = move(STANDARD, 'containers', { area: 'dock', cell: 0, as: 'tab' });
    const apart = move(two, 'containers', { area: 'dock', cell: 0, as: 'after' });
    expect(names(apart)['dock']).toEqual(['terminal', 'containers', 'interrupts']);
  });

  it('leaves a pane that is alone where it is dropped on itself', () => {
    expect(move(STANDARD, 'topology', { area: 'centre', cell: 0, as: 'tab' })).toBe(STANDARD);
  });

  it('opens a closed pane where it belongs and brings a hidden one to the front', () => {
    const closed = close(STANDARD, 'interrupts');
    expect(placeOf(closed, 'interrupts')).toBeNull();
    expect(names(show(closed, 'interrupts'))).toEqual(names(STANDARD));
    const behind = move(STANDARD, 'containers', { area: 'right', cell: 0, as: 'tab' });
    expect(show(behind, 'inspector').areas.right[0]?.active).toBe('inspector');
    expect(names(show(close(STANDARD, 'inspector'), 'inspector'))['right']).toEqual(['inspector']);
  });

  it('gives up the full window for another pane, and with the pane that had it', () => {
    const full = maximise(STANDARD, 'terminal');
    expect(show(full, 'inspector').maximised).toBeNull();
    expect(show(full, 'terminal').maximised).toBe('terminal');
    expect(close(full, 'terminal').maximised).toBeNull();
  });

  it('always leaves one cell that takes the rest', () => {
    const both = resizeCell(resizeCell(STANDARD, 'dock', 0, 300), 'dock', 1, 200);
    expect(cellSizes(both.areas.dock, 'normal')).toEqual([null, 200]);
    expect(cellSizes(STANDARD.areas.dock, 'wide')).toEqual([null, 520]);
    expect(cellSizes(STANDARD.areas.left, 'normal')).toEqual([300, null]);
  });

  it('folds the left area into a rail and interrupts into the inspector', () => {
    const small = folded(STANDARD, 'small');
    expect(small.rail).toEqual(['lesson', 'containers']);
    expect(small.areas.left).toEqual([]);
    expect(small.areas.dock.map((c) => c.panes)).toEqual([['terminal']]);
    const noInspector = folded(close(STANDARD, 'inspector'), 'small');
    expect(noInspector.areas.dock).toEqual([{ panes: ['terminal', 'interrupts'], active: 'terminal', size: null }]);
    expect(folded(STANDARD, 'wide').areas).toBe(STANDARD.areas);
  });

  it('shows the pane that was asked for last where several cells have become one', () => {
    const apart = close(show(show(STANDARD, 'messages'), 'terminal'), 'inspector');
    const front = (...recent: PaneName[]) => folded(apart, 'small', false, recent).areas.dock[0]?.active;
    expect(front('messages', 'terminal')).toBe('messages');
    expect(front('topology', 'terminal', 'messages')).toBe('terminal');
    // A tab that lies behind another of its own cell is not in front, however recent.
    expect(front('interrupts', 'messages')).toBe('messages');
    expect(front()).toBe('terminal');
  });

  it('makes one cell of centre, dock and right where the window is tiny', () => {
    const { areas, rail } = folded(STANDARD, 'small', true, ['inspector', 'topology']);
    expect(areas.centre).toEqual([{ panes: ['topology', 'terminal', 'inspector'], active: 'inspector', size: null }]);
    expect([areas.left, areas.dock, areas.right]).toEqual([[], [], []]);
    expect(areas.strip).toBe(STANDARD.areas.strip);
    expect(rail).toEqual(['lesson', 'containers']);
  });

  it('keeps every pane in one place at most, whatever is done', () => {
    const pane = fc.constantFrom(...PANE_NAMES);
    const target = fc.record({
      area: fc.constantFrom(...AREAS),
      cell: fc.nat(3),
      as: fc.constantFrom('tab' as const, 'before' as const, 'after' as const),
    });
    const step = fc.oneof(
      fc.tuple(pane, target).map(
        ([p, t]) =>
          (l: Layout) =>
            move(l, p, t),
      ),
      pane.map((p) => (l: Layout) => close(l, p)),
      pane.map((p) => (l: Layout) => show(l, p)),
      pane.map((p) => (l: Layout) => maximise(l, p)),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const layout = steps.reduce((l, run) => run(l), STANDARD);
        const open = openPanes(layout);
        expect(new Set(open).size).toBe(open.length);
        for (const area of AREAS)
          for (const cell of layout.areas[area]) {
            expect(cell.panes.length).toBeGreaterThan(0);
            expect(cell.panes).toContain(cell.active);
          }
        if (layout.maximised !== null) expect(open).toContain(layout.maximised);
        expect(parseLayout(JSON.parse(JSON.stringify(layout)))).toEqual(layout);
      }),
    );
  });

  it('makes good what was kept, or refuses it', () => {
    expect(parseLayout(null)).toBeNull();
    expect(parseLayout({ areas: { left: [] } })).toBeNull();
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const areas = Object.fromEntries(AREAS.map((area) => [area, [value, { panes: [value, 'terminal'] }]]));
        const layout = parseLayout({ areas, sizes: value, maximised: value });
        expect(layout === null ? [] : openPanes(layout).filter((p: PaneName) => p === 'terminal')).toHaveLength(1);
      }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { dropAt, emptyAreaAt } from './drop';
import { STANDARD, close } from './layout';

const box = { left: 100, top: 50, width: 400, height: 200 };

describe('a dragged pane', () => {
  it('becomes a tab in the middle of a cell and a neighbour at its ends', () => {
    expect(dropAt(box, 'dock', 1, 300, 150)).toEqual({ target: { area: 'dock', cell: 1, as: 'tab' }, box });
    expect(dropAt(box, 'dock', 1, 110, 150).target.as).toBe('before');
    expect(dropAt(box, 'dock', 1, 490, 150)).toEqual({
      target: { area: 'dock', cell: 1, as: 'after' },
      box: { left: 300, top: 50, width: 200, height: 200 },
    });
    expect(dropAt(box, 'right', 0, 110, 150).target.as).toBe('tab');
    expect(dropAt(box, 'right', 0, 110, 240).box).toEqual({ left: 100, top: 150, width: 400, height: 100 });
  });

  it('finds an area with nothing in it at the rim of the window', () => {
    const work = { left: 0, top: 70, width: 1440, height: 800 };
    expect(emptyAreaAt(work, STANDARD.areas, 5, 300)).toBeNull();
    const bare = close(close(STANDARD, 'lesson'), 'containers');
    expect(emptyAreaAt(work, bare.areas, 5, 300)?.target).toEqual({ area: 'left', cell: 0, as: 'after' });
    expect(emptyAreaAt(work, bare.areas, 500, 300)).toBeNull();
    expect(emptyAreaAt(work, close(STANDARD, 'topology').areas, 700, 300)?.target.area).toBe('centre');
  });
});

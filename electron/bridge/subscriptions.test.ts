import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ViewChanges } from './channels';
import { Subscriptions, type ViewSource } from './subscriptions';

let lines: string[] = [];
let functions = 1;
let changed: () => void = () => undefined;
let looks = 0;
const noFault = (): void => expect.unreachable();
const source: ViewSource = {
  view: (name) => {
    looks++;
    return (name === 'dmesg' ? { lines: [...lines] } : { functions }) as never;
  },
  onChange: (listener) => {
    changed = listener;
    return () => (changed = () => undefined);
  },
};

beforeEach(() => {
  vi.useFakeTimers();
  lines = ['one'];
  functions = 1;
  looks = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

test('the first value comes at once', () => {
  const sent: ViewChanges[] = [];
  const views = new Subscriptions(source, (changes) => sent.push(changes), noFault);
  views.take({ kind: 'subscribe', id: 7, view: 'dmesg', parameters: null });
  expect(sent).toEqual([[{ id: 7, value: { lines: ['one'] } }]]);
});

test('many changes in one frame are sent once, and only views that differ', () => {
  const sent: ViewChanges[] = [];
  const views = new Subscriptions(source, (changes) => sent.push(changes), noFault);
  views.take({ kind: 'subscribe', id: 1, view: 'dmesg', parameters: null });
  views.take({ kind: 'subscribe', id: 2, view: 'machine', parameters: null });
  sent.length = 0;
  looks = 0;
  for (const text of ['two', 'three', 'four']) {
    lines.push(text);
    changed();
  }
  expect(sent).toEqual([]);
  vi.advanceTimersByTime(16);
  expect(sent).toEqual([[{ id: 1, value: { lines: ['one', 'two', 'three', 'four'] } }]]);
  expect(looks).toBe(2);
  changed();
  vi.advanceTimersByTime(100);
  expect(sent.length).toBe(1);
});

test('a costly view that stays as it is rests longer and longer, and what it missed comes all the same', () => {
  const sent: ViewChanges[] = [];
  const COST_MS = 100;
  const costly: ViewSource = {
    ...source,
    view: (name, parameters) => {
      if (name === 'machine') vi.setSystemTime(Date.now() + COST_MS);
      return source.view(name, parameters);
    },
  };
  const now = vi.spyOn(performance, 'now').mockImplementation(() => Date.now());
  const views = new Subscriptions(costly, (changes) => sent.push(changes), noFault);
  views.take({ kind: 'subscribe', id: 1, view: 'dmesg', parameters: null });
  views.take({ kind: 'subscribe', id: 2, view: 'machine', parameters: null });
  sent.length = 0;
  const STEP_MS = 20;
  const STEPS = 500;
  looks = 0;
  for (let step = 0; step < STEPS; step++) {
    lines.push('more');
    changed();
    vi.advanceTimersByTime(STEP_MS);
  }
  const lineLooks = sent.length;
  expect(lineLooks).toBeGreaterThan(STEPS / 2);
  expect(looks - lineLooks).toBeLessThan(STEPS / 20);
  functions = 2;
  changed();
  vi.advanceTimersByTime(20 * COST_MS);
  expect(sent.flat().filter(({ id }) => id === 2)).toEqual([{ id: 2, value: { functions: 2 } }]);
  now.mockRestore();
});

test('nothing is sent to who has left', () => {
  const sent: ViewChanges[] = [];
  const views = new Subscriptions(source, (changes) => sent.push(changes), noFault);
  views.take({ kind: 'subscribe', id: 1, view: 'dmesg', parameters: null });
  views.take({ kind: 'subscribe', id: 2, view: 'machine', parameters: null });
  views.take({ kind: 'unsubscribe', id: 1 });
  sent.length = 0;
  lines.push('two');
  functions = 2;
  changed();
  vi.advanceTimersByTime(16);
  expect(sent).toEqual([[{ id: 2, value: { functions: 2 } }]]);
  functions = 3;
  changed();
  views.close();
  vi.advanceTimersByTime(100);
  expect(sent.length).toBe(1);
});

test('a view that cannot be made is told of once, and the others go on', () => {
  const sent: ViewChanges[] = [];
  const faults: string[] = [];
  let broken = true;
  const failing: ViewSource = {
    ...source,
    view: (name, parameters) => {
      if (name === 'machine' && broken) throw new Error('broken');
      return source.view(name, parameters);
    },
  };
  const views = new Subscriptions(
    failing,
    (changes) => sent.push(changes),
    (view, error) => faults.push(`${view}: ${String(error)}`),
  );
  views.take({ kind: 'subscribe', id: 1, view: 'machine', parameters: null });
  views.take({ kind: 'subscribe', id: 2, view: 'dmesg', parameters: null });
  changed();
  vi.advanceTimersByTime(100);
  expect(faults).toEqual(['machine: Error: broken']);
  expect(sent).toEqual([[{ id: 2, value: { lines: ['one'] } }]]);
  broken = false;
  changed();
  vi.advanceTimersByTime(100);
  expect(sent.at(-1)).toEqual([{ id: 1, value: { functions: 1 } }]);
});

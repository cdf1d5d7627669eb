import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ViewChanges } from './channels';
import { Subscriptions, type ViewSource } from './subscriptions';

let lines: string[] = [];
let functions = 1;
let changed: () => void = () => undefined;
let looks = 0;
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
  const views = new Subscriptions(source, (changes) => sent.push(changes));
  views.take({ kind: 'subscribe', id: 7, view: 'dmesg', parameters: null });
  expect(sent).toEqual([[{ id: 7, value: { lines: ['one'] } }]]);
});

test('many changes in one frame are sent once, and only views that differ', () => {
  const sent: ViewChanges[] = [];
  const views = new Subscriptions(source, (changes) => sent.push(changes));
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

test('nothing is sent to who has left', () => {
  const sent: ViewChanges[] = [];
  const views = new Subscriptions(source, (changes) => sent.push(changes));
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

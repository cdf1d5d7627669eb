import { expect, it } from 'vitest';
import { isSleeping, sleeping } from './pending';
import { SleepingLock } from './sleeping-lock';

it('lets calls in one after the other, in the order they came', () => {
  const lock = new SleepingLock();
  const order: string[] = [];
  const first = sleeping();
  const second = sleeping();
  const calls = [
    lock.run(() => (order.push('first'), first)),
    lock.run(() => (order.push('second'), second)),
    lock.run(() => (order.push('third'), 3)),
  ];
  expect(order).toEqual(['first']);
  first.result = 1;
  expect(order).toEqual(['first', 'second']);
  second.result = 2;
  expect(order).toEqual(['first', 'second', 'third']);
  expect(calls.map((call) => (isSleeping(call) ? call.result : call))).toEqual([1, 2, 3]);
  expect(lock.run(() => 4)).toBe(4);
});

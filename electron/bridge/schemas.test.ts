import { expect, test } from 'vitest';
import { action, isRequestName, parseViewRequest, requests, terminalInput } from './schemas';

test('an action passes as it is', () => {
  const bind = { kind: 'bind', address: '0000:01:00.0', driver: 'vfio-pci' };
  expect(action.parse(bind)).toEqual(bind);
});

test.each([
  [{ kind: 'bind', address: '../../etc', driver: 'vfio-pci' }],
  [{ kind: 'bind', address: '0000:01:00.0', driver: '' }],
  [{ kind: 'bind', address: '0000:01:00.0', driver: null, more: 1 }],
  [{ kind: 'format-disk' }],
  [{ kind: 'enable-vectors', address: '0000:01:00.0', index: 3, count: 1 }],
  [{ kind: 'enable-vectors', address: '0000:01:00.0', index: 2, count: 1e9 }],
  [{ kind: 'write-config', address: '0000:01:00.0', offset: 4096, hex: '00', as: 'root' }],
  [{ kind: 'write-config', address: '0000:01:00.0', offset: 4, hex: '0', as: 'root' }],
  [null],
])('%j is no action', (value) => {
  expect(action.safeParse(value).success).toBe(false);
});

test('only the names of the table are requests', () => {
  expect(isRequestName('act')).toBe(true);
  expect(isRequestName('constructor')).toBe(false);
  expect(isRequestName('__proto__')).toBe(false);
  expect(isRequestName(3)).toBe(false);
});

test('a request takes its own number of parameters', () => {
  expect(requests.undo.safeParse([]).success).toBe(true);
  expect(requests.undo.safeParse([1]).success).toBe(false);
  expect(requests.open.safeParse([{ path: '/tmp/x', name: 'x' }]).success).toBe(false);
});

test('a view is subscribed with its own parameters', () => {
  const request = { kind: 'subscribe', id: 1, view: 'function', parameters: { address: '0000:01:00.0' } };
  expect(parseViewRequest(request)).toEqual(request);
  expect(() => parseViewRequest({ ...request, parameters: null })).toThrow();
  expect(() => parseViewRequest({ ...request, view: 'toString' })).toThrow();
  const pair = { ...request, view: 'pair', parameters: { a: '0000:01:00.0', b: '0000:01:00.1' } };
  expect(parseViewRequest(pair)).toEqual(pair);
  expect(() => parseViewRequest({ ...pair, parameters: { a: '0000:01:00.0' } })).toThrow();
});

test('a terminal has a size', () => {
  expect(terminalInput.safeParse({ kind: 'resize', columns: 80, rows: 24 }).success).toBe(true);
  expect(terminalInput.safeParse({ kind: 'resize', columns: 0, rows: 24 }).success).toBe(false);
});

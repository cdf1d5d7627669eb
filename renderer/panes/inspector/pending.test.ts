import { expect, it } from 'vitest';
import { pendingWords } from './pending';

it('puts each vector at its bit of the array', () => {
  expect(pendingWords([], 16)).toEqual(['0000000000000000']);
  expect(pendingWords([0, 2, 63], 64)).toEqual(['8000000000000005']);
  expect(pendingWords([64, 70], 130)).toEqual(['0000000000000000', '0000000000000041', '0000000000000000']);
});

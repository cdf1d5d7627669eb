import { expect, it } from 'vitest';
import { lookUp } from './lookup';

it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
  'a table without %s has no entry of that name',
  (name) => {
    expect(lookUp({ one: 1 }, name)).toBeUndefined();
    expect(lookUp({ one: 1, [name === '__proto__' ? 'x' : name]: 2 }, 'one')).toBe(1);
  },
);

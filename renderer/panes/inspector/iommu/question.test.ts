import { describe, expect, it } from 'vitest';
import { addressOf, dataOf } from './question';

const at = (text: string, ask: 'read' | 'config' = 'read'): string | null => addressOf({ ask, at: text, data: '0' });

describe('an address that somebody types', () => {
  it.each([
    ['10000', '0x10000'],
    ['0x0000_0000_fee0_0018', '0xfee00018'],
    [' 0XFF ', '0xff'],
    ['0', '0x0'],
    ['00000000000000000001', '0x1'],
  ])('%s is %s', (text, hex) => expect(at(text)).toBe(hex));

  it.each(['', '0x', '1g', '-1', '1 2', '12345678901234567'])('"%s" is none', (text) => expect(at(text)).toBeNull());

  it('of a register has three digits, data has eight', () => {
    expect([at('10', 'config'), at('1000', 'config')]).toEqual(['0x10', null]);
    expect(dataOf({ ask: 'message', at: '', data: 'ffffffff' })).toBe(0xffffffff);
    expect(dataOf({ ask: 'message', at: '', data: '100000000' })).toBeNull();
  });
});

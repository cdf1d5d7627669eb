import { describe, expect, it } from 'vitest';
import { count, findAddresses, full, short } from './address';

describe('addresses', () => {
  it('drops segment 0 only', () => {
    expect(short('0000:05:00.0')).toBe('05:00.0');
    expect(short('0001:05:00.0')).toBe('0001:05:00.0');
    expect(full('05:00.0')).toBe('0000:05:00.0');
    expect(full('0001:05:1F.7')).toBe('0001:05:1f.7');
  });

  it('finds addresses in running text and nothing that only looks like one', () => {
    const found = findAddresses('vfio-pci 0000:01:00.0: and 02:1f.7, not 12:34:56.7 nor 01:00.8 nor fee00:00.0');
    expect(found.map((f) => f.address)).toEqual(['0000:01:00.0', '0000:02:1f.7']);
    expect(found[0]).toMatchObject({ at: 9, text: '0000:01:00.0' });
  });

  it('groups numbers from ten thousand on', () => {
    expect(count(9999)).toBe('9999');
    expect(count(1_284_000)).toBe('1\u2009284\u2009000');
  });
});

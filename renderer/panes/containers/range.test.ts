import { describe, expect, it } from 'vitest';
import { hexText, judge, parseIova, parseSize, proposed } from './range';

const mapped = {
  mappings: 1,
  mappedBytes: '2 MiB',
  first: [{ iova: '0x100000', size: '0x200000', rights: 'read' }],
  usable: [
    { start: '0x0', last: '0xfedfffff' },
    { start: '0xfef00000', last: '0x7fffffffff' },
  ],
};

describe('what is typed for a mapping', () => {
  it('is read as people write it', () => {
    expect([parseIova('0x1000'), parseIova(' 1000 '), parseIova('0x1_0000')]).toEqual([0x1000n, 0x1000n, 0x10000n]);
    expect([parseIova(''), parseIova('0x'), parseIova('12g'), parseIova('1'.repeat(17))]).toEqual([
      null,
      null,
      null,
      null,
    ]);
    expect([parseSize('4096'), parseSize('0x1000'), parseSize('64k'), parseSize('2 MiB'), parseSize('1GB')]).toEqual([
      4096n,
      4096n,
      65536n,
      0x20_0000n,
      0x4000_0000n,
    ]);
    expect([parseSize('-1'), parseSize('2X'), parseSize(''), parseSize('99999999999999T')]).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  it('is judged in the order of the kernel', () => {
    const kind = (iova: string, size: string): string => judge(iova, size, mapped).kind;
    expect(kind('0x400000', '2M')).toBe('fits');
    expect(kind('zz', '2M')).toBe('bad');
    expect(judge('0x400000', '2Q', mapped)).toMatchObject({ kind: 'bad', of: 'size' });
    expect(judge('0x400001', '2M', mapped)).toMatchObject({ kind: 'refused', of: 'iova' });
    expect(judge('0x400000', '100', mapped)).toMatchObject({ kind: 'refused', of: 'size' });
    expect(judge('0x200000', '4K', mapped).text).toContain('0x100000');
    expect(judge('0xfee00000', '4K', mapped)).toMatchObject({ kind: 'refused', of: 'iova' });
    expect(judge('0xfedff000', '8K', mapped)).toMatchObject({ kind: 'refused', of: 'iova' });
    expect(judge('0xfffffffffffff000', '8K', mapped)).toMatchObject({ kind: 'refused', of: 'size' });
    expect(judge('0x400000', '2M', { ...mapped, usable: [] })).toMatchObject({ kind: 'refused', of: null });
  });

  it('is proposed behind what is mapped, past what cannot be used', () => {
    expect(hexText(proposed(mapped))).toBe('0x400000');
    expect(hexText(proposed({ ...mapped, first: [] }))).toBe('0x100000');
    const full = { ...mapped, first: [{ iova: '0x0', size: '0xfee00000', rights: 'read' }] };
    expect(hexText(proposed(full))).toBe('0xfef00000');
  });
});

import { describe, expect, it } from 'vitest';
import { preview } from './paste';

describe('pasted text', () => {
  it('stays whole while a field can hold it', () => {
    expect(preview('a\nb')).toEqual({ text: 'a\nb', lines: 2, cut: false });
    expect(preview('')).toEqual({ text: '', lines: 0, cut: false });
  });

  it('shows the beginning of a long listing and counts all of it', () => {
    const long = '00:00.0 Host bridge\n'.repeat(50_000);
    const shown = preview(long);
    expect(shown).toMatchObject({ lines: 50_001, cut: true });
    expect(shown.text.split('\n')).toHaveLength(300);
  });

  it('cuts a single endless line as well', () => {
    expect(preview('x'.repeat(3_000_000)).text).toHaveLength(200_000);
  });
});

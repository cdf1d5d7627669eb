import { describe, expect, it } from 'vitest';
import { gatherUnknown } from './unknown';

describe('unknown facts', () => {
  it('that differ only in a line number become one row', () => {
    const facts = [644, 721, 812].map((line, k) => ({
      function: `0000:1${k}:00.0`,
      what: 'device-id',
      why: `line ${line} shows only a name`,
    }));
    expect(gatherUnknown(facts)).toEqual([
      {
        what: 'device-id',
        why: 'line 644 shows only a name',
        more: 2,
        where: '3 functions: 10:00.0, 11:00.0, 12:00.0',
      },
    ]);
  });

  it('that differ only in the ids they name become one row, and what groups rest on comes first', () => {
    const facts = [
      { function: '0000:00:02.0', what: 'device-id', why: 'line 1 shows only a name, which fits 8086:5900, 8086:591f' },
      { function: '0000:00:03.0', what: 'device-id', why: 'line 9 shows only a name, which fits 10de:1c8d' },
      { function: '0000:00:03.0', what: 'acs', why: 'not run as root' },
    ];
    expect(gatherUnknown(facts).map((row) => [row.what, row.more])).toEqual([
      ['acs', 0],
      ['device-id', 1],
    ]);
  });

  it('with the same reason are counted once and list their functions', () => {
    const facts = Array.from({ length: 12 }, (_, k) => ({
      function: `0000:00:${(k + 16).toString(16)}.0`,
      what: 'acs',
      why: 'not run as root',
    }));
    const [row] = gatherUnknown([...facts, { function: null, what: 'acs', why: 'not run as root' }]);
    expect(row).toMatchObject({ more: 0 });
    expect(row?.where).toMatch(/^13 functions: 00:10\.0, .* …$/);
  });
});

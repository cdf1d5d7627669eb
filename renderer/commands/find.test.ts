import { describe, expect, it } from 'vitest';
import { smallMachine } from '../__fixtures__/machines';
import type { Command } from './commands';
import { find } from './find';

const commands: Command[] = [
  {
    id: 'theme',
    title: 'Next theme',
    group: 'View',
    icon: 'theme',
    keys: 'Ctrl Shift T',
    off: null,
    run: () => undefined,
  },
];

describe('palette', () => {
  it('finds a function by address, driver or name', () => {
    expect(find('01:00.1', smallMachine(), commands)[0]).toMatchObject({ kind: 'function', key: '0000:01:00.1' });
    expect(find('snd_hda', smallMachine(), commands).map((f) => f.key)).toEqual(['0000:01:00.1']);
    expect(find('disk', smallMachine(), commands)[0]?.key).toBe('0000:02:00.0');
  });

  it('finds groups and commands, every word counting', () => {
    expect(find('group 8', smallMachine(), commands).some((f) => f.kind === 'group' && f.key === '8')).toBe(true);
    expect(find('theme next', smallMachine(), commands).map((f) => f.key)).toEqual(['theme']);
    expect(find('theme nowhere', smallMachine(), commands)).toEqual([]);
  });
});

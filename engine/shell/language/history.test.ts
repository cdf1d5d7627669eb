import { describe, expect, it } from 'vitest';
import { expandHistory } from './history';

const HISTORY = ['lspci -nn -s 01:00.0', 'cat /sys/bus/pci/devices/0000:01:00.0/vendor', 'echo "a b" c'];
const expand = (line: string): string => {
  const expanded = expandHistory(line, HISTORY);
  return expanded.kind === 'line' ? expanded.line : expanded.message;
};

describe('history expansion', () => {
  it.each([
    ['!!', 'echo "a b" c'],
    ['sudo !!', 'sudo echo "a b" c'],
    ['!1', 'lspci -nn -s 01:00.0'],
    ['!-2', 'cat /sys/bus/pci/devices/0000:01:00.0/vendor'],
    ['!ls', 'lspci -nn -s 01:00.0'],
    ['!?vendor?', 'cat /sys/bus/pci/devices/0000:01:00.0/vendor'],
    ['ls !$', 'ls c'],
    ['echo !^', 'echo "a b"'],
    ['printf %s !*', 'printf %s "a b" c'],
    ['ls !cat:$:h', 'ls /sys/bus/pci/devices/0000:01:00.0'],
    ['!lspci:1-2', '-nn -s'],
    ['^c^d', 'edho "a b" c'],
    ['!!:s/echo/printf/', 'printf "a b" c'],
    ["echo '!!'", "echo '!!'"],
    ['echo \\!!', 'echo \\!!'],
    ['echo "!!"', 'echo "echo "a b" c"'],
    ['if ! true; then :; fi', 'if ! true; then :; fi'],
    ['[ a != b ]', '[ a != b ]'],
    ['echo ${!x} [!a]*', 'echo ${!x} [!a]*'],
    ['!nothing', '!nothing: event not found'],
    ['!9', '!9: event not found'],
    ['!!:9', '!!:9: bad word specifier'],
  ])('%s', (line, expected) => expect(expand(line)).toBe(expected));
});

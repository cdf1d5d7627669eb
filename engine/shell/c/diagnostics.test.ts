import { expect, it } from 'vitest';
import { problemsIn } from './diagnostics';

it('finds the places that the compiler names, coloured or not', () => {
  const text = [
    'In file included from main.c:1:',
    "./inc/a.h:2:5: fatal error: 'b.h' file not found",
    "\x1b[1mmain.c:7:10: \x1b[0m\x1b[0;1;35mwarning: \x1b[0m\x1b[1munused variable 'x' [-Wunused-variable]\x1b[0m",
    '    7 |   int x: 3',
    '/tmp/c.c:1:1: note: here',
    'cc: error: linker command failed',
    '1 error generated.',
  ].join('\n');
  expect(problemsIn(text, (path) => (path.startsWith('/') ? path : `/root/${path}`))).toEqual([
    {
      path: '/root/./inc/a.h',
      shown: './inc/a.h',
      line: 2,
      column: 5,
      severity: 'error',
      message: "'b.h' file not found",
    },
    {
      path: '/root/main.c',
      shown: 'main.c',
      line: 7,
      column: 10,
      severity: 'warning',
      message: "unused variable 'x' [-Wunused-variable]",
    },
    { path: '/tmp/c.c', shown: '/tmp/c.c', line: 1, column: 1, severity: 'note', message: 'here' },
  ]);
});

it('joins a message that was broken for a narrow terminal, and leaves the source that follows', () => {
  const narrow = [
    "a.c:5:20: error: expected ';' after",
    '      expression',
    '    5 |         puts("hello, lab")',
    '      |                           ^',
    '      |                           ;',
    '1 error generated.',
  ].join('\n');
  expect(problemsIn(narrow, (path) => path).map(({ message }) => message)).toEqual(["expected ';' after expression"]);
});

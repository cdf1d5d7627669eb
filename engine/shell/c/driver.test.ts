import { describe, expect, it } from 'vitest';
import { DriverError, planCompilation, shownText } from './driver';

const plan = (words: string, files: Record<string, string> = { 'a.c': '' }) =>
  planCompilation(
    words.split(' ').filter((word) => word !== ''),
    { read: (path) => (path in files ? new TextEncoder().encode(files[path]) : null) },
    0,
  );
const refused = (words: string, files?: Record<string, string>): string => {
  try {
    plan(words, files);
  } catch (error) {
    if (error instanceof DriverError) return error.message;
    throw error;
  }
  return 'not refused';
};

describe('the words of cc', () => {
  it('make a program, by default a.out', () => {
    expect(plan('a.c').outputs).toEqual([{ kind: 'program', path: 'a.out', from: '/lab/out/program' }]);
    expect(plan('-o x -Wall -O2 -std=c11 a.c -lm -pthread').outputs[0]).toMatchObject({ path: 'x' });
    const { args } = plan('-Wall -Wextra -O2 -g -march=native a.c').job;
    expect(args).toEqual(expect.arrayContaining(['-Wall', '-Wextra', '-O2', 'a.c']));
    expect(args).not.toContain('-g');
    expect(args).not.toContain('-march=native');
  });

  it('make objects, and programs of several sources', () => {
    const files = { 'a.c': '', 'd/b.c': '', 'a.o': '' };
    expect(plan('-c a.c d/b.c', files).outputs.map(({ path }) => path)).toEqual(['a.o', 'b.o']);
    expect(plan('-c a.c -o x.o', files).outputs.map(({ path }) => path)).toEqual(['x.o']);
    expect([...plan('a.o d/b.c -o x', files).job.files.keys()].sort()).toEqual(['a.o', 'd/b.c']);
    expect(refused('-c a.c d/b.c -o x', files)).toBe('cannot specify -o when generating multiple output files');
  });

  it('say what is missing or cannot be', () => {
    expect(refused('')).toBe('no input files');
    expect(refused('b.c')).toBe("no such file or directory: 'b.c'");
    expect(refused('a.c -o')).toBe("argument to '-o' is missing (expected 1 value)");
    expect(refused('a.c -lpci')).toBe('unable to find library -lpci');
    expect(refused('-S a.c')).toContain('-S is not supported');
    expect(refused('a.cpp', { 'a.cpp': '' })).toBe('a.cpp: only C sources are supported');
    expect(refused('a.c -include /etc/passwd')).toBe("no such file or directory: '/etc/passwd'");
  });
});

describe('what the compiler sees', () => {
  it('is what the sources may include, and nothing else', () => {
    const files = {
      'src/a.c': '#include "b.h"\n#  include <stdio.h>\n#if 0\n#include "never.h"\n#endif\n#include <deep/c.h>',
      'src/b.h': '#include "../top.h"',
      'src/../top.h': '',
      'src/never.h': '',
      'inc/deep/c.h': '#include "d.h"',
      'inc/deep/d.h': '',
      'secret.h': '',
    };
    expect([...plan('-Iinc src/a.c', files).job.files.keys()].sort()).toEqual(
      Object.keys(files)
        .filter((path) => path !== 'secret.h')
        .sort(),
    );
  });

  it('ends with a source that includes without an end', () => {
    const files: Record<string, string> = { 'a.c': '#include "h0.h"' };
    for (let i = 0; i < 600; i++) files[`h${i}.h`] = `#include "h${i + 1}.h"\n#include "h${i}.h"`;
    expect(refused('a.c', files)).toContain('more than 500 files');
  });
});

it('shows messages in the words of the command', () => {
  const text = 'clang: error: x\n/lab/include/linux/vfio.h:1:2: note: y\nIn file /usr/include/wasm32-wasip1/stdio.h';
  expect(shownText(text, 'gcc')).toBe(
    'gcc: error: x\n/usr/include/linux/vfio.h:1:2: note: y\nIn file /usr/include/stdio.h',
  );
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { main } from '../cli';
import { lessonFolders } from './lessons';

const folder = mkdtempSync(join(tmpdir(), 'vfiolab-lesson-'));
afterAll(() => rmSync(folder, { recursive: true }));

let out: string[] = [];
beforeEach(() => {
  out = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line));
  vi.spyOn(console, 'error').mockImplementation((line: string) => void out.push(line));
});
afterEach(() => vi.restoreAllMocks());

describe('vfiolab lesson', () => {
  const lesson = join(folder, '99-mine');

  it('makes a lesson that is in order once its outputs are put in', async () => {
    expect(await main(['lesson', 'new', lesson])).toBe(0);
    expect(await main(['lesson', 'check', lesson])).toBe(1);
    expect(out.join('\n')).toMatch(/lesson\.md:\d+: "lspci -k -s 01:00\.1" prints something else/);
    expect(await main(['lesson', 'check', '--fix', folder])).toBe(0);
    expect(out.at(-1)).toBe('1 passed, 0 failed');
    expect(readFileSync(join(lesson, 'lesson.md'), 'utf8')).toContain('Kernel driver in use: snd_hda_intel');
    expect(lessonFolders(folder)).toEqual(['99-mine']);
  });

  it('says where a solution does not do what is asked, and what it printed', async () => {
    const file = join(lesson, 'lesson.md');
    const source = readFileSync(file, 'utf8');
    writeFileSync(file, source.replace('override 0000:01:00.1 vfio-pci\n', 'override 0000:01:00.9 vfio-pci\n'));
    expect(await main(['lesson', 'check', lesson])).toBe(1);
    expect(out.join('\n')).toMatch(/does not pass "01:00\.1 is bound to vfio-pci"; it printed:/);
    writeFileSync(file, source.replace('is: vfio-pci }\n```\n\n```hint', 'is: snd_hda_intel }\n```\n\n```hint'));
    expect(await main(['lesson', 'check', lesson])).toBe(1);
    expect(out.join('\n')).toContain('is passed by an untouched start');
    writeFileSync(file, source.replace('lab:function/', 'lab:planet/'));
    expect(await main(['lesson', 'check', lesson])).toBe(1);
    expect(out.join('\n')).toContain('lab:planet/01:00.0 points at nothing');
    writeFileSync(file, source.replace('{ of: 01:00.1', '{ off: 01:00.1'));
    expect(await main(['lesson', 'check', lesson])).toBe(1);
    expect(out.join('\n')).toMatch(/lesson\.md:\d+: driver/);
    writeFileSync(file, source);
  });

  it('takes the wrong ways, and says which gets no advice or passes the step', async () => {
    const file = join(lesson, 'lesson.md');
    const source = readFileSync(file, 'utf8');
    const wrong = (commands: string): string =>
      source.replace(
        'try: driverctl set-override 0000:01:00.0 vfio-pci',
        `try: driverctl set-override 0000:${commands}`,
      );
    writeFileSync(file, wrong('01:00.0 vfio-pci'));
    expect(await main(['lesson', 'check', lesson])).toBe(0);
    writeFileSync(file, wrong('02:00.0 vfio-pci'));
    expect(await main(['lesson', 'check', lesson])).toBe(1);
    expect(out.join('\n')).toMatch(/lesson\.md:\d+: this wrong way does not get its advice/);
    writeFileSync(file, wrong('01:00.1 vfio-pci'));
    expect(await main(['lesson', 'check', lesson])).toBe(1);
    expect(out.join('\n')).toContain('this wrong way passes the step');
    writeFileSync(file, source.replace('{ of: 01:00.0, is: vfio-pci }', '{ of: 01:00.1, is: vfio-pci }'));
    expect(await main(['lesson', 'check', lesson])).toBe(1);
    expect(out.join('\n')).toContain('gets this advice as well');
    writeFileSync(file, source);
  });

  it('refuses what is no lesson', async () => {
    expect(await main(['lesson', 'check', join(folder, 'none')])).toBe(1);
    expect(await main(['lesson', 'new', lesson])).toBe(1);
    expect(await main(['lesson', 'dance'])).toBe(2);
    expect(await main(['grade'])).toBe(2);
    expect(await main(['grade', join(lesson, 'lesson.md')])).toBe(1);
    expect(out.at(-1)).toContain('is no VFIO Lab document');
  });
});

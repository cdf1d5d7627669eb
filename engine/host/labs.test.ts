/** The lessons that the lab ships: each is in order, and each knows at least three wrong ways. */
import { describe, expect, it } from 'vitest';
import { dirname, join } from './files';
import { checkLessonFolder } from './lesson-command';
import { lessonFolders, openLessonFolder } from './lessons';
import { samplesFolder } from './samples';

const samples = samplesFolder();
const labs = dirname(samples);

describe.each(lessonFolders(labs))('lesson %s', (name) => {
  const folder = join(labs, name);

  it('is read, says where it comes from, and has three wrong ways or more', () => {
    const { lesson } = openLessonFolder(folder, samples);
    const taken = lesson.steps.flatMap(({ mistakes }) => mistakes).filter(({ tries }) => tries.length > 0);
    expect(taken.length).toBeGreaterThanOrEqual(3);
    expect(lesson.sources).not.toEqual([]);
    expect(lesson.steps.every(({ hints }) => hints.length > 0)).toBe(true);
    expect(lesson.needs.filter((needed) => !lessonFolders(labs).includes(needed))).toEqual([]);
  });

  it('prints what it shows; its solution passes, its start and its wrong ways do not, and each gets its advice', async () => {
    expect(await checkLessonFolder(folder)).toEqual([]);
  });
});

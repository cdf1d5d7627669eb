/** The lessons that the lab ships: each is in order, and each knows at least three wrong ways. */
import { describe, expect, it } from 'vitest';
import { readDocument } from '../lab/document/format';
import { gradeDocument } from '../lab/lessons/grade';
import { dirname, join } from './files';
import { checkLessonFolder, labFor } from './lesson-command';
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

  it('is graded as passed and genuine when its solution was played and saved', async () => {
    const opened = openLessonFolder(folder, samples);
    const lab = labFor(opened);
    lab.openLesson(name);
    for (let step = 0; step < opened.lesson.steps.length; step++) await lab.showStep(() => undefined);
    const contents = readDocument(new TextDecoder().decode(lab.serialize()));
    const graded = gradeDocument(opened.lesson, opened.machine, { ...contents, lesson: contents.lesson! });
    expect(graded).toMatchObject({ passed: opened.lesson.steps.length, suspicions: [] });
  });

  it('prints what it shows; its solution passes, its start and its wrong ways do not, and each gets its advice', async () => {
    expect(await checkLessonFolder(folder)).toEqual([]);
  });
});

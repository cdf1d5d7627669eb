import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { headlessHost } from '../../host/headless';
import { lessonLibrary } from '../../host/lessons';
import { Lab } from '../lab';
import type { OpenedLesson } from '../host';
import { gradeDocument } from './grade';
import type { Lesson } from './lesson';
import { LessonError } from './lesson';
import { readLesson } from './read';
import type { LessonRun } from './run';
import { readDocument } from '../document/format';
import type { DocumentContents } from '../document/format';

const SOURCE = `---
format: vfiolab-lesson/1
title: Three vectors
about: A lesson for tests.
minutes: 5
machine: workstation
---

Read [the drive](lab:function/02:00.0) first.

## A question {#ask}

\`\`\`question
id: which
ask: How many vectors has MSI-X at most?
choices:
  - text: 32
    say: That is MSI.
  - text: 2048
    right: true
\`\`\`

\`\`\`solution
- answer: { question: which, choice: 1 }
\`\`\`

## Attach it {#attach}

\`\`\`check
say: A container holds the drive's group
container: { holds: 02:00.0, type: type1v2 }
\`\`\`

\`\`\`check
id: order
say: The group joined before the IOMMU was chosen
order:
  - { request: VFIO_GROUP_SET_CONTAINER, refused: false }
  - { request: VFIO_SET_IOMMU, refused: false }
\`\`\`

\`\`\`check
id: untouched
say: No hardware was edited
never: { edited: {} }
\`\`\`

\`\`\`mistake
say: The network card is not meant.
when: { driver: { of: 03:00.0, is: vfio-pci } }
\`\`\`

\`\`\`solution
driverctl set-override 0000:02:00.0 vfio-pci
vfio attach 02:00.0
\`\`\`

## Fire {#fire}

\`\`\`check
say: Vectors 0 to 2 are on, and vector 1 came once
all:
  - vectors: { of: 02:00.0, kind: msix, on: 3 }
  - vector: { of: 02:00.0, kind: msix, n: 1, count: 1 }
  - raised: { of: 02:00.0, vector: 1, delivered: true }
\`\`\`

\`\`\`solution
- sh: vfio irq 02:00.0 msix 0-2
- act: { kind: enable-bus-master-is-not-an-action }
\`\`\`
`;

const solved = SOURCE.replace(
  '- act: { kind: enable-bus-master-is-not-an-action }',
  '- sh: vfio cfg 02:00.0 COMMAND=0406\n- act: { kind: fire, address: "0000:02:00.0", vector: 1 }',
);

const lessonOf = (source: string): Lesson => readLesson('t', 't/lesson.md', source);

function labWith(lesson: Lesson): { lab: Lab; opened: OpenedLesson } {
  const host = headlessHost();
  const plain = Lab.create(host);
  plain.openSample('workstation');
  const opened: OpenedLesson = { lesson, machine: plain.machine.base, file: () => null };
  const list = () => ({ readable: [lesson], broken: [] });
  const lab = Lab.create({ ...host, lessons: { list, open: () => opened, openAt: () => opened } });
  expect(lab.openLesson('t').ok).toBe(true);
  return { lab, opened };
}

const at = (lab: Lab): number => lab.view('lesson', null)!.current;

async function solve(lab: Lab): Promise<void> {
  for (let step = 0; step < 3; step++) await lab.showStep(() => undefined);
}

const contentsOf = (lab: Lab): DocumentContents => readDocument(new TextDecoder().decode(lab.serialize()));

const grade = (opened: OpenedLesson, contents: DocumentContents) =>
  gradeDocument(opened.lesson, opened.machine, { ...contents, lesson: contents.lesson! });

describe('a lesson', () => {
  it('passes step by step with its solution, and a replay of the file finds the same', async () => {
    const { lab, opened } = labWith(lessonOf(solved));
    expect(at(lab)).toBe(0);
    lab.answer('which', 0);
    expect(at(lab)).toBe(0);
    await solve(lab);
    expect(at(lab)).toBe(3);
    const graded = grade(opened, contentsOf(lab));
    expect(graded).toMatchObject({ passed: 3, suspicions: [], answers: { right: 1, tries: 2 } });
  });

  it('goes back with undo and on with redo', async () => {
    const { lab } = labWith(lessonOf(solved));
    await solve(lab);
    lab.undo();
    expect(at(lab)).toBe(2);
    lab.redo();
    expect(at(lab)).toBe(3);
  });

  it('takes back what was done in a step', async () => {
    const { lab } = labWith(lessonOf(solved));
    await lab.showStep(() => undefined);
    lab.act({ kind: 'bind', address: '0000:03:00.0', driver: 'vfio-pci' });
    expect(lab.view('lesson', null)!.steps[1]!.mistakes.join()).toContain('network card');
    expect(lab.restartStep()).toBe(1);
    expect(lab.view('lesson', null)!.steps[1]!.mistakes).toEqual([]);
    expect(at(lab)).toBe(1);
  });

  it('takes back no more than was done in the step, where the command that passed the one before went on', async () => {
    const { lab } = labWith(lessonOf(solved));
    await lab.showStep(() => undefined);
    // The attachment passes the step, and "vfio attach" goes on to open the device.
    await lab.showStep(() => undefined);
    expect(at(lab)).toBe(2);
    const { length } = lab.machine.journal;
    lab.act({ kind: 'bind', address: '0000:03:00.0', driver: 'vfio-pci' });
    expect(lab.restartStep()).toBe(1);
    expect(lab.machine.journal.length).toBe(length);
  });

  it('does not pass where the hardware was edited', async () => {
    const { lab } = labWith(lessonOf(solved));
    await lab.showStep(() => undefined);
    lab.act({ kind: 'edit-hardware', address: '0000:02:00.0', offset: 0x3c, hex: '05' });
    await lab.showStep(() => undefined);
    expect(at(lab)).toBe(1);
    const untouched = lab.view('lesson', null)!.steps[1]!.checks.find((check) => check.id === 'untouched');
    expect(untouched?.holds).toBe(false);
  });

  it('keeps its place in a document that is opened again', async () => {
    const { lab } = labWith(lessonOf(solved));
    await solve(lab);
    const bytes = lab.serialize();
    lab.newMachine();
    expect(lab.view('lesson', null)).toBeNull();
    lab.openBytes('mine.vfiolab', bytes, null);
    expect(at(lab)).toBe(3);
  });

  it('takes back a step that was passed, and all after it', async () => {
    const { lab } = labWith(lessonOf(solved));
    await solve(lab);
    expect(lab.restartStep(1)).toBeGreaterThan(0);
    expect(at(lab)).toBe(1);
  });

  it('is a plain document where the lesson is not to be had, and keeps what it says of the lesson', async () => {
    const { lab } = labWith(lessonOf(solved));
    await solve(lab);
    const elsewhere = Lab.create(headlessHost());
    const opened = elsewhere.openBytes('mine.vfiolab', lab.serialize(), null);
    expect(opened).toMatchObject({ ok: true });
    expect(opened.ok && opened.notes.join()).toContain('there is no lesson t');
    expect(elsewhere.view('lesson', null)).toBeNull();
    expect(contentsOf(elsewhere).lesson).toEqual(contentsOf(lab).lesson);
  });
});

describe('a library', () => {
  it('tells of a broken lesson and shows the others', () => {
    const labs = mkdtempSync(join(tmpdir(), 'vfio-lab-labs-'));
    mkdirSync(join(labs, '01-good'));
    writeFileSync(join(labs, '01-good', 'lesson.md'), solved);
    mkdirSync(join(labs, '02-broken'));
    writeFileSync(join(labs, '02-broken', 'lesson.md'), 'no front matter');
    const { readable, broken } = lessonLibrary(labs).list();
    expect(readable.map(({ id }) => id)).toEqual(['01-good']);
    expect(broken).toEqual([{ id: '02-broken', message: expect.stringMatching(/lesson\.md:1: /) as string }]);
    rmSync(labs, { recursive: true });
  });
});

describe('a file that was not made by doing the lesson', () => {
  const edited: Record<string, (contents: DocumentContents) => DocumentContents> = {
    'claims more steps than were passed': (contents) => ({
      ...contents,
      gestures: contents.gestures.slice(0, 1),
    }),
    'has an input left out': (contents) => ({
      ...contents,
      gestures: contents.gestures.filter((_, index) => index !== 1),
    }),
    'has inputs of another order': (contents) => ({ ...contents, gestures: [...contents.gestures].reverse() }),
    'starts on another machine': (contents) => ({
      ...contents,
      machine: { ...contents.machine, kernel: { ...contents.machine.kernel, cmdline: 'iommu=off' } },
    }),
    'has an input put in': (contents) => ({
      ...contents,
      gestures: [{ label: 'x', inputs: [{ kind: 'time', ms: 1 }] }, ...contents.gestures],
    }),
  };

  it.each(Object.keys(edited))('%s', async (name) => {
    const { lab, opened } = labWith(lessonOf(solved));
    await solve(lab);
    const contents = contentsOf(lab);
    expect(grade(opened, contents).suspicions).toEqual([]);
    expect(grade(opened, edited[name]!(contents)).suspicions).not.toEqual([]);
  });
});

describe('a broken lesson names its line', () => {
  const line = (text: string): number => solved.split('\n').findIndex((one) => one.includes(text)) + 1;
  const broken: [string, string, number, RegExp][] = [
    [solved.replace('---\nformat', 'format'), 'no front matter', 1, /front matter/],
    [solved.replace('vfiolab-lesson/1', 'vfiolab-lesson/9'), 'a newer format', 2, /reads vfiolab-lesson\/1/],
    [solved.replace('minutes: 5', 'minutes: soon'), 'a wrong value', 5, /minutes/],
    [solved.replace('right: true', 'right: false'), 'no right choice', line('ask: How') + 2, /exactly one/],
    [solved.replace('container: {', 'containers: {'), 'an unknown condition', line('say: A container'), /containers/],
    [solved.replace('type: type1v2', 'kind: 3'), 'an unknown key', line('say: A container'), /container/],
    [
      solved.replace('of: 03:00.0, is', 'of: 3:0, is'),
      'an address that is none',
      line('say: The network'),
      /3:0|address/,
    ],
    [
      solved.replace('say: A container', 'say: [A container'),
      'YAML that does not parse',
      line('say: A container') + 1,
      /./,
    ],
    [`${solved}\n\`\`\`check\n`, 'a block without end', solved.split('\n').length + 1, /does not end/],
    [solved.replace('{#fire}', '{#attach}'), 'two steps of one name', line('{#fire}'), /attach/],
    [
      `${solved}\n## Nothing\n\ntext\n`,
      'a step that asks for nothing',
      solved.split('\n').length + 1,
      /asks for nothing/,
    ],
  ];

  it.each(broken.map(([source, name, at, message]) => [name, source, at, message] as const))(
    '%s',
    (_, source, at, message) => {
      const error = (() => {
        try {
          lessonOf(source);
        } catch (caught) {
          return caught;
        }
        return null;
      })();
      expect(error).toBeInstanceOf(LessonError);
      expect(error).toMatchObject({ line: at });
      expect((error as LessonError).message).toMatch(message);
    },
  );
});

describe('the run', () => {
  it('counts nothing twice where a check shares what the lesson counts', () => {
    const source = solved.replace(
      'never: { edited: {} }',
      'all:\n  - { since: lesson, answered: { question: which } }\n  - { since: lesson, stimulus: { times: { max: 1 } } }',
    );
    const { lab } = labWith(lessonOf(source));
    lab.answer('which', 1);
    lab.act({ kind: 'fire', address: '0000:02:00.0', vector: 0 });
    const run = lab.machine.follower as LessonRun;
    const check = run.progress(lab.machine).steps[1]!.checks.find(({ id }) => id === 'untouched');
    expect(check?.holds).toBe(true);
  });
});

describe('the reader', () => {
  it('answers any damage with a lesson or a LessonError', () => {
    const pieces = ['```check\n', '```\n', '---\n', '## ', '{', '}', ': ', '- ', '\t', '&a ', '*a ', '!!js ', '\u0000'];
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(solved.length), fc.nat(40), fc.constantFrom(...pieces)), {
          minLength: 1,
          maxLength: 4,
        }),
        (damages) => {
          let source = solved;
          for (const [at, length, piece] of damages) source = source.slice(0, at) + piece + source.slice(at + length);
          try {
            lessonOf(source);
          } catch (error) {
            expect(error).toBeInstanceOf(LessonError);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

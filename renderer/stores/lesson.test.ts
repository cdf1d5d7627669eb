// @vitest-environment happy-dom
import { flushPromises } from '@vue/test-utils';
import { createPinia, setActivePinia } from 'pinia';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { TestBridge } from '../__fixtures__/machines';
import type { LessonStepView, LessonView } from '../bridge';
import { useLabLinks } from './lab-links';
import { useLesson } from './lesson';
import { usePresenting } from './presenting';
import { useSelection } from './selection';
import { useTyping } from './typing';

let bridge: TestBridge;
beforeEach(() => {
  localStorage.clear();
  bridge = new TestBridge();
  bridge.install();
  setActivePinia(createPinia());
});

const step = (id: string, over: Partial<LessonStepView> = {}): LessonStepView => ({
  id,
  title: id,
  blocks: [],
  checks: [{ id: 'check-1', html: id, question: null, holds: false }],
  hints: ['first', 'second'],
  mistakes: [],
  passedAt: null,
  passedHtml: null,
  solution: [{ kind: 'sh', text: `do ${id}` }],
  notesHtml: null,
  ...over,
});
const view = (current: number, over: Partial<LessonView> = {}): LessonView => ({
  id: '01-groups',
  title: 'Groups',
  about: '',
  minutes: 10,
  sources: [],
  intro: [],
  current,
  steps: [step('one'), step('two'), step('three')],
  answers: [],
  ...over,
});

describe('the open lesson', () => {
  it('stays at a step that was passed until the learner goes on, and never goes past the step in work', async () => {
    const lesson = useLesson();
    bridge.give('lesson', view(0));
    await flushPromises();
    expect(lesson.mayGoOn).toBe(false);
    bridge.give('lesson', view(1));
    await flushPromises();
    expect([lesson.reading, lesson.mayGoOn]).toEqual([0, true]);
    lesson.next();
    lesson.next();
    expect(lesson.reading).toBe(1);
  });

  it('goes back with an undo', async () => {
    const lesson = useLesson();
    bridge.give('lesson', view(2));
    await flushPromises();
    expect(lesson.reading).toBe(2);
    bridge.give('lesson', view(1));
    await flushPromises();
    expect(lesson.reading).toBe(1);
  });

  it('gives hints one by one, and no more than there are', async () => {
    const lesson = useLesson();
    bridge.give('lesson', view(0));
    await flushPromises();
    for (let asked = 0; asked < 3; asked++) lesson.hint();
    expect([lesson.hints.get('one'), lesson.hintsLeft]).toEqual([2, 0]);
  });

  it('remembers the best of each lesson on this computer', async () => {
    useLesson();
    bridge.give('lesson', view(2));
    await flushPromises();
    bridge.give('lesson', view(0));
    await flushPromises();
    setActivePinia(createPinia());
    expect(useLesson().best).toEqual({ '01-groups': 2 });
  });

  it('plays a solution through the terminal in front and says when it is busy', async () => {
    const lesson = useLesson();
    bridge.give('lesson', view(0));
    await flushPromises();
    const run = vi.fn(() => Promise.resolve(true));
    useTyping().register(1, { ready: () => Promise.resolve(true), insert: () => undefined, run });
    expect(await lesson.play(0)).toBe(true);
    expect(run).toHaveBeenCalledWith('do one');
    run.mockResolvedValue(false);
    expect(await lesson.play(0)).toBe(false);
    expect(lesson.played.get(0)?.ok).toBe(false);
  });
});

describe('presenting', () => {
  it('plays a step, goes on, and takes back', async () => {
    const lesson = useLesson();
    bridge.give('lesson', view(0));
    await flushPromises();
    const presenting = usePresenting();
    presenting.begin();
    const run = vi.fn(() => {
      bridge.give('lesson', view(1));
      return Promise.resolve(true);
    });
    useTyping().register(1, { ready: () => Promise.resolve(true), insert: () => undefined, run });
    await presenting.forward();
    expect([run.mock.calls.length, lesson.reading, presenting.passed]).toEqual([1, 0, true]);
    await presenting.forward();
    expect(lesson.reading).toBe(1);
    await presenting.back();
    expect(lesson.reading).toBe(0);
  });
});

describe('links of a lesson', () => {
  it('lead to functions, registers, vectors and steps', () => {
    const selection = useSelection();
    const links = useLabLinks();
    const steps: string[] = [];
    const follow = (link: string): void => links.follow(link, (id) => void steps.push(id));
    follow('config/01:00.0/0b2');
    expect([selection.address, selection.tab, selection.wantedOffset]).toEqual(['0000:01:00.0', 'config', 0xb2]);
    follow('vector/05:00.0/3');
    expect([selection.address, selection.tab]).toEqual(['0000:05:00.0', 'interrupts']);
    follow('step/two');
    follow('nonsense/x');
    expect(steps).toEqual(['two']);
  });

  it('put commands on the line, decoded, and run nothing', async () => {
    const insert = vi.fn();
    const run = vi.fn(() => Promise.resolve(true));
    useTyping().register(1, { ready: () => Promise.resolve(true), insert, run });
    useLabLinks().follow('command/lspci%20-tv', () => undefined);
    await flushPromises();
    expect(insert).toHaveBeenCalledWith('lspci -tv');
    expect(run).not.toHaveBeenCalled();
  });
});

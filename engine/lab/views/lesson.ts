import type { Block, LessonStep } from '../lessons/lesson';
import { renderInline, renderMarkdown } from '../lessons/markdown';
import { LessonRun } from '../lessons/run';
import type { StepState } from '../lessons/run';
import type { ViewContext } from './context';
import type { LessonBlockView, LessonStepView, LessonView, LessonsView } from './types';

function blockView(block: Block): LessonBlockView {
  switch (block.kind) {
    case 'prose':
      return { kind: 'prose', html: renderMarkdown(block.markdown) };
    case 'output':
      return { kind: 'output', command: block.command, text: block.text };
    case 'question':
      return {
        kind: 'question',
        id: block.id,
        ask: renderInline(block.ask),
        choices: block.choices.map(({ text, say }) => ({ html: renderInline(text), say: say && renderInline(say) })),
      };
  }
}

const stepView = (step: LessonStep, state: StepState): LessonStepView => ({
  id: step.id,
  title: step.title,
  blocks: step.blocks.map(blockView),
  checks: state.checks.map((check) => ({ id: check.id, html: renderInline(check.say), holds: check.holds })),
  hints: step.hints.map(renderMarkdown),
  mistakes: state.mistakes.map(renderMarkdown),
  passedAt: state.passed,
  passedHtml: step.passed && renderMarkdown(step.passed),
});

/** The open lesson with where the learner is; null when the document is no lesson. */
export function lessonView({ lesson, machine }: ViewContext): LessonView | null {
  const run = machine.follower;
  if (lesson === null || !(run instanceof LessonRun)) return null;
  const { current, steps, answers } = run.progress(machine);
  return {
    id: lesson.lesson.id,
    title: lesson.lesson.title,
    about: lesson.lesson.about,
    minutes: lesson.lesson.minutes,
    sources: lesson.lesson.sources.map(renderInline),
    intro: lesson.lesson.intro.map(blockView),
    current,
    steps: lesson.lesson.steps.map((step, index) => stepView(step, steps[index]!)),
    answers: answers.map(({ question, choice, right, tries }) => ({ question, choice, right, tries })),
  };
}

export const lessonsView = ({ lessons }: ViewContext): LessonsView => ({
  lessons: lessons.list().map(({ id, title, about, minutes, steps }) => ({
    id,
    title,
    about,
    minutes,
    steps: steps.length,
  })),
});

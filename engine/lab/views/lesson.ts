import { actionLabel } from '../actions';
import type { Block, LessonStep } from '../lessons/lesson';
import { choiceText } from '../lessons/lesson';
import { renderInline, renderMarkdown } from '../lessons/markdown';
import { LessonRun } from '../lessons/run';
import type { StepState } from '../lessons/run';
import type { SolutionStep } from '../lessons/solution';
import type { ViewContext } from './context';
import type { LessonBlockView, LessonSolutionView, LessonStepView, LessonView, LessonsView } from './types';

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

function solutionView(part: SolutionStep, step: LessonStep): LessonSolutionView {
  if ('sh' in part) return { kind: 'sh', text: part.sh };
  if ('act' in part) return { kind: 'act', text: actionLabel(part.act), action: part.act };
  if ('wait' in part) return { kind: 'wait', text: `Wait ${part.wait} ms`, ms: part.wait };
  const { question, choice } = part.answer;
  return { kind: 'answer', text: choiceText(step, question, choice), question, choice };
}

const stepView = (step: LessonStep, state: StepState): LessonStepView => ({
  id: step.id,
  title: step.title,
  blocks: step.blocks.map(blockView),
  checks: state.checks.map(({ id, say, question, holds }) => ({ id, html: renderInline(say), question, holds })),
  hints: step.hints.map(renderMarkdown),
  mistakes: state.mistakes.map(renderMarkdown),
  passedAt: state.passed,
  passedHtml: step.passed && renderMarkdown(step.passed),
  solution: step.solution.map((part) => solutionView(part, step)),
  notesHtml: step.notes && renderMarkdown(step.notes),
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

export function lessonsView({ lessons }: ViewContext): LessonsView {
  const { readable, broken } = lessons.list();
  return {
    lessons: readable.map(({ id, title, about, minutes, steps }) => ({
      id,
      number: /^\d*/.exec(id)![0],
      title,
      about,
      minutes,
      steps: steps.length,
    })),
    broken: [...broken],
  };
}

/** Lessons: begin one, go on in the open one, present it. */
import { useLesson } from '../../stores/lesson';
import { usePresenting } from '../../stores/presenting';
import { T } from '../../texts';
import { commandsOf, type Command } from '../command';

export function lessonCommands(): Command[] {
  const lesson = useLesson();
  const presenting = usePresenting();
  const { list, add } = commandsOf(T.command.groups.lesson, 'lesson');
  const { step } = lesson;
  const none = step === null ? T.command.noLesson : null;
  const passed = lesson.isPassed(lesson.reading) ? T.command.stepPassed : null;
  add('lesson-next', T.command.lessonNext, () => lesson.next(), {
    keys: 'Ctrl Enter',
    off: none ?? (lesson.mayGoOn ? null : T.lesson.nextOff),
  });
  add('lesson-hint', T.command.lessonHint, () => lesson.hint(), {
    keys: 'Ctrl /',
    off: none ?? passed ?? (lesson.hintsLeft === 0 ? T.lesson.noHint : null),
  });
  add('lesson-show', T.command.lessonShow, () => lesson.toggleShown(), { icon: 'eye', off: none });
  add('lesson-restart', T.command.lessonRestart, () => void lesson.restart(), { icon: 'undo', off: none ?? passed });
  const { on } = presenting;
  add(
    'lesson-present',
    on ? T.command.lessonEndPresent : T.lesson.presentLong,
    on ? presenting.end : presenting.begin,
    {
      icon: 'eye',
      keys: 'F5',
      off: none,
    },
  );
  for (const { id, title } of lesson.all?.lessons ?? [])
    add(`begin-${id}`, T.lesson.begin(title), () => void lesson.open(id));
  return list;
}

import type { Answer, Operation } from '../../linux/uapi/operation';
import type { History } from '../journal';
import type { LessonLibrary, OpenedLesson } from '../host';
import type { Machine } from '../machine';
import type { Names } from '../names';
import type { DocumentView, EditorView } from './types';
import type { GroupHistory } from './group-history';

/** What views are made from. */
export interface ViewContext {
  /** The machine that the screen shows: the present one, or one of the past. */
  readonly machine: Machine;
  readonly history: History;
  /** Inputs that the shown machine has taken. */
  readonly shown: number;
  readonly names: Names;
  /** Groups as the last view had them, so that colours stay and changes can be told. */
  readonly groups: GroupHistory;
  readonly editor: EditorView;
  /** A look at the shown machine as root. */
  observe(operation: Operation): Answer;
  readonly document: DocumentView;
  /** The lesson that the document is a way through. */
  readonly lesson: OpenedLesson | null;
  readonly lessons: LessonLibrary;
}

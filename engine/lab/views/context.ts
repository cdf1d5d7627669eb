import type { History } from '../journal';
import type { LessonLibrary, OpenedLesson } from '../lab';
import type { Machine } from '../machine';
import type { Names } from '../names';
import type { DocumentView } from './types';

/** What views are made from. */
export interface ViewContext {
  /** The machine that the screen shows: the present one, or one of the past. */
  readonly machine: Machine;
  readonly history: History;
  /** Inputs that the shown machine has taken. */
  readonly shown: number;
  readonly names: Names;
  /** Palette places by group, kept from view to view so that colours stay. */
  readonly places: Map<number, number>;
  readonly document: DocumentView;
  /** The lesson that the document is a way through. */
  readonly lesson: OpenedLesson | null;
  readonly lessons: LessonLibrary;
}

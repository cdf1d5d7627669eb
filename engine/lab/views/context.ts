import type { History } from '../journal';
import type { LessonLibrary, OpenedLesson } from '../lab';
import type { Machine } from '../machine';
import type { Names } from '../names';
import type { CallLine, DocumentView } from './types';

/** What views are made from. */
export interface ViewContext {
  readonly machine: Machine;
  readonly history: History;
  readonly names: Names;
  /** Palette places by group, kept from view to view so that colours stay. */
  readonly places: Map<number, number>;
  readonly calls: readonly CallLine[];
  readonly document: DocumentView;
  /** The lesson that the document is a way through. */
  readonly lesson: OpenedLesson | null;
  readonly lessons: LessonLibrary;
}

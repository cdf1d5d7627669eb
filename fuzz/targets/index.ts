/** Everything that takes something from outside. */
import type { Target } from '../lib/target';
import { links, messages } from './bridge';
import { documents, journals } from './documents';
import { archives, importers } from './dumps';
import { calls, config, registers } from './inputs';
import { ioctls } from './ioctls';
import { lessons, partsLists } from './lessons';
import { programs, shell } from './shell';

export const TARGETS: readonly Target[] = [
  importers,
  archives,
  documents,
  journals,
  lessons,
  partsLists,
  shell,
  programs,
  calls,
  ioctls,
  config,
  registers,
  messages,
  links,
];

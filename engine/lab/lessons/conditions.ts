/**
 * What a lesson can ask of a machine and of what was done to it. A condition is one key with its arguments:
 *
 *     driver: { of: 01:00.0, is: vfio-pci }
 *     called: { request: VFIO_IOMMU_MAP_DMA, refused: ENOMEM }
 *
 * States are looked at in the machine as it is; events are counted from where the watching begins (the step, or with
 * `since: lesson` the lesson). Both depend on the journal alone, so a replay decides the same.
 */
import type { z } from 'zod';
import type { Machine } from '../machine';
import { EVENTS } from './events';
import type { Happening } from './happening';
import { STATES } from './states';
import { lookUp } from '../../hardware/lookup';

/** A condition that was read: its kind, and its arguments as the kind's schema made them. */
export type Condition =
  | { readonly kind: 'state'; readonly name: string; readonly holds: (machine: Machine) => boolean }
  | { readonly kind: 'event'; readonly name: string; readonly watch: () => EventWatcher; readonly lesson: boolean }
  | { readonly kind: 'all' | 'any'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly part: Condition };

export interface EventWatcher {
  observe(happening: Happening): void;
  holds(): boolean;
}

/** A condition that is being watched. */
export interface Watcher {
  observe(happening: Happening): void;
  holds(machine: Machine): boolean;
}

/** Reads a condition; `undefined` with issues in `report` when it is none. Several keys mean all of them. */
export function readCondition(value: unknown, report: (path: string, message: string) => void): Condition | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    report('', `a condition is a key with its arguments; there are ${names().join(', ')}`);
    return undefined;
  }
  const { since, ...rest } = value as Record<string, unknown>;
  if (since !== undefined && since !== 'lesson' && since !== 'step') report('since', 'is "step" or "lesson"');
  const parts = Object.entries(rest).map(([name, args]) => readOne(name, args, since === 'lesson', report));
  if (parts.length === 0) report('', `there is no condition; there are ${names().join(', ')}`);
  if (parts.length === 0 || parts.some((part) => part === undefined)) return undefined;
  return parts.length === 1 ? parts[0] : { kind: 'all', parts: parts as Condition[] };
}

function readOne(
  name: string,
  args: unknown,
  lesson: boolean,
  report: (path: string, message: string) => void,
): Condition | undefined {
  const below = (path: string, message: string): void => report(path === '' ? name : `${name}.${path}`, message);
  if (name === 'not' || name === 'never') {
    const part = readCondition(name === 'never' ? { since: 'lesson', ...Object(args) } : args, below);
    return part && { kind: 'not', part };
  }
  if (name === 'all' || name === 'any') {
    if (!Array.isArray(args)) return void below('', 'is a list of conditions');
    const parts = args.map((one, index) => readCondition(one, (path, text) => below(`${index} ${path}`.trim(), text)));
    return parts.some((part) => part === undefined) ? undefined : { kind: name, parts: parts as Condition[] };
  }
  const state = lookUp(STATES, name);
  if (state !== undefined) {
    const read = parse(state.schema, args, below);
    return read && { kind: 'state', name, holds: (machine) => state.holds(read.value, machine) };
  }
  const event = lookUp(EVENTS, name);
  if (event !== undefined) {
    const read = parse(event.schema, args, below);
    return read && { kind: 'event', name, lesson, watch: () => event.watch(read.value) };
  }
  return void report(name, `is no condition; there are ${names().join(', ')}`);
}

function parse<T>(
  schema: z.ZodType<T>,
  args: unknown,
  report: (path: string, message: string) => void,
): { value: T } | undefined {
  const read = schema.safeParse(args);
  if (read.success) return { value: read.data };
  for (const issue of read.error.issues) report(issue.path.join('.'), issue.message);
  return undefined;
}

const COMPOUNDS: Readonly<Record<string, string>> = {
  all: '`[ … ]`: all of these conditions hold',
  any: '`[ … ]`: one of these conditions holds',
  not: '`{ … }`: this condition does not hold',
  never: '`{ … }`: this has not happened since the lesson began',
};

/** Every kind with one line about it, for the author's guide: of states, of events, of conditions on conditions. */
export const conditionLines = (): string[][] => {
  const lines = (kinds: Readonly<Record<string, { readonly about: string }>>): string[] =>
    Object.entries(kinds).map(([name, { about }]) => `- **${name}** ${about}`);
  const compounds = Object.fromEntries(Object.entries(COMPOUNDS).map(([name, about]) => [name, { about }]));
  return [lines(STATES), lines(EVENTS), lines(compounds)];
};

/** All kinds, for messages. */
export const names = (): string[] => [...Object.keys(STATES), ...Object.keys(EVENTS), ...Object.keys(COMPOUNDS)];

/**
 * Begins to watch. `sinceLesson` gives the watcher that has been running since the lesson began, for parts that ask
 * for that; without it they begin now.
 */
export function watch(condition: Condition, sinceLesson?: (condition: Condition) => Watcher | undefined): Watcher {
  const running = sinceLesson?.(condition);
  if (running !== undefined) return running;
  switch (condition.kind) {
    case 'state':
      return { observe: () => undefined, holds: condition.holds };
    case 'event': {
      const watcher = condition.watch();
      return { observe: (happening) => watcher.observe(happening), holds: () => watcher.holds() };
    }
    case 'not': {
      const part = watch(condition.part, sinceLesson);
      return { observe: (happening) => part.observe(happening), holds: (machine) => !part.holds(machine) };
    }
    case 'all':
    case 'any': {
      const parts = condition.parts.map((part) => watch(part, sinceLesson));
      return {
        observe: (happening) => parts.forEach((part) => part.observe(happening)),
        holds: (machine) =>
          condition.kind === 'all'
            ? parts.every((part) => part.holds(machine))
            : parts.some((part) => part.holds(machine)),
      };
    }
  }
}

/** The parts of a condition that count from the lesson's beginning. */
export function lessonParts(condition: Condition): Condition[] {
  switch (condition.kind) {
    case 'state':
      return [];
    case 'event':
      return condition.lesson ? [condition] : [];
    case 'not':
      return lessonParts(condition.part);
    case 'all':
    case 'any':
      return condition.parts.flatMap(lessonParts);
  }
}

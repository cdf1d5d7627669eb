/**
 * The `.vfiolab` file: JSON lines. A header, the machine the journal starts from, then one gesture a line in the order
 * they were made, each going on from the head (or from the gesture that it names) and becoming the head. Where the head
 * went elsewhere a line says so. A journal that follows an open document is only ever appended to: there a line may also
 * hold further inputs of the head. Gestures are numbered from 1 by their place; 0 is the start.
 */
import { z } from 'zod';
import type { MachineDescription } from '../../hardware/description';
import type { Input } from '../input';
import type { LessonRecord } from '../lessons/grade';
import { isBatch } from '../../shell/c/batch';
import { isPacked } from '../../shell/c/pack';
import { checkDescription } from './description-schema';
import { editSchema } from './edit-schema';
import { MIGRATIONS } from './migrations';
import { operationSchema } from './operation-schema';
import { stimulusSchema } from './stimulus-schema';
import { GestureTree } from './tree';
import type { DocumentGesture, TreeContents } from './tree';

export type { DocumentGesture } from './tree';

/** Of the format that is written. Older ones are read through `migrations/`. */
export const VERSION = MIGRATIONS.length + 1;
export const FORMAT = `vfiolab/${VERSION}`;

export interface DocumentContents {
  machine: MachineDescription;
  /** What is in force, in order. */
  gestures: DocumentGesture[];
  /** Everything that was done, where that is more than what is in force; left out: it is not. */
  tree?: TreeContents;
  /** Lines typed in the document's terminals, oldest first; left out: none. */
  typed?: readonly string[];
  /** The lesson that the document is a learner's way through; left out: none. */
  lesson?: LessonRecord;
}

/** A file that is no document of ours, or is broken: where, and what is wrong. */
export class DocumentError extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

const packed = z.string().refine(isPacked, 'holds no packed bytes');
const batch = z.string().refine(isBatch, 'holds no steps of a program');

const inputKind = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('program'), pid: z.number().int(), batch }),
  z.object({ kind: z.literal('call'), pid: z.number().int(), operation: operationSchema }),
  z.object({
    kind: z.literal('spawn'),
    pid: z.number().int(),
    parent: z.number().int(),
    name: z.string(),
    uid: z.number().int(),
  }),
  z.object({ kind: z.literal('exit'), pid: z.number().int() }),
  z.object({ kind: z.literal('stimulus'), stimulus: stimulusSchema }),
  z.object({ kind: z.literal('time'), ms: z.number().nonnegative().max(86_400_000) }),
  z.object({ kind: z.literal('edit'), edit: editSchema }),
  z.object({ kind: z.literal('reboot'), cmdline: z.string().nullable() }),
  z.object({ kind: z.literal('answer'), question: z.string(), choice: z.number().int().nonnegative() }),
]);

/** An input as a document may hold it. */
export const inputSchema = inputKind.and(z.object({ reads: packed.optional() }));

const count = z.number().int().nonnegative();
/** By the key that tells them apart. */
const STEPS: Readonly<Record<string, z.ZodType>> = {
  label: z.object({ label: z.string(), inputs: z.array(inputSchema), from: count.optional() }),
  more: z.object({ more: z.array(inputSchema) }),
  undo: z.object({ undo: z.literal(true) }),
  head: z.object({ head: count, ahead: count.optional() }),
  branch: z.object({ branch: count, name: z.string().max(200) }),
  typed: z.object({ typed: z.string() }),
};

function parseStep(value: unknown, line: number): DocumentStep {
  const key = Object.keys(STEPS).find(
    (one) => typeof value === 'object' && value !== null && Object.hasOwn(value, one),
  );
  if (key === undefined) throw new DocumentError(line, 'This step cannot be read: it is of no kind that there is.');
  const parsed = STEPS[key]!.safeParse(value);
  if (parsed.success) return parsed.data as DocumentStep;
  const { path, message } = parsed.error.issues[0]!;
  throw new DocumentError(line, `This step cannot be read: ${path.join('.')}: ${message}`);
}

/** A terminal remembers this many lines. */
const TYPED_KEPT = 1000;
export const recentlyTyped = (lines: readonly string[]): string[] => lines.slice(-TYPED_KEPT);

const lessonRecord = z
  .object({
    id: z.string(),
    claims: z.array(z.object({ step: z.string(), inputs: z.number().int().nonnegative(), state: z.string() })),
  })
  .optional();

/** What was done, as a line of the journal. */
export type DocumentStep =
  | (DocumentGesture & { from?: number })
  | { more: Input[] }
  /** Back to what the head goes on from. */
  | { undo: true }
  /** The head went there; `ahead` is where redo leads, left out where it is as it was. */
  | { head: number; ahead?: number }
  | { branch: number; name: string }
  /** A line was typed in a terminal; nothing was done yet. */
  | { typed: string };

export const serializeStep = (made: DocumentStep): string => `${JSON.stringify(made)}\n`;

/** Makes a step in the tree; false when it names a gesture that is not there. */
function follow(tree: GestureTree, made: Exclude<DocumentStep, { typed: string }>): boolean {
  if ('label' in made) {
    const { from = tree.head, label, inputs } = made;
    if (!tree.has(from)) return false;
    tree.moveTo(from);
    tree.add({ label, inputs });
  } else if ('more' in made) {
    if (tree.head === 0) return false;
    tree.gesture(tree.head).inputs.push(...made.more);
  } else if ('undo' in made) {
    if (tree.head === 0) return false;
    tree.moveTo(tree.from(tree.head));
  } else if ('head' in made) {
    const { head, ahead = head } = made;
    if (!tree.has(head) || !tree.has(ahead) || !tree.way(ahead).concat(0).includes(head)) return false;
    tree.moveTo(ahead);
    tree.moveTo(head);
  } else tree.names.set(made.branch, made.name);
  return true;
}

/** The steps that lead to a tree. */
function stepsOf({ gestures, head, ahead, names }: TreeContents): DocumentStep[] {
  const steps: DocumentStep[] = gestures.map(({ label, inputs, from }, k) =>
    from === k ? { label, inputs } : { label, inputs, from },
  );
  if (head !== gestures.length || ahead !== head) steps.push(ahead === head ? { head } : { head, ahead });
  for (const [branch, name] of Object.entries(names)) steps.push({ branch: Number(branch), name });
  return steps;
}

export function serializeDocument(contents: DocumentContents): string {
  const { lesson } = contents;
  const typed = recentlyTyped(contents.typed ?? []);
  const lines = [
    JSON.stringify({ format: FORMAT, ...(lesson && { lesson }), ...(typed.length > 0 && { typed }) }),
    JSON.stringify({ machine: contents.machine }),
  ];
  const steps = contents.tree ? stepsOf(contents.tree) : contents.gestures;
  for (const one of steps) lines.push(JSON.stringify(one));
  return `${lines.join('\n')}\n`;
}

/** What a tree holds as a document's contents. */
export function contentsOf(machine: MachineDescription, tree: GestureTree): DocumentContents {
  const way = tree.way();
  const gestures = way.map((at) => tree.gesture(at));
  return way.length === tree.size && tree.names.size === 0
    ? { machine, gestures }
    : { machine, gestures, tree: tree.contents };
}

function parseLine(text: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new DocumentError(line, 'This line is no JSON; the file is damaged or cut off here.');
  }
}

/** True when the text claims to be a document, whatever version. */
export const looksLikeDocument = (text: string): boolean => /^\s*\{"format":\s*"vfiolab\//.test(text.slice(0, 200));

/** The lines of a document as this version writes them. */
function migrated(lines: readonly unknown[]): unknown[] {
  const { format } = (lines[0] ?? {}) as { format?: unknown };
  const version = /^vfiolab\/([1-9]\d{0,5})$/.exec(String(format))?.[1];
  if (version === undefined || Number(version) > VERSION) {
    const newer = version === undefined ? '' : ' A newer version wrote it.';
    throw new DocumentError(
      1,
      `The file has format ${String(format)}; this version of VFIO Lab reads vfiolab/1 to ${FORMAT}.${newer}`,
    );
  }
  return MIGRATIONS.slice(Number(version) - 1).reduce<unknown[]>((before, migrate) => migrate(before), [...lines]);
}

export function readDocument(text: string): DocumentContents {
  const source = text.split('\n');
  if (source.at(-1) === '') source.pop();
  // The header decides whether the rest is to be read at all.
  migrated([parseLine(source[0] ?? '', 1)]);
  const lines = migrated(source.map((line, index) => parseLine(line, index + 1)));
  const header = lines[0] as { lesson?: unknown; typed?: unknown };
  const lesson = lessonRecord.safeParse(header.lesson);
  if (!lesson.success) throw new DocumentError(1, 'What the file says of its lesson cannot be read.');
  const typedBefore = z.array(z.string()).optional().safeParse(header.typed);
  if (!typedBefore.success) throw new DocumentError(1, 'The lines that were typed in its terminals cannot be read.');
  if (lines.length < 2) throw new DocumentError(2, 'The machine is missing; the file is cut off.');
  const machine = checkDescription((lines[1] as { machine?: unknown } | null)?.machine);
  if ('problem' in machine) throw new DocumentError(2, `The machine cannot be read: ${machine.problem}`);
  const tree = new GestureTree();
  const typed = [...(typedBefore.data ?? [])];
  for (const [index, value] of lines.slice(2).entries()) {
    const line = index + 3;
    const made = parseStep(value, line);
    if ('typed' in made) typed.push(made.typed);
    else if (!follow(tree, made)) {
      throw new DocumentError(line, 'This step goes on with one that is missing.');
    }
  }
  return {
    ...contentsOf(machine, tree),
    ...(typed.length > 0 && { typed: recentlyTyped(typed) }),
    ...(lesson.data && { lesson: lesson.data }),
  };
}

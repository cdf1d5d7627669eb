/**
 * The `.vfiolab` file: JSON lines. A header, the machine the journal starts from, then one gesture a line in the order
 * they were made. A saved file has nothing else. A journal that follows an open document is only ever appended to:
 * there a line may also hold further inputs of the gesture before it, or take that gesture back.
 */
import { z } from 'zod';
import type { MachineDescription } from '../../hardware/description';
import type { Input } from '../input';
import type { LessonRecord } from '../lessons/grade';
import { isBatch } from '../../shell/c/batch';
import { isPacked } from '../../shell/c/pack';
import { checkDescription } from './description-schema';
import { editSchema } from './edit-schema';
import { stimulusSchema } from './stimulus-schema';

export const FORMAT = 'vfiolab/1';

export interface DocumentGesture {
  label: string;
  inputs: Input[];
}

export interface DocumentContents {
  machine: MachineDescription;
  gestures: DocumentGesture[];
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

const inputKind = z.union([
  z.object({ kind: z.literal('program'), pid: z.number().int(), batch }),
  z.object({ kind: z.literal('call'), pid: z.number().int(), operation: z.looseObject({ op: z.string() }) }),
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

const input = inputKind.and(z.object({ reads: packed.optional() }));

const gesture = z.object({ label: z.string(), inputs: z.array(input) });
const step = z.union([gesture, z.object({ more: z.array(input) }), z.object({ undo: z.literal(true) })]);

const lessonRecord = z
  .object({
    id: z.string(),
    claims: z.array(z.object({ step: z.string(), inputs: z.number().int().nonnegative(), state: z.string() })),
  })
  .optional();

/** What was done, as a line of the journal. */
export type DocumentStep = DocumentGesture | { more: Input[] } | { undo: true };

export const serializeStep = (made: DocumentStep): string => `${JSON.stringify(made)}\n`;

/** Adds a step to the gestures before it; false when there is none that it could go on or take back. */
function follow(gestures: DocumentGesture[], made: DocumentStep): boolean {
  if ('label' in made) return gestures.push(made) > 0;
  if ('undo' in made) return gestures.pop() !== undefined;
  gestures.at(-1)?.inputs.push(...made.more);
  return gestures.length > 0;
}

export function serializeDocument(contents: DocumentContents): string {
  const { lesson } = contents;
  const lines = [
    JSON.stringify({ format: FORMAT, ...(lesson && { lesson }) }),
    JSON.stringify({ machine: contents.machine }),
  ];
  for (const one of contents.gestures) lines.push(JSON.stringify(one));
  return `${lines.join('\n')}\n`;
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

export function readDocument(text: string): DocumentContents {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const header = parseLine(lines[0] ?? '', 1) as { format?: unknown; lesson?: unknown };
  if (header.format !== FORMAT) {
    throw new DocumentError(
      1,
      `The file has format ${String(header.format)}; this version of VFIO Lab reads ${FORMAT}.`,
    );
  }
  const lesson = lessonRecord.safeParse(header.lesson);
  if (!lesson.success) throw new DocumentError(1, 'What the file says of its lesson cannot be read.');
  if (lines.length < 2) throw new DocumentError(2, 'The machine is missing; the file is cut off.');
  const machine = checkDescription((parseLine(lines[1]!, 2) as { machine?: unknown }).machine);
  if ('problem' in machine) throw new DocumentError(2, `The machine cannot be read: ${machine.problem}`);
  const gestures: DocumentGesture[] = [];
  for (const [index, source] of lines.slice(2).entries()) {
    const line = index + 3;
    const parsed = step.safeParse(parseLine(source, line));
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!;
      throw new DocumentError(line, `This step cannot be read: ${issue.path.join('.')} ${issue.message}`);
    }
    if (!follow(gestures, parsed.data as DocumentStep)) {
      throw new DocumentError(line, 'This step goes on with one that is missing.');
    }
  }
  return { machine, gestures, ...(lesson.data && { lesson: lesson.data }) };
}

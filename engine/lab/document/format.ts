/**
 * The `.vfiolab` file: JSON lines. A header, the machine the journal starts from, then one gesture a line in the order
 * they were made. Lines are only ever appended while a machine is used, so a crash loses nothing that was acknowledged.
 */
import { z } from 'zod';
import type { MachineDescription } from '../../hardware/description';
import type { Input } from '../input';
import { checkDescription } from './description-schema';

export const FORMAT = 'vfiolab/1';

export interface DocumentGesture {
  label: string;
  inputs: Input[];
}

export interface DocumentContents {
  machine: MachineDescription;
  gestures: DocumentGesture[];
}

/** A file that is no document of ours, or is broken: where, and what is wrong. */
export class DocumentError extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

const input = z.union([
  z.object({ kind: z.literal('call'), pid: z.number().int(), operation: z.looseObject({ op: z.string() }) }),
  z.object({
    kind: z.literal('spawn'),
    pid: z.number().int(),
    parent: z.number().int(),
    name: z.string(),
    uid: z.number().int(),
  }),
  z.object({ kind: z.literal('exit'), pid: z.number().int() }),
  z.object({
    kind: z.literal('stimulus'),
    stimulus: z.object({ device: z.string(), kind: z.literal('interrupt'), vector: z.number().int().nullable() }),
  }),
  z.object({ kind: z.literal('time'), ms: z.number().nonnegative().max(86_400_000) }),
  z.object({ kind: z.literal('edit'), edit: z.looseObject({ kind: z.enum(['replace', 'remove', 'config']) }) }),
  z.object({ kind: z.literal('reboot'), cmdline: z.string().nullable() }),
]);

const gesture = z.object({ label: z.string(), inputs: z.array(input) });

export function serializeDocument(contents: DocumentContents): string {
  const lines = [JSON.stringify({ format: FORMAT }), JSON.stringify({ machine: contents.machine })];
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
  const header = parseLine(lines[0] ?? '', 1) as { format?: unknown };
  if (header.format !== FORMAT) {
    throw new DocumentError(
      1,
      `The file has format ${String(header.format)}; this version of VFIO Lab reads ${FORMAT}.`,
    );
  }
  if (lines.length < 2) throw new DocumentError(2, 'The machine is missing; the file is cut off.');
  const machine = checkDescription((parseLine(lines[1]!, 2) as { machine?: unknown }).machine);
  if ('problem' in machine) throw new DocumentError(2, `The machine cannot be read: ${machine.problem}`);
  const gestures = lines.slice(2).map((source, index) => {
    const parsed = gesture.safeParse(parseLine(source, index + 3));
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!;
      throw new DocumentError(index + 3, `This step cannot be read: ${issue.path.join('.')} ${issue.message}`);
    }
    return parsed.data as DocumentGesture;
  });
  return { machine, gestures };
}

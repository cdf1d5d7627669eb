/** What opening a file comes to: a document or a refusal that says what and where. */
import type { MachineDescription } from '../hardware/description';
import { DocumentError } from './document/format';
import { ImportError } from './import';
import { ReplayError } from './journal';

/** The outcome of opening a file. A refusal leaves the open document as it was. */
export type OpenResult =
  | { ok: true; title: string; notes: string[] }
  | { ok: false; cancelled: boolean; message: string; file: string | null; line: number | null; reason: string | null };

/** Opens by `read`, which gets the file's name without its folder and gives notes. Never throws for what is in the file. */
export function opening(fileName: string, read: (base: string) => string[]): OpenResult {
  const base = fileName.split(/[\\/]/).at(-1) ?? fileName;
  try {
    return { ok: true, title: base, notes: read(base) };
  } catch (error) {
    if (error instanceof DocumentError) {
      return refused(`${base} was not opened: line ${error.line}. ${error.message}`, base, error.line, error.message);
    }
    if (error instanceof ImportError) {
      return refused(`${base} was not opened. ${error.message}`, base, error.line, error.reason);
    }
    if (error instanceof ReplayError) {
      return refused(`${base} was not opened. ${error.message}.`, base, null, error.message);
    }
    throw error;
  }
}

export const refused = (
  message: string,
  file: string | null,
  line: number | null,
  reason: string | null,
): OpenResult => ({
  ok: false,
  cancelled: false,
  message,
  file,
  line,
  reason,
});

/** What the source did not show, each thing once. */
export function importNotes(description: MachineDescription): string[] {
  const about = new Map<string, number>();
  for (const fact of description.unknown) {
    const text = `${fact.what}: ${fact.why}`;
    about.set(text, (about.get(text) ?? 0) + 1);
  }
  return [...about].map(([text, count]) => (count === 1 ? text : `${text} (${count} functions)`));
}

/** What the compiler printed, as places in files. */

export interface CompilerProblem {
  /** Absolute. */
  readonly path: string;
  /** As the compiler named it. */
  readonly shown: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly severity: 'error' | 'warning' | 'note';
  readonly message: string;
}

/** On a narrow terminal the compiler breaks a message and indents its other lines by six; the source begins further left. */
const LINE = /^(\S[^:\n]*):(\d+):(\d+): (fatal error|error|warning|note): (.*(?:\n {6}(?!\|)\S.*)*)$/gm;
/** Colours and weights of a terminal. */
const STYLE = /\x1b\[[\d;]*[A-Za-z]/g;

/** `absolute` makes the path of a name that the compiler printed. */
export function problemsIn(text: string, absolute: (path: string) => string): CompilerProblem[] {
  return [...text.replace(STYLE, '').matchAll(LINE)].map(([, shown, line, column, kind, message]) => ({
    path: absolute(shown!),
    shown: shown!,
    line: Number(line),
    column: Number(column),
    severity: kind === 'fatal error' ? 'error' : (kind as CompilerProblem['severity']),
    message: message!.replace(/\s*\n\s+/g, ' '),
  }));
}

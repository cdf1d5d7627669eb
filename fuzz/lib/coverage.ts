/**
 * Which code ran, as V8's profiler tells: a mark for each character of the bundle. The bundler names the source of each
 * part in a comment, so that the marks can be counted by file.
 */
import type { Profiler, Session } from 'node:inspector';

export interface Covered {
  readonly file: string;
  /** Characters within functions: all, and those that ran. */
  readonly all: number;
  readonly ran: number;
}

const SOURCE = /^\/\/(?:#region)? ?([\w./-]+\.(?:ts|json|js|mjs))$/gm;

export class Coverage {
  private readonly session: Session;
  private readonly url: string;
  private readonly parts: { file: string; from: number; to: number }[];
  private readonly marks: Uint8Array;
  private readonly functions: Uint8Array;

  /** `session`: profiles since before the program was loaded. `url`, `source`: the program's. */
  constructor(session: Session, url: string, source: string) {
    this.session = session;
    this.url = url;
    this.marks = new Uint8Array(source.length);
    this.functions = new Uint8Array(source.length);
    this.parts = [...source.matchAll(SOURCE)].map((match, i, all) => ({
      file: match[1]!,
      from: match.index,
      to: all[i + 1]?.index ?? source.length,
    }));
    // The first report knows every function, those of the program itself as well: what stands in none is data.
    for (const { functionName, ranges } of this.report()) {
      const { startOffset, endOffset } = ranges[0]!;
      if (functionName !== '' || startOffset > 0) this.functions.fill(1, startOffset, endOffset);
    }
  }

  private report(): readonly Profiler.FunctionCoverage[] {
    let functions: readonly Profiler.FunctionCoverage[] = [];
    this.session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error) throw error;
      functions = result.find(({ url }) => url === this.url)?.functions ?? [];
    });
    return functions;
  }

  /** Marks what ran since the last time; true when some of it never ran before. */
  take(): boolean {
    let found = false;
    for (const { ranges } of this.report()) {
      // Ranges lie within one another, the outer first: each character counts as the innermost says.
      const ends: { to: number; ran: boolean }[] = [];
      let at = ranges[0]!.startOffset;
      const mark = (to: number): void => {
        if (to > at && ends.at(-1)?.ran === true && this.marks.subarray(at, to).includes(0)) {
          this.marks.fill(1, at, to);
          found = true;
        }
        at = Math.max(at, to);
      };
      for (const { startOffset, endOffset, count } of ranges) {
        while (ends.length > 0 && ends.at(-1)!.to <= startOffset) {
          mark(ends.at(-1)!.to);
          ends.pop();
        }
        mark(startOffset);
        ends.push({ to: endOffset, ran: count > 0 });
      }
      while (ends.length > 0) {
        mark(ends.at(-1)!.to);
        ends.pop();
      }
    }
    return found;
  }

  /** Files whose paths begin with one of `beginnings`. */
  covered(beginnings: readonly string[]): Covered[] {
    return this.parts
      .filter(({ file }) => beginnings.some((beginning) => file.startsWith(beginning)))
      .map(({ file, from, to }) => {
        let all = 0;
        let ran = 0;
        for (let i = from; i < to; i++) {
          if (this.functions[i] === 0) continue;
          all++;
          ran += this.marks[i]!;
        }
        return { file, all, ran };
      })
      .filter(({ all }) => all > 0);
  }
}

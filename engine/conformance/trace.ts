import type { Answer, TracedOperation } from '../linux/uapi/operation';

/** One answered line of a recorded trace; `line` counts from 1 in the file. */
export interface TraceStep {
  readonly line: number;
  readonly operation: TracedOperation;
  readonly want: Answer;
}

export interface Trace {
  readonly machine: string;
  readonly about: string;
  readonly steps: readonly TraceStep[];
}

export class TraceError extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** Reads a `trace/1` file: a header line, then one answered operation a line. */
export function readTrace(text: string): Trace {
  const lines = text.split('\n');
  let machine = '';
  let about = '';
  const steps: TraceStep[] = [];
  lines.forEach((source, index) => {
    if (source.trim() === '') return;
    let parsed: unknown;
    try {
      parsed = JSON.parse(source);
    } catch {
      throw new TraceError(index + 1, 'is no JSON object');
    }
    if (typeof parsed !== 'object' || parsed === null) throw new TraceError(index + 1, 'is no JSON object');
    const record = parsed as Record<string, unknown>;
    if ('format' in record) {
      if (record['format'] !== 'trace/1')
        throw new TraceError(index + 1, `is of format ${String(record['format'])}, not trace/1`);
      machine = String(record['machine'] ?? '');
      about = String(record['about'] ?? '');
      return;
    }
    if (typeof record['op'] !== 'string') throw new TraceError(index + 1, 'has no "op"');
    const { want, ...operation } = record;
    steps.push({ line: index + 1, operation: operation as unknown as TracedOperation, want: (want ?? {}) as Answer });
  });
  if (machine === '') throw new TraceError(1, 'does not begin with a trace/1 header that names its machine');
  return { machine, about, steps };
}

/** Family of a trace file: the first word of what follows the machine's name (`q35-basic.dma-v3.trace.jsonl` → `dma`). */
export function familyOf(fileName: string): string {
  const match = /\.([a-z]+)[^./]*\.trace\.jsonl$/.exec(fileName);
  return match?.[1] ?? 'other';
}

/** column: lists in columns, and tables with `-t`. */
import { lines } from '../../streams';
import type { Program, ProgramContext } from '../program';
import { parseOptions } from '../support/options';
import { complain, inputs, print } from '../support/output';

const TAB = 8;

const width = (text: string): number => [...text].length;

/** Cells of a line: between any of the separators, or between runs of white space. */
function cells(line: string, separators: string | null, limit: number): string[] {
  const all =
    separators === null
      ? line.trim().split(/\s+/)
      : line.split(new RegExp(`[${separators.replace(/[\\\]^-]/g, '\\$&')}]`));
  if (limit <= 0 || all.length <= limit) return all;
  return [...all.slice(0, limit - 1), all.slice(limit - 1).join(separators?.[0] ?? ' ')];
}

interface TableOptions {
  readonly between: string;
  /** Columns that are set to the right, counted from 0. */
  readonly right: ReadonlySet<number>;
}

function table(rows: readonly string[][], { between, right }: TableOptions): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, width(cell))));
  return rows
    .map((row) => {
      const shown = widths.map((wide, at) => {
        const cell = row[at] ?? '';
        const space = ' '.repeat(wide - width(cell));
        return right.has(at) ? space + cell : cell + space;
      });
      return `${shown.join(between).trimEnd()}\n`;
    })
    .join('');
}

/** Fills the width with columns, downwards unless `across`. */
function filled(entries: readonly string[], total: number, across: boolean): string {
  const step = (Math.floor(Math.max(...entries.map(width)) / TAB) + 1) * TAB;
  const columns = Math.max(1, Math.floor(total / step));
  const rows = Math.ceil(entries.length / columns);
  let out = '';
  for (let row = 0; row < rows; row++) {
    let line = '';
    let at = 0;
    for (let column = 0; column < columns; column++) {
      const entry = entries[across ? row * columns + column : column * rows + row];
      if (entry === undefined) break;
      for (; at < column * step; at = (Math.floor(at / TAB) + 1) * TAB) line += '\t';
      line += entry;
      at += width(entry);
    }
    out += `${line}\n`;
  }
  return out;
}

export const column: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'c:eH:l:nN:o:R:s:tx',
    long: {
      'output-width': 'c:',
      'output-separator': 'o:',
      separator: 's:',
      table: 't',
      'table-columns': 'N:',
      'table-columns-limit': 'l:',
      'table-right': 'R:',
      fillrows: 'x',
      'keep-empty-lines': 'e',
    },
  });
  if (typeof parsed === 'number') return parsed;
  const state = { failed: false };
  const read: string[] = [];
  for await (const { reader } of inputs(context, parsed.operands, state)) {
    for await (const line of lines(reader)) if (parsed.has('e') || line.trim() !== '') read.push(line);
  }
  const named = parsed.value('N')?.split(',') ?? null;
  if (!parsed.has('t')) {
    const total = Number(parsed.value('c') ?? columnsOf(context));
    if (!(total > 0)) {
      await complain(context, `invalid columns argument: '${parsed.value('c')}'`);
      return 1;
    }
    if (read.length > 0) await print(context, filled(read, total, parsed.has('x')));
    return state.failed ? 1 : 0;
  }
  const limit = Number(parsed.value('l') ?? 0);
  const rows = read.map((line) => cells(line, parsed.value('s'), limit));
  if (named) rows.unshift(named);
  const right = new Set(
    (parsed.value('R') ?? '')
      .split(',')
      .filter((word) => word !== '')
      .map((word) => (/^\d+$/.test(word) ? Number(word) - 1 : (named?.indexOf(word) ?? -1))),
  );
  await print(context, table(rows, { between: parsed.value('o') ?? '  ', right }));
  return state.failed ? 1 : 0;
};

const columnsOf = (context: ProgramContext): string =>
  context.env.get('COLUMNS') ?? String(context.terminal?.columns ?? 80);

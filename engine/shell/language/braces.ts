/** Brace expansion: `a{b,c}d`, `{1..5..2}`, `{a..e}`. */
import { ShellFailure } from './shell';
import type { Part } from './syntax';

/** A character of unquoted text, or a part that braces do not look into. */
type Unit = string | Part;

/** Characters and parts that one word may become; a few nested braces ask for more than any memory has. */
const MOST_UNITS = 4_000_000;

function limit(elements: number, length: number): void {
  if (elements * length <= MOST_UNITS) return;
  throw new ShellFailure(`brace expansion: failed to allocate memory for ${elements} elements`);
}

function units(parts: readonly Part[]): Unit[] {
  return parts.flatMap((part): Unit[] => (part.kind === 'text' ? [...part.text] : [part]));
}

function join(list: readonly Unit[]): Part[] {
  const out: Part[] = [];
  let text = '';
  const flush = (): void => {
    if (text !== '') out.push({ kind: 'text', text });
    text = '';
  };
  for (const unit of list) {
    if (typeof unit === 'string') {
      const before = text === '' ? out.at(-1) : undefined;
      // Braces are text: a name goes on into what comes to stand behind it.
      if (
        before?.kind === 'parameter' &&
        before.source === `$${before.name}` &&
        /^[A-Za-z_]/.test(before.name) &&
        /\w/.test(unit)
      ) {
        const name = before.name + unit;
        out[out.length - 1] = { ...before, name, source: `$${name}` };
      } else text += unit;
    } else {
      flush();
      out.push(unit);
    }
  }
  flush();
  return out;
}

/** `1..5`, `a..e`, with an optional step; null when it is no sequence. */
function sequence(body: readonly Unit[]): string[] | null {
  if (body.some((unit) => typeof unit !== 'string')) return null;
  const match = /^(?:(-?\d+)\.\.(-?\d+)|([A-Za-z])\.\.([A-Za-z]))(?:\.\.(-?\d+))?$/.exec(body.join(''));
  if (!match) return null;
  const letters = match[3] !== undefined;
  const from = letters ? match[3]!.charCodeAt(0) : Number(match[1]);
  const to = letters ? match[4]!.charCodeAt(0) : Number(match[2]);
  const step = Math.max(1, Math.abs(Number(match[5] ?? 1))) * (from <= to ? 1 : -1);
  const padded = !letters && [match[1]!, match[2]!].some((n) => /^-?0\d/.test(n));
  const width = padded ? Math.max(match[1]!.length, match[2]!.length) : 0;
  limit(Math.floor(Math.abs(to - from) / Math.abs(step)) + 1, body.length);
  const out: string[] = [];
  for (let value = from; step > 0 ? value <= to : value >= to; value += step) {
    // A backslash quotes the nothing behind it.
    if (letters) out.push(value === 0x5c ? '' : String.fromCharCode(value));
    else if (value < 0) out.push(`-${String(-value).padStart(Math.max(0, width - 1), '0')}`);
    else out.push(String(value).padStart(width, '0'));
  }
  return out;
}

function expand(list: readonly Unit[]): Unit[][] {
  for (let open = 0; open < list.length; open++) {
    if (list[open] !== '{') continue;
    const before = list[open - 1];
    if (before === '$') continue;
    let depth = 0;
    const commas: number[] = [];
    let close = -1;
    for (let i = open + 1; i < list.length; i++) {
      const unit = list[i];
      if (unit === '{') depth += 1;
      else if (unit === '}') {
        if (depth === 0) {
          close = i;
          break;
        }
        depth -= 1;
      } else if (unit === ',' && depth === 0) commas.push(i);
    }
    if (close < 0) continue;
    const body = list.slice(open + 1, close);
    let choices: Unit[][];
    if (commas.length > 0) {
      const edges = [open, ...commas, close];
      choices = edges.slice(1).flatMap((edge, i) => expand(list.slice(edges[i]! + 1, edge)));
    } else {
      const values = sequence(body);
      if (!values) continue;
      choices = values.map((value) => [value]);
    }
    const head = list.slice(0, open);
    const tails = expand(list.slice(close + 1));
    limit(choices.length * tails.length, list.length);
    return choices.flatMap((choice) => tails.map((tail) => [...head, ...choice, ...tail]));
  }
  return [[...list]];
}

/** The variants of a word, in order; itself when it has no braces. */
export function expandBraces(parts: readonly Part[]): (readonly Part[])[] {
  if (!parts.some((part) => part.kind === 'text' && part.text.includes('{'))) return [parts];
  return expand(units(parts)).map(join);
}

/** History expansion: `!!`, `!n`, `!-n`, `!text`, `!?text?`, `!$` and its relatives, `^old^new^`. */

export type Expanded =
  | { readonly kind: 'line'; readonly line: string; readonly changed: boolean; readonly show: boolean }
  | { readonly kind: 'missing'; readonly message: string };

/** Words of an earlier line as history counts them: quotes keep theirs together. */
export function historyWords(line: string): string[] {
  return line.match(/(?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|[^\s'"\\;&|<>()])+|[;&|<>()]+/g) ?? [];
}

const EVENT =
  /^!(?:(!)|(-?\d+)|\?([^?\n]*)\??|([^\s;&|<>()'"!$^*:=?\d-][^\s;&|<>()'":]*)|(?=[$^*:]))(?::?([$^*])|:(\d+)(?:-(\d+|\$))?)?((?::(?:[htrep]|g?s\/[^/\n]*\/[^/\n]*\/?))*)/;

function find(history: readonly string[], match: RegExpExecArray): string | undefined {
  const [, twice, number, contains, begins] = match;
  if (number !== undefined) return Number(number) < 0 ? history.at(Number(number)) : history[Number(number) - 1];
  if (contains !== undefined) return history.findLast((line) => line.includes(contains));
  if (begins !== undefined && twice === undefined) return history.findLast((line) => line.startsWith(begins));
  return history.at(-1);
}

function chosen(line: string, match: RegExpExecArray): string | undefined {
  const [, , , , , mark, from, to] = match;
  const words = historyWords(line);
  if (mark === '$') return words.at(-1) ?? '';
  if (mark === '^') return words[1];
  if (mark === '*') return words.slice(1).join(' ');
  if (from === undefined) return line;
  const first = Number(from);
  const last = to === undefined ? first : to === '$' ? words.length - 1 : Number(to);
  return last < words.length && first <= last ? words.slice(first, last + 1).join(' ') : undefined;
}

function modified(text: string, modifiers: string): { text: string; print: boolean } {
  let out = text;
  let print = false;
  for (const [, plain, global, old, by] of modifiers.matchAll(/:(?:([htrep])|(g?)s\/([^/\n]*)\/([^/\n]*)\/?)/g)) {
    const slash = out.lastIndexOf('/');
    const dot = out.lastIndexOf('.');
    if (plain === 'h') out = slash < 0 ? out : out.slice(0, slash);
    else if (plain === 't') out = out.slice(slash + 1);
    else if (plain === 'r') out = dot < 0 ? out : out.slice(0, dot);
    else if (plain === 'e') out = dot < 0 ? '' : out.slice(dot);
    else if (plain === 'p') print = true;
    else out = global ? out.replaceAll(old!, by!) : out.replace(old!, () => by!);
  }
  return { text: out, print };
}

/** Expands a line as it was typed. */
export function expandHistory(line: string, history: readonly string[]): Expanded {
  const quick = /^\^([^^\n]+)\^([^^\n]*)\^?/.exec(line);
  if (quick) {
    const last = history.at(-1);
    if (!last?.includes(quick[1]!)) return { kind: 'missing', message: `:s${quick[0]}: substitution failed` };
    const text = last.replace(quick[1]!, () => quick[2]!) + line.slice(quick[0].length);
    return { kind: 'line', line: text, changed: true, show: false };
  }
  let out = '';
  let show = false;
  let quoted = false;
  for (let at = 0; at < line.length;) {
    const c = line[at]!;
    if (c === "'" && !quoted) {
      const end = line.indexOf("'", at + 1);
      const stop = end < 0 ? line.length : end + 1;
      out += line.slice(at, stop);
      at = stop;
      continue;
    }
    if (c === '\\' && at + 1 < line.length) {
      out += line.slice(at, at + 2);
      at += 2;
      continue;
    }
    if (c === '"') quoted = !quoted;
    const next = line[at + 1];
    // `[!a]`, `${!x}` and `!` before a blank or `=` are no events.
    const inert =
      c !== '!' ||
      next === undefined ||
      /[\s=(]/.test(next) ||
      (quoted && next === '"') ||
      /[[{$]$/.test(out) ||
      /\$\{$/.test(out);
    if (inert) {
      out += c;
      at += 1;
      continue;
    }
    const match = EVENT.exec(line.slice(at));
    const event = match ? find(history, match) : undefined;
    if (!match || event === undefined) {
      const word = /^![^\s;&|<>()"']*/.exec(line.slice(at))![0];
      return { kind: 'missing', message: `${match?.[0] ?? word}: event not found` };
    }
    const words = chosen(event, match);
    if (words === undefined) return { kind: 'missing', message: `${match[0]}: bad word specifier` };
    const { text, print } = modified(words, match[8] ?? '');
    show ||= print;
    out += text;
    at += match[0].length;
  }
  return { kind: 'line', line: out, changed: out !== line, show };
}

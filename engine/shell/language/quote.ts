/** Text as words that the shell reads back. */

/** What the shell would not read as a plain word. */
const SPECIAL = /[\s'"\\|&;()<>!{}*[\]?^$`]|^#|(?:^|[=:])~/;

function dollarQuoted(text: string): string {
  const named: Record<string, string> = {
    '\n': '\\n',
    '\t': '\\t',
    '\r': '\\r',
    '\x1b': '\\E',
    '\x07': '\\a',
    '\b': '\\b',
    '\f': '\\f',
    '\v': '\\v',
  };
  const body = text.replace(/[\\']/g, '\\$&').replace(/[\x00-\x1f\x7f\udc80-\udcff]/g, (c) => {
    const code = c.charCodeAt(0) & 0xff;
    return named[c] ?? `\\${code.toString(8).padStart(3, '0')}`;
  });
  return `$'${body}'`;
}

/** Quoted with single quotes, as `set -x`, `declare -p` and `${x@Q}` do; `always`: also where none are needed. */
export function quoteWord(text: string, always = false): string {
  if (/[\x00-\x1f\x7f]/.test(text)) return dollarQuoted(text);
  if (!always && text !== '' && !SPECIAL.test(text)) return text;
  return `'${text.replace(/'/g, "'\\''")}'`;
}

/** Quoted with backslashes, as `printf %q` does. */
export function quoteBackslash(text: string): string {
  if (text === '') return "''";
  if (/[\x00-\x1f\x7f\udc80-\udcff]/.test(text)) return dollarQuoted(text);
  return text.replace(/[^A-Za-z0-9_@%+=:./\u0080-\uffff-]/g, '\\$&');
}

/** A value as `declare -p` shows it. */
export function quoteDouble(text: string): string {
  if (/[\x00-\x08\x0b-\x1f\x7f]/.test(text)) return dollarQuoted(text);
  return `"${text.replace(/["$`\\]/g, '\\$&')}"`;
}

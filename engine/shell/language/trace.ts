/** `set -x`: each command as it is run, behind PS4. */
import { expandText } from './expand';
import { Parser } from './parser';
import { quoteWord } from './quote';
import type { Shell } from './shell';

/** PS4 with its expansions, its first character once for every level of nesting. */
async function prefix(shell: Shell): Promise<string> {
  const text = shell.variables.get('PS4') ?? '+ ';
  const { status, substitutionStatus } = shell;
  shell.options.delete('xtrace');
  let shown = text;
  try {
    if (/[$`\\]/.test(text)) shown = await expandText(shell, new Parser(text).wholeDouble());
  } catch {
    // A PS4 that cannot be expanded stands as it is.
  } finally {
    shell.options.add('xtrace');
    shell.status = status;
    shell.substitutionStatus = substitutionStatus;
  }
  const [first = ''] = [...shown];
  return first.repeat(shell.depth + 1) + shown.slice(first.length);
}

export async function trace(shell: Shell, text: string): Promise<void> {
  if (shell.option('xtrace')) await shell.writeError(`${await prefix(shell)}${text}\n`);
}

/** A word as -x shows it: quoted where it must be, with a newline as it is. */
export const traced = (word: string): string =>
  word === '' ? "''" : /[\t\n]/.test(word) ? `'${word.replace(/'/g, "'\\''")}'` : quoteWord(word);

export const traceWords = (shell: Shell, words: readonly string[]): Promise<void> =>
  trace(shell, words.map(traced).join(' '));

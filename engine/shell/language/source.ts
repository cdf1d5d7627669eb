/** Text to commands: parsed and run line by line, as a shell reads its script. */
import { Parser } from './parser';
import type { Shell } from './shell';
import { ConditionFailure, SyntaxFailure } from './syntax';
import type { Script } from './syntax';

export const parserFor = (shell: Shell, source: string, line = 1): Parser =>
  new Parser(source, {
    line,
    extglob: () => shell.isSet('extglob'),
    alias: (name) => (shell.interactive || shell.isSet('expand_aliases') ? (shell.aliases.get(name) ?? null) : null),
  });

/** Parses and runs text line by line; a syntax error is told with the line that has it. */
export async function runSource(shell: Shell, source: string, line = 1, what?: string): Promise<number> {
  const parser = parserFor(shell, source, line);
  for (;;) {
    let script: Script | null;
    const from = parser.position;
    try {
      script = parser.next();
    } catch (error) {
      if (!(error instanceof SyntaxFailure)) throw error;
      await syntaxError(shell, error, what);
      shell.status = error instanceof ConditionFailure && !shell.interactive ? 0 : 2;
      return shell.status;
    }
    if (!script) return shell.status;
    if (shell.option('verbose')) await shell.writeError(source.slice(from, parser.position));
    if (!shell.option('noexec')) await shell.runner.run(shell, script);
  }
}

/** `what`: the text that is read, where it is no file (`eval: `). */
export async function syntaxError(
  shell: Shell,
  error: SyntaxFailure,
  what = shell.commandText && shell.frames.length === 0 ? '-c: ' : '',
): Promise<void> {
  if (shell.interactive) {
    await shell.writeError(`bash: ${error.message}\n`);
    return;
  }
  const where = `${shell.sourceName()}: ${what}line ${error.line}: `;
  await shell.writeError(`${where}${error.message}\n`);
  if (error.shown !== null) await shell.writeError(`${where}\`${error.shown}'\n`);
}

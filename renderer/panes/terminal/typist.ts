/** Types for a person: waits for the shell's prompt before and after. */
import type { Terminal } from '@xterm/xterm';
import type { Typist } from '../../stores/typing';

/** Bracketed paste (DECSET 2004) is on while the shell reads a line, and off while a program runs. */
const READS_A_LINE = 2004;
const PASTE_START = '\x1b[200~';
const PASTE_END = '\x1b[201~';

/** `write` sends keys to the shell of `terminal`. */
export function typistOf(terminal: Terminal, write: (keys: string) => void): Typist & { restarted(): void } {
  let atPrompt = false;
  /** A shell begins, and its first prompt is still to come. */
  let starting = true;
  const waiting: (() => void)[] = [];
  const mode = (final: 'h' | 'l', on: boolean): void => {
    terminal.parser.registerCsiHandler({ prefix: '?', final }, (parameters) => {
      if (parameters.includes(READS_A_LINE)) {
        atPrompt = on;
        starting = false;
        if (on) for (const go of waiting.splice(0)) go();
      }
      // xterm.js keeps the mode as well.
      return false;
    });
  };
  mode('h', true);
  mode('l', false);
  const prompt = (): Promise<void> => new Promise((resolve) => waiting.push(resolve));

  return {
    restarted: () => {
      atPrompt = false;
      starting = true;
    },
    ready: async () => {
      if (starting) await prompt();
      return atPrompt;
    },
    insert: (text) => write(PASTE_START + text + PASTE_END),
    run: async (text) => {
      if (starting) await prompt();
      if (!atPrompt) return false;
      const lines = text.split('\n');
      write(`${PASTE_START}${lines.join('\n')}\n${PASTE_END}`);
      // Each line, the last too, is followed by a prompt.
      for (const _line of lines) await prompt();
      return true;
    },
  };
}

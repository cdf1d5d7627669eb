/** Places in a terminal's text that lead elsewhere. */
import type { ILink, ILinkProvider, Terminal } from '@xterm/xterm';
import type { CompilerProblem } from '../../bridge';
import { findAddresses } from '../../ui/address';

/** A piece of a line, `at` its first character. */
export interface Lead {
  readonly at: number;
  readonly text: string;
  follow(): void;
}

/** Addresses of functions that the machine has; `follow` goes where one leads. */
export const addressLeads = (
  line: string,
  known: (address: string) => boolean,
  follow: (address: string) => void,
): Lead[] =>
  findAddresses(line)
    .filter(({ address }) => known(address))
    .map(({ at, text, address }) => ({ at, text, follow: () => follow(address) }));

/** The place in a source that begins a line of the compiler: `driver.c:12:3:`. */
export function problemLeads(
  line: string,
  problems: readonly CompilerProblem[],
  follow: (problem: CompilerProblem) => void,
): Lead[] {
  const place = (one: CompilerProblem): string => `${one.shown}:${one.line}:${one.column}`;
  const found = problems.find((one) => line.startsWith(`${place(one)}:`));
  return found ? [{ at: 0, text: place(found), follow: () => follow(found) }] : [];
}

/** Links for what `leads` finds in a line together with those that it wraps into. */
export function linkProvider(terminal: Terminal, leads: (line: string) => Lead[]): ILinkProvider {
  return {
    provideLinks(row, done) {
      const buffer = terminal.buffer.active;
      let first = row - 1;
      while (first > 0 && buffer.getLine(first)?.isWrapped) first--;
      let text = '';
      for (let at = first; at === first || buffer.getLine(at)?.isWrapped; at++) {
        text += buffer.getLine(at)?.translateToString(false, 0, terminal.cols).padEnd(terminal.cols) ?? '';
      }
      const cell = (offset: number): { x: number; y: number } => ({
        x: (offset % terminal.cols) + 1,
        y: first + Math.floor(offset / terminal.cols) + 1,
      });
      const links = leads(text).map(({ at, text: found, follow }): ILink => ({
        text: found,
        range: { start: cell(at), end: cell(at + found.length - 1) },
        activate: () => follow(),
      }));
      done(links.length > 0 ? links : undefined);
    },
  };
}

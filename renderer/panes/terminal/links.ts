/** Addresses of functions that the machine has lead to the Inspector. */
import type { ILink, ILinkProvider, Terminal } from '@xterm/xterm';
import { findAddresses } from '../../ui/address';

/** Finds addresses in a line with those that it wraps into; `follow` goes where an address leads. */
export function addressLinks(
  terminal: Terminal,
  known: (address: string) => boolean,
  follow: (address: string) => void,
): ILinkProvider {
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
      const links: ILink[] = findAddresses(text)
        .filter(({ address }) => known(address))
        .map(({ at, text: found, address }) => ({
          text: found,
          range: { start: cell(at), end: cell(at + found.length - 1) },
          activate: () => follow(address),
        }));
      done(links.length > 0 ? links : undefined);
    },
  };
}

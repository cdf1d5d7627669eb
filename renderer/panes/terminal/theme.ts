/** The terminal's colours, read from the tokens of the theme in force. */
import type { ITheme } from '@xterm/xterm';

export function themeFromTokens(): ITheme {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const fg = token('term-fg');
  const dim = token('term-dim');
  const red = token('term-red');
  const green = token('term-green');
  const amber = token('term-amber');
  const blue = token('term-blue');
  const violet = token('term-violet');
  const cyan = token('bit-pass');
  return {
    background: token('term-bg'),
    foreground: fg,
    cursor: fg,
    cursorAccent: token('term-bg'),
    selectionBackground: token('bg-select'),
    selectionForeground: token('fg'),
    // A background at most (`ls` uses it for devices); xterm lifts text of this colour to a readable contrast.
    black: token('bg-active'),
    red,
    green,
    yellow: amber,
    blue,
    magenta: violet,
    cyan,
    white: dim,
    brightBlack: dim,
    brightRed: red,
    brightGreen: green,
    brightYellow: amber,
    brightBlue: blue,
    brightMagenta: violet,
    brightCyan: cyan,
    brightWhite: fg,
  };
}

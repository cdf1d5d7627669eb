/** Keys that hold in the whole window. */
import { lab } from '../bridge';
import type { Command } from './command';

/** `Ctrl Shift Z` of an event, with Cmd counted as Ctrl. */
export function chord(e: KeyboardEvent): string {
  const key = e.key.length === 1 ? e.key.toUpperCase() : e.key;
  const shifted = e.shiftKey && (e.key.length > 1 || /[A-Z]/.test(key));
  return [e.ctrlKey || e.metaKey ? 'Ctrl' : '', e.altKey ? 'Alt' : '', shifted ? 'Shift' : '', key]
    .filter(Boolean)
    .join(' ');
}

const NAMES_ON_MAC: Readonly<Record<string, string>> = { Ctrl: '⌘', Shift: '⇧', Alt: '⌥', Enter: '↩', Del: '⌫' };
/** Keys as the platform writes them: `Ctrl Shift Z` is `⇧⌘Z` on a Mac. */
export function keysHere(keys: string): string {
  if (lab().platform !== 'mac') return keys;
  const words = keys.split(' ');
  const order = ['Alt', 'Shift', 'Ctrl'];
  const modifiers = order.filter((word) => words.includes(word));
  return [...modifiers, ...words.filter((word) => !order.includes(word))]
    .map((word) => NAMES_ON_MAC[word] ?? word)
    .join('');
}

const ALIASES: Readonly<Record<string, string>> = {
  'Ctrl Y': 'Ctrl Shift Z',
  'Alt ArrowLeft': 'Alt ←',
  'Alt ArrowRight': 'Alt →',
  'Ctrl =': 'Ctrl +',
  'Ctrl Shift +': 'Ctrl +',
};
/** The shell needs every other key. */
const IN_TERMINAL: ReadonlySet<string> = new Set([
  'F6',
  'Shift F6',
  'F11',
  'Ctrl Shift T',
  'Ctrl Shift S',
  'Ctrl Shift M',
  'Ctrl Shift N',
  'Ctrl Shift E',
  'Ctrl +',
  'Ctrl =',
  'Ctrl -',
  'Ctrl Shift Enter',
  'Ctrl Shift W',
  'Ctrl Shift F',
  'Ctrl PageDown',
  'Ctrl PageUp',
]);
/** A key that the window takes from a terminal. */
export const leavesTerminal = (e: KeyboardEvent): boolean => IN_TERMINAL.has(chord(e));
/** A text field keeps its own undo and its single keys. */
const NOT_IN_TEXT: ReadonlySet<string> = new Set([
  'Ctrl Z',
  'Ctrl Shift Z',
  'Alt ArrowLeft',
  'Alt ArrowRight',
  'Ctrl Y',
  '?',
]);
/** Single letters belong to the pane that has the focus. */
const isGlobal = (keys: string): boolean => /^(Ctrl|Alt) /.test(keys) || /^(Shift )?F\d+$/.test(keys) || keys === '?';

export function handleKey(e: KeyboardEvent, commands: readonly Command[]): void {
  if (e.defaultPrevented) return;
  const pressed = chord(e);
  const target = e.target instanceof Element ? e.target : null;
  if (target?.closest('.xterm') && !IN_TERMINAL.has(pressed)) return;
  if (target?.closest('input, textarea, [contenteditable]') && NOT_IN_TEXT.has(pressed)) return;
  if (target?.closest('[role="dialog"]') && pressed !== 'Ctrl Shift T') return;
  const keys = ALIASES[pressed] ?? pressed;
  const command = commands.find((c) => c.keys === keys && isGlobal(c.keys) && !c.id.startsWith('function-'));
  if (!command) return;
  e.preventDefault();
  command.run();
}

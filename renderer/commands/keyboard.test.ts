// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Command } from './commands';
import { chord, handleKey } from './keyboard';

const run = { undo: vi.fn(), bind: vi.fn(), find: vi.fn(), pane: vi.fn() };
const command = (id: string, keys: string, fn: () => void): Command => ({
  id,
  title: id,
  group: '',
  icon: '',
  keys,
  off: null,
  run: fn,
});
const commands = [
  command('undo', 'Ctrl Z', run.undo),
  command('function-bind', 'B', run.bind),
  command('palette', 'Ctrl K', run.find),
  command('next-pane', 'F6', run.pane),
];

function press(target: Element, init: KeyboardEventInit): KeyboardEvent {
  const event = new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...init });
  target.addEventListener('keydown', (e) => handleKey(e as KeyboardEvent, commands), { once: true });
  target.dispatchEvent(event);
  return event;
}

describe('keys of the window', () => {
  beforeEach(() => {
    document.body.innerHTML = '<p></p><input><div class="xterm"><textarea></textarea></div>';
    vi.clearAllMocks();
  });
  const at = (selector: string): Element => document.querySelector(selector) ?? document.body;

  it('writes chords the way the menus do', () => {
    expect(chord(new KeyboardEvent('keydown', { key: 'z', ctrlKey: true, shiftKey: true }))).toBe('Ctrl Shift Z');
    expect(chord(new KeyboardEvent('keydown', { key: '?', shiftKey: true }))).toBe('?');
    expect(chord(new KeyboardEvent('keydown', { key: 'F6', shiftKey: true }))).toBe('Shift F6');
  });

  it('runs a command once and keeps the key from the menu', () => {
    const event = press(at('p'), { key: 'z', ctrlKey: true });
    expect(run.undo).toHaveBeenCalledOnce();
    expect(event.defaultPrevented).toBe(true);
  });

  it('leaves undo to a text field, and the shell every key but the way out', () => {
    press(at('input'), { key: 'z', ctrlKey: true });
    press(at('textarea'), { key: 'k', ctrlKey: true });
    expect(run.undo).not.toHaveBeenCalled();
    expect(run.find).not.toHaveBeenCalled();
    press(at('textarea'), { key: 'F6' });
    expect(run.pane).toHaveBeenCalledOnce();
  });

  it('never takes single letters away from a pane', () => {
    press(at('p'), { key: 'b' });
    expect(run.bind).not.toHaveBeenCalled();
  });
});

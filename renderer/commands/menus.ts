/** The menus of the window: which commands stand where. */
import type { MenuItem, MenuModel } from '../bridge';
import { AREAS, PANE_NAMES } from '../dock/layout';
import { T } from '../texts';
import type { Command } from './command';
import { EXPORTS } from './sets/file';
import { THEMES } from './sets/view';

/** A command's id, a line, a menu within the menu, or all commands whose id begins with a word. */
type Entry = string | '-' | { id: keyof typeof T.menus.sub; entries: readonly Entry[] } | { each: string };

const MENUS = [
  {
    id: 'file',
    entries: [
      'new',
      'new-window',
      '-',
      'open',
      { id: 'recent', entries: [{ each: 'recent-' }, '-', 'forget-recent'] },
      { id: 'samples', entries: [{ each: 'sample-' }] },
      'paste',
      'collect-script',
      '-',
      'save',
      'save-as',
      'revert',
      'autosave',
      '-',
      { id: 'export', entries: [...EXPORTS.map((format) => `export-${format}`), '-', { each: 'picture-' }] },
      '-',
      'close-window',
      'quit',
    ],
  },
  {
    id: 'edit',
    entries: [
      'undo',
      'redo',
      '-',
      'back',
      'forward',
      'play',
      'present',
      'continue',
      '-',
      { each: 'edit-' },
      '-',
      'palette',
    ],
  },
  {
    id: 'view',
    entries: [
      { id: 'panes', entries: PANE_NAMES.map((pane) => `pane-${pane}`) },
      'maximise',
      { id: 'move', entries: AREAS.map((area) => `move-${area}`) },
      'close-pane',
      { id: 'layouts', entries: [{ each: 'layout-' }, '-', 'layouts', 'reset-layout'] },
      '-',
      'fabric',
      'table',
      'acs',
      'fit',
      { each: 'topology-' },
      '-',
      { id: 'theme', entries: THEMES.map((theme) => `theme-${theme}`) },
      'comfortable',
      'motion',
      'zoom-in',
      'zoom-out',
      'zoom-reset',
      'full-screen',
    ],
  },
  { id: 'machine', entries: [{ each: 'machine-' }, '-', 'reboot', 'cmdline', 'wait'] },
  {
    id: 'linux',
    entries: [
      'function-bind',
      'function-unbind',
      'function-attach',
      'function-detach',
      '-',
      'function-fire',
      'function-why',
      '-',
      'terminal',
      'close-terminal',
      'rename-terminal',
      'find-terminal',
      'next-terminal',
      'previous-terminal',
      'screen-reader',
      '-',
      'calls',
      'log',
    ],
  },
  {
    id: 'lesson',
    entries: [
      'lesson-next',
      'lesson-hint',
      'lesson-show',
      'lesson-restart',
      '-',
      'lesson-present',
      '-',
      { id: 'lessons', entries: [{ each: 'begin-' }] },
      'first-steps',
    ],
  },
  { id: 'help', entries: ['start-page', 'keys', 'pane-messages', '-', 'about'] },
] as const satisfies readonly { id: string; entries: readonly Entry[] }[];

export type MenuName = (typeof MENUS)[number]['id'];
export const MENU_NAMES: readonly MenuName[] = MENUS.map(({ id }) => id);

/** Lines that part nothing are left out. */
const tidy = (items: readonly MenuItem[]): MenuItem[] =>
  items.filter(
    (one, k) =>
      one.kind !== 'separator' ||
      (k > 0 && items[k - 1]!.kind !== 'separator' && items.slice(k).some(({ kind }) => kind !== 'separator')),
  );

function itemsOf(entries: readonly Entry[], commands: ReadonlyMap<string, Command>): MenuItem[] {
  const item = ({ id, title, keys, off, checked }: Command): MenuItem => ({
    kind: 'command',
    id,
    label: T.menus.short(id, title),
    keys,
    off,
    checked: checked ?? null,
  });
  const items = entries.flatMap((entry): MenuItem[] => {
    if (entry === '-') return [{ kind: 'separator' }];
    if (typeof entry === 'string') {
      const command = commands.get(entry);
      return command ? [item(command)] : [];
    }
    if ('each' in entry) return [...commands.values()].filter(({ id }) => id.startsWith(entry.each)).map(item);
    const inner = itemsOf(entry.entries, commands);
    return inner.length === 0 ? [] : [{ kind: 'menu', id: entry.id, label: T.menus.sub[entry.id], items: inner }];
  });
  return tidy(items);
}

/** What is in a menu, with the commands as they are now. */
export function menuItems(menu: MenuName, commands: readonly Command[]): MenuItem[] {
  const { entries } = MENUS.find(({ id }) => id === menu)!;
  return itemsOf(entries, new Map(commands.map((command) => [command.id, command])));
}

/** All menus, for a platform that draws them itself. */
export const menuModel = (commands: readonly Command[]): MenuModel =>
  MENU_NAMES.map((id) => ({ id, label: T.menus[id], items: menuItems(id, commands) }));

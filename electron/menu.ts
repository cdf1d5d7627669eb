/**
 * The native menu, where the platform has one menu bar for all (macOS). The page describes it, as it is the one that
 * knows commands, their keys and whether they can be run; elsewhere it draws the same menus into the title bar.
 */
import { Menu, app } from 'electron';
import type { BrowserWindow, MenuItemConstructorOptions } from 'electron';
import path from 'node:path';
import { CHANNEL } from './bridge/channels';
import type { MenuItem, MenuModel } from './bridge/contract';
import type { Recent } from './recent';
import type { Sessions } from './sessions';

const NATIVE = process.platform === 'darwin';

export class Menus {
  private readonly sessions: Sessions;
  private readonly recent: Recent;
  private readonly models = new WeakMap<BrowserWindow, MenuModel>();

  constructor(sessions: Sessions, recent: Recent) {
    this.sessions = sessions;
    this.recent = recent;
    if (!NATIVE) {
      Menu.setApplicationMenu(null);
      return;
    }
    recent.onChange(() => this.build());
    app.on('browser-window-focus', () => this.build());
  }

  /** The menus of a window as they are now. */
  take(window: BrowserWindow, model: MenuModel): void {
    this.models.set(window, model);
    if (NATIVE && this.sessions.current?.window === window) this.build();
  }

  private build(): void {
    const window = this.sessions.current?.window;
    const model = (window && this.models.get(window)) ?? [];
    const send = (id: string): void => window?.webContents.send(CHANNEL.menu, id);
    Menu.setApplicationMenu(Menu.buildFromTemplate(templateOf(model, send, () => this.recentItems())));
  }

  private recentItems(): MenuItemConstructorOptions[] {
    return this.recent.files.map((file) => ({
      label: path.basename(file),
      sublabel: file,
      click: () => void this.sessions.openPath(file),
    }));
  }
}

const allCommands = (model: MenuModel): MenuItem[] =>
  model.flatMap(({ items }) => items.flatMap((one) => (one.kind === 'menu' ? one.items : [one])));

/** `Ctrl Shift Z` → `CmdOrCtrl+Shift+Z`, as Electron writes keys; the page handles them itself. */
export function acceleratorOf(keys: string): string | undefined {
  if (keys === '' || keys.length === 1) return undefined;
  const NAMES: Readonly<Record<string, string>> = { Ctrl: 'CmdOrCtrl', '←': 'Left', '→': 'Right' };
  return keys
    .split(' ')
    .map((key) => NAMES[key] ?? key)
    .join('+');
}

/** Commands of the page that stand in the application's own menu on a Mac. */
const OF_APPLICATION: ReadonlySet<string> = new Set(['about', 'quit']);

/** Text fields get their keys from the menu there. */
const TEXT_EDITING: readonly MenuItemConstructorOptions[] = [
  { type: 'separator' },
  { role: 'cut' },
  { role: 'copy' },
  { role: 'paste' },
  { role: 'selectAll' },
];

/** The page's menus as a Mac wants them: what belongs to the application first, windows and help last. */
export function templateOf(
  model: MenuModel,
  send: (id: string) => void,
  recent: () => MenuItemConstructorOptions[],
): MenuItemConstructorOptions[] {
  const item = (one: MenuItem): MenuItemConstructorOptions => {
    switch (one.kind) {
      case 'separator':
        return { type: 'separator' };
      case 'menu':
        return one.id === 'recent'
          ? { label: one.label, enabled: recent().length > 0, submenu: recent() }
          : { label: one.label, submenu: one.items.map(item) };
      case 'command':
        return {
          label: one.label,
          accelerator: acceleratorOf(one.keys),
          registerAccelerator: false,
          enabled: one.off === null,
          ...(one.off !== null && { toolTip: one.off }),
          ...(one.checked !== null && { type: 'checkbox' as const, checked: one.checked }),
          click: () => send(one.id),
        };
    }
  };
  /** Lines at the end, or two of them, are left where a command was taken out. */
  const tidy = (items: readonly MenuItem[]): MenuItem[] =>
    items.filter((one, k) => one.kind !== 'separator' || (k < items.length - 1 && items[k + 1]?.kind !== 'separator'));
  const menus = model.map(({ id, label, items }): MenuItemConstructorOptions => {
    const here = tidy(items.filter((one) => one.kind !== 'command' || !OF_APPLICATION.has(one.id)));
    return {
      label,
      ...(id === 'help' && { role: 'help' as const }),
      submenu: [...here.map(item), ...(id === 'edit' ? TEXT_EDITING : [])],
    };
  });
  const application: MenuItemConstructorOptions = {
    role: 'appMenu',
    submenu: [
      ...allCommands(model)
        .filter((one) => one.kind === 'command' && one.id === 'about')
        .map(item),
      { type: 'separator' },
      { role: 'services' },
      { type: 'separator' },
      { role: 'hide' },
      { role: 'hideOthers' },
      { role: 'unhide' },
      { type: 'separator' },
      { role: 'quit' },
    ],
  };
  const help = menus.findIndex(({ role }) => role === 'help');
  return [application, ...menus.toSpliced(help < 0 ? menus.length : help, 0, { role: 'windowMenu' })];
}

/** The native menu. Commands go to the window, which owns what they mean and their keys. */
import { Menu, app } from 'electron';
import type { BrowserWindow, MenuItemConstructorOptions } from 'electron';
import path from 'node:path';
import { CHANNEL } from './bridge/channels';
import type { MenuCommand } from './bridge/contract';
import type { Recent } from './recent';

export interface MenuTarget {
  window(): BrowserWindow | null;
  openPath(file: string): void;
}

export function showMenu(target: MenuTarget, recent: Recent): void {
  const build = (): void => Menu.setApplicationMenu(Menu.buildFromTemplate(template(target, recent)));
  recent.onChange(build);
  build();
}

function template(target: MenuTarget, recent: Recent): MenuItemConstructorOptions[] {
  // The page handles the keys itself; the menu only shows them.
  const command = (label: string, name: MenuCommand, accelerator?: string): MenuItemConstructorOptions => ({
    label,
    accelerator,
    registerAccelerator: false,
    click: () => target.window()?.webContents.send(CHANNEL.menu, name),
  });
  const recentItems: MenuItemConstructorOptions[] = recent.files.map((file) => ({
    label: path.basename(file),
    sublabel: file,
    click: () => target.openPath(file),
  }));
  const mac: MenuItemConstructorOptions[] = process.platform === 'darwin' ? [{ role: 'appMenu' }] : [];
  return [
    ...mac,
    {
      label: '&File',
      submenu: [
        command('New machine', 'new'),
        command('Open…', 'open', 'CmdOrCtrl+O'),
        {
          label: 'Open recent',
          enabled: recentItems.length > 0,
          submenu: [...recentItems, { type: 'separator' }, { label: 'Forget these', click: () => recent.clear() }],
        },
        { type: 'separator' },
        command('Save', 'save', 'CmdOrCtrl+S'),
        command('Save as…', 'save-as', 'CmdOrCtrl+Shift+S'),
        { type: 'separator' },
        command('Collect from a machine…', 'collect-script'),
        { type: 'separator' },
        { role: 'quit' },
      ],
    },
    {
      label: '&Edit',
      submenu: [
        command('Undo', 'undo', 'CmdOrCtrl+Z'),
        command('Redo', 'redo', 'CmdOrCtrl+Shift+Z'),
        { type: 'separator' },
        { role: 'cut', registerAccelerator: false },
        { role: 'copy', registerAccelerator: false },
        { role: 'paste', registerAccelerator: false },
        { type: 'separator' },
        command('Find anything…', 'palette', 'CmdOrCtrl+K'),
      ],
    },
    {
      label: '&View',
      submenu: [
        command('Next theme', 'theme', 'CmdOrCtrl+Shift+T'),
        { type: 'separator' },
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { role: 'togglefullscreen' },
        ...(app.isPackaged ? [] : ([{ role: 'toggleDevTools' }] satisfies MenuItemConstructorOptions[])),
      ],
    },
    {
      label: '&Help',
      submenu: [command('What to do first', 'first-steps'), command('About VFIO Lab', 'about')],
    },
  ];
}

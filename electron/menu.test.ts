import { expect, test, vi } from 'vitest';
import type { MenuModel } from './bridge/contract';

vi.mock('electron', () => ({ Menu: {}, app: {} }));
const { acceleratorOf, templateOf } = await import('./menu');

test.each([
  ['Ctrl Shift Z', 'CmdOrCtrl+Shift+Z'],
  ['Alt ←', 'Alt+Left'],
  ['F6', 'F6'],
  ['B', undefined],
  ['', undefined],
])('%s', (keys, wanted) => expect(acceleratorOf(keys)).toBe(wanted));

test("the page's menus with their states, and what the system knows", () => {
  const model: MenuModel = [
    {
      id: 'file',
      label: 'File',
      items: [
        { kind: 'command', id: 'save', label: 'Save', keys: 'Ctrl S', off: null, checked: null },
        { kind: 'menu', id: 'recent', label: 'Open recent', items: [] },
        { kind: 'separator' },
        { kind: 'command', id: 'rows', label: 'Comfortable rows', keys: '', off: 'no rows', checked: true },
      ],
    },
  ];
  const sent: string[] = [];
  const [, file] = templateOf(
    model,
    (id) => sent.push(id),
    () => [{ label: 'a.vfiolab' }],
  );
  const items = file?.submenu as Electron.MenuItemConstructorOptions[];
  expect(items.map(({ label, type, enabled, checked }) => [label, type, enabled, checked])).toEqual([
    ['Save', undefined, true, undefined],
    ['Open recent', undefined, true, undefined],
    [undefined, 'separator', undefined, undefined],
    ['Comfortable rows', 'checkbox', false, true],
  ]);
  expect(items[0]).toMatchObject({ accelerator: 'CmdOrCtrl+S', registerAccelerator: false });
  items[0]?.click?.(undefined as never, undefined, undefined as never);
  expect(sent).toEqual(['save']);
});

test('a Mac has what belongs to the application in its first menu, and keys for text fields', () => {
  const command = (id: string): MenuModel[number]['items'][number] => ({
    kind: 'command',
    id,
    label: id,
    keys: '',
    off: null,
    checked: null,
  });
  const model: MenuModel = [
    { id: 'file', label: 'File', items: [command('save'), { kind: 'separator' }, command('quit')] },
    { id: 'edit', label: 'Edit', items: [command('undo')] },
    { id: 'help', label: 'Help', items: [command('keys'), { kind: 'separator' }, command('about')] },
  ];
  const menus = templateOf(model, vi.fn(), () => []);
  const names = menus.map(({ label, role, submenu }) => [
    label ?? role,
    (submenu as Electron.MenuItemConstructorOptions[] | undefined)
      ?.filter(({ type }) => type !== 'separator')
      .map((one) => one.label ?? one.role),
  ]);
  expect(names).toEqual([
    ['appMenu', ['about', 'services', 'hide', 'hideOthers', 'unhide', 'quit']],
    ['File', ['save']],
    ['Edit', ['undo', 'cut', 'copy', 'paste', 'selectAll']],
    ['windowMenu', undefined],
    ['Help', ['keys']],
  ]);
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SettingsFile, settingsPatch } from './settings';

let profile: string;
beforeEach(() => (profile = mkdtempSync(path.join(tmpdir(), 'vfio-lab-settings-'))));
afterEach(() => rmSync(profile, { recursive: true, force: true }));
const file = (): string => path.join(profile, 'settings.json');

test('settings last, and layouts stay with their documents', () => {
  const first = new SettingsFile(profile);
  const seen: string[] = [];
  first.onChange((settings) => seen.push(settings.theme));
  first.change({ theme: 'dark', zoom: 1.5 });
  first.keepLayout('/a.vfiolab', 'A');
  first.keepLayout('/b.vfiolab', 'B');
  const second = new SettingsFile(profile);
  expect(second.settings).toMatchObject({ theme: 'dark', zoom: 1.5, comfortable: false });
  expect([second.layoutOf('/a.vfiolab'), second.layoutOf('/b.vfiolab'), second.layoutOf(null)]).toEqual([
    'A',
    'B',
    'B',
  ]);
  expect(second.layoutOf('/new.vfiolab')).toBe('B');
  expect(seen).toEqual(['dark']);
});

test('a hundred layouts are kept, the oldest goes first', () => {
  const settings = new SettingsFile(profile);
  for (let k = 0; k < 120; k++) settings.keepLayout(`/${k}`, String(k));
  expect(Object.keys((JSON.parse(readFileSync(file(), 'utf8')) as { layouts: object }).layouts)).toHaveLength(100);
  expect(settings.layoutOf('/119')).toBe('119');
});

test.each([['{'], ['[]'], ['null'], ['{"theme":"pink","zoom":99,"namedLayouts":7,"layouts":[1]}']])(
  'damage is made good: %s',
  (text) => {
    writeFileSync(file(), text);
    const { settings } = new SettingsFile(profile);
    expect(settings).toMatchObject({ theme: 'system', zoom: 1, namedLayouts: [] });
  },
);

test('a profile that cannot be written to is no reason to stop', () => {
  const settings = new SettingsFile(path.join(profile, 'missing'));
  settings.change({ theme: 'light' });
  expect(settings.settings.theme).toBe('light');
});

test('the page may change what is its own', () => {
  expect(settingsPatch.safeParse({ theme: 'hc' }).success).toBe(true);
  expect(settingsPatch.safeParse({ layouts: {} }).success).toBe(false);
});

/** The window: where it was last time, shown when it has something to show, with a title bar of the page's own. */
import { BrowserWindow, app, nativeTheme, screen } from 'electron';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { START_WORD } from './bridge/channels';
import type { AtStart } from './bridge/channels';
import { pageUrl } from './security';

const DEFAULT = { width: 1440, height: 900 };
const SMALLEST = { width: 960, height: 640 };
const BACKGROUND = { light: '#e9ecf1', dark: '#1a1f27' };
const SYMBOLS = { light: '#161b23', dark: '#e6e9ee' };
/** Further windows stand a little lower to the right. */
const CASCADE = 24;
export const TITLE_BAR = 32;

const place = z.object({ x: z.int(), y: z.int(), width: z.int(), height: z.int(), maximized: z.boolean() });
type Place = z.infer<typeof place>;

const placeFile = (): string => path.join(app.getPath('userData'), 'window.json');

/** The last place, when a screen still shows it. */
function lastPlace(): Place | null {
  let last: Place;
  try {
    last = place.parse(JSON.parse(readFileSync(placeFile(), 'utf8')));
  } catch {
    // Absent at the first start; a damaged file only costs the place.
    return null;
  }
  const area = screen.getDisplayMatching(last).workArea;
  const overlaps =
    last.x < area.x + area.width &&
    last.x + last.width > area.x &&
    last.y < area.y + area.height &&
    last.y + last.height > area.y;
  return overlaps ? last : null;
}

function keepPlace(window: BrowserWindow): void {
  const now: Place = { ...window.getNormalBounds(), maximized: window.isMaximized() };
  try {
    writeFileSync(placeFile(), JSON.stringify(now));
  } catch (error) {
    // A profile that cannot be written to only forgets the place.
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}

export function openWindow(start: AtStart): BrowserWindow {
  const others = BrowserWindow.getAllWindows().length;
  const last = lastPlace();
  const shift = CASCADE * others;
  const shade = nativeTheme.shouldUseDarkColors ? 'dark' : 'light';
  const window = new BrowserWindow({
    ...DEFAULT,
    ...(last && { x: last.x + shift, y: last.y + shift, width: last.width, height: last.height }),
    minWidth: SMALLEST.width,
    minHeight: SMALLEST.height,
    show: false,
    title: 'VFIO Lab',
    titleBarStyle: process.platform === 'darwin' ? 'hiddenInset' : 'hidden',
    ...(process.platform !== 'darwin' && {
      titleBarOverlay: { color: BACKGROUND[shade], symbolColor: SYMBOLS[shade], height: TITLE_BAR },
    }),
    backgroundColor: BACKGROUND[shade],
    webPreferences: {
      preload: path.join(import.meta.dirname, '../preload/preload.cjs'),
      additionalArguments: [`${START_WORD}${encodeURIComponent(JSON.stringify(start))}`],
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
      v8CacheOptions: 'code',
      spellcheck: false,
    },
  });
  if (last?.maximized && others === 0) window.maximize();
  window.once('ready-to-show', () => window.show());
  window.on('close', () => keepPlace(window));
  window.webContents.on('did-finish-load', () => window.webContents.setZoomFactor(start.settings.zoom));
  void window.loadURL(pageUrl);
  return window;
}

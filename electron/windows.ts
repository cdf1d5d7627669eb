/** The window: where it was last time, shown when it has something to show. */
import { BrowserWindow, app, nativeTheme, screen } from 'electron';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { pageUrl } from './security';

const DEFAULT = { width: 1440, height: 900 };
const SMALLEST = { width: 960, height: 640 };
const BACKGROUND = { light: '#f6f7f9', dark: '#14171c' };

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

export function openWindow(): BrowserWindow {
  const last = lastPlace();
  const window = new BrowserWindow({
    ...DEFAULT,
    ...(last && { x: last.x, y: last.y, width: last.width, height: last.height }),
    minWidth: SMALLEST.width,
    minHeight: SMALLEST.height,
    show: false,
    autoHideMenuBar: true,
    title: 'VFIO Lab',
    backgroundColor: nativeTheme.shouldUseDarkColors ? BACKGROUND.dark : BACKGROUND.light,
    webPreferences: {
      preload: path.join(import.meta.dirname, '../preload/preload.cjs'),
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
      v8CacheOptions: 'code',
      spellcheck: false,
    },
  });
  if (last?.maximized) window.maximize();
  window.once('ready-to-show', () => window.show());
  window.on('close', () => {
    const now: Place = { ...window.getNormalBounds(), maximized: window.isMaximized() };
    writeFileSync(placeFile(), JSON.stringify(now));
  });
  void window.loadURL(pageUrl);
  return window;
}

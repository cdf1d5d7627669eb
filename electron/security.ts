/** What the page may do: load its own files and talk over the bridge. Everything else is refused here. */
import { app, protocol, session } from 'electron';
import type { WebFrameMain } from 'electron';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

const SCHEME = 'app';
const HOST = 'bundle';
const ORIGIN = `${SCHEME}://${HOST}/`;

/** Where the page comes from while it is developed; null in every other run. */
export const developmentUrl = app.isPackaged ? null : (process.env['ELECTRON_RENDERER_URL'] ?? null);
export const pageUrl = developmentUrl ?? `${ORIGIN}index.html`;

// Style elements: xterm makes its own. Scripts come from the bundle only.
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/** To be called before the application is ready. */
export function declareScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
  ]);
  // Asking for the sandbox would override --no-sandbox, which root cannot do without.
  if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox();
}

/** Serves `folder` as app://bundle/ and refuses permissions, new windows and leaving the page. */
export function secure(folder: string): void {
  protocol.handle(SCHEME, async (request) => {
    const url = new URL(request.url);
    const file = path.join(folder, path.normalize(decodeURIComponent(url.pathname)));
    const type = TYPES[path.extname(file)];
    const confined = file.startsWith(folder + path.sep);
    if (url.host !== HOST || request.method !== 'GET' || !confined || !type) return new Response(null, { status: 404 });
    try {
      const headers = {
        'Content-Type': type,
        'Content-Security-Policy': POLICY,
        'X-Content-Type-Options': 'nosniff',
        'Cross-Origin-Opener-Policy': 'same-origin',
      };
      return new Response(await readFile(file), { headers });
    } catch {
      return new Response(null, { status: 404 });
    }
  });
  session.defaultSession.setPermissionRequestHandler((_contents, _permission, decide) => decide(false));
  session.defaultSession.setPermissionCheckHandler(() => false);
  app.on('web-contents-created', (_event, contents) => {
    contents.setWindowOpenHandler(() => ({ action: 'deny' }));
    contents.on('will-navigate', (event) => event.preventDefault());
    contents.on('will-frame-navigate', (event) => event.preventDefault());
    contents.on('will-attach-webview', (event) => event.preventDefault());
  });
}

/** A message counts only when it comes from the main frame of our own page. */
export function isOurs(frame: WebFrameMain | null): boolean {
  if (!frame || frame.parent !== null) return false;
  return frame.url.startsWith(ORIGIN) || (developmentUrl !== null && frame.url.startsWith(developmentUrl));
}

/** A display for windows: the real one, or a virtual one for as long as a task runs. */
import { spawn } from 'node:child_process';
import { which } from './files.mjs';

const SCREEN = '1600x1000x24';
const START_TIMEOUT_MS = 15_000;

export function hasDisplay() {
  return process.platform !== 'linux' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}

/**
 * Runs `task` with the environment of a virtual display, which ends with it.
 * @param {(environment: NodeJS.ProcessEnv) => Promise<T>} task
 * @returns {Promise<T>}
 * @template T
 */
export async function withVirtualDisplay(task) {
  if (process.platform !== 'linux') return task(process.env);
  if (which('Xvfb') === null) throw new Error('There is no Xvfb; run: apt-get install xvfb');
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', SCREEN, '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const end = () => server.kill();
  process.once('exit', end);
  try {
    const display = await number(server);
    const { WAYLAND_DISPLAY: _real, ...environment } = process.env;
    return await task({ ...environment, DISPLAY: `:${display}`, XDG_SESSION_TYPE: 'x11' });
  } finally {
    process.off('exit', end);
    end();
  }
}

/** Xvfb chooses a free display and writes its number. */
function number(server) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('Xvfb did not start in time.')), START_TIMEOUT_MS);
    let text = '';
    server.stdio[3].on('data', (chunk) => {
      text += chunk;
      if (!text.includes('\n')) return;
      clearTimeout(timer);
      resolve(Number(text));
    });
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`Xvfb ended with status ${code}.`)));
  });
}

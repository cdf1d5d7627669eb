/** From the process's start to the first group on screen, beside an empty Electron window in the same run. */
import { chromium } from '@playwright/test';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { median, report } from './lib/figures';

const RUNS = Number(process.argv[2] ?? 7);
const BUDGET_MS = 1500;
const GIVE_UP_MS = 30_000;

const executable = createRequire(path.resolve('package.json'))('electron') as unknown as string;
const asRoot = process.platform === 'linux' && process.getuid?.() === 0;

/** The address at which a starting Electron can be asked about its pages. */
function debuggerOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const address = /DevTools listening on (ws:\S+)/.exec(text)?.[1];
      if (address) resolve(address);
    });
    child.once('exit', () => reject(new Error(`The application ended too early.\n${text}`)));
  });
}

/** Milliseconds from the start of the process to the frame after its first tree item. */
async function measure(application: string): Promise<number> {
  const profile = mkdtempSync(path.join(tmpdir(), 'vfio-lab-bench-'));
  const words = [`--user-data-dir=${profile}`, '--remote-debugging-port=0', ...(asRoot ? ['--no-sandbox'] : [])];
  const started = Date.now();
  const child = spawn(executable, [...words, application], { stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    const browser = await chromium.connectOverCDP(await debuggerOf(child));
    const context = browser.contexts()[0];
    const page = context?.pages()[0] ?? (await context?.waitForEvent('page'));
    if (!page) throw new Error('There is no window.');
    const item = await page.waitForFunction(
      () => document.querySelector('[role=treeitem]') && performance.timeOrigin + performance.now(),
      undefined,
      { polling: 'raf', timeout: GIVE_UP_MS },
    );
    const painted = Number(await item.jsonValue()) - started;
    await browser.close();
    return painted;
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill();
    await ended;
    rmSync(profile, { recursive: true, force: true });
  }
}

const lab: number[] = [];
const empty: number[] = [];
// One run of each warms the disk's cache; then both by turns, so that both see the same noise.
for (let run = -1; run < RUNS; run++) {
  const emptyTime = await measure(path.resolve('bench/empty-window'));
  const labTime = await measure(path.resolve('.'));
  if (run < 0) continue;
  empty.push(emptyTime);
  lab.push(labTime);
}
report([
  {
    what: 'process start to first group on screen',
    value: median(lab),
    unit: 'ms',
    budget: BUDGET_MS,
    baseline: { what: 'empty window', value: median(empty) },
  },
]);

/**
 * The window at work: opening a machine, frames a second while the drawing of many devices is panned, alone and during a
 * storm of interrupts; from a press to the changed picture. Beside it, in the same run: frames of the window at rest.
 */
import type {} from '../electron/bridge/contract';
import type { Page } from '@playwright/test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { launch, persistently } from '../e2e/fixtures/app';
import { serializeDocument } from '../engine/lab/document/format';
import { median, report, timesOf, type Figure } from './lib/figures';
import { largeMachine } from './lib/large-machine';

const SIZES = [100, 1000, 5000, 10_000];
/** From this size on machines open folded. */
const FOLDED_FROM = 5000;
const FRAMES = 180;
const CLICKS = 15;
const UNFOLDS = 9;
const BUDGET_FRAMES = 55;
/** From asking for the file to the drawing of it. */
const BUDGET_OPEN_MS = 1000;
/** 50,000 interrupts a second leave the window responsive: every second frame of the display at least. */
const BUDGET_STORM = 50;
const BUDGET_CLICK_MS = 50;
/** A drive that is alone in its group. */
const DEVICE = '0000:02:00.0';
const VECTORS = 4;

/** Frames a second while the drawing is scrolled up and down; without a step it rests. */
const frames = (page: Page, step: number): Promise<number> =>
  page.evaluate(
    ({ count, step: px }) =>
      new Promise<number>((resolve) => {
        const box = document.querySelector<HTMLElement>('[data-pane="topology"] .scroller')!;
        let direction = px;
        let left = count;
        let began = 0;
        const frame = (now: number): void => {
          began ||= now;
          if (left-- === 0) {
            resolve((count * 1000) / (now - began));
            return;
          }
          const before = box.scrollTop;
          box.scrollTop += direction;
          if (box.scrollTop === before) direction = -direction;
          requestAnimationFrame(frame);
        };
        requestAnimationFrame(frame);
      }),
    { count: FRAMES, step },
  );

/** Milliseconds from a press on a node to the frame that shows it selected, with its name in the inspector. */
const click = (page: Page, index: number): Promise<number> =>
  page.evaluate(
    (at) =>
      new Promise<number>((resolve) => {
        const addressOf = (element: Element): string | null =>
          /^[0-9a-f:]+:[0-9a-f]{2}\.[0-7]/.exec(element.getAttribute('aria-label') ?? '')?.[0] ?? null;
        const nodes = [...document.querySelectorAll<SVGElement>('[role=treeitem]:not(.sel)')].filter(addressOf);
        const node = nodes[at % nodes.length];
        if (!node) throw new Error(`No function among ${document.querySelectorAll('[role=treeitem]').length} nodes.`);
        const address = addressOf(node)!;
        const began = performance.now();
        node.dispatchEvent(new MouseEvent('click', { bubbles: true }));
        const look = (): void => {
          const heading = document.querySelector('[data-pane="inspector"] h2')?.textContent ?? '';
          if (!node.classList.contains('sel') || !heading.includes(address)) requestAnimationFrame(look);
          // The frame after the one that has it is on screen.
          else requestAnimationFrame(() => resolve(performance.now() - began));
        };
        requestAnimationFrame(look);
      }),
    index,
  );

/** Milliseconds from asking for a file to the frame with its drawing. */
async function opening(page: Page, file: string, title: string): Promise<number> {
  return page.evaluate(
    async ({ path: wanted, title: name }) => {
      const began = performance.now();
      const shown = new Promise<void>((resolve) => {
        const look = (): void => {
          // The machines measured have several segments, the sample that the window begins with has one.
          if (document.title.includes(name) && document.querySelector('[data-root="pci0001:00"]') !== null)
            requestAnimationFrame(() => resolve());
          else requestAnimationFrame(look);
        };
        look();
      });
      const result = await window.vfioLab.openRecent(wanted);
      if (!result.ok && !result.cancelled) throw new Error(result.message);
      await shown;
      return performance.now() - began;
    },
    { path: file, title },
  );
}

/** Milliseconds from a press on a shut fold to the frame that shows what was in it. */
const unfolding = (page: Page): Promise<number> =>
  page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const fold = document.querySelector<SVGElement>('[role=treeitem][data-key^="root:"]');
        if (!fold) throw new Error('Nothing is folded.');
        const began = performance.now();
        fold.dispatchEvent(new MouseEvent('click', { bubbles: true }));
        const look = (): void => {
          if (fold.isConnected) requestAnimationFrame(look);
          else
            requestAnimationFrame(() => {
              resolve(performance.now() - began);
              // Shut again for the next time.
              document.querySelector('[data-root]')?.dispatchEvent(new MouseEvent('click', { bubbles: true }));
            });
        };
        requestAnimationFrame(look);
      }),
  );

/** A program with vectors of its own; from then on interrupts come in bursts until the page says stop. */
async function storm(page: Page): Promise<void> {
  const refused = await page.evaluate(
    async ({ address, vectors }) => {
      const { act } = window.vfioLab;
      const group = await new Promise<number>((resolve) => {
        const stop = window.vfioLab.subscribe('topology', null, ({ functions }) => {
          resolve(functions.find((fn) => fn.address === address)?.group ?? -1);
          queueMicrotask(() => stop());
        });
      });
      for (const action of [
        { kind: 'bind', address, driver: 'vfio-pci' },
        { kind: 'attach', group, pid: null, containerFd: null },
        { kind: 'enable-vectors', address, index: 2, count: vectors },
      ] as const) {
        const result = await act(action);
        if (!result.ok) return result.message;
      }
      const burst = (): void => {
        const stimulus = { kind: 'interrupt', device: address, vector: 0, count: 1000 } as const;
        void act({ kind: 'stimulate', stimulus });
      };
      Object.assign(window, { storm: setInterval(burst, 20) });
      return null;
    },
    { address: DEVICE, vectors: VECTORS },
  );
  if (refused !== null) throw new Error(refused);
}

const folder = mkdtempSync(path.join(tmpdir(), 'vfio-lab-ui-'));
const figures: Figure[] = [];
try {
  for (const count of SIZES) {
    const title = String(count);
    const file = path.join(folder, `${title}.vfiolab`);
    const text = serializeDocument({ machine: largeMachine(count), gestures: [] });
    writeFileSync(file, text);
    const lab = await launch();
    try {
      const { page } = lab;
      await page.waitForSelector('[role=treeitem]', { timeout: 60_000 });
      const opened = await persistently(() => opening(page, file, title));
      const folded = count >= FOLDED_FROM;
      const unfolded: number[] = [];
      for (let k = 0; folded && k < UNFOLDS; k++) {
        unfolded.push(await persistently(() => unfolding(page)));
        await page.waitForSelector('[role=treeitem][data-key^="root:"]');
      }
      // Everything folded is opened: the drawing is as long as the machine.
      await page.keyboard.press('Control+k');
      const finder = page.getByPlaceholder('Function, group or command');
      await finder.fill('Unfold all');
      await finder.press('Enter');
      await finder.waitFor({ state: 'hidden' });
      await page.waitForTimeout(1500);
      const rest = await frames(page, 0);
      const baseline = { what: 'the window at rest', value: rest };
      const twoFrames = { what: 'two frames at rest', value: 2000 / rest };
      const panning = await frames(page, 24);
      const clicks: number[] = [];
      for (let k = 0; k < CLICKS; k++) clicks.push(await click(page, 3 * k + 1));
      await storm(page);
      const stormy = await frames(page, 24);
      if (folded) {
        const parse = Math.min(
          ...timesOf(3, () =>
            text
              .split('\n')
              .slice(0, -1)
              .forEach((line) => JSON.parse(line)),
          ),
        );
        figures.push(
          {
            what: `open ${title} devices, to the picture`,
            value: opened,
            unit: 'ms',
            budget: BUDGET_OPEN_MS,
            baseline: { what: 'JSON.parse of the file', value: parse },
          },
          {
            what: '… unfold a root bus',
            value: median(unfolded),
            unit: 'ms',
            budget: BUDGET_CLICK_MS,
            baseline: twoFrames,
          },
        );
      }
      figures.push(
        { what: `panning ${title} devices, frames`, value: panning, unit: '/s', budget: BUDGET_FRAMES, baseline },
        { what: '… in a storm of interrupts', value: stormy, unit: '/s', budget: BUDGET_STORM, baseline },
        {
          what: `click to picture, ${title} devices`,
          value: median(clicks),
          unit: 'ms',
          budget: BUDGET_CLICK_MS,
          baseline: twoFrames,
        },
      );
    } finally {
      await lab.close();
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
report(figures);

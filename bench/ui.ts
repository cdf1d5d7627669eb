/**
 * The window at work: frames a second while the drawing of many devices is panned, alone and during a storm of
 * interrupts; and from a click to the changed picture. Beside it, in the same run: frames of the window at rest.
 */
import type {} from '../electron/bridge/contract';
import type { Page } from '@playwright/test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { launch } from '../e2e/fixtures/app';
import { serializeDocument } from '../engine/lab/document/format';
import { median, report, type Figure } from './lib/figures';
import { largeMachine } from './lib/large-machine';

const SIZES = [100, 1000, 5000];
const FRAMES = 180;
const CLICKS = 15;
/** Frames a second while panning, by the number of devices. */
const BUDGET_FRAMES: Readonly<Record<number, number>> = { 100: 55, 1000: 55, 5000: 55 };
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
    const file = path.join(folder, `${count}.vfiolab`);
    writeFileSync(file, serializeDocument({ machine: largeMachine(count), gestures: [] }));
    const lab = await launch({ files: [file] });
    try {
      const { page } = lab;
      await page.waitForFunction((title) => document.title.includes(title), String(count), { timeout: 60_000 });
      await page.waitForSelector('[role=treeitem]', { timeout: 60_000 });
      // Everything folded is opened: the drawing is as long as the machine.
      await page.keyboard.press('Control+k');
      const finder = page.getByPlaceholder('Function, group or command');
      await finder.fill('Unfold all');
      await finder.press('Enter');
      await finder.waitFor({ state: 'hidden' });
      await page.waitForTimeout(1500);
      const rest = await frames(page, 0);
      const baseline = { what: 'the window at rest', value: rest };
      const panning = await frames(page, 24);
      const clicks: number[] = [];
      for (let k = 0; k < CLICKS; k++) clicks.push(await click(page, 3 * k + 1));
      await storm(page);
      const stormy = await frames(page, 24);
      figures.push(
        {
          what: `panning ${count} devices, frames`,
          value: panning,
          unit: '/s',
          budget: BUDGET_FRAMES[count]!,
          baseline,
        },
        { what: `… in a storm of interrupts`, value: stormy, unit: '/s', budget: BUDGET_STORM, baseline },
        {
          what: `click to picture, ${count} devices`,
          value: median(clicks),
          unit: 'ms',
          budget: BUDGET_CLICK_MS,
          baseline: { what: 'two frames at rest', value: 2000 / rest },
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

/** Frames of the window while a storm of interrupts is on, and that none of them is lost. */
import type { Page } from '@playwright/test';
import { launch } from '../e2e/fixtures/app';
import { view } from '../e2e/fixtures/engine';
import { Person } from '../e2e/fixtures/person';
import { report } from './lib/figures';

const CARD = '03:00.0';
const VECTOR = 2;
const SECONDS = 10;
const IDLE_MS = 2000;
/** A second. */
const RATE = 100_000;
const BUDGET_FRAMES = 50;

/** Frames a second over a while. */
const framesOf = (page: Page, ms: number): Promise<number> =>
  page.evaluate(
    (during) =>
      new Promise<number>((resolve) => {
        const started = performance.now();
        let frames = 0;
        const next = (now: number): void => {
          if (now - started >= during) resolve((frames * 1000) / (now - started));
          else {
            frames++;
            requestAnimationFrame(next);
          }
        };
        requestAnimationFrame(next);
      }),
    ms,
  );

const lab = await launch();
try {
  const person = new Person(lab.app, lab.page);
  await person.seesGroups();
  await person.binds(CARD);
  await person.attachesGroupOf(CARD);
  await person.enablesVectors(CARD, VECTOR + 1);
  const idle = await framesOf(lab.page, IDLE_MS);
  const total = SECONDS * RATE;
  await person.types(`stim -q -n ${total} -i ${1000 / RATE} ${CARD} vector ${VECTOR}; echo o''ver`);
  const storm = await framesOf(lab.page, SECONDS * 1000);
  await person.reads(/^over$/m);
  const shown = await view(lab.app, 'function', { address: `0000:${CARD}` });
  const arrived = shown?.interrupts.vectors[VECTOR]?.count;
  if (arrived !== total) throw new Error(`${arrived} of ${total} interrupts arrived.`);
  report([
    {
      what: `frames while ${RATE.toLocaleString('en')} interrupts a second arrive`,
      value: storm,
      unit: '/s',
      budget: BUDGET_FRAMES,
      baseline: { what: 'the window at rest', value: idle },
    },
  ]);
} finally {
  await lab.close();
}

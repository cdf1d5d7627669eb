/**
 * Kills the application at random moments of random work, again and again, in one profile: `npm run kill [-- TIMES
 * [SEED]]`. Every step that was answered has to be back after the next start. Ends with 1 where one is missing.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { launch } from '../fixtures/app';
import { hashes, view } from '../fixtures/engine';
import { randomFrom } from '../../fuzz/lib/random';
import { deeds } from './random-actions';

const [wanted = '200', seed = '1'] = process.argv.slice(2);
const times = Number(wanted);
const random = randomFrom(Number(seed));
const profile = mkdtempSync(path.join(tmpdir(), 'vfio-lab-kill-'));
/** A longer journal only makes each start longer. */
const MOST_INPUTS = 4_000;
/** The longest that is waited before a kill, in milliseconds. */
const LONGEST_LIFE = 700;

let lost = 0;
let differing = 0;
let acknowledged = 0;
/** Inputs in force after the last step that was answered; a step under way at the kill may have come on top. */
let expected = 0;

try {
  for (let round = 0; round <= times; round++) {
    const lab = await launch({ profile });
    const { inputs } = (await view(lab.app, 'machine', null)).document;
    if (inputs < expected) {
      lost++;
      const windows = await lab.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length);
      const journals = readdirSync(path.join(profile, 'unsaved')).join(' ');
      console.log(
        `after kill ${round}: ${inputs} inputs are back in the first of ${windows} windows, ${expected} were acknowledged; journals: ${journals}`,
      );
    }
    const compared = round === times || round % 20 === 0;
    if (compared) {
      const { now, replayed } = await hashes(lab.app);
      if (now !== replayed) differing++;
    }
    if (round === times) {
      await lab.close();
      break;
    }
    if (inputs > MOST_INPUTS) {
      await lab.page.evaluate(() => window.vfioLab.newMachine());
      await lab.page.evaluate(() => window.vfioLab.openSample('workstation'));
    }
    const { functions, groups } = await view(lab.app, 'topology', null);
    const next = deeds(
      random,
      functions.map(({ address }) => address),
      groups.map(({ id }) => id),
    );
    // Undo makes the count go down, so only what adds is done here.
    const work = Array.from({ length: 2_000 }, next).filter((deed) => deed.kind === 'act');
    // A comparison opens the document anew, and an opened document has a journal from its next step on.
    expected = compared || inputs > MOST_INPUTS ? 0 : inputs;
    await lab.page.exposeFunction('answered', (count: number) => {
      acknowledged++;
      expected = count;
    });
    const working = lab.page
      .evaluate(async (list) => {
        const { vfioLab } = window;
        const told = (window as unknown as { answered(count: number): Promise<void> }).answered;
        let inputs = 0;
        vfioLab.subscribe('machine', null, (machine) => (inputs = machine.document.inputs));
        for (const { action } of list) {
          await vfioLab.act(action);
          await told(inputs);
        }
      }, work)
      // The page dies with the application.
      .catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, random() * LONGEST_LIFE));
    await lab.kill();
    await working;
  }
  console.log(`${times} kills of seed ${seed}, ${acknowledged} steps acknowledged: ${lost} times something was lost`);
  console.log(`${differing} of ${Math.floor(times / 20) + 1} replays differ from the state that came back`);
} finally {
  rmSync(profile, { recursive: true, force: true });
}
process.exitCode = lost + differing === 0 ? 0 : 1;

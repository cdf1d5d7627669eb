/**
 * Random actions at full speed through the bridge, with the window loaded anew now and then: `npm run soak [-- INPUTS
 * [SEED]]`. Ends with 1 where the state is not that of a fresh replay, something complained, or memory kept growing.
 */
import { launch } from '../fixtures/app';
import { hashes, view } from '../fixtures/engine';
import { randomFrom } from '../../fuzz/lib/random';
import { deeds } from './random-actions';

/** Deeds between two loads of the window: what is asked in one go. */
const BATCH = 500;
/** The journal keeps every input, so memory grows with it; more than this for a deed is a leak. */
const BYTES_A_DEED = 6 * 1024;
const MIB = 1024 * 1024;

const [wanted = '20000', seed = '1'] = process.argv.slice(2);
const total = Number(wanted);
const lab = await launch();
let status = 0;

/** Bytes that the main process holds after a collection: the least of three, since work under way holds some more. */
async function held(): Promise<number> {
  const all: number[] = [];
  for (let tries = 0; tries < 3; tries++) {
    all.push(await collected());
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  return Math.min(...all);
}
const collected = (): Promise<number> =>
  lab.app.evaluate(() => {
    process.getBuiltinModule('node:v8').setFlagsFromString('--expose-gc');
    (process.getBuiltinModule('node:vm').runInNewContext('gc') as () => void)();
    return process.memoryUsage().heapUsed + process.memoryUsage().external;
  });

try {
  const { functions, groups } = await view(lab.app, 'topology', null);
  const next = deeds(
    randomFrom(Number(seed)),
    functions.map(({ address }) => address),
    groups.map(({ id }) => id),
  );
  let refused = 0;
  let before = 0;
  const started = performance.now();
  for (let done = 0; done < total; done += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, total - done) }, next);
    refused += await lab.page.evaluate(async (list) => {
      const { vfioLab } = window;
      let count = 0;
      for (const deed of list) {
        const result = await (deed.kind === 'act' ? vfioLab.act(deed.action) : vfioLab[deed.kind]());
        if (!result.ok) count++;
      }
      return count;
    }, batch);
    if (done === BATCH * 4) before = await held();
    if ((done / BATCH) % 8 === 7) await lab.page.reload();
  }
  const seconds = (performance.now() - started) / 1000;
  const grown = (await held()) - before;
  const inputs = (await view(lab.app, 'machine', null)).document.inputs;
  const { now, replayed } = await hashes(lab.app);
  const perDeed = grown / Math.max(1, total - BATCH * 5);
  console.log(
    `${total} deeds of seed ${seed} in ${seconds.toFixed(0)} s (${(total / seconds).toFixed(0)} a second), ${refused} refused by Linux, ${inputs} inputs in force`,
  );
  console.log(`memory of the main process grew by ${(grown / MIB).toFixed(1)} MiB, ${perDeed.toFixed(0)} bytes a deed`);
  console.log(`state ${now === replayed ? 'equals' : 'DIFFERS from'} that of a fresh replay`);
  for (const complaint of lab.complaints) console.log(`complaint: ${complaint}`);
  if (now !== replayed || lab.complaints.length > 0 || perDeed > BYTES_A_DEED) status = 1;
} finally {
  await lab.close();
}
process.exitCode = status;

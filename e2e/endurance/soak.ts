/**
 * Random actions at full speed through the bridge, with the window loaded anew now and then: `npm run soak [-- DEEDS
 * [SEED]]`. After each round the state is compared with that of a fresh replay, and the sample is opened anew, so that
 * the journal is gone and what is held then is the application's own. Ends with 1 where a state differs, something
 * complained, or memory kept growing.
 */
import { launch } from '../fixtures/app';
import { hashes, view } from '../fixtures/engine';
import { randomFrom } from '../../fuzz/lib/random';
import { deeds } from './random-actions';

/** Deeds between two loads of the window: what is asked in one go. */
const BATCH = 500;
/** So many are under way at once, as a hasty hand or a script would have them. */
const AT_ONCE = 8;
/** Deeds of one journal. */
const ROUND = 2_000;
const RELOAD_EVERY = 4;
/** What is held after a round may be more than after the second by this much for each deed between. */
const BYTES_A_DEED = 64;
/** Rounds after which the collector and the caches have settled. */
const SETTLED = 2;
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
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return Math.min(...all);
}
const collected = (): Promise<number> =>
  lab.app.evaluate(() => {
    process.getBuiltinModule('node:v8').setFlagsFromString('--expose-gc');
    (process.getBuiltinModule('node:vm').runInNewContext('gc') as () => void)();
    return process.memoryUsage().heapUsed + process.memoryUsage().external;
  });

const openAnew = (): Promise<unknown> => lab.page.evaluate(() => window.vfioLab.openSample('workstation'));

try {
  await openAnew();
  const { functions, groups } = await view(lab.app, 'topology', null);
  const next = deeds(
    randomFrom(Number(seed)),
    functions.map(({ address }) => address),
    groups.map(({ id }) => id),
  );
  const after: number[] = [];
  let refused = 0;
  let differing = 0;
  let longest = 0;
  let reloads = 0;
  const started = performance.now();
  for (let done = 0; done < total;) {
    for (let round = 0; round < ROUND && done < total; round += BATCH) {
      const batch = Array.from({ length: Math.min(BATCH, total - done) }, next);
      done += batch.length;
      refused += await lab.page.evaluate(
        async ({ list, atOnce }) => {
          const { vfioLab } = window;
          let count = 0;
          for (let at = 0; at < list.length; at += atOnce) {
            const results = list
              .slice(at, at + atOnce)
              .map((deed) => (deed.kind === 'act' ? vfioLab.act(deed.action) : vfioLab[deed.kind]()));
            for (const { ok } of await Promise.all(results)) if (!ok) count++;
          }
          return count;
        },
        { list: batch, atOnce: AT_ONCE },
      );
      if ((done / BATCH) % RELOAD_EVERY === 0) {
        await lab.page.reload();
        reloads++;
      }
    }
    const { inputs } = (await view(lab.app, 'machine', null)).document;
    longest = Math.max(longest, inputs);
    const { now, replayed } = await hashes(lab.app);
    if (now !== replayed) differing++;
    await openAnew();
    after.push(await held());
    const state = now === replayed ? 'as a fresh replay' : 'DIFFERS from a fresh replay';
    console.log(
      `${done} deeds after ${((performance.now() - started) / 1000).toFixed(0)} s: ${inputs} inputs, ${state}, ${(after.at(-1)! / MIB).toFixed(1)} MiB held`,
    );
  }
  const seconds = (performance.now() - started) / 1000;
  const settled = after[SETTLED - 1] ?? after[0]!;
  const grown = after.at(-1)! - settled;
  const perDeed = grown / Math.max(1, (after.length - SETTLED) * ROUND);
  console.log(
    `${total} deeds of seed ${seed} in ${seconds.toFixed(0)} s (${(total / seconds).toFixed(0)} a second), ${refused} refused, ${reloads} reloads, ${after.length} journals of up to ${longest} inputs`,
  );
  console.log(
    `held by the main process after each journal: ${after.map((bytes) => (bytes / MIB).toFixed(1)).join(' ')} MiB; ${perDeed.toFixed(1)} bytes a deed`,
  );
  console.log(`${differing} of ${after.length} states differ from that of a fresh replay`);
  for (const complaint of lab.complaints) console.log(`complaint: ${complaint}`);
  if (differing > 0 || lab.complaints.length > 0 || perDeed > BYTES_A_DEED) status = 1;
} finally {
  await lab.close();
}
process.exitCode = status;

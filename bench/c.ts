/** Programs in C: the wait for the compiler, and registers read through a pointer, from one thread to the engine's. */
import { Worker } from 'node:worker_threads';
import { CBench, programText } from '../engine/host/c/fixture';
import { median, report } from './lib/figures';

const EDU = '0000:01:00.0';
const COMPILATIONS = 5;
const ROUNDS = 5;
const READS = 200_000;
/** How often a word goes to another thread and back. */
const TURNS = 200_000;

/** Walks to edu's BAR 0 as the sample does, then reads one register as often as it is told. */
const READER = programText('edu-driver.c').replace(
  /(.*== MAP_FAILED\)[^;]*;)[^]*/,
  `$1
	volatile uint32_t *id = (volatile uint32_t *)bar;
	uint32_t sum = 0;
	for (long left = atol(argv[2]); left > 0; left--)
		sum += *id;
	return sum == 1;
}
`,
);

/** A clock on the wall: two threads that wait for each other are the thing that is measured. */
async function seconds(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return (performance.now() - started) / 1000;
}
const least = async (rounds: number, run: () => Promise<number>): Promise<number> => {
  let best = Infinity;
  for (let round = 0; round < rounds; round++) best = Math.min(best, await run());
  return best;
};

async function compilations(bench: CBench): Promise<{ first: number; later: number }> {
  const text = programText('edu-driver.c');
  const compile = (source: string): Promise<number> =>
    seconds(async () => {
      const { status, err } = await bench.compile(source, 'edu-driver');
      if (status !== 0) throw new Error(err);
    });
  const first = await compile(text);
  const later: number[] = [];
  // Each text is another one: what was compiled before is kept, and would cost nothing.
  for (let n = 0; n < COMPILATIONS; n++) later.push(await compile(`${text}static const int unused_${n} = ${n};\n`));
  return { first: 1000 * first, later: 1000 * median(later) };
}

async function registerReads(bench: CBench): Promise<number> {
  const { status, err } = await bench.compile(READER, 'reader', '-w');
  if (status !== 0) throw new Error(err);
  const once = (reads: number): Promise<number> =>
    seconds(async () => {
      const ran = await bench.run(`./reader ${EDU} ${reads}`);
      if (ran.status !== 0) throw new Error(`The reader ended with ${ran.status}.\n${ran.err}`);
    });
  const start = await least(ROUNDS, () => once(0));
  return READS / ((await least(ROUNDS, () => once(READS))) - start);
}

/** The least that a register costs: a word to a thread that spins, and one back. */
async function turns(): Promise<number> {
  const word = new Int32Array(new SharedArrayBuffer(4));
  const other = new Worker(
    `const { workerData: word, parentPort } = require('node:worker_threads');
     parentPort.on('message', (turns) => {
       for (let n = 0; n < turns; n++) {
         while (Atomics.load(word, 0) !== 2 * n + 1);
         Atomics.store(word, 0, 2 * n + 2);
       }
       parentPort.postMessage('done');
     });
     parentPort.postMessage('ready');`,
    { eval: true, workerData: word },
  );
  const said = (): Promise<unknown> => new Promise((resolve) => other.once('message', resolve));
  await said();
  const best = await least(ROUNDS, () =>
    seconds(async () => {
      word[0] = 0;
      other.postMessage(TURNS);
      for (let n = 0; n < TURNS; n++) {
        Atomics.store(word, 0, 2 * n + 1);
        while (Atomics.load(word, 0) !== 2 * n + 2);
      }
      await said();
    }),
  );
  await other.terminate();
  return TURNS / best;
}

const bench = CBench.of('q35-basic');
await bench.run(`modprobe vfio-pci; driverctl set-override ${EDU} vfio-pci`);
const { first, later } = await compilations(bench);
report([
  { what: 'cc of the edu driver, the first', value: first, unit: 'ms', budget: 5000 },
  { what: 'cc of the edu driver after a change', value: later, unit: 'ms', budget: 1000 },
  {
    what: 'register reads through a pointer in C',
    value: await registerReads(bench),
    unit: '/s',
    budget: 200_000,
    baseline: { what: 'a word to a thread and back', value: await turns() },
  },
]);

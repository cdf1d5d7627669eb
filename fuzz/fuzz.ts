/**
 * Tries hostile input on every target, led by the code that it reaches: `npm run fuzz [-- SECONDS [SEED] [TARGET…]]`.
 * Each target runs in a thread of its own, with bounded memory; one that comes to no end is stopped, and its input told.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import type { Session } from 'node:inspector';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { Coverage } from './lib/coverage';
import { fuzz } from './lib/loop';
import type { Finding } from './lib/loop';
import { Dice } from './lib/random';
import { TARGETS } from './targets';

/** What a thread is told. */
interface Order {
  readonly program: string;
  readonly target: string;
  readonly seed: number;
  /** Null: as many inputs as the target says is brief. */
  readonly seconds: number | null;
  readonly shared: SharedArrayBuffer;
}

interface Report {
  readonly target: string;
  readonly tried: number;
  readonly corpus: number;
  readonly seconds: number;
  readonly all: number;
  readonly ran: number;
  readonly findings: readonly Finding[];
}

const KEPT = 'fuzz/kept';
const FOUND = 'out/fuzz';
/** Two words before the input that is tried: how many there were, and its length. */
const HEAD = 8;
const ROOM = 1024 * 1024;
const PATIENCE_MS = 30_000;
const MOST_HEAP_MB = 1024;
const AT_ONCE = 2;

const keptOf = (target: string): Uint8Array[] => {
  const folder = path.join(KEPT, target);
  return existsSync(folder)
    ? readdirSync(folder).map((name) => new Uint8Array(readFileSync(path.join(folder, name))))
    : [];
};

async function inThread({ program, target: name, seed, seconds, shared }: Order): Promise<void> {
  const target = TARGETS.find((one) => one.name === name)!;
  const source = readFileSync(fileURLToPath(program), 'utf8');
  const { profiler } = globalThis as unknown as { profiler: Session };
  const coverage = new Coverage(profiler, program, source);
  const counts = new Int32Array(shared, 0, 2);
  const room = new Uint8Array(shared, HEAD);
  const started = performance.now();
  const outcome = await fuzz(target, {
    dice: new Dice(seed),
    more: (tried) => (seconds === null ? tried < target.briefly : performance.now() - started < seconds * 1000),
    coverage,
    kept: keptOf(name),
    trying: (input) => {
      room.set(input.subarray(0, room.length));
      counts[1] = Math.min(input.length, room.length);
      Atomics.add(counts, 0, 1);
    },
  });
  const covered = coverage.covered(target.reaches);
  const sum = (key: 'all' | 'ran'): number => covered.reduce((total, part) => total + part[key], 0);
  const report: Report = {
    target: name,
    ...outcome,
    seconds: (performance.now() - started) / 1000,
    all: sum('all'),
    ran: sum('ran'),
  };
  parentPort!.postMessage(report);
}

/** Profiles before the program is loaded, so that its functions are known from the first. */
const BEGIN = `
const { Session } = require('node:inspector');
const { workerData } = require('node:worker_threads');
const profiler = new Session();
profiler.connect();
profiler.post('Profiler.enable');
profiler.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
globalThis.profiler = profiler;
import(workerData.program);
`;

/** Runs a target in its thread to the end, or until it hangs or bursts. */
function tried(target: string, seed: number, seconds: number | null): Promise<Report> {
  const shared = new SharedArrayBuffer(HEAD + ROOM);
  const counts = new Int32Array(shared, 0, 2);
  const order: Order = { program: import.meta.url, target, seed, seconds, shared };
  const worker = new Worker(BEGIN, {
    eval: true,
    workerData: order,
    resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP_MB },
  });
  const started = performance.now();
  const failed = (message: string): Report => ({
    target,
    tried: Atomics.load(counts, 0),
    corpus: 0,
    seconds: (performance.now() - started) / 1000,
    all: 0,
    ran: 0,
    findings: [{ input: new Uint8Array(shared, HEAD, counts[1]).slice(), message }],
  });
  return new Promise((resolve) => {
    let last = -1;
    let since = performance.now();
    const watch = setInterval(() => {
      const now = Atomics.load(counts, 0);
      if (now !== last) {
        last = now;
        since = performance.now();
      } else if (performance.now() - since > PATIENCE_MS) end(failed(`came to no end in ${PATIENCE_MS / 1000} s`));
    }, 250);
    const end = (report: Report): void => {
      clearInterval(watch);
      void worker.terminate();
      resolve(report);
    };
    worker.on('message', (report: Report) => end(report));
    worker.on('error', (error) => end(failed(error.stack ?? String(error))));
  });
}

function keepFound(target: string, { input }: Finding): string {
  const name = createHash('sha256').update(input).digest('hex').slice(0, 12);
  const folder = path.join(FOUND, target);
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, name);
  writeFileSync(file, input);
  return file;
}

async function main(): Promise<void> {
  const words = process.argv.slice(2);
  const briefly = words[0] === '--briefly';
  const [seconds = '60', seed = '1'] = words.filter((word) => /^\d+$/.test(word));
  const unknown = words.find(
    (word) => !/^\d+$/.test(word) && word !== '--briefly' && !TARGETS.some(({ name }) => name === word),
  );
  if (unknown !== undefined) {
    console.log(`npm run fuzz [-- SECONDS [SEED] [TARGET…]]\nTargets: ${TARGETS.map(({ name }) => name).join(' ')}`);
    process.exitCode = unknown === '--help' ? 0 : 2;
    return;
  }
  const chosen = TARGETS.filter(({ name }) => words.includes(name));
  const targets = chosen.length > 0 ? chosen : TARGETS;
  const share = briefly ? null : (Number(seconds) * AT_ONCE) / targets.length;
  console.log(`seed ${seed}${share === null ? '' : `, ${share.toFixed(0)} s for each of ${targets.length} targets`}`);
  const waiting = [...targets];
  let all = 0;
  let failures = 0;
  let whole = 0;
  const row = (cells: readonly string[]): void =>
    console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(14) : cell.padStart([0, 9, 8, 10, 9, 9][i]!))).join(''));
  row(['target', 'inputs', 'kept', 'covered', 'seconds', 'faults']);
  const next = async (): Promise<void> => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
      const report = await tried(target.name, Number(seed), share);
      all += report.tried;
      failures += report.findings.length;
      if (report.findings.length === 0) whole++;
      const covered = report.all === 0 ? '' : `${((100 * report.ran) / report.all).toFixed(1)} %`;
      row([
        ...[report.target, String(report.tried), String(report.corpus), covered],
        ...[report.seconds.toFixed(1), String(report.findings.length)],
      ]);
      for (const finding of report.findings) {
        console.log(`  ${finding.message.replaceAll('\n', '\n  ')}\n  input: ${keepFound(report.target, finding)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  console.log(`${all} inputs on ${targets.length} targets, seed ${seed}: ${failures} faults`);
  console.log(JSON.stringify({ passed: whole, failed: targets.length - whole }));
  process.exitCode = failures === 0 ? 0 : 1;
}

if (isMainThread) await main();
else if ((workerData as Order | null)?.target !== undefined) await inThread(workerData as Order);

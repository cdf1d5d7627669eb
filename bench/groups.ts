/**
 * `npm run bench -- groups`: how long the grouping of 1,000, 10,000 and 50,000 functions takes.
 *
 * The trees are random but the same in every run. Each is grouped several times; the median counts.
 */
import { fixtureDevices, PLAIN_ACS, randomTree } from '../engine/linux/iommu/fixture';
import { predictGroups } from '../engine/linux/iommu/predict';

const COUNTS = [1_000, 10_000, 50_000] as const;
const ROUNDS = 9;
/** Milliseconds for 10,000 functions. */
const BUDGET = 50;
/** Per function, 50,000 may cost this much more than 10,000: linear, with room for the cache. */
const LINEAR = 2.5;

function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

export interface GroupsMeasurement {
  readonly functions: number;
  readonly groups: number;
  /** Median, in milliseconds. */
  readonly time: number;
}

export function measureGroups(functions: number, rounds = ROUNDS): GroupsMeasurement {
  const devices = fixtureDevices(randomTree(functions, generator(42)));
  let groups = 0;
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    groups = predictGroups(devices, { acs: PLAIN_ACS }).groups.size;
    times.push(performance.now() - start);
  }
  return { functions: devices.length, groups, time: times.sort((a, b) => a - b)[rounds >> 1]! };
}

const results = COUNTS.map((count) => measureGroups(count));
for (const { functions, groups, time } of results) {
  process.stdout.write(
    `${String(functions).padStart(6)} functions  ${String(groups).padStart(6)} groups  ${time.toFixed(1).padStart(7)} ms\n`,
  );
}
const [, ten, fifty] = results;
const ratio = fifty!.time / 5 / ten!.time;
process.stdout.write(
  `10,000 functions: ${ten!.time.toFixed(1)} ms of ${BUDGET} ms; 50,000 cost ${ratio.toFixed(2)} times as much each\n`,
);
process.exitCode = ten!.time <= BUDGET && ratio <= LINEAR ? 0 : 1;

/**
 * How long the grouping of 10,000 and 50,000 functions takes, beside as many insertions into a Map.
 *
 * The trees are random but the same in every run. Each is grouped several times; the median counts.
 */
import { fixtureDevices, PLAIN_ACS, randomTree } from '../engine/linux/iommu/fixture';
import { predictGroups } from '../engine/linux/iommu/predict';
import { median, report, timesOf } from './lib/figures';

const ROUNDS = 9;
const BUDGET_MS = 50;
/** Per function, 50,000 may cost this much more than 10,000: linear, with room for the cache. */
const LINEAR = 2.5;

function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function measure(functions: number): { time: number; map: number } {
  const devices = fixtureDevices(randomTree(functions, generator(42)));
  const time = median(timesOf(ROUNDS, () => void predictGroups(devices, { acs: PLAIN_ACS })));
  const map = median(timesOf(ROUNDS, () => void new Map(devices.map((device, index) => [device, index]))));
  return { time, map };
}

measure(1_000);
const ten = measure(10_000);
const fifty = measure(50_000);
const what = 'insertions into a Map';
report([
  {
    what: 'group 10,000 functions',
    value: ten.time,
    unit: 'ms',
    budget: BUDGET_MS,
    baseline: { what, value: ten.map },
  },
  {
    what: 'group 50,000 functions: each, to one of 10,000',
    value: fifty.time / 5 / ten.time,
    unit: 'times',
    budget: LINEAR,
    baseline: { what, value: fifty.map / 5 / ten.map },
  },
]);

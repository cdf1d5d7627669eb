/** MAP_DMA and UNMAP_DMA of a type1 container through its requests, beside 60,000 other mappings. */
import { measureDma } from '../engine/linux/vfio/type1/measure';
import { processorTime, rateOf, report } from './lib/figures';

const BUDGET_PAIRS = 300_000;
/** 4 GiB in one call may cost this many times what 4 KiB costs. */
const BUDGET_LARGE = 2;
const LIVE = 60_000;
const COUNT = 100_000;

const runs = Array.from({ length: 3 }, () => measureDma(processorTime, LIVE));
const large = [...runs].sort((a, b) => a.largeToSmall - b.largeToSmall)[1]!.largeToSmall;

const map = new Map<bigint, bigint>();
for (let i = 0; i < LIVE; i++) map.set(BigInt(i) << 22n, 0x20_0000n);
const bare = rateOf(3, COUNT, () => {
  for (let i = 0; i < COUNT; i++) {
    const iova = (BigInt((i * 7919) % LIVE) << 22n) + 0x20_0000n;
    map.set(iova, 0x20_0000n);
    map.delete(iova);
  }
});
report([
  {
    what: `map + unmap 2 MiB beside ${LIVE.toLocaleString('en')}`,
    value: Math.max(...runs.map((run) => run.pairsPerSecond)),
    unit: '/s',
    budget: BUDGET_PAIRS,
    baseline: { what: 'set + delete in a Map', value: bare },
  },
  { what: 'map + unmap 4 GiB, to 4 KiB', value: large, unit: 'times', budget: BUDGET_LARGE },
]);

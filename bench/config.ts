/** The configuration filter alone, and read through pread(2): 4 bytes each, beside a bare masked loop in the same run. */
import { Bench } from '../engine/linux/vfio/pci/testing/kestrel';
import { rateOf, report } from './lib/figures';
import { openDevice } from './lib/open-device';

const BUDGET = { reads: 20e6, writes: 15e6, calls: 3e6 };
const ROUNDS = 7;
const COUNT = 4_000_000;
const CALLS = 1_000_000;
const CONFIG_REGION = 7n << 40n;

const best = (run: () => void): number => rateOf(ROUNDS, COUNT, run);

const filter = new Bench().openKestrel().filter!;
const offsets = [0x00, 0x08, 0x2c, 0x44, 0xa0, 0xa4, 0xac, 0x104, 0x108, 0xe4, 0x1c0, 0x200];
const targets = [0x18, 0x10, 0x48, 0xe4, 0x1c0, 0x108, 0x10c, 0x18, 0x20, 0x72c, 0x300, 0x18];
let sink = 0;

const hardware = new Int32Array(1024);
const shadow = new Int32Array(1024);
const mask = new Int32Array(1024).fill(0x00ff00ff);
const bareReads = best(() => {
  for (let i = 0; i < COUNT; i++) {
    const at = offsets[i % offsets.length]! >>> 2;
    sink ^= (hardware[at]! & ~mask[at]!) | (shadow[at]! & mask[at]!);
  }
});
const reads = best(() => {
  for (let i = 0; i < COUNT; i++) sink ^= filter.readChunk(offsets[i % offsets.length]!, 4);
});
const bareWrites = best(() => {
  for (let i = 0; i < COUNT; i++) {
    const at = targets[i % targets.length]! >>> 2;
    shadow[at] = (shadow[at]! & ~mask[at]!) | (i & mask[at]!);
    hardware[at] = (hardware[at]! & mask[at]!) | (i & ~mask[at]!);
  }
});
const writes = best(() => {
  for (let i = 0; i < COUNT; i++) filter.writeChunk(targets[i % targets.length]!, 4, i);
});

const { kernel, process: client, fd } = openDevice('0000:02:00.0');
const four = new Uint8Array(4);
const positions = offsets.map((at) => CONFIG_REGION + BigInt(at));
const calls = rateOf(ROUNDS, CALLS, () => {
  for (let i = 0; i < CALLS; i++)
    sink ^= Number(kernel.syscalls.pread(client, fd, four, positions[i % positions.length]!));
});
if (kernel.syscalls.pread(client, fd, four, CONFIG_REGION) !== 4) throw new Error('pread failed.');

if (sink === 0x5eed) process.stderr.write('\n');
const what = 'bare masked loop';
report([
  {
    what: 'filtered 4-byte reads',
    value: reads,
    unit: '/s',
    budget: BUDGET.reads,
    baseline: { what, value: bareReads },
  },
  {
    what: 'filtered 4-byte writes',
    value: writes,
    unit: '/s',
    budget: BUDGET.writes,
    baseline: { what, value: bareWrites },
  },
  {
    what: '4 bytes through pread',
    value: calls,
    unit: '/s',
    budget: BUDGET.calls,
    baseline: { what, value: bareReads },
  },
]);

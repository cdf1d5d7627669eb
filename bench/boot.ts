/** Booting a running machine of 10,000 functions, beside reading its description from text. */
import type { MachineDescription } from '../engine/hardware/description';
import { bootKernel } from '../engine/linux/kernel';
import { median, report, threadTime, timesOf } from './lib/figures';
import { largeMachine } from './lib/large-machine';

const COUNT = 10_000;
const BUDGET_MS = 300;
const ROUNDS = 9;

const description = largeMachine(COUNT);
const text = JSON.stringify(description);
const parse = (): void => void (JSON.parse(text) as MachineDescription);
const reading = median(timesOf(ROUNDS, parse, threadTime));
const readingInAll = median(timesOf(ROUNDS, parse));
// A window has booted its sample machine before anything is opened.
for (let i = 0; i < 3; i++) bootKernel(largeMachine(64));
const boot = (): void => {
  if (bootKernel(description).pci.devices.size !== COUNT) throw new Error('Functions are missing.');
};
const [first, ...more] = timesOf(ROUNDS, boot, threadTime);
const inAll = median(timesOf(ROUNDS, boot));
const baseline = { what: 'JSON.parse of its text', value: reading };
const all = { what: baseline.what, value: readingInAll };
report([
  { what: 'boot 10,000 functions, first', value: first!, unit: 'ms', budget: BUDGET_MS, baseline },
  { what: 'boot 10,000 functions, again', value: median(more), unit: 'ms', budget: BUDGET_MS, baseline },
  { what: '… with collector and compiler', value: inAll, unit: 'ms', budget: BUDGET_MS, baseline: all },
]);

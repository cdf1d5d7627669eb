/** MSI-X from the device model to the eventfd through every hop, beside signalling the eventfd alone. */
import { EventFd } from '../engine/linux/process/eventfd';
import { Bench } from '../engine/linux/vfio/pci/testing/kestrel';
import { rateOf, report } from './lib/figures';

const BUDGET = 1e6;
const ROUNDS = 5;
const COUNT = 500_000;
const VECTORS = 8;

const bench = new Bench();
const vdev = bench.openKestrel();
const { device } = vdev;
device.config.write(0x04, 2, 0x0006);
bench.irq.allocVectors(device, 'msix', VECTORS);
const events = Array.from({ length: VECTORS }, () => new EventFd());
events.forEach((event, i) =>
  bench.irq.messagesOf(device)!.request(i, `vfio-msix[${i}](${device.name})`, () => {
    event.signal();
    return true;
  }),
);

const rate = rateOf(ROUNDS, COUNT, () => {
  for (let i = 0; i < COUNT; i++) bench.interrupts.raiseVector(device.function, i % VECTORS);
});
const arrived = events.reduce((sum, event) => sum + Number(event.count), 0);
if (arrived !== ROUNDS * COUNT) throw new Error(`${arrived} interrupts arrived.`);
const bare = rateOf(ROUNDS, COUNT, () => {
  for (let i = 0; i < COUNT; i++) events[i % VECTORS]!.signal();
});
report([
  {
    what: 'MSI-X from device to eventfd',
    value: rate,
    unit: '/s',
    budget: BUDGET,
    baseline: { what: 'signal of the eventfd alone', value: bare },
  },
]);

/** MSI-X from the device model to the eventfd: interrupts a second through every hop. */
import { EventFd } from '../engine/linux/process/eventfd';
import { Bench } from '../engine/linux/vfio/pci/testing/kestrel';

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

let fastest = Infinity;
for (let round = 0; round < ROUNDS; round++) {
  const started = performance.now();
  for (let i = 0; i < COUNT; i++) bench.interrupts.raiseVector(device.function, i % VECTORS);
  fastest = Math.min(fastest, performance.now() - started);
}
const rate = COUNT / (fastest / 1000);
const arrived = events.reduce((sum, event) => sum + Number(event.count), 0);
process.stdout.write(
  `MSI-X to eventfd ${(rate / 1e6).toFixed(2)} million/s (budget ${BUDGET / 1e6} million/s), ${arrived} arrived\n`,
);
process.exitCode = rate >= BUDGET && arrived === ROUNDS * COUNT ? 0 : 1;

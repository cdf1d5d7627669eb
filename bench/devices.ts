/** Devices at work through everything that is between them and a driver: a storm of interrupts, packets. */
import { RING, REG, CONTROL } from '../engine/hardware/devices/nic/data-sheet';
import { MachineBuilder } from '../engine/hardware/parts/fixture';
import { Machine } from '../engine/lab/machine';
import { UserDriver } from '../engine/lab/user-driver.fixture';
import { rateOf, report } from './lib/figures';

const ROUNDS = 4;
const CARD = '0000:01:00.0';

const machineWith = (part: string): Machine => {
  const builder = new MachineBuilder();
  builder.behindPort(part);
  return new Machine(builder.description);
};

function happen(machine: Machine, stimulus: Parameters<Machine['apply']>[0] & { kind: 'stimulus' }): void {
  const { error } = machine.apply(stimulus);
  if (error !== null) throw new Error(error);
}

/** One input with a count: 100,000 interrupts in a second of the machine's time. */
function storm(): { through: number; bare: number } {
  const count = 100_000;
  const machine = machineWith('lab-nic');
  const nic = new UserDriver(machine, CARD);
  nic.enable();
  nic.interrupts(2, 8);
  const through = rateOf(ROUNDS, count, () => {
    happen(machine, { kind: 'stimulus', stimulus: { device: CARD, kind: 'interrupt', vector: 3, count, everyUs: 10 } });
  });
  const arrived = nic.signalled(3);
  if (arrived !== ROUNDS * count) throw new Error(`${arrived} interrupts arrived.`);
  const { interrupts, machine: silicon } = machine.kernel;
  const fn = silicon.functions.get(CARD)!;
  const bare = rateOf(ROUNDS, count, () => {
    for (let i = 0; i < count; i++) interrupts.raiseVector(fn, 3);
  });
  return { through, bare };
}

/** Packets of 64 bytes into a ring of 4096 that is given back as a whole. */
function packets(): number {
  const count = 4000;
  const machine = machineWith('lab-nic');
  const nic = new UserDriver(machine, CARD);
  nic.enable();
  nic.interrupts(2, 1);
  const memory = nic.map('ring', 0x100000, 0x20000);
  nic.write(0, REG.QUEUES + RING.BASE_LOW, memory.iova);
  nic.write(0, REG.QUEUES + RING.SIZE, 4096);
  for (let i = 0; i < 4096; i++) memory.put(i * 16, (64n << 64n) | (memory.iova + 0x10000n), 10);
  nic.write(0, REG.MASK_SET, 1);
  nic.write(0, REG.CONTROL, CONTROL.ENABLE);
  return rateOf(ROUNDS, count, () => {
    nic.write(0, REG.QUEUES + RING.CONTROL, 0);
    nic.write(0, REG.QUEUES + RING.CONTROL, 1);
    nic.write(0, REG.QUEUES + RING.TAIL, 4095);
    happen(machine, {
      kind: 'stimulus',
      stimulus: { device: CARD, kind: 'packet', hex: '00'.repeat(64), queue: 0, count },
    });
  });
}

const { through, bare } = storm();
report([
  {
    what: 'interrupts of a storm, from one input to the eventfd',
    value: through,
    unit: '/s',
    budget: 100_000,
    baseline: { what: 'raising the vector alone', value: bare },
  },
  { what: 'packets of 64 bytes into a ring', value: packets(), unit: '/s', budget: 20_000 },
]);

/**
 * Cost against size, to ten times beyond the budgets: functions, mappings, vectors, inputs of the journal. Prints a table,
 * draws `docs/growth/*.svg`, and holds each to n log n by the power that fits.
 */
import { History } from '../engine/lab/journal';
import { holdingsOf } from '../engine/lab/holdings';
import type { Input } from '../engine/lab/input';
import { Machine } from '../engine/lab/machine';
import { namesFor } from '../engine/lab/names';
import { GroupHistory } from '../engine/lab/views/group-history';
import { topologyView } from '../engine/lab/views/topology';
import { Lab } from '../engine/lab/lab';
import { headlessHost } from '../engine/host/headless';
import { fixtureDevices, PLAIN_ACS, randomTree } from '../engine/linux/iommu/fixture';
import { predictGroups } from '../engine/linux/iommu/predict';
import { Program, VfioFixture } from '../engine/linux/vfio/fixture';
import { VFIO } from '../engine/linux/uapi/vfio';
import type { TracedOperation } from '../engine/linux/uapi/operation';
import { MachineBuilder } from '../engine/hardware/parts/fixture';
import { UserDriver } from '../engine/lab/user-driver.fixture';
import { Dice } from '../fuzz/lib/random';
import { processorTime, report } from './lib/figures';
import { bytesEach, drawGrowth, growthTable, held, power } from './lib/growth';
import type { Point, Series } from './lib/growth';
import { largeMachine } from './lib/large-machine';

/** n log n from 10,000 to 100,000 is n^1.11; what is measured scatters. */
const BUDGET_POWER = 1.25;
const TIMES = [1, 2, 5, 10];

/** Does `work` with each size; what it returns is held while memory is counted. */
function series(
  name: string,
  what: string,
  of: string,
  unit: number,
  work: (size: number) => { time: number; keep?: unknown },
): Series {
  work(unit);
  const points = TIMES.map((times): Point => {
    const size = unit * times;
    const before = held();
    const { time, keep } = work(size);
    const bytes = keep === undefined ? null : held() - before;
    // Held until here.
    if (keep === null) throw new Error('Nothing was made.');
    return { size, ms: time, bytes };
  });
  return { name, what, of, points };
}

function timed<T>(work: () => T): { time: number; value: T } {
  const started = processorTime();
  const value = work();
  return { time: processorTime() - started, value };
}

const FUNCTIONS = 10_000;
function boot(count: number): { time: number; keep: unknown } {
  const description = largeMachine(count);
  const { time, value } = timed(() => new Machine(description));
  return { time, keep: value };
}
function group(count: number): { time: number } {
  const dice = new Dice(42);
  const devices = fixtureDevices(randomTree(count, (below) => dice.below(below)));
  return { time: timed(() => predictGroups(devices, { acs: PLAIN_ACS })).time };
}
function picture(count: number): { time: number } {
  const machine = new Machine(largeMachine(count));
  const names = namesFor(machine.description.functions);
  return { time: timed(() => topologyView(machine, holdingsOf(machine.kernel), names, new GroupHistory())).time };
}

const MAPPINGS = 60_000;
const REGION = 0x20_0000;
function map(count: number): { time: number; keep: unknown } {
  const fixture = new VfioFixture(1, { bits: 48 });
  fixture.parameters.dmaEntryLimit = count + 1;
  const program = new Program(fixture);
  const container = program.openContainer();
  program.setContainer(program.openGroup(0), container);
  program.plain(container, VFIO.SET_IOMMU, 3n);
  const memory = Number(program.process.memory.allocate(BigInt(REGION), { align: BigInt(REGION) }));
  const dice = new Dice(7);
  // In no order: each goes between others.
  const places = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = dice.below(i + 1);
    [places[i], places[other]] = [places[other]!, places[i]!];
  }
  const { time } = timed(() => {
    for (const at of places) {
      const result = program.mapQuickly(container, memory, 2 ** 40 + at * REGION * 2, REGION);
      if (result !== 0) throw new Error(`A map gave ${result}.`);
    }
  });
  return { time, keep: { fixture, program } };
}

const VECTORS = 128;
const RAISES = 20;
/** Devices with all the vectors that their tables have, each with an eventfd, and each raised a few times. */
function raise(count: number): { time: number; keep: unknown } {
  const builder = new MachineBuilder();
  const addresses: string[] = [];
  for (let left = count; left > 0; left -= VECTORS) {
    addresses.push(builder.behindPort('plain-device', { vectors: Math.min(VECTORS, left) })[0]!);
  }
  const machine = new Machine(builder.description);
  const names = [...machine.kernel.pci.devices.values()].filter(
    ({ class: code }) => code >> 8 !== 0x0604 && code >> 8 !== 0x0600,
  );
  const { time } = timed(() => {
    for (const { name, function: fn } of names) {
      const driver = new UserDriver(machine, name);
      driver.enable();
      driver.interrupts(2, VECTORS);
      for (let round = 0; round < RAISES; round++) {
        for (let vector = 0; vector < VECTORS; vector++) machine.kernel.interrupts.raiseVector(fn, vector);
      }
      if (driver.signalled(VECTORS - 1) !== RAISES) throw new Error(`Interrupts of ${name} were lost.`);
    }
  });
  return { time, keep: machine };
}

const INPUTS = 100_000;
const DEVICE = '0000:02:00.0';
const PID = 1000;
const call = (operation: TracedOperation): Input => ({ kind: 'call', pid: PID, operation });

/** A program that reads registers, counts, and waits; no two inputs are the same object, as in a document. */
function inputs(count: number): Input[] {
  const path = `/sys/bus/pci/devices/${DEVICE}/config`;
  const made: Input[] = [
    { kind: 'spawn', pid: PID, parent: 1, name: 'client', uid: 0 },
    call({ op: 'eventfd', as: 'event' }),
  ];
  for (let i = 0; made.length < count; i++) {
    made.push(
      i % 3 === 0
        ? call({ op: 'evwrite', fd: 'event', count: 1 })
        : i % 3 === 1
          ? call({ op: 'evread', fd: 'event' })
          : call({ op: 'syswrite', path, hex: '0600', offset: 4 }),
    );
  }
  return made;
}
const small = largeMachine(32);
function replay(count: number): { time: number; keep: unknown } {
  const journal = inputs(count);
  const gestures = journal.map((input, i) => ({ label: `step ${i}`, inputs: [input] }));
  const { time, value } = timed(() => new History({ machine: small, gestures }));
  return { time, keep: { value, gestures } };
}

/** What the window asks after every step, and a step itself, with so many inputs before: a hundred times. */
const LOOKS = 100;
function look(count: number): { time: number } {
  const lab = new Lab(headlessHost(), small);
  const key = {};
  for (const input of inputs(count)) lab.apply(input, 'work', key);
  const { time } = timed(() => {
    for (let i = 0; i < LOOKS; i++) {
      lab.act({ kind: 'wait', ms: 1 });
      lab.view('machine', null);
      lab.view('containers', null);
      lab.view('calls', null);
      lab.view('history', { from: 0, count: 50 });
      lab.view('timeline', { axis: 'time', range: null, columns: 400, address: null });
    }
  });
  return { time };
}

const all = [
  series('boot', 'boot', 'functions', FUNCTIONS, boot),
  series('group', 'group', 'functions', FUNCTIONS, group),
  series('picture', 'topology view', 'functions', FUNCTIONS, picture),
  series('map', 'map 2 MiB each, in no order', 'mappings', MAPPINGS, map),
  series('vectors', 'open, enable and raise each 20 times', 'vectors', VECTORS, raise),
  series('replay', 'replay', 'inputs', INPUTS, replay),
  series('look', `${LOOKS} steps and what the window asks`, 'inputs before', INPUTS, look),
];
process.stderr.write(`${growthTable(all)}\n`);
drawGrowth(all, 'docs/growth');
report([
  ...all.map((one) => ({
    what: `${one.what}: power of n`,
    value: power(one.points),
    unit: 'power' as const,
    budget: BUDGET_POWER,
  })),
  ...all.flatMap((one) => {
    const bytes = bytesEach(one);
    return bytes === null
      ? []
      : [{ what: `memory: ${one.what}, each of ${one.of}`, value: bytes, unit: 'bytes' as const, budget: 64 * 1024 }];
  }),
]);

/** Whatever happens to a machine, as inputs of its journal: system calls, accesses to registers, the world outside. */
import { readFileSync, readdirSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { MachineBuilder } from '../../engine/hardware/parts/fixture';
import type { MachineDescription } from '../../engine/hardware/description';
import { defaultStimulus } from '../../engine/hardware/devices/stimulus';
import { readMachine } from '../../engine/host/machines';
import { deviceSheet } from '../../engine/lab/device-sheet';
import { inputSchema } from '../../engine/lab/document/format';
import type { Input } from '../../engine/lab/input';
import { Machine } from '../../engine/lab/machine';
import { stateHash } from '../../engine/lab/state-hash';
import { littleEndian, UserDriver } from '../../engine/lab/user-driver.fixture';
import { Pages } from '../../engine/linux/process/pages';
import type { TracedOperation } from '../../engine/linux/uapi/operation';
import { json } from '../lib/mutate';
import type { Target } from '../lib/target';
import { bytesOf, must, textOf } from '../lib/target';

/** An input of the fuzzer: which machine, and what happens to it. */
interface Story {
  machine: string;
  inputs: Input[];
}

const RECORDINGS = 'engine/conformance/recordings';
const EXPRESS = ['edu', 'lab-nic', 'nvme', 'e1000e', 'gpu', 'xhci', 'ivshmem', 'pci-testdev', 'lab-nic-sriov'];
const CONVENTIONAL = ['pci-sound', 'pci-network', 'pci-serial'];
const MOST_INPUTS = 100;
const MOST_TIMES = 200;
const MOST_MS = 2000;
const PID = 3000;

const machines = new Map<string, MachineDescription>();

/** `part:edu`: a machine with that part; else the recorded one of that name. */
function machineOf(name: string): MachineDescription {
  let known = machines.get(name);
  if (known === undefined) {
    known = name.startsWith('part:') ? built(name.slice(5)) : readMachine(`${RECORDINGS}/${name}.machine.json.gz`);
    machines.set(name, known);
  }
  return known;
}

function built(part: string): MachineDescription {
  const builder = new MachineBuilder();
  if (CONVENTIONAL.includes(part)) builder.add(part, builder.behindPort('pcie-to-pci-bridge')[0]!);
  else builder.behindPort(part);
  return builder.description;
}

/** Those that a document may hold; anything else is refused before it comes here. */
const possible = (input: unknown): input is Input => inputSchema.safeParse(input).success;

/** What takes long by its nature is shortened. */
function shortened(input: Input): Input {
  if (input.kind === 'call' && 'ms' in input.operation) {
    return { ...input, operation: { ...input.operation, ms: Math.min(input.operation.ms ?? 0, MOST_MS) } };
  }
  if (input.kind !== 'stimulus') return input;
  const { stimulus } = input;
  return {
    ...input,
    stimulus: { ...stimulus, ...(stimulus.count && { count: Math.min(stimulus.count, MOST_TIMES) }) },
  };
}

function playing(machine: Machine, inputs: readonly Input[]): void {
  for (const input of inputs) {
    // Init looks, it does nothing.
    if ('pid' in input && input.pid === 1) continue;
    // A document that says so is refused with those words.
    if (input.kind === 'spawn' && machine.kernel.processes.get(input.pid) !== null) continue;
    const { error, answer } = machine.apply(input);
    if (error !== null) must(/^[^\n]+[.:]/.test(error), `a refusal without words: ${error}`);
    if (answer?.errno !== undefined) must(/^E[A-Z0-9]+$/.test(answer.errno), `the errno ${answer.errno}`);
  }
}

/** Ends all that tests began; nothing of it may be left. */
function letGo(machine: Machine): void {
  const pids = [...machine.kernel.processes.all()].map(({ pid }) => pid).filter((pid) => pid > 1);
  for (const pid of pids) machine.apply({ kind: 'exit', pid });
  const { processes, iommu } = machine.kernel;
  const pages = [...processes.pages.memory.given].filter((region) => region instanceof Pages);
  must(pages.length === 0, `${pages.length} pieces of memory were not given back`);
  for (const group of iommu.groups.values()) must(group.owner === null, `group ${group.id} is still held`);
}

function run(bytes: Uint8Array): void {
  let story: Story;
  try {
    story = JSON.parse(textOf(bytes)) as Story;
    if (!Array.isArray(story.inputs)) return;
    machineOf(story.machine);
  } catch {
    // Which machine it was is not what is tried.
    return;
  }
  const description = machineOf(story.machine);
  const machine = new Machine(description);
  playing(machine, story.inputs.slice(0, MOST_INPUTS).filter(possible).map(shortened));
  letGo(machine);
  const again = Machine.replay(description, machine.journal);
  must(stateHash(again.kernel) === stateHash(machine.kernel), 'a replay ends in another state');
}

const bytesOfStory = (story: Story): Uint8Array => bytesOf(JSON.stringify(story));

/** A driver that has the device, with memory mapped for DMA and a few accesses to each region. */
function driving(part: string): Story {
  const name = `part:${part}`;
  const machine = new Machine(machineOf(name));
  const device = [...machine.kernel.pci.devices.values()].findLast((one) => one.class >> 16 !== 6 && !one.isVirtual)!;
  const driver = new UserDriver(machine, device.name);
  driver.enable();
  driver.map('buffer', 0x10000, 0x4000);
  const { pid } = driver;
  const fd = `device-${device.name}`;
  const call = (operation: TracedOperation): void => void machine.apply({ kind: 'call', pid, operation });
  for (let region = 0; region < 6; region++) {
    for (const offset of [0, 4, 8, 0x10, 0x14, 0x18, 0x38, 0x80, 0x1000]) {
      const at = `0x${((BigInt(region) << 40n) + BigInt(offset)).toString(16)}`;
      call({ op: 'pread', fd, offset: at, size: 4 });
      call({ op: 'pwrite', fd, offset: at, hex: littleEndian(offset === 0x14 ? 0x460001 : 0x10000 + offset, 4) });
    }
  }
  for (const kind of deviceSheet(machine.kernel, device.name)?.stimuli ?? []) {
    machine.apply({ kind: 'stimulus', stimulus: defaultStimulus(kind, device.name) });
  }
  machine.apply({ kind: 'time', ms: 5 });
  return { machine: name, inputs: [...machine.journal] };
}

/** Config registers through every door: as user, as root, as hardware, by setpci's way and in a sweep. */
function configuring(part: string): Story {
  const name = `part:${part}`;
  const machine = new Machine(machineOf(name));
  const addresses = [...machine.kernel.pci.devices.keys()];
  const driver = new UserDriver(machine, addresses.at(-1)!);
  const call = (operation: TracedOperation): void => void machine.apply({ kind: 'call', pid: driver.pid, operation });
  const fd = `device-${driver.address}`;
  for (const offset of [0x04, 0x0c, 0x10, 0x14, 0x30, 0x3c, 0x44, 0x50, 0x60, 0x70, 0x80, 0x104, 0x148]) {
    const at = `0x${((7n << 40n) + BigInt(offset)).toString(16)}`;
    call({ op: 'pwrite', fd, offset: at, hex: 'ffffffff' });
    call({ op: 'pread', fd, offset: at, size: 4 });
    for (const address of addresses) {
      call({ op: 'syswrite', path: `/sys/bus/pci/devices/${address}/config`, hex: '06010000', offset });
    }
  }
  call({ op: 'sysread', path: `/sys/bus/pci/devices/${addresses[0]!}/config`, hex: true, size: 64, offset: 0 });
  for (const [file, text] of [
    ['reset', '1'],
    ['rescan', '1'],
    ['enable', '0'],
    ['power/control', 'on'],
    ['d3cold_allowed', '1'],
    ['msi_bus', '0'],
    ['remove', '1'],
  ] as const) {
    call({ op: 'syswrite', path: `/sys/bus/pci/devices/${addresses.at(-1)!}/${file}`, text });
  }
  call({ op: 'syswrite', path: '/sys/bus/pci/rescan', text: '1' });
  return { machine: name, inputs: [...machine.journal] };
}

/** What a recording of a real kernel does, without its answers. */
function recorded(file: string): Story {
  const [header, ...lines] = gunzipSync(readFileSync(`${RECORDINGS}/${file}`))
    .toString()
    .trim()
    .split('\n')
    .slice(0, MOST_INPUTS)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const spawn: Input = { kind: 'spawn', pid: PID, parent: 1, name: 'trace', uid: 0 };
  const calls = lines.map(({ want: _, ...operation }): Input => {
    return { kind: 'call', pid: PID, operation: operation as unknown as TracedOperation };
  });
  return { machine: String(header!['machine']), inputs: [spawn, ...calls] };
}

/** So many recordings of each kind of machine. */
const OF_EACH = 1;

export const calls: Target = {
  name: 'calls',
  reaches: ['engine/linux/', 'engine/shell/calls/'],
  seeds: () => {
    const taken = new Map<string, number>();
    return readdirSync(RECORDINGS)
      .filter((file) => file.endsWith('.trace.jsonl.gz'))
      .filter((file) => {
        const machine = file.split('.')[0]!;
        const before = taken.get(machine) ?? 0;
        taken.set(machine, before + 1);
        return before < OF_EACH && !file.includes('sweep');
      })
      .map((file) => bytesOfStory(recorded(file)));
  },
  mutations: [json(true), json(true), json(true), json()],
  run,
  briefly: 60,
};

export const registers: Target = {
  name: 'registers',
  reaches: ['engine/hardware/devices/', 'engine/hardware/dma.ts', 'engine/hardware/fabric/', 'engine/hardware/iommu/'],
  seeds: () => [...EXPRESS, ...CONVENTIONAL].map((part) => bytesOfStory(driving(part))),
  mutations: [json(true)],
  run,
  briefly: 60,
};

export const config: Target = {
  name: 'config',
  reaches: ['engine/hardware/pci/', 'engine/linux/vfio/pci/', 'engine/linux/pci/', 'engine/linux/fs/sysfs-pci.ts'],
  seeds: () => [...EXPRESS, ...CONVENTIONAL].map((part) => bytesOfStory(configuring(part))),
  mutations: [json(true)],
  run,
  briefly: 60,
};

/** Replay of a journal of cheap inputs, beside reading the journal from its text. */
import type { Input } from '../engine/lab/input';
import { Machine } from '../engine/lab/machine';
import type { TracedOperation } from '../engine/linux/uapi/operation';
import { rateOf, report } from './lib/figures';
import { largeMachine } from './lib/large-machine';

const BUDGET = 500_000;
const COUNT = 200_000;
const ROUNDS = 4;
const DEVICE = '0000:02:00.0';
const PID = 1000;

const call = (operation: TracedOperation): Input => ({ kind: 'call', pid: PID, operation });

/** A program takes a function, then reads and writes registers, counts on an eventfd and gets interrupts. */
function journal(count: number): Input[] {
  const device = `/sys/bus/pci/devices/${DEVICE}`;
  const inputs: Input[] = [
    { kind: 'spawn', pid: PID, parent: 1, name: 'client', uid: 0 },
    call({ op: 'syswrite', path: `${device}/driver/unbind`, text: DEVICE }),
    call({ op: 'syswrite', path: `${device}/driver_override`, text: 'vfio-pci' }),
    call({ op: 'syswrite', path: '/sys/bus/pci/drivers_probe', text: DEVICE }),
    call({ op: 'open', path: '/dev/vfio/vfio', as: 'container' }),
    call({ op: 'open', path: `/dev/vfio/${GROUP}`, as: 'group' }),
    call({ op: 'ioctl', fd: 'group', request: 'VFIO_GROUP_SET_CONTAINER', arg: 'container' }),
    call({ op: 'ioctl', fd: 'container', request: 'VFIO_SET_IOMMU', arg: 3 }),
    call({ op: 'ioctl', fd: 'group', request: 'VFIO_GROUP_GET_DEVICE_FD', arg: DEVICE, as: 'device' }),
    call({ op: 'eventfd', as: 'event' }),
  ];
  const cheap: Input[] = [
    call({ op: 'pread', fd: 'device', offset: '0x70000000000', size: 4 }),
    call({ op: 'pwrite', fd: 'device', offset: '0x70000000004', hex: '0600' }),
    call({ op: 'pread', fd: 'device', offset: '0x70000000004', size: 2 }),
    call({ op: 'evwrite', fd: 'event', count: 1 }),
    call({ op: 'evread', fd: 'event' }),
    { kind: 'stimulus', stimulus: { device: DEVICE, kind: 'interrupt', vector: 0 } },
    { kind: 'time', ms: 1 },
  ];
  while (inputs.length < count) inputs.push(cheap[inputs.length % cheap.length]!);
  return inputs;
}

const machine = largeMachine(32);
const first = new Machine(machine);
const GROUP = first.kernel.iommu.groupOf(first.kernel.pci.devices.get(DEVICE)!)!.id;
const inputs = journal(COUNT);
const checked = Machine.replay(machine, inputs.slice(0, 10));
const answer = checked.apply(inputs.find((input) => input.kind === 'call' && input.operation.op === 'pread')!).answer;
if (answer?.ret !== 4) throw new Error(`The program did not get its function: ${JSON.stringify(answer)}`);

const lines = inputs.map((input) => JSON.stringify(input));
const reading = rateOf(ROUNDS, COUNT, () => {
  for (const line of lines) JSON.parse(line);
});
const rate = rateOf(ROUNDS, COUNT, () => {
  if (Machine.replay(machine, inputs).journal.length !== COUNT) throw new Error('An input was refused.');
});
report([
  {
    what: 'replay of a journal, inputs',
    value: rate,
    unit: '/s',
    budget: BUDGET,
    baseline: { what: 'JSON.parse of each', value: reading },
  },
]);

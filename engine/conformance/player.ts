/** Plays a recorded trace on the lab's kernel and compares every answer with the real one. */
import { parseAddress } from '../hardware/pci/address';
import type { MachineDescription } from '../hardware/description';
import type { Kernel } from '../linux/kernel';
import { bootKernel } from '../linux/kernel';
import type { Answer, TracedOperation } from '../linux/uapi/operation';
import { Performer } from '../shell/calls/perform';
import type { Circumstances } from './compare';
import { compareAnswers } from './compare';
import type { Trace, TraceStep } from './trace';

export interface Difference {
  readonly line: number;
  readonly operation: string;
  readonly want: string;
  readonly got: string;
}

export interface TraceResult {
  passed: number;
  failed: number;
  /** Answers that the comparing rules leave out. */
  skipped: number;
  differences: Difference[];
}

/** The recorder holds the trace and the kernel log open, and /dev/port on the kernel without iopl(2) that is not Debian's. */
const RECORDER_DESCRIPTORS = { debian: 2, iommufd: 3, ifdcompat: 3 } as const;
const MSI_CAPABILITY = 0x05;
/** QEMU's educational device: its registers are published, and the lab models them. */
const EDU = 0x11e81234;

function msiRegisters(kernel: Kernel, address: string): [number, number][] {
  const device = kernel.pci.devices.get(address);
  const at = device?.config.findCapability(MSI_CAPABILITY) ?? 0;
  return at === 0 ? [] : [[at + 4, at + 0x10]];
}

const LOW_POWER_ENTRY_WITH_WAKEUP = 4;

/** The eventfd that a low-power entry names; null for any other operation. */
function wakeupOf(operation: TracedOperation): string | null {
  if (operation.op !== 'ioctl' || operation.request !== 'VFIO_DEVICE_FEATURE') return null;
  if (typeof operation.arg !== 'object') return null;
  const { flags, eventfd } = operation.arg;
  const feature = Number(flags) & 0xffff;
  return feature === LOW_POWER_ENTRY_WITH_WAKEUP && typeof eventfd === 'string' ? eventfd : null;
}

/** Which descriptors and mappings of a trace belong to which function. */
class Provenance {
  private readonly names = new Map<string, string>();
  /** Wake-up eventfds of low-power entries since the last wait. */
  readonly wakeups = new Set<string>();

  note(step: TraceStep): void {
    const { operation } = step;
    if (operation.op === 'wait') this.wakeups.clear();
    const wakeup = wakeupOf(operation);
    if (wakeup !== null) this.wakeups.add(wakeup);
    if (operation.op === 'ioctl' && operation.request === 'VFIO_GROUP_GET_DEVICE_FD' && operation.as) {
      const address = String(operation.arg).split(' ')[0]!;
      if (parseAddress(address)) this.names.set(operation.as, address);
    } else if (operation.op === 'mmap' && operation.as) {
      this.names.set(operation.as, this.names.get(String(operation.fd)) ?? '');
    } else if (operation.op === 'dup' && operation.as) {
      this.names.set(operation.as, this.names.get(String(operation.fd)) ?? '');
    } else if (operation.op === 'open' && operation.as) {
      this.names.set(operation.as, operation.path);
    }
  }

  /** Address of the function, a cdev path, or undefined for memory of the process itself. */
  of(name: string): string | undefined {
    return this.names.get(name);
  }
}

function functionOf(kernel: Kernel, owner: string): string {
  const cdev = /^\/dev\/vfio\/devices\/(vfio\d+)$/.exec(owner);
  if (!cdev) return owner;
  const target = kernel.syscalls.readlink(kernel.processes.get(1)!, `/sys/class/vfio-dev/${cdev[1]}/device`);
  return typeof target === 'string' ? (target.split('/').at(-1) ?? owner) : owner;
}

export function playTrace(description: MachineDescription, trace: Trace): TraceResult {
  const kernel = bootKernel(description);
  const runner = kernel.processes.spawn({ parent: 1, name: 'runner', uid: 0 });
  for (let own = 0; own < RECORDER_DESCRIPTORS[description.kernel.build]; own++)
    kernel.syscalls.open(runner, '/dev/null', 0);
  const performer = new Performer(kernel, runner);
  const provenance = new Provenance();
  const circumstances: Circumstances = {
    interruptRemapping: kernel.iommu.interruptRemapping,
    msiRegisters: (address) => msiRegisters(kernel, address),
    awaitsSuspend: (name) => provenance.wakeups.has(name),
    modelled: (name) => {
      const owner = provenance.of(name);
      if (owner === undefined) return true;
      return kernel.pci.devices.get(functionOf(kernel, owner))?.config.read(0, 4) === EDU;
    },
  };
  const result: TraceResult = { passed: 0, failed: 0, skipped: 0, differences: [] };
  for (const step of trace.steps) {
    provenance.note(step);
    let got: Answer;
    try {
      got = performer.perform(step.operation);
    } catch (error) {
      got = { errno: `exception: ${error instanceof Error ? error.message : String(error)}` };
    }
    if (step.operation.op === 'cfgsweep') compareRows(step, got, result);
    else count(step, got, compareAnswers(step.operation, step.want, got, circumstances), result);
  }
  performer.finish();
  return result;
}

function count(step: TraceStep, got: Answer, verdict: string, result: TraceResult): void {
  if (verdict === 'not compared') result.skipped++;
  else if (verdict === 'equal') result.passed++;
  else {
    result.failed++;
    const { fd: _fd, address: _address, ...shown } = got;
    result.differences.push({
      line: step.line,
      operation: JSON.stringify(step.operation),
      want: JSON.stringify(step.want),
      got: JSON.stringify(shown),
    });
  }
}

/** Each row of a sweep is an answer of its own. */
function compareRows(step: TraceStep, got: Answer, result: TraceResult): void {
  const want = step.want.rows ?? [];
  const rows = got.rows ?? [];
  for (let i = 0; i < Math.max(want.length, rows.length); i++) {
    if (want[i] === rows[i]) {
      result.passed++;
      continue;
    }
    result.failed++;
    result.differences.push({
      line: step.line,
      operation: `cfgsweep row ${i} (offset pattern before written virt phys written2 virt2 phys2)`,
      want: want[i] ?? '(no row)',
      got: rows[i] ?? '(no row)',
    });
  }
}

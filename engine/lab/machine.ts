/** The one way in: a machine changes only through `apply`, and its state is the replay of its journal. */
import type { MachineDescription } from '../hardware/description';
import { stimulate } from '../hardware/devices/stimulate';
import type { Kernel } from '../linux/kernel';
import { bootKernel } from '../linux/kernel';
import type { Answer, Operation, TracedOperation } from '../linux/uapi/operation';
import type { Refusal } from '../linux/why';
import { Performer } from '../shell/calls/perform';
import { applyEdit } from './edit';
import type { Input, Stimulus } from './input';

/** What an input did. `error` is a refusal by the lab itself (an edit that cannot be), not by Linux. */
export interface Outcome {
  answer: Answer | null;
  why: Refusal | null;
  error: string | null;
}

/** Who watches every input of a machine, from its first one on. */
export interface MachineFollower {
  before(machine: Machine, input: Input): void;
  /** The input is in the journal, unless the lab refused it (`outcome.error`). */
  after(machine: Machine, input: Input, outcome: Outcome): void;
}

/** Virtual time that passes with every input, so that log lines and interrupts have an order in time. */
const INPUT_TIME = 100_000n;
const NS_PER_MS = 1_000_000n;

export class Machine {
  /** The description the journal starts from. */
  readonly base: MachineDescription;
  /** The description in force: `base` with the journal's edits. */
  description: MachineDescription;
  kernel: Kernel;
  readonly journal: Input[] = [];
  readonly follower: MachineFollower | null;
  private performers = new Map<number, Performer>();

  constructor(base: MachineDescription, follower: MachineFollower | null = null) {
    this.base = base;
    this.follower = follower;
    this.description = base;
    this.kernel = bootKernel(base);
  }

  /** A machine in the state after these inputs. */
  static replay(base: MachineDescription, inputs: readonly Input[], follower: MachineFollower | null = null): Machine {
    const machine = new Machine(base, follower);
    for (const input of inputs) machine.apply(input);
    return machine;
  }

  /** Applies one input and writes it into the journal. An input the lab refuses changes nothing and is not written. */
  apply(input: Input): Outcome {
    this.follower?.before(this, input);
    const outcome = this.perform(input);
    if (outcome.error === null) this.journal.push(input);
    this.follower?.after(this, input, outcome);
    return outcome;
  }

  /** Runs a call that changes nothing (a look at a file), outside the journal. */
  observe(pid: number, operation: Operation): Answer {
    const performer = this.performer(pid);
    return performer ? performer.perform(operation) : { errno: 'ESRCH' };
  }

  /** Pid for the next process. */
  nextPid(): number {
    return this.kernel.processes.nextPid();
  }

  private performer(pid: number): Performer | null {
    const existing = this.performers.get(pid);
    const process = this.kernel.processes.get(pid);
    if (!process) return null;
    if (existing) return existing;
    const performer = new Performer(this.kernel, process);
    this.performers.set(pid, performer);
    return performer;
  }

  private perform(input: Input): Outcome {
    this.kernel.clock.advance(INPUT_TIME);
    this.kernel.why.clear();
    switch (input.kind) {
      case 'call':
        return this.call(input.pid, input.operation);
      case 'spawn':
        this.kernel.processes.spawn({ pid: input.pid, parent: input.parent, name: input.name, uid: input.uid });
        return done();
      case 'exit':
        this.kernel.processes.exit(input.pid);
        this.performers.delete(input.pid);
        return done();
      case 'stimulus':
        return this.stimulate(input.stimulus);
      case 'time':
        this.kernel.clock.advance(BigInt(Math.round(input.ms * 1000)) * (NS_PER_MS / 1000n));
        return done();
      case 'edit': {
        const edited = applyEdit(this.description, this.kernel, input.edit);
        if (typeof edited === 'string') return { answer: null, why: null, error: edited };
        this.boot(edited);
        return done();
      }
      case 'reboot':
        this.boot({
          ...this.description,
          kernel: { ...this.description.kernel, cmdline: input.cmdline ?? this.description.kernel.cmdline },
        });
        return done();
      case 'answer':
        return done();
    }
  }

  private boot(description: MachineDescription): void {
    this.description = description;
    this.kernel = bootKernel(description);
    this.performers = new Map();
  }

  private call(pid: number, operation: TracedOperation): Outcome {
    const performer = this.performer(pid);
    if (!performer) return { answer: { errno: 'ESRCH' }, why: null, error: null };
    const answer = performer.perform(operation);
    return { answer, why: answer.errno === undefined ? null : this.kernel.why.last, error: null };
  }

  private stimulate(stimulus: Stimulus): Outcome {
    const device = this.kernel.pci.devices.get(stimulus.device);
    if (!device) return { answer: null, why: null, error: `There is no function ${stimulus.device}.` };
    const { machine, clock } = this.kernel;
    const result = stimulate(machine, device.function, stimulus, (ns) => clock.advance(ns));
    if ('problem' in result) return { answer: null, why: null, error: result.problem };
    const { hex, complete } = result;
    return { answer: { ...(hex !== null && { hex }), ...(!complete && { errno: 'EIO' }) }, why: null, error: null };
  }
}

const done = (): Outcome => ({ answer: null, why: null, error: null });

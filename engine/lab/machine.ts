/** The one way in: a machine changes only through `apply`, and its state is the replay of its journal. */
import type { MachineDescription } from '../hardware/description';
import { stimulate } from '../hardware/devices/stimulate';
import type { Kernel } from '../linux/kernel';
import { bootKernel } from '../linux/kernel';
import type { Process } from '../linux/process/process';
import type { Answer, Operation, TracedOperation } from '../linux/uapi/operation';
import type { Refusal } from '../linux/why';
import { BatchWriter, readBatch } from '../shell/c/batch';
import type { LinearMemory } from '../shell/c/abi';
import { ProgramCalls } from '../shell/c/calls';
import { Bytes, pack, unpack } from '../shell/c/pack';
import { Tape } from '../shell/c/tape';
import { readBootSettings } from '../shell/boot-files';
import { Performer } from '../shell/calls/perform';
import { Files } from '../shell/files';
import { spaceOf } from '../shell/looking';
import { PROGRAMS } from '../shell/programs';
import { applyEdit, applyLabel } from './edit';
import type { EditReport } from './edit/report';
import { asBooted, reportOf } from './edit/report';
import { restoreVirtual, virtualFamilies } from './edit/virtual';
import type { Input, Stimulus, TopologyEdit } from './input';
import installed from './installed.json';
import type { BatchKeeper, OpenBatch, ProgramWatchers } from './program';
import { LiveProgram, stepCall, stepLoad, stepStore, stepTime } from './program';
import type { Recording } from './recording/recording';

/** The types of groups that a dump recorded were made by another command line. */
function withCommandLine(description: MachineDescription, cmdline: string): MachineDescription {
  const { kernel, recordedGroups } = description;
  if (cmdline === kernel.cmdline) return description;
  const untyped = Object.entries(recordedGroups ?? {}).map(([id, group]) => [id, { ...group, type: null }] as const);
  return {
    ...description,
    kernel: { ...kernel, cmdline },
    recordedGroups: recordedGroups === null ? null : Object.fromEntries(untyped),
  };
}

/** What an input did. `error` is a refusal by the lab itself (an edit that cannot be), not by Linux. */
export interface Outcome {
  answer: Answer | null;
  why: Refusal | null;
  error: string | null;
  /** What an edit did, by the names that boot gave. */
  report?: EditReport;
}

/** Who watches every input of a machine, from its first one on. */
export interface MachineFollower {
  before(machine: Machine, input: Input): void;
  /** The input is in the journal, unless the lab refused it (`outcome.error`). */
  after(machine: Machine, input: Input, outcome: Outcome): void;
  /** A program in C made a call, within the input that its batch becomes. */
  called?(machine: Machine, call: ProgramCall): void;
}

/** A call of a program in C: its number and arguments as they came, and its value or negative errno. */
export interface ProgramCall {
  readonly calls: ProgramCalls;
  readonly number: number;
  readonly args: readonly number[];
  readonly text: string;
  readonly result: number;
}

/** Virtual time that passes with every input, so that log lines and interrupts have an order in time. */
const INPUT_TIME = 100_000n;
const NS_PER_MS = 1_000_000n;
export const INPUT_TIME_MS = Number(INPUT_TIME) / Number(NS_PER_MS);

export class Machine {
  /** The description the journal starts from. */
  readonly base: MachineDescription;
  /** The description in force: `base` with the journal's edits. */
  description: MachineDescription;
  kernel: Kernel;
  readonly journal: Input[] = [];
  readonly follower: MachineFollower | null;
  /** What its inputs did; null where nobody looks. */
  readonly recording: Recording | null;
  private performers = new Map<number, Performer>();
  private programs = new Map<number, ProgramCalls>();
  private readonly tape = new Tape();
  private batch: OpenBatch | null = null;
  /** Another machine stands in its place. */
  private dropped = false;

  constructor(base: MachineDescription, follower: MachineFollower | null = null, recording: Recording | null = null) {
    this.base = base;
    this.follower = follower;
    this.recording = recording;
    this.kernel = bootKernel(base, { programs: PROGRAMS.keys(), files: installed });
    this.description = asBooted(base, this.kernel);
  }

  /** A machine in the state after these inputs. */
  static replay(base: MachineDescription, inputs: readonly Input[], follower: MachineFollower | null = null): Machine {
    const machine = new Machine(base, follower);
    for (const input of inputs) machine.apply(input);
    return machine;
  }

  /**
   * Applies one input and writes it into the journal, with what it read of programs' memory. An input the lab refuses
   * changes nothing and is not written.
   */
  apply(input: Input): Outcome & { input: Input } {
    this.seal();
    this.follower?.before(this, input);
    this.recording?.before(this, input);
    const outcome = input.reads === undefined ? this.perform(input) : this.performWith(input, input.reads);
    const written = input.reads === undefined ? this.withReads(input) : input;
    if (outcome.error === null) this.journal.push(written);
    this.recording?.after(this, written, outcome);
    this.follower?.after(this, written, outcome);
    return { ...outcome, input: written };
  }

  private performWith(input: Input, reads: string): Outcome {
    this.tape.play(unpack(reads));
    try {
      return this.perform(input);
    } finally {
      this.tape.stop();
    }
  }

  private withReads(input: Input): Input {
    const parts = this.tape.take();
    if (parts.length === 0) return input;
    const bytes = new Bytes();
    for (const part of parts) bytes.bytes(part);
    return { ...input, reads: pack(bytes.view) };
  }

  // ---- programs in C

  /** A program begins in a process that is there; null when it is not. */
  attach(pid: number, memory: LinearMemory, keeper: BatchKeeper, watchers: ProgramWatchers): LiveProgram | null {
    const process = this.kernel.processes.get(pid);
    if (process === null) return null;
    const { kernel } = this;
    const calls = this.programCalls(process, memory);
    return new LiveProgram(calls, keeper, watchers, () => this.kernel === kernel && !this.dropped);
  }

  private programCalls(process: Process, memory: LinearMemory | null): ProgramCalls {
    const calls = new ProgramCalls(this.kernel, process, this.tape, memory);
    if (this.follower?.called) {
      calls.told = (number, args, text, result) => this.follower!.called!(this, { calls, number, args, text, result });
    }
    this.programs.set(process.pid, calls);
    return calls;
  }

  /** The batch that a program's next step goes into. */
  batchOf(pid: number): OpenBatch {
    if (this.batch?.pid !== pid) {
      this.seal();
      const input: Input = { kind: 'program', pid, batch: '' };
      this.follower?.before(this, input);
      this.recording?.before(this, input);
      this.batch = { pid, writer: new BatchWriter() };
    }
    return this.batch!;
  }

  /** Ends the open batch: the input it became, which is in the journal now; null when there was none. */
  seal(): Input | null {
    if (this.batch === null) return null;
    const { pid, writer } = this.batch;
    this.batch = null;
    const input = this.withReads({ kind: 'program', pid, batch: writer.text() });
    this.journal.push(input);
    this.recording?.after(this, input, done());
    this.follower?.after(this, input, done());
    return input;
  }

  /** Nobody uses this machine any more: its programs end. */
  drop(): void {
    this.dropped = true;
  }

  get openBatch(): OpenBatch | null {
    return this.batch;
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
    if (input.kind === 'program') return this.replayProgram(input.pid, input.batch);
    this.kernel.why.clear();
    if (!mayBeRefused(input)) this.takeTime();
    switch (input.kind) {
      case 'call':
        return this.call(input.pid, input.operation);
      case 'spawn':
        this.kernel.processes.spawn({ pid: input.pid, parent: input.parent, name: input.name, uid: input.uid });
        return done();
      case 'exit':
        this.kernel.processes.exit(input.pid);
        this.performers.delete(input.pid);
        this.programs.delete(input.pid);
        return done();
      case 'stimulus':
        return this.stimulate(input.stimulus);
      case 'time':
        this.kernel.clock.advance(BigInt(Math.round(input.ms * 1000)) * (NS_PER_MS / 1000n));
        return done();
      case 'edit':
        return this.edit(input.edit);
      case 'reboot':
        this.boot(input.cmdline === null ? this.description : withCommandLine(this.description, input.cmdline));
        return done();
      case 'answer':
        return done();
    }
  }

  /** The instant that an input takes. */
  private takeTime(): void {
    this.kernel.clock.advance(INPUT_TIME);
  }

  /** The disk keeps its files, and they decide what is loaded. */
  private boot(description: MachineDescription): void {
    const files = new Files(
      spaceOf((operation) => this.observe(1, operation)),
      () => '/',
    );
    this.kernel = bootKernel(description, { disk: { root: this.kernel.fs.root, settings: readBootSettings(files) } });
    this.description = asBooted(description, this.kernel);
    this.performers = new Map();
    this.programs = new Map();
  }

  /** Does again what a program did. It is not here: what it called with is in the batch, what it had in memory on tape. */
  private replayProgram(pid: number, batch: string): Outcome {
    const process = this.kernel.processes.get(pid);
    if (process === null) return { answer: { errno: 'ESRCH' }, why: null, error: null };
    const calls = this.programs.get(pid) ?? this.programCalls(process, null);
    try {
      readBatch(batch, {
        time: (microseconds) => stepTime(calls, microseconds),
        load: (at, width) => stepLoad(calls, at, width),
        store: (at, width, value) => stepStore(calls, at, width, value),
        call: (number, args, text) => stepCall(calls, number, args, text),
      });
      return done();
    } catch (error) {
      // No program makes such steps; a document could claim it.
      const text = error instanceof Error ? error.message : String(error);
      return { answer: null, why: null, error: `What a program did cannot be done again: ${text}` };
    }
  }

  private edit(edit: TopologyEdit): Outcome {
    if (edit.kind === 'label') {
      const labelled = applyLabel(this.description, edit.address, edit.label);
      if (typeof labelled === 'string') return { answer: null, why: null, error: labelled };
      this.takeTime();
      this.description = labelled;
      return done();
    }
    const edited = applyEdit(this.description, this.kernel, edit);
    if (typeof edited === 'string') return { answer: null, why: null, error: edited };
    this.takeTime();
    const families = virtualFamilies(this.kernel);
    const before = { kernel: this.kernel, description: this.description };
    this.boot(edited.description);
    const report = reportOf(before, edited, this);
    restoreVirtual(families, report.names, this.kernel, (operation) => this.observe(1, operation));
    return { ...done(), report };
  }

  /** The machine as it would boot after an edit, beside this one; a sentence where the edit cannot be made. */
  tried(edit: TopologyEdit): Machine | string {
    const edited = applyEdit(this.description, this.kernel, edit);
    if (typeof edited === 'string') return edited;
    const tried = new Machine(edited.description);
    const { names } = reportOf(this, edited, tried);
    restoreVirtual(virtualFamilies(this.kernel), names, tried.kernel, (operation) => tried.observe(1, operation));
    return tried;
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
    this.takeTime();
    const { hex, complete } = result;
    return { answer: { ...(hex !== null && { hex }), ...(!complete && { errno: 'EIO' }) }, why: null, error: null };
  }
}

/** What the lab may refuse takes its time once it is known to happen: a refused input is in no journal. */
const mayBeRefused = ({ kind }: Input): boolean => kind === 'stimulus' || kind === 'edit';

const done = (): Outcome => ({ answer: null, why: null, error: null });

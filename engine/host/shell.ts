/** Shells outside the window: `vfiolab sh`, and the programs that a conformance check runs. */
import { readFileSync } from 'node:fs';
import type { Input } from '../lab/input';
import { heldBy } from '../lab/held';
import { History } from '../lab/journal';
import { arrivalsSince } from '../lab/arrivals';
import { deviceSheet } from '../lab/device-sheet';
import { explainSubject } from '../lab/explain';
import { LabUserSpace } from '../lab/user-space';
import type { MachineDoor } from '../lab/user-space';
import type { MachineDescription } from '../hardware/description';
import type { Performer } from '../shell/calls/perform';
import { spaceOf } from '../shell/looking';
import { runScript } from '../shell/session';
import type { ByteReader, ByteWriter } from '../shell/streams';
import { BytesWriter, concat, NULL_READER } from '../shell/streams';
import { HostFileError, exists } from './files';
import { programHost } from './c/programs';
import { readMachine } from './machines';
import { boundPatterns } from './patterns';
import { sampleMachine } from './samples';

const FIRST_PID = 1000;

const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}

/** A machine without a window, after these inputs: the same door, with nobody else behind it. */
export function doorTo(description: MachineDescription, inputs: readonly Input[] = []): MachineDoor {
  const gestures = inputs.length === 0 ? [] : [{ label: '', inputs: [...inputs] }];
  return doorOf(new History({ machine: description, gestures }));
}

/** The same for a machine whose history others look at as well. */
export function doorOf(history: History): MachineDoor {
  boundPatterns();
  const { journal } = history.machine;
  let lastPid = journal.reduce((last, input) => (input.kind === 'spawn' ? Math.max(last, input.pid) : last), FIRST_PID);
  const once = new Set<() => void>();
  const onNextChange = (listener: () => void): (() => void) => {
    once.add(listener);
    return () => once.delete(listener);
  };
  const changed = (): void => {
    const waiting = [...once];
    once.clear();
    for (const listener of waiting) listener();
  };
  return {
    apply(input, label, key) {
      const outcome = history.apply(input, label, key);
      changed();
      return outcome;
    },
    observe: (looker, operation) => history.observe(looker, operation),
    exists: (pid) => history.machine.kernel.processes.get(pid) !== null,
    newPid: () => ++lastPid,
    onNextChange,
    breathe,
    delay,
    programs: programHost(),
    attach: (pid, memory, owner) => history.attach(pid, memory, owner, { stepped: changed, onNextChange }),
    programCalled: () => undefined,
    now: () => ({ realtime: Date.now(), monotonic: Number(history.machine.kernel.clock.now / 1_000_000n) }),
    arrivals: (from, uid) => arrivalsSince(history.machine.kernel, from, uid),
    held: (pid) => heldBy(history.machine.kernel, pid),
    explain: (subject) => explainSubject(history.machine.kernel, subject),
    deviceSheet: (device) => deviceSheet(history.machine.kernel, device),
  };
}

/** A shell of root behind a door; `label` names what it does to the machine. */
export const rootShell = (door: MachineDoor, label: string): LabUserSpace =>
  new LabUserSpace(door, { pid: FIRST_PID, parent: null, name: 'bash', uid: 0, command: { current: { label } } });

const writerTo = (stream: NodeJS.WriteStream): ByteWriter => ({
  write: (data) =>
    new Promise((resolve) => {
      if (stream.write(data)) resolve();
      else stream.once('drain', resolve);
    }),
  close: () => undefined,
});

/** Standard input as a reader; null at its end. */
function standardInput(): ByteReader {
  const chunks = process.stdin[Symbol.asyncIterator]();
  let rest: Uint8Array | null = null;
  return {
    unread(data) {
      rest = rest === null ? data : concat([data, rest]);
    },
    close: () => undefined,
    async read(limit: number) {
      if (rest === null) {
        const next = await chunks.next();
        if (next.done) return null;
        rest = next.value as Uint8Array;
      }
      const part: Uint8Array = rest.subarray(0, limit);
      rest = rest.length > limit ? rest.subarray(limit) : null;
      return part;
    },
  };
}

/** Runs `lspci <options>` as root on a kernel that is there already. */
export async function lspciText(performer: Performer, options: string): Promise<string> {
  const out = new BytesWriter();
  const system = { ...spaceOf((operation) => performer.perform(operation)), pid: performer.process.pid };
  await runScript(system, `lspci ${options}`, { stdin: NULL_READER, stdout: out, stderr: out });
  return out.text;
}

interface ShellArguments {
  machine: string | null;
  command: string | null;
  script: string | null;
  args: string[];
}

function parse(argv: readonly string[]): ShellArguments {
  const parsed: ShellArguments = { machine: null, command: null, script: null, args: [] };
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--machine') parsed.machine = argv[++i] ?? null;
    else if (word === '-c') {
      parsed.command = argv[++i] ?? '';
      parsed.args = argv.slice(i + 1);
      break;
    } else {
      parsed.script = word;
      parsed.args = argv.slice(i + 1);
      break;
    }
  }
  return parsed;
}

export async function runShell(argv: readonly string[]): Promise<number> {
  const options = parse(argv);
  const description = options.machine === null ? sampleMachine() : readMachine(options.machine);
  const system = rootShell(doorTo(description), options.command ?? options.script ?? 'bash');
  const streams = { stdout: writerTo(process.stdout), stderr: writerTo(process.stderr) };
  if (options.command !== null) {
    return runScript(system, options.command, { ...streams, stdin: standardInput(), args: options.args });
  }
  if (options.script !== null) {
    if (!exists(options.script)) throw new HostFileError(`${options.script}: no such file`);
    const source = readFileSync(options.script, 'utf8');
    return runScript(system, source, { ...streams, stdin: standardInput(), args: options.args, name: options.script });
  }
  return runScript(system, readFileSync(0, 'utf8'), { ...streams, stdin: NULL_READER });
}

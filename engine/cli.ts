/** The command line: the same engine without a window. */
import { checkMachine } from './conformance/machine-check';
import type { Snapshot } from './conformance/machine-check';
import { playTrace } from './conformance/player';
import type { FileReport } from './conformance/report';
import { byFamily, differenceLines, sum, tableLines } from './conformance/report';
import { TraceError, familyOf, readTrace } from './conformance/trace';
import type { MachineDescription } from './hardware/description';
import { HostFileError, basename, dirname, exists, join, listFiles, readText } from './host/files';
import { printComparison, printGroups, printReach, printWhy, printWriteExplanation } from './host/print';
import { bytesOfHex } from './lab/explain';
import { traceOf } from './lab/export/trace';
import { ImportError } from './lab/import';
import { gradeCommand, lessonCommand, LESSON_HELP } from './host/lesson-command';
import { readDocumentFile, readMachine } from './host/machines';
import { lspciText, runShell } from './host/shell';
import { DEFAULT_POLICY, POLICIES } from './linux/iommu/policies';
import type { GroupingPolicy } from './linux/iommu/policy';
import { lookUp } from './hardware/lookup';

const HELP = `vfiolab: the VFIO Lab's engine on the command line

  vfiolab groups FILE [--policy NAME] [--compare NAME] [--json]
      IOMMU groups of a machine: a recorded snapshot, lspci text, a kernel log, an archive of /sys, or the command line
      of a QEMU. What the file hides and what that leaves open is said. --policy: by another rule than ${DEFAULT_POLICY.name}; --compare: where the groups by
      that rule differ, and why. Rules: ${[...POLICIES.keys()].join(', ')}.
  vfiolab why FILE A B [--json]
      Why functions A and B (01:00.0 …) are or are not in one group, and what would separate them.
  vfiolab reach FILE A B [--json]
      Whether what A writes can come to B past the IOMMU, and B's to A: every port on the way and what it does.
  vfiolab trace FILE.vfiolab
      The system calls of a saved document as a trace for the recorder, to be played on a real kernel.
  vfiolab explain FILE A OFFSET BYTES [--json]
      What vfio-pci's filter would do with every bit of a user's config write to function A: offset and bytes in hex,
      low byte first (004 0604).
  vfiolab sh [--machine FILE] [-c COMMAND | SCRIPT]
      A shell on the machine's Linux; without -c and SCRIPT commands are read from standard input.
  vfiolab lesson check [--fix] PATH... | new FOLDER | sheet FOLDER | conditions
      For lesson authors: whether lessons are in order (schema, links, outputs, the solution passes every step, the
      untouched start and wrong ways none; --fix puts fresh outputs in), a new lesson to begin with, a printable sheet as
      HTML, and what a check can ask for. docs/lessons.md is the guide.
  vfiolab grade FILE.vfiolab... [--lessons DIR] [--json]
      Who solved what: learners' documents are replayed, and files that were not made in the lab are named. DIR: folder
      of lessons, if not the lab's own.
  vfiolab conformance [--machines DIR] [--json] PATH...
      Compares the lab with recordings of a real kernel: *.machine.json and *.trace.jsonl (gzipped or not).
      A trace's machine is looked for beside it, or in DIR. Ends with "N passed, N failed".

Exit status: 0, or 1 when something failed or could not be read, or 2 for a wrong call.
`;

/** A call that makes no sense; the message says which word. */
class UsageError extends Error {}

interface Arguments {
  readonly words: string[];
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
}

function parse(argv: readonly string[], flagNames: readonly string[], valueNames: readonly string[]): Arguments {
  const words: string[] = [];
  const flags = new Set<string>();
  const values = new Map<string, string>();
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (flagNames.includes(word)) flags.add(word);
    else if (valueNames.includes(word)) {
      const value = argv[++i];
      if (value === undefined) throw new UsageError(`${word} needs a value`);
      values.set(word, value);
    } else if (word.startsWith('-') && word !== '-') throw new UsageError(`unknown option ${word}`);
    else words.push(word);
  }
  return { words, flags, values };
}

function policyNamed(name: string | undefined): GroupingPolicy | null {
  if (name === undefined) return null;
  const policy = POLICIES.get(name);
  if (!policy) throw new UsageError(`there is no rule ${name}: there are ${[...POLICIES.keys()].join(', ')}`);
  return policy;
}

async function groups(argv: readonly string[]): Promise<number> {
  const { words, flags, values } = parse(argv, ['--json'], ['--policy', '--compare']);
  if (words.length !== 1) throw new UsageError('groups takes one FILE');
  const options = { json: flags.has('--json'), policy: policyNamed(values.get('--policy')) ?? DEFAULT_POLICY };
  const other = policyNamed(values.get('--compare'));
  const machine = readMachine(words[0]!);
  return other === null ? printGroups(machine, options) : printComparison(machine, options, other);
}

async function why(argv: readonly string[]): Promise<number> {
  const { words, flags } = parse(argv, ['--json'], []);
  if (words.length !== 3) throw new UsageError('why takes FILE A B');
  return printWhy(readMachine(words[0]!), words[1]!, words[2]!, flags.has('--json'));
}

async function reach(argv: readonly string[]): Promise<number> {
  const { words, flags } = parse(argv, ['--json'], []);
  if (words.length !== 3) throw new UsageError('reach takes FILE A B');
  return printReach(readMachine(words[0]!), words[1]!, words[2]!, flags.has('--json'));
}

async function trace(argv: readonly string[]): Promise<number> {
  const { words } = parse(argv, [], []);
  if (words.length !== 1) throw new UsageError('trace takes one FILE.vfiolab');
  const contents = readDocumentFile(words[0]!);
  const { text, leftOut } = traceOf(contents, contents.machine.name);
  process.stdout.write(text);
  for (const line of leftOut) console.error(`left out: ${line}`);
  return 0;
}

async function explain(argv: readonly string[]): Promise<number> {
  const { words, flags } = parse(argv, ['--json'], []);
  if (words.length !== 4) throw new UsageError('explain takes FILE A OFFSET BYTES');
  const [file, address, offset, bytes] = words as [string, string, string, string];
  if (!/^(?:0x)?[0-9a-f]{1,3}$/i.test(offset)) throw new UsageError(`${offset} is no config offset in hex`);
  const data = bytesOfHex(bytes);
  if (!data) throw new UsageError(`${bytes} is not bytes in hex`);
  return printWriteExplanation(readMachine(file), address, parseInt(offset, 16), data, flags.has('--json'));
}

async function lesson(argv: readonly string[]): Promise<number> {
  const status = await lessonCommand(argv);
  if (status === null) throw new UsageError(`lesson is called in one of these ways:\n${LESSON_HELP}\n`);
  return status;
}

async function grade(argv: readonly string[]): Promise<number> {
  const { words, flags, values } = parse(argv, ['--json'], ['--lessons']);
  if (words.length === 0) throw new UsageError('grade takes one FILE.vfiolab or more');
  const lessons = values.get('--lessons');
  if (lessons !== undefined && !exists(lessons)) throw new HostFileError(`${lessons}: no such file or directory`);
  return gradeCommand(words, flags.has('--json'), lessons);
}

const MACHINE = /\.machine\.json(?:\.gz)?$/;
const TRACE = /\.trace\.jsonl(?:\.gz)?$/;

function machineFile(name: string, beside: string, folder: string | null): string {
  const candidates = [beside, folder]
    .filter((dir) => dir !== null)
    .flatMap((dir) => [join(dir, `${name}.machine.json`), join(dir, `${name}.machine.json.gz`)]);
  const found = candidates.find(exists);
  if (!found) throw new HostFileError(`the machine ${name} was not found: looked for ${candidates.join(', ')}`);
  return found;
}

async function conformance(argv: readonly string[]): Promise<number> {
  const { words, flags, values } = parse(argv, ['--json'], ['--machines']);
  if (words.length === 0) throw new UsageError('conformance takes one or more PATHs');
  const machines = new Map<string, MachineDescription>();
  const machineAt = (path: string): MachineDescription => {
    const known = machines.get(path);
    if (known) return known;
    const machine = readMachine(path);
    machines.set(path, machine);
    return machine;
  };
  const reports: FileReport[] = [];
  for (const path of listFiles(words)) {
    if (MACHINE.test(path)) {
      const snapshot = JSON.parse(readText(path)) as Snapshot;
      const result = await checkMachine(machineAt(path), snapshot, lspciText);
      reports.push({ file: path, family: 'machine', skipped: 0, ...result });
    } else if (TRACE.test(path)) {
      reports.push(playFile(path, values.get('--machines') ?? null, machineAt));
    }
  }
  if (reports.length === 0) throw new UsageError('there is no *.machine.json and no *.trace.jsonl among the paths');
  const totals = sum(reports);
  if (flags.has('--json')) {
    const families = Object.fromEntries(byFamily(reports));
    console.log(JSON.stringify({ ...totals, families, files: reports }));
  } else {
    for (const report of reports) for (const line of differenceLines(report)) console.log(line);
    for (const line of tableLines(byFamily(reports))) console.log(line);
  }
  console.log(`${totals.passed} passed, ${totals.failed} failed`);
  return totals.failed === 0 ? 0 : 1;
}

function playFile(path: string, machines: string | null, machineAt: (path: string) => MachineDescription): FileReport {
  const family = familyOf(basename(path).replace(/\.gz$/, ''));
  try {
    const trace = readTrace(readText(path));
    const machine = machineAt(machineFile(trace.machine, dirname(path), machines));
    return { file: path, family, ...playTrace(machine, trace) };
  } catch (error) {
    if (!(error instanceof TraceError || error instanceof HostFileError || error instanceof ImportError)) throw error;
    const line = error instanceof TraceError ? error.line : 1;
    const difference = { line, operation: 'this file cannot be played', want: '', got: error.message };
    return { file: path, family, passed: 0, failed: 1, skipped: 0, differences: [difference] };
  }
}

const COMMANDS: Readonly<Record<string, (argv: readonly string[]) => Promise<number>>> = {
  groups,
  why,
  reach,
  explain,
  conformance,
  trace,
  sh: (argv) => runShell(argv),
  lesson,
  grade,
};

export async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help' || rest.includes('--help')) {
    console.log(HELP);
    return name === undefined ? 2 : 0;
  }
  const command = lookUp(COMMANDS, name);
  try {
    if (!command) throw new UsageError(`there is no command ${name}`);
    return await command(rest);
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`vfiolab: ${error.message}. vfiolab --help tells.`);
      return 2;
    }
    if (error instanceof HostFileError || error instanceof ImportError) {
      console.error(`vfiolab: ${error.message}`);
      return 1;
    }
    throw error;
  }
}

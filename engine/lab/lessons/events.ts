/** Conditions on what was done: counted from where the watching begins. */
import { z } from 'zod';
import type { EventWatcher } from './conditions';
import { OUTCOMES } from '../../hardware/transactions';
import type { Happening, MadeCall } from './happening';
import { address, count, oneOf, pattern, size, within } from './values';

export interface Event<T = unknown> {
  readonly schema: z.ZodType<T>;
  watch(args: T): EventWatcher;
  /** One line for the author's guide. */
  readonly about: string;
}

/** An event that is there once enough happenings fit. `fits` says how many of them a happening stands for. */
function event<S extends z.ZodType>(
  about: string,
  schema: S,
  fits: (args: z.output<S>, happening: Happening) => number | boolean,
  times: (args: z.output<S>) => { min: number; max: number } = () => ({ min: 1, max: Infinity }),
): Event {
  return {
    about,
    schema,
    watch: (args) => {
      let seen = 0;
      return {
        observe: (happening) => void (seen += Number(fits(args as z.output<S>, happening))),
        holds: () => within(times(args as z.output<S>), seen),
      };
    },
  };
}

const times = count.optional();
const atLeastOnce = (args: { times?: z.output<typeof times> }) => args.times ?? { min: 1, max: Infinity };

const called = z.strictObject({
  /** Name of an ioctl: `VFIO_SET_IOMMU`. */
  request: oneOf(z.string()).optional(),
  /** Name of the operation where it is no ioctl: open, pwrite, syswrite, mmap, close … */
  op: oneOf(z.string()).optional(),
  path: pattern.optional(),
  text: pattern.optional(),
  /** True, an errno, or false for a call that succeeded. */
  refused: z.union([z.boolean(), oneOf(z.string())]).optional(),
  /** The check that refused it: `vfio.group.viable`. */
  check: pattern.optional(),
  /** Fields of the argument: numbers, or texts such as 0x1000. */
  with: z.record(z.string(), size).optional(),
  /** Fields of what came back, and `ret`, the value of the call. */
  gives: z.record(z.string(), size).optional(),
  /** A program in C made it, or another one. */
  c: z.boolean().optional(),
  times,
});
type Called = z.output<typeof called>;

/** How many calls of a happening fit. */
const fitting = (args: Called, { calls }: Happening): number => calls.filter((call) => fitsCall(args, call)).length;

function fitsCall(args: Called, call: MadeCall): boolean {
  if (args.c !== undefined && args.c !== call.inC) return false;
  if (args.op !== undefined && !args.op.includes(call.op)) return false;
  if (args.request !== undefined && !args.request.includes(call.request ?? '')) return false;
  if (args.path !== undefined && !(call.path !== null && args.path.test(call.path))) return false;
  if (args.text !== undefined && !args.text.test(call.text ?? '')) return false;
  if (args.check !== undefined && !(call.why !== null && args.check.test(call.why.check))) return false;
  if (args.refused !== undefined) {
    const refused = call.errno !== null || call.signal !== null;
    if (typeof args.refused === 'boolean' ? refused !== args.refused : !args.refused.includes(call.errno ?? '')) {
      return false;
    }
  }
  const { arg } = call;
  const given = typeof arg === 'object' ? arg : { arg };
  return fitsFields(args.with, given) && fitsFields(args.gives, call.gave);
}

function fitsFields(
  wanted: Readonly<Record<string, bigint>> | undefined,
  fields: Readonly<Record<string, unknown>> | null,
): boolean {
  return Object.entries(wanted ?? {}).every(([name, value]) => {
    const given = fields?.[name];
    return (typeof given === 'number' || typeof given === 'string') && numberOf(given) === value;
  });
}

function numberOf(value: number | string): bigint | null {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : null;
  return /^(?:0x[0-9a-f]+|\d+)$/i.test(value) ? BigInt(value) : null;
}

/** Calls in this order, others between them allowed. */
function ordered(list: readonly Called[]): EventWatcher {
  let next = 0;
  return {
    observe: ({ calls }) => {
      for (const call of calls) {
        const wanted = list[next];
        if (wanted !== undefined && fitsCall(wanted, call)) next++;
      }
    },
    holds: () => next === list.length,
  };
}

const wrote = z.strictObject({
  of: address,
  /** The first byte of the register that the write touches. */
  at: size,
  /** Every bit of the register was dropped, kept for the user (`shadow`), or one reached the hardware. */
  fate: z.enum(['dropped', 'shadow', 'hardware']).optional(),
  /** Value written at that byte. */
  is: size.optional(),
  mask: size.optional(),
  times,
});

/** Little-endian value of the bytes from `at` on, at most four. */
function valueAt(data: Uint8Array, at: number): bigint {
  return data.subarray(at, at + 4).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

const ALL_BITS = 0xffffffffn;

function fitsWrite(args: z.output<typeof wrote>, { write }: Happening): boolean {
  if (write === null || write.device !== args.of) return false;
  const at = Number(args.at);
  if (at < write.offset || at >= write.offset + write.data.length) return false;
  if (args.is !== undefined && (valueAt(write.data, at - write.offset) & (args.mask ?? ALL_BITS)) !== args.is) {
    return false;
  }
  const fates = write.explanation.bits.filter((bit) => bit.offset === at).map((bit) => bit.fate);
  if (args.fate === 'hardware') return fates.includes('hardware');
  return args.fate === undefined || fates.every((fate) => fate === args.fate || fate === 'written-back');
}

const REGIONS = ['bar0', 'bar1', 'bar2', 'bar3', 'bar4', 'bar5', 'rom', 'config', 'vga'] as const;

const read = z.strictObject({
  of: address,
  region: z.enum(REGIONS).default('config'),
  at: size,
  is: size.optional(),
  mask: size.optional(),
  times,
});

function fitsRead(args: z.output<typeof read>, { read: made }: Happening): boolean {
  if (made === null || made.device !== args.of || REGIONS[made.region] !== args.region) return false;
  const at = Number(args.at);
  if (at < made.offset || at >= made.offset + made.data.length) return false;
  return args.is === undefined || (valueAt(made.data, at - made.offset) & (args.mask ?? ALL_BITS)) === args.is;
}

const dma = z.strictObject({
  of: address,
  kind: z.enum(['read', 'write']).optional(),
  /** What became of it. */
  outcome: oneOf(z.enum(OUTCOMES)).optional(),
  /** The function that it came to. */
  to: address.optional(),
  /** As the device put it on the bus. */
  address: size.optional(),
  times,
});

function fitsTransactions(args: z.output<typeof dma>, { transactions }: Happening): number {
  return transactions.filter(
    (one) =>
      one.sender === args.of &&
      one.kind !== 'message' &&
      (args.kind === undefined || one.kind === args.kind) &&
      (args.outcome === undefined || args.outcome.includes(one.outcome)) &&
      (args.to === undefined || one.target === args.to) &&
      (args.address === undefined || one.address === args.address),
  ).length;
}

const raised = z.strictObject({
  of: address,
  kind: z.enum(['intx', 'msi', 'msix']).optional(),
  vector: z.number().int().nonnegative().optional(),
  delivered: z.boolean().optional(),
  /** The step at which it was lost or held: table-entry, bus-master, remapping … */
  stopped: z.string().optional(),
  times,
});

function fitsInterrupt(args: z.output<typeof raised>, { interrupts }: Happening): number {
  return interrupts
    .filter(
      (one) =>
        one.device === args.of &&
        (args.kind === undefined || one.kind === args.kind) &&
        (args.vector === undefined || one.vector === args.vector) &&
        (args.delivered === undefined || one.delivered === args.delivered) &&
        (args.stopped === undefined || (!one.delivered && one.reached === args.stopped)),
    )
    .reduce((sum, one) => sum + one.count, 0);
}

export const EVENTS: Readonly<Record<string, Event>> = {
  called: event(
    '`{ request, op, path, text, refused, check, with, gives, c, times }`: a system call was made; every key given must fit. Of calls of programs in C (`c: true`) `with` is not known, and `gives` only as `ret`',
    called,
    fitting,
    atLeastOnce,
  ),
  order: {
    about: '`[ … ]`: calls, written as for `called`, were made in this order, others between them allowed',
    schema: z.array(called).min(2),
    watch: (args) => ordered(args as Called[]),
  },
  wrote: event(
    '`{ of, at, fate, is, mask, times }`: a user wrote this config register through VFIO; what became of its bits',
    wrote,
    fitsWrite,
    atLeastOnce,
  ),
  read: event(
    '`{ of, region, at, is, mask, times }`: a program read this place of a region (`config`, `bar0` …) through VFIO',
    read,
    fitsRead,
    atLeastOnce,
  ),
  dma: event(
    '`{ of, kind, outcome, to, address, times }`: the function read or wrote memory (`outcome`: memory, peer, fault, unsupported, aborted, silent; `to`: the function that it came to)',
    dma,
    fitsTransactions,
    atLeastOnce,
  ),
  raised: event(
    '`{ of, kind, vector, delivered, stopped, times }`: the function raised an interrupt',
    raised,
    fitsInterrupt,
    atLeastOnce,
  ),
  log: event(
    '`PATTERN`: a new line of the kernel log fits',
    pattern,
    (args, { log }) => log.filter((line) => args.test(line)).length,
  ),
  stimulus: event(
    '`{ kind, of, times }`: the lab made a device act (`kind`: interrupt, …)',
    z.strictObject({ kind: z.string().optional(), of: address.optional(), times }),
    (args, { input }) =>
      input.kind === 'stimulus' &&
      (args.kind === undefined || input.stimulus.kind === args.kind) &&
      (args.of === undefined || input.stimulus.device === args.of),
    atLeastOnce,
  ),
  edited: event(
    '`{ kind, times }`: the hardware was edited (`kind`: config, remove, …)',
    z.strictObject({ kind: z.string().optional(), times }),
    (args, { input }) => input.kind === 'edit' && (args.kind === undefined || input.edit.kind === args.kind),
    atLeastOnce,
  ),
  rebooted: event(
    '`{ times }`: the machine was booted again',
    z.strictObject({ times }),
    (_, { input }) => input.kind === 'reboot',
    atLeastOnce,
  ),
  answered: event(
    '`{ question, right }`: a question was answered',
    z.strictObject({ question: z.string(), right: z.boolean().default(true) }),
    (args, { input, right }) => input.kind === 'answer' && input.question === args.question && right === args.right,
  ),
};

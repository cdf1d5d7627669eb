/** `stim`: lets something happen to a device, once or as a storm. */
import type { Stimulus, StimulusKind, StimulusParameter } from '../../hardware/devices/stimulus';
import { defaultStimulus, stimulusProblem } from '../../hardware/devices/stimulus';
import { stimulusText } from '../../hardware/devices/stimulus-text';
import type { Program, ProgramContext } from './program';
import { fullAddress } from './support/address';
import type { Parsed } from './support/options';
import { parseOptions } from './support/options';
import { complain, print } from './support/output';

const HELP = `Usage: stim                                what can happen to the devices of this machine
       stim ADDRESS                        what can happen to one of them
       stim [-n COUNT] [-i MS] ADDRESS WHAT [NAME=VALUE | VALUE]...
Let something happen to a device: it acts as if the world, or the device itself, did it.

  -n COUNT    so often
  -i MS       so many milliseconds apart; fractions count (0.01 is 100,000 a second)
  -q          say nothing

Values: numbers as 12 or 0xc; bytes as hex digits, text:WORD, or COUNT*HEX for repeated bytes; up or down for links.
stim ADDRESS vector N and stim ADDRESS intx raise an interrupt.
`;

class UsageError extends Error {}

// ---- listing

function rangeText(parameter: StimulusParameter): string {
  switch (parameter.kind) {
    case 'number': {
      const none = parameter.none === undefined ? '' : ` or none (${parameter.none})`;
      return `${parameter.min} to ${parameter.max}${none}`;
    }
    case 'flag':
      return 'on, off (up, down)';
    case 'choice':
      return parameter.options.map((option) => option.value).join(', ');
    case 'text':
      if (parameter.format === 'bytes') return `up to ${parameter.longest} bytes`;
      return parameter.format === 'number' ? 'up to 64 bits' : 'a word';
  }
}

function wrapped(text: string, indent: string, columns: number): string {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    if (line.trim() !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = indent;
    }
    line += line.trim() === '' ? word : ` ${word}`;
  }
  return [...lines, line].join('\n');
}

function kindText(kind: StimulusKind, columns: number): string {
  const lines = [`${kind.kind}  ${kind.title}`, wrapped(kind.about, '    ', columns)];
  for (const parameter of kind.parameters) {
    const given = parameter.default === '' ? '' : `, else ${String(parameter.default)}`;
    lines.push(wrapped(`${parameter.key}=… ${parameter.label}: ${rangeText(parameter)}${given}`, '      ', columns));
  }
  return lines.join('\n');
}

async function listAll(context: ProgramContext): Promise<number> {
  for (const device of context.files.list('/sys/bus/pci/devices')) {
    const kinds = context.system.deviceSheet?.(device)?.stimuli ?? [];
    if (kinds.length > 0) await print(context, `${device}  ${kinds.map((kind) => kind.kind).join(' ')}\n`);
  }
  return 0;
}

// ---- reading what was typed

const ON: ReadonlySet<string> = new Set(['on', 'up', 'yes', 'true', '1']);
const OFF: ReadonlySet<string> = new Set(['off', 'down', 'no', 'false', '0']);

/** `text:hello` and `64*5a` as hex digits; anything else as it is. */
function bytesOf(text: string): string {
  if (text.startsWith('text:')) {
    return [...new TextEncoder().encode(text.slice(5))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  }
  const repeated = /^(\d{1,5})\*((?:[0-9a-f]{2})+)$/i.exec(text);
  return repeated ? repeated[2]!.repeat(Number(repeated[1])) : text.replace(/^0x/i, '').replaceAll(':', '');
}

function valueOf(parameter: StimulusParameter, text: string): unknown {
  if (text === '' || text === 'none') return null;
  switch (parameter.kind) {
    case 'number':
      if (!/^(0x[0-9a-f]+|\d+)$/i.test(text)) throw new UsageError(`${parameter.label} is a number, not "${text}"`);
      return Number(text);
    case 'flag':
      if (ON.has(text)) return true;
      if (OFF.has(text)) return false;
      throw new UsageError(`${parameter.label} is up or down, not "${text}"`);
    case 'choice': {
      const same = parameter.options.find((option) => option.value.toLowerCase() === text.toLowerCase());
      return same?.value ?? text;
    }
    case 'text':
      if (parameter.format === 'bytes') return bytesOf(text);
      return parameter.format === 'number' && /^\d+$/.test(text) ? `0x${BigInt(text).toString(16)}` : text;
  }
}

/** The stimulus that the words mean: `name=value`, and bare values for the parameters in their order. */
function read(kind: StimulusKind, device: string, words: readonly string[]): Stimulus {
  const values: Record<string, unknown> = {};
  const open = [...kind.parameters];
  for (const word of words) {
    const named = /^([a-z]+)=(.*)$/is.exec(word);
    const parameter = named ? kind.parameters.find((one) => one.key === named[1]) : open[0];
    if (parameter === undefined) {
      const names = kind.parameters.map((one) => one.key).join(', ') || 'none';
      throw new UsageError(`"${word}" is no parameter of ${kind.kind}; there are: ${names}`);
    }
    open.splice(open.indexOf(parameter), 1);
    values[parameter.key] = valueOf(parameter, named ? named[2]! : word);
  }
  return { ...defaultStimulus(kind, device), ...values } as Stimulus;
}

/** The short forms for interrupts. */
function longForm([what, ...rest]: readonly string[]): readonly string[] {
  if (what === 'vector') return ['interrupt', ...rest];
  if (what === 'intx') return ['interrupt', 'vector=none'];
  return what === undefined ? [] : [what, ...rest];
}

// ---- storms

/** Real time between two pieces of a storm, so that it can be watched and stopped. */
const PIECE_MS = 20;

/** A storm goes into the journal in pieces; at a terminal they come as fast as they say. */
async function storm(context: ProgramContext, stimulus: Stimulus, count: number, ms: number): Promise<string | null> {
  const { system } = context;
  const perPiece = ms > 0 ? Math.max(1, Math.round(PIECE_MS / ms)) : count;
  for (let left = count; left > 0;) {
    context.signal.throwIfAborted();
    const now = Math.min(left, perPiece);
    const { problem } = system.stimulate!({ ...stimulus, count: now, everyUs: ms * 1000 });
    if (problem !== null) return problem;
    left -= now;
    if (left === 0) break;
    if (context.isTerminal(1)) await system.pause?.(now * ms, context.signal);
    else await system.breathe?.();
  }
  return null;
}

function amount(text: string | null, fallback: number, what: string): number {
  if (text === null) return fallback;
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) throw new UsageError(`${what} is a number`);
  return value;
}

async function happen(
  context: ProgramContext,
  options: Parsed,
  device: string,
  words: readonly string[],
): Promise<number> {
  const { system } = context;
  const [name, ...rest] = longForm(words);
  const kinds = system.deviceSheet?.(device)?.stimuli ?? [];
  const kind = kinds.find((one) => one.kind === name);
  if (kind === undefined) {
    throw new UsageError(`${device} has no stimulus ${name}; there are: ${kinds.map((one) => one.kind).join(', ')}`);
  }
  const stimulus = read(kind, device, rest);
  const count = amount(options.value('n'), 1, 'COUNT');
  const ms = amount(options.value('i'), 0, 'MS');
  const wrong = stimulusProblem(kind, { ...stimulus, count, everyUs: ms * 1000 });
  if (wrong !== null) throw new UsageError(wrong);
  if (count > 1) {
    const problem = await storm(context, stimulus, count, ms);
    if (problem !== null) throw new UsageError(problem);
    if (!options.has('q')) await print(context, `${device}: ${stimulusText(stimulus)}, ${count} times\n`);
    return 0;
  }
  const { problem, hex, complete } = system.stimulate!(stimulus);
  if (problem !== null) throw new UsageError(problem);
  if (!options.has('q')) {
    const found = hex === null ? '' : `\n${hex}`;
    const stopped = complete ? '' : ' — stopped on its way; dmesg tells more';
    await print(context, `${device}: ${stimulusText(stimulus)}${stopped}${found}\n`);
  }
  return complete ? 0 : 1;
}

export const stim: Program = async (context) => {
  const options = await parseOptions(context, { short: 'n:i:q', strict: true, help: HELP, status: 2 });
  if (typeof options === 'number') return options;
  if (!context.system.stimulate || !context.system.deviceSheet) {
    await complain(context, 'devices cannot be made to act from here');
    return 1;
  }
  const [address, ...words] = options.operands;
  if (address === undefined) return listAll(context);
  const device = fullAddress(address);
  const sheet = context.system.deviceSheet(device);
  if (sheet === null) {
    await complain(context, `no such device: ${address}`);
    return 1;
  }
  if (words.length === 0) {
    const columns = Math.max(40, context.terminal?.columns ?? 80);
    await print(context, `${sheet.stimuli.map((kind) => kindText(kind, columns)).join('\n\n')}\n`);
    return 0;
  }
  try {
    return await happen(context, options, device, words);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    await complain(context, error.message);
    return 2;
  }
};

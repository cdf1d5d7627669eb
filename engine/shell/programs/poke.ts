/** `poke`: the lab's own hand at a register of a device, past Linux and its drivers. */
import type { DeviceRegister } from '../../hardware/devices/data-sheet';
import type { StimulusOutcome } from '../user-space';
import type { Program, ProgramContext } from './program';
import { fullAddress } from './support/address';
import { parseOptions } from './support/options';
import { complain, print } from './support/output';

const HELP = `Usage: poke ADDRESS                        the registers that the device's data sheet names
       poke [-n COUNT] ADDRESS PLACE       read
       poke ADDRESS PLACE VALUE            write
Reads or writes a register of a BAR with the lab's own hand. This is no program of Linux: no driver, no /dev and no
permission is in the way, and a register that acts when it is read acts here too.

PLACE is a name of the data sheet, or BAR:OFFSET with a width of .b .w .l (4 bytes, the usual one) or .q: 0:0x24.l

  -n COUNT    so many registers after one another
`;

class UsageError extends Error {}

type Width = 1 | 2 | 4 | 8;

interface Place {
  readonly region: number;
  readonly offset: number;
  readonly width: Width;
}

const WIDTHS: Readonly<Record<string, Width>> = { b: 1, w: 2, l: 4, q: 8 };
const MOST = 4096;

function placeOf(text: string, registers: readonly DeviceRegister[]): Place {
  const named = registers.find((register) => register.name.toLowerCase() === text.toLowerCase());
  if (named) return named;
  const match = /^([0-6]):(0x[0-9a-f]+|\d+)(?:\.([bwlq]))?$/i.exec(text);
  if (!match) throw new UsageError(`"${text}" is no register; give BAR:OFFSET, or a name that poke ADDRESS lists`);
  return { region: Number(match[1]), offset: Number(match[2]), width: WIDTHS[(match[3] ?? 'l').toLowerCase()]! };
}

function valueOf(text: string): string {
  if (!/^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(text)) throw new UsageError(`"${text}" is no value; give 12 or 0xc`);
  return `0x${BigInt.asUintN(64, BigInt(text)).toString(16)}`;
}

const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;

/** Little-endian bytes as the number that they are. */
const numberText = (bytes: string): string => `0x${(bytes.match(/../g) ?? []).reverse().join('')}`;

function access(context: ProgramContext, device: string, place: Place, value: string | null): StimulusOutcome {
  const { region, offset, width } = place;
  const outcome = context.system.stimulate!({ device, kind: 'register', region, offset, width, value });
  if (outcome.problem !== null) throw new UsageError(outcome.problem);
  return outcome;
}

async function list(context: ProgramContext, registers: readonly DeviceRegister[]): Promise<number> {
  if (registers.length === 0) {
    await print(context, 'The device has no data sheet in the lab; give BAR:OFFSET.\n');
    return 0;
  }
  const longest = Math.max(...registers.map((register) => register.name.length));
  for (const { name, region, offset, access: kind, about } of registers) {
    await print(context, `${region}:${hex(offset, 4)} ${kind.padEnd(3)} ${name.padEnd(longest)}  ${about}\n`);
  }
  return 0;
}

async function touch(
  context: ProgramContext,
  device: string,
  words: readonly string[],
  count: number,
): Promise<number> {
  const registers = context.system.deviceSheet!(device)!.registers;
  const [where, value, ...more] = words;
  if (more.length > 0) throw new UsageError(`"${more[0]}" is one word too many`);
  const place = placeOf(where!, registers);
  if (value !== undefined) {
    access(context, device, place, valueOf(value));
    return 0;
  }
  for (let i = 0; i < count; i++) {
    const at = { ...place, offset: place.offset + i * place.width };
    const found = access(context, device, at, null).hex ?? '';
    await print(context, `${at.region}:${hex(at.offset, 4)}  ${numberText(found)}\n`);
  }
  return 0;
}

export const poke: Program = async (context) => {
  const options = await parseOptions(context, { short: 'n:', help: HELP, status: 2 });
  if (typeof options === 'number') return options;
  const { system } = context;
  const [address, ...words] = options.operands;
  if (address === undefined) {
    await complain(context, 'an address is missing');
    await complain(context, `Try 'poke --help' for more information.`, '');
    return 2;
  }
  if (!system.stimulate || !system.deviceSheet) {
    await complain(context, 'devices cannot be reached from here');
    return 1;
  }
  const device = fullAddress(address);
  const sheet = system.deviceSheet(device);
  if (sheet === null) {
    await complain(context, `no such device: ${address}`);
    return 1;
  }
  const count = Number(options.value('n') ?? 1);
  try {
    if (!Number.isInteger(count) || count < 1 || count > MOST) throw new UsageError(`COUNT is from 1 to ${MOST}`);
    return words.length === 0 ? await list(context, sheet.registers) : await touch(context, device, words, count);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    await complain(context, error.message);
    return 2;
  }
};

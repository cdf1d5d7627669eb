/**
 * Stimuli as data: what the world does to a device, and what a person makes it do. Each kind is declared with its
 * parameters and their limits, so that the window's menu, the terminal and lessons offer the same.
 */
import type { ChoiceStrap, FlagStrap, NumberStrap } from '../parts/straps';
import { strapProblem } from '../parts/straps';

export type StimulusAction =
  /** The device raises MSI or MSI-X vector `vector`, or pulses its INTx pin (null). */
  | { kind: 'interrupt'; vector: number | null }
  /** A packet comes in over the wire: its bytes, and the receive queue it is for. */
  | { kind: 'packet'; hex: string; queue: number }
  /** A doorbell of the device is rung from outside of the machine's software. */
  | { kind: 'doorbell'; doorbell: number; value: number }
  /** A key of the keyboard behind the device is pressed. */
  | { kind: 'key'; key: string }
  /** The link goes down or comes up: a network cable, or a port's PCI Express link. */
  | { kind: 'link'; up: boolean }
  /** The attention button of the port's slot is pressed. */
  | { kind: 'button' }
  /** The device finds an error; by its abbreviation in the AER registers, as lspci prints it. */
  | { kind: 'error'; error: string }
  /** DMA that no driver asked for. `length` counts for reads, `hex` for writes; `address` is `0x…`. */
  | { kind: 'dma'; direction: 'read' | 'write'; address: string; length: number; hex: string }
  /** A message write that the device makes up: `address` is `0x…`. */
  | { kind: 'msi'; address: string; data: number }
  /** The lab's hand at a register of a BAR: reads (value null) or writes; `value` is `0x…`. */
  | { kind: 'register'; region: number; offset: number; width: 1 | 2 | 4 | 8; value: string | null };

export type StimulusKindName = StimulusAction['kind'];

/** `count` times (left out: once), with `everyUs` microseconds of the machine's time in between. */
export type Stimulus = StimulusAction & { device: string; count?: number; everyUs?: number };

export const STIMULUS_LIMITS = {
  count: 10_000_000,
  everyUs: 60_000_000,
  /** All of it together, in microseconds of the machine's time. */
  duration: 3_600_000_000,
} as const;

export interface TextParameter {
  readonly kind: 'text';
  readonly key: string;
  readonly label: string;
  readonly help: string;
  /** `bytes`: hex digits, two a byte; `number`: `0x…` up to 64 bits; `word`: any text. */
  readonly format: 'bytes' | 'number' | 'word';
  /** Longest text in bytes, digits or letters. */
  readonly longest: number;
  readonly default: string;
  /** May be empty: null. */
  readonly optional?: boolean;
}

export type StimulusParameter =
  | (NumberStrap & { /** What null stands for, where it is allowed. */ readonly none?: string })
  | FlagStrap
  | ChoiceStrap
  | TextParameter;

export interface StimulusKind {
  readonly kind: StimulusKindName;
  /** For a menu: `Packet arrives`. */
  readonly title: string;
  readonly about: string;
  readonly parameters: readonly StimulusParameter[];
}

/** A device model that has stimuli of its own. */
export interface Stimulated {
  readonly stimuli: readonly StimulusKind[];
  /** Null when it happened, else why it could not. */
  stimulate(action: StimulusAction): string | null;
}

export const isStimulated = (model: object | null): model is Stimulated => model !== null && 'stimulate' in model;

/** The bytes of hex digits that were found to be such. */
export function bytesOf(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length >> 1);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

const HEX = /^(?:[0-9a-f]{2})*$/i;
const NUMBER = /^0x[0-9a-f]{1,16}$/i;

function textProblem({ label, format, longest }: TextParameter, value: unknown): string | null {
  if (typeof value !== 'string') return `${label} is missing.`;
  if (format === 'number') return NUMBER.test(value) ? null : `${label} is a number like 0x1000, up to 64 bits.`;
  if (format === 'word') return value.length <= longest ? null : `${label} has at most ${longest} letters.`;
  if (!HEX.test(value)) return `${label} are hex digits, two a byte.`;
  return value.length / 2 <= longest ? null : `${label} are at most ${longest} bytes.`;
}

/** Why the value cannot be; null when it can. */
export function parameterProblem(parameter: StimulusParameter, value: unknown): string | null {
  if (value === null) {
    const allowed = parameter.kind === 'text' ? parameter.optional === true : 'none' in parameter;
    return allowed ? null : `${parameter.label} is missing.`;
  }
  return parameter.kind === 'text' ? textProblem(parameter, value) : strapProblem(parameter, value);
}

/** The first thing that is wrong with a stimulus of this kind; null when nothing is. */
export function stimulusProblem(kind: StimulusKind, stimulus: Stimulus): string | null {
  const { count = 1, everyUs = 0 } = stimulus;
  if (!Number.isInteger(count) || count < 1 || count > STIMULUS_LIMITS.count) {
    return `It happens from 1 to ${STIMULUS_LIMITS.count} times.`;
  }
  if (!Number.isFinite(everyUs) || everyUs < 0 || everyUs > STIMULUS_LIMITS.everyUs) {
    return `There are up to ${STIMULUS_LIMITS.everyUs / 1e6} seconds in between.`;
  }
  if (everyUs * (count - 1) > STIMULUS_LIMITS.duration) return 'All together it takes an hour at most.';
  const values = stimulus as unknown as Readonly<Record<string, unknown>>;
  for (const parameter of kind.parameters) {
    const problem = parameterProblem(parameter, values[parameter.key]);
    if (problem !== null) return problem;
  }
  return null;
}

/** The stimulus with its parameters as they are by default. */
export function defaultStimulus(kind: StimulusKind, device: string): Stimulus {
  const values = kind.parameters.map((parameter) => [parameter.key, parameter.default] as const);
  return { device, kind: kind.kind, ...Object.fromEntries(values) } as unknown as Stimulus;
}

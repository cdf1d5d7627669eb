/** What is typed into the fields of a stimulus, as the values that it is made of. */
import type { Stimulus, StimulusKind, StimulusParameter } from '../bridge';

export type Typed = Readonly<Record<string, string | boolean>>;

/** What the fields hold at first. */
export function initial({ parameters }: StimulusKind): Record<string, string | boolean> {
  return Object.fromEntries(
    parameters.map(({ key, default: value }) => [key, typeof value === 'boolean' ? value : String(value)]),
  );
}

const WHOLE = /^(?:0x[0-9a-f]+|\d+)$/i;
const BYTES = /^(?:[0-9a-f]{2})*$/i;
const LONGEST_NUMBER = 2n ** 64n;

/** The value of a field; undefined: it can be none. */
export function valueOf(parameter: StimulusParameter, typed: string | boolean): unknown {
  if (parameter.kind === 'flag') return typed === true;
  const text = String(typed).trim();
  switch (parameter.kind) {
    case 'number': {
      if (text === '' && parameter.none !== undefined) return null;
      const value = WHOLE.test(text) ? Number(text) : NaN;
      return value >= parameter.min && value <= parameter.max ? value : undefined;
    }
    case 'choice':
      return text;
    case 'text': {
      if (text === '' && parameter.optional) return null;
      if (parameter.format === 'word') return text.length <= parameter.longest ? text : undefined;
      if (parameter.format === 'bytes') {
        const digits = text.replaceAll(/[\s:]/g, '');
        return BYTES.test(digits) && digits.length / 2 <= parameter.longest ? digits : undefined;
      }
      return WHOLE.test(text) && BigInt(text) < LONGEST_NUMBER ? `0x${BigInt(text).toString(16)}` : undefined;
    }
  }
}

/** What the engine takes: how often, with which pause, and how long all of it may last. */
export const MOST = { times: 10_000_000, everyMs: 60_000, togetherMs: 3_600_000 } as const;

/** Which of the two numbers of a storm cannot be. A field that was emptied holds text. */
export function stormProblem(times: number | string, everyMs: number | string): 'times' | 'every' | 'together' | null {
  if (!Number.isInteger(times) || Number(times) < 1 || Number(times) > MOST.times) return 'times';
  if (times === 1) return null;
  if (typeof everyMs !== 'number' || !Number.isFinite(everyMs) || everyMs < 0 || everyMs > MOST.everyMs) return 'every';
  return everyMs * (Number(times) - 1) > MOST.togetherMs ? 'together' : null;
}

/** Null where a field, the count or the pause between two can be none. */
export function stimulusOf(
  device: string,
  kind: StimulusKind,
  typed: Typed,
  count: number,
  everyMs: number,
): Stimulus | null {
  if (stormProblem(count, everyMs) !== null) return null;
  const values: Record<string, unknown> = {};
  for (const parameter of kind.parameters) {
    const value = valueOf(parameter, typed[parameter.key] ?? '');
    if (value === undefined) return null;
    values[parameter.key] = value;
  }
  const many = count > 1 ? { count, everyUs: Math.round(everyMs * 1000) } : {};
  return { device, kind: kind.kind, ...values, ...many } as Stimulus;
}

import type { ConfigFilter } from './config';
import type { Width } from './filter';
import type { RegisterRule } from './permissions';

/** Where a written bit went. `written-back`: not the user's to change, but part of the hardware write with its old value. */
export type BitFate = 'shadow' | 'hardware' | 'dropped' | 'written-back';

/** A run of bits of one byte that share a fate. */
export interface BitOutcome {
  readonly offset: number;
  readonly msb: number;
  readonly lsb: number;
  readonly fate: BitFate;
  /** Register and the rule that decided, in words fit for the screen. */
  readonly rule: string;
}

export interface WriteExplanation {
  readonly bits: readonly BitOutcome[];
  /** What the write does beside storing bits, in order. */
  readonly effects: readonly string[];
  /** Set when the access as a whole is refused. */
  readonly refused: string | null;
}

/** What became of every bit of a write, by the filter's own tables. Changes nothing. */
export function explainWrite(filter: ConfigFilter, offset: number, data: Uint8Array): WriteExplanation {
  if (offset < 0 || offset + data.length > filter.size) {
    const refused = `the access runs past the end of the ${filter.size}-byte configuration space: EFAULT`;
    return { bits: [], effects: [], refused };
  }
  const bits: BitOutcome[] = [];
  const effects: string[] = [];
  for (let at = offset, left = data.length; left > 0;) {
    const width = filter.chunk(at, left);
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = (value << 8) | data[at - offset + i]!;
    explainChunk(filter, at, width, bits);
    effects.push(...effectsOf(filter, at, width, value >>> 0));
    at += width;
    left -= width;
  }
  return { bits, effects, refused: null };
}

function explainChunk(filter: ConfigFilter, at: number, width: Width, out: BitOutcome[]): void {
  const { writable, virtual, writeClass } = filter.layout;
  let through = false;
  for (let i = at; i < at + width; i++) through ||= (writable[i]! & ~virtual[i]!) !== 0;
  for (let i = at; i < at + width; i++) {
    for (let bit = 7; bit >= 0; bit--) {
      const [fate, rule] = fateOf(filter, i, bit, writeClass[at]!, through);
      const run = out[out.length - 1];
      if (run !== undefined && run.offset === i && run.fate === fate && run.rule === rule) {
        out[out.length - 1] = { ...run, lsb: bit };
      } else {
        out.push({ offset: i, msb: bit, lsb: bit, fate, rule });
      }
    }
  }
}

function fateOf(
  filter: ConfigFilter,
  at: number,
  bit: number,
  kind: string,
  through: boolean,
): [fate: BitFate, rule: string] {
  const { layout } = filter;
  if (kind === 'raw') return ['hardware', `${placeOf(filter, at)}: passed on as it is`];
  if (kind === 'shadow') return ['shadow', 'bytes of the device quirk: kept for the user'];
  if (kind === 'none') return ['dropped', `${placeOf(filter, at)}: not writable by users`];
  const register = layout.rules[at]?.name ?? placeOf(filter, at);
  const mask = 1 << bit;
  if (layout.writable[at]! & mask) {
    return layout.virtual[at]! & mask
      ? ['shadow', `${register}: kept for the user, the hardware does not see it`]
      : ['hardware', `${register}: reaches the hardware`];
  }
  if (through) return ['written-back', `${register}: read from the hardware and written back with the rest`];
  return ['dropped', `${register}: not writable`];
}

function placeOf(filter: ConfigFilter, at: number): string {
  const { layout } = filter;
  const owner = layout.capabilities.find((c) => !c.hidden && at >= c.at && at < c.at + c.length);
  if (owner !== undefined) return owner.name;
  const hidden = [...layout.capabilities].reverse().find((c) => c.hidden && at >= c.at && layout.owner[at] === 0xff);
  return hidden !== undefined && at < hidden.at + 4
    ? `${hidden.name} (left out of the list)`
    : 'outside all capabilities';
}

type Effect = (filter: ConfigFilter, at: number, width: Width, value: number, rule: RegisterRule) => string[];

const bitsAt = (value: number, at: number, registerAt: number): number =>
  at >= registerAt ? value << (8 * (at - registerAt)) : value >>> (8 * (registerAt - at));

/** Effects by hook, told from the state before the write. */
const EFFECTS: Readonly<Record<string, Effect>> = {
  command: commandEffects,
  bar: () => ['the base address is stored as a user sees it; the region stays where the host put it'],
  power: (_filter, at, _width, value, rule) =>
    at % 4 === rule.at % 4
      ? [`power state D${value & 3} is asked of the host${(value & 3) === 3 ? '; mappings are removed' : ''}`]
      : [],
  vpd: (_filter, at, width, value, rule) => {
    const flag = at + width > rule.at + 1;
    return flag
      ? [bitsAt(value, at % 8, 2) & 0x8000 ? 'four bytes of VPD are written' : 'four bytes of VPD are read']
      : [];
  },
  msi: msiEffects,
  'device-control': expressEffects,
  'af-control': (_filter, _at, _width, value) =>
    value & 1 ? ['the function is reset, if it can be; mappings are removed'] : [],
};

function effectsOf(filter: ConfigFilter, at: number, width: Width, value: number): string[] {
  const seen = new Set<RegisterRule>();
  const effects: string[] = [];
  for (let i = at; i < at + width; i++) {
    const rule = filter.layout.rules[i];
    if (!rule?.hook || seen.has(rule)) continue;
    seen.add(rule);
    effects.push(...EFFECTS[rule.hook]!(filter, at, width, value, rule));
  }
  effects.push(...clearedBits(filter, at, width));
  return effects;
}

function commandEffects(filter: ConfigFilter, at: number, width: Width, value: number): string[] {
  const effects: string[] = [];
  const before = filter.shadowWord(0x04);
  const shift = 8 * (at - 0x04);
  const covered = (width >= 2 ? 0xffff : 0xff) << shift;
  const after = (before & ~covered) | ((value << shift) & covered & 0xffff);
  if (at === 0x04 && !(value & 2)) effects.push('memory decoding off: mappings of the BARs are removed');
  if (at === 0x04 && value & 2 && !(before & 2)) effects.push('memory decoding on: accesses and mappings work');
  if ((after ^ before) & 0x400)
    effects.push(after & 0x400 ? 'INTx is masked for the user' : 'INTx is unmasked; a pending one is delivered');
  return effects;
}

function msiEffects(filter: ConfigFilter, at: number, width: Width, value: number): string[] {
  const control = filter.layout.start[at]! + 2;
  if (control < at || control >= at + width) return ['the control register is written back to the hardware'];
  const wanted = (value >>> (8 * (control - at))) & 0xff;
  const effects: string[] = [];
  if (wanted & 1 && filter.host.irqType !== 'msi') effects.push('enable is taken back: no MSI is set up through VFIO');
  if (!(wanted & 1) && filter.host.irqType === 'msi')
    effects.push('MSI is switched off in the hardware; the eventfds stay');
  if ((wanted >>> 4) & 7 && ((wanted >>> 4) & 7) > filter.host.msiQmax) {
    effects.push(`vectors are clamped to ${1 << filter.host.msiQmax}`);
  }
  return effects;
}

function expressEffects(filter: ConfigFilter, at: number, width: Width, value: number, rule: RegisterRule): string[] {
  const start = filter.layout.start[at]!;
  const control = start + rule.at;
  const word = bitsAt(value, at, control) & 0xffff;
  const effects: string[] = [];
  if (at + width > control + 1 && word & 0x8000) {
    effects.push(
      filter.hardware.read(start + 4, 4) & 0x10000000
        ? 'function level reset: mappings are removed, the host resets and restores the function'
        : 'function level reset is not supported: nothing happens',
    );
  }
  if (at + width > control + 1 && (word ^ filter.shadowWord(control)) & 0x7000) {
    const asked = 128 << ((word >>> 12) & 7);
    const floor = filter.host.maxPayload();
    effects.push(
      asked > 4096
        ? `${asked} bytes are refused by the host`
        : `the host sets read requests to ${Math.max(asked, floor)} bytes`,
    );
  }
  return effects;
}

/** Bits that are set and clear on a one, hit by the write-back of a wider access. */
function clearedBits(filter: ConfigFilter, at: number, width: Width): string[] {
  const { layout, hardware } = filter;
  if (layout.writeClass[at] !== 'filter') return [];
  let through = false;
  for (let i = at; i < at + width; i++) through ||= (layout.writable[i]! & ~layout.virtual[i]!) !== 0;
  if (!through) return [];
  const effects: string[] = [];
  for (let i = at; i < at + width; i++) {
    const own = layout.writable[i]! & ~layout.virtual[i]!;
    const cleared = hardware.bytes[i]! & hardware.writeOneToClear[i]! & ~own;
    if (cleared !== 0) {
      const where = i.toString(16).padStart(3, '0');
      effects.push(
        `bits ${cleared.toString(2)} of byte ${where} are cleared: they were set and are written back as ones`,
      );
    }
  }
  return effects;
}

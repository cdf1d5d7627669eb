/** The filters `-s` and `-d` of lspci and setpci. */
import type { PciFunctionInfo } from './source';

/** A part that any value fits is null. */
export interface SlotFilter {
  domain: number | null;
  bus: number | null;
  device: number | null;
  fn: number | null;
}

export interface IdFilter {
  vendor: number | null;
  device: number | null;
  classCode: number | null;
  progIf: number | null;
}

/** Message of a filter that cannot be read: `Invalid slot number`. */
export class FilterError extends Error {}

/** Hexadecimal digits and nothing else. */
function part(text: string, maximum: number, what: string): number | null {
  if (text === '' || text === '*') return null;
  const value = /^[0-9a-f]+$/i.test(text) ? parseInt(text, 16) : NaN;
  if (!(value <= maximum)) throw new FilterError(`Invalid ${what}`);
  return value;
}

/** Reads `[[[[domain]:]bus]:][slot][.[func]]`. Throws FilterError. */
export function parseSlotFilter(text: string): SlotFilter {
  const filter: SlotFilter = { domain: null, bus: null, device: null, fn: null };
  const fields = text.split(':');
  if (fields.length > 3) throw new FilterError('Too many fields');
  const [slot, fn = '', ...more] = fields.pop()!.split('.');
  if (more.length > 0) throw new FilterError('Invalid slot/function number');
  const bus = fields.pop() ?? '';
  const domain = fields.pop() ?? '';
  // Of a domain only 32 bits count.
  filter.domain = part(/^[0-9a-f]{9,15}$/i.test(domain) ? domain.slice(-8) : domain, 0x7fffffff, 'domain number');
  filter.bus = part(bus, 0xff, 'bus number');
  filter.device = part(slot!, 0x1f, 'slot number');
  filter.fn = part(fn, 7, 'function number');
  return filter;
}

/** Reads `[vendor]:[device][:class[:prog-if]]`. Throws FilterError. */
export function parseIdFilter(text: string): IdFilter {
  const fields = text.split(':');
  if (fields.length > 4) throw new FilterError('Too many fields');
  if (fields.length < 2) throw new FilterError('At least two fields must be given');
  return {
    vendor: part(fields[0]!, 0xffff, 'vendor ID'),
    device: part(fields[1]!, 0xffff, 'device ID'),
    classCode: part(fields[2] ?? '', 0xffff, 'class code'),
    progIf: part(fields[3] ?? '', 0xff, 'programming interface code'),
  };
}

const fits = (wanted: number | null, value: number): boolean => wanted === null || wanted === value;

export function matches(slot: SlotFilter | null, id: IdFilter | null, f: PciFunctionInfo): boolean {
  if (
    slot &&
    !(fits(slot.domain, f.domain) && fits(slot.bus, f.bus) && fits(slot.device, f.device) && fits(slot.fn, f.fn))
  ) {
    return false;
  }
  return (
    !id ||
    (fits(id.vendor, f.vendor) &&
      fits(id.device, f.deviceId) &&
      fits(id.classCode, f.classCode) &&
      fits(id.progIf, f.progIf))
  );
}

/** A later filter replaces only the fields that it names. */
export function overlay<T extends object>(before: T | null, later: T): T {
  if (before === null) return later;
  const named = Object.entries(later).filter(([, value]) => value !== null);
  return { ...before, ...Object.fromEntries(named) };
}

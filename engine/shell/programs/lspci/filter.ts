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

function part(text: string, maximum: number, what: string, digits = 8): number | null {
  if (text === '' || text === '*') return null;
  const valid = /^(?:0x)?[0-9a-f]+$/i.test(text) && text.length <= digits;
  const value = valid ? parseInt(text, 16) : NaN;
  if (!valid || value > maximum) throw new FilterError(`Invalid ${what}`);
  return value;
}

/** Reads `[[[[domain]:]bus]:][slot][.[func]]`. Throws FilterError. */
export function parseSlotFilter(text: string): SlotFilter {
  const filter: SlotFilter = { domain: null, bus: null, device: null, fn: null };
  const fields = text.split(':');
  if (fields.length > 3) throw new FilterError('Too many fields');
  const last = fields.pop()!;
  const dot = last.indexOf('.');
  const slot = dot < 0 ? last : last.slice(0, dot);
  const fn = dot < 0 ? '' : last.slice(dot + 1);
  const bus = fields.pop() ?? '';
  const domain = fields.pop() ?? '';
  filter.domain = part(domain, 0x7fffffff, 'domain number');
  filter.bus = part(bus, 0xff, 'bus number');
  filter.device = part(slot, 0x1f, 'slot number');
  filter.fn = part(fn, 7, 'function number');
  return filter;
}

/** Reads `[vendor]:[device][:class[:prog-if]]`. Throws FilterError. */
export function parseIdFilter(text: string): IdFilter {
  const fields = text.split(':');
  if (fields.length > 4) throw new FilterError('Too many fields');
  if (fields.length < 2) throw new FilterError('At least two fields must be given');
  return {
    vendor: part(fields[0]!, 0xffff, 'vendor ID', 4),
    device: part(fields[1]!, 0xffff, 'device ID', 4),
    classCode: part(fields[2] ?? '', 0xffff, 'class code', 4),
    progIf: part(fields[3] ?? '', 0xff, 'programming interface code', 2),
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

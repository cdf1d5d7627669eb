/** What a dump did not show, gathered: facts that differ only in numbers become one row. */
import type { MachineView } from '../bridge';
import { T } from '../texts';
import { short } from '../ui/address';

export interface UnknownRow {
  what: string;
  why: string;
  /** Facts like this one beyond the first. */
  more: number;
  /** How many functions it is about, and the first of them. */
  where: string;
}

const FUNCTIONS_SHOWN = 8;
/** What groups rest on comes first. */
const FIRST: readonly string[] = ['acs', 'capabilities', 'config'];
const rank = (what: string): number => (FIRST.includes(what) ? FIRST.indexOf(what) : FIRST.length);
/** Ids, and lists of them, count as numbers do. */
const pattern = (why: string): string =>
  why.replaceAll(/[0-9a-f]{4}:[0-9a-f]{4}(, [0-9a-f]{4}:[0-9a-f]{4})*/g, '#').replaceAll(/\d+/g, '#');

export function gatherUnknown(facts: MachineView['unknown']): UnknownRow[] {
  const rows = new Map<string, { what: string; why: string; reasons: Set<string>; functions: string[] }>();
  for (const fact of facts) {
    const key = `${fact.what}|${pattern(fact.why)}`;
    const row = rows.get(key) ?? { what: fact.what, why: fact.why, reasons: new Set<string>(), functions: [] };
    row.reasons.add(fact.why);
    row.functions.push(fact.function === null ? T.status.unknownMachine : short(fact.function));
    rows.set(key, row);
  }
  const sorted = [...rows.values()].sort((a, b) => rank(a.what) - rank(b.what));
  return sorted.map(({ what, why, reasons, functions }) => ({
    what,
    why,
    more: reasons.size - 1,
    where:
      (functions.length > 1 ? T.status.unknownIn(functions.length) : '') +
      functions.slice(0, FUNCTIONS_SHOWN).join(', ') +
      (functions.length > FUNCTIONS_SHOWN ? ' …' : ''),
  }));
}

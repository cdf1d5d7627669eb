/** What a dump did not show, gathered: facts that differ only in numbers become one row. */
import type { MachineView } from '../bridge';
import { T } from '../texts';
import { short } from '../ui/address';

export interface UnknownRow {
  what: string;
  why: string;
  /** Facts like this one beyond the first. */
  more: number;
  /** The first functions it is about. */
  where: string;
}

const FUNCTIONS_SHOWN = 8;

export function gatherUnknown(facts: MachineView['unknown']): UnknownRow[] {
  const rows = new Map<string, { what: string; why: string; reasons: Set<string>; functions: string[] }>();
  for (const fact of facts) {
    const key = `${fact.what}|${fact.why.replaceAll(/\d+/g, '#')}`;
    const row = rows.get(key) ?? { what: fact.what, why: fact.why, reasons: new Set<string>(), functions: [] };
    row.reasons.add(fact.why);
    row.functions.push(fact.function === null ? T.status.unknownMachine : short(fact.function));
    rows.set(key, row);
  }
  return [...rows.values()].map(({ what, why, reasons, functions }) => ({
    what,
    why,
    more: reasons.size - 1,
    where: functions.slice(0, FUNCTIONS_SHOWN).join(', ') + (functions.length > FUNCTIONS_SHOWN ? ' …' : ''),
  }));
}

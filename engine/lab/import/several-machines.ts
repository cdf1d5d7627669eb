/** A text that holds listings of several machines: where the second one begins. */
import { formatAddress } from '../../hardware/pci/address';
import { pciIdsByAnyName } from '../../shell/pci-ids';
import { readIdentity } from './lspci/identity';
import type { FunctionText } from './lspci/lines';

/** Whether two headers can be of one function: a name may fit several devices. */
function mayBeOne(first: string, second: string): boolean {
  if (first === second) return true;
  const [one, other] = [first, second].map((header) => readIdentity(header, pciIdsByAnyName()));
  const differs = (a: number | null, b: number | null): boolean => a !== null && b !== null && a !== b;
  if (differs(one!.vendor, other!.vendor)) return false;
  return one!.candidates.length + other!.candidates.length > 0 || !differs(one!.device, other!.device);
}

/** Functions as they follow each other; one that was there already begins the next listing. */
function listingsOf(functions: readonly FunctionText[]): FunctionText[][] {
  const listings: FunctionText[][] = [];
  let seen = new Set<string>();
  for (const fn of functions) {
    const name = formatAddress(fn.address);
    if (listings.length === 0 || seen.has(name)) {
      listings.push([]);
      seen = new Set();
    }
    seen.add(name);
    listings.at(-1)!.push(fn);
  }
  return listings;
}

/**
 * The line at which a listing begins that cannot be of the machine of the listings before it: a good part of the
 * functions at the same addresses are others, or one is and there are functions elsewhere, too. Null when all are of
 * one machine.
 */
export function secondMachine(functions: readonly FunctionText[]): { line: number; example: string } | null {
  const headers = new Map<string, string>();
  for (const [index, listing] of listingsOf(functions).entries()) {
    let common = 0;
    let added = 0;
    const others: string[] = [];
    for (const fn of index === 0 ? [] : listing) {
      const name = formatAddress(fn.address);
      const before = headers.get(name);
      if (before === undefined) {
        added++;
        continue;
      }
      common++;
      if (!mayBeOne(before, fn.header)) others.push(name);
    }
    if (others.length > 0 && ((others.length >= 2 && others.length * 4 > common) || added >= 2))
      return { line: listing[0]!.line, example: others[0]! };
    for (const fn of listing)
      if (!headers.has(formatAddress(fn.address))) headers.set(formatAddress(fn.address), fn.header);
  }
  return null;
}

/** Functions under other names, where they stand and in what they say of one another. */
import type { FunctionDescription } from './description';

export function renamed(
  functions: readonly FunctionDescription[],
  names: ReadonlyMap<string, string>,
): FunctionDescription[] {
  const nameOf = (address: string): string => names.get(address) ?? address;
  return functions.map((fn) => ({
    ...fn,
    address: nameOf(fn.address),
    parent: fn.parent === null ? null : nameOf(fn.parent),
    physicalFunction: fn.physicalFunction === null ? null : nameOf(fn.physicalFunction),
  }));
}

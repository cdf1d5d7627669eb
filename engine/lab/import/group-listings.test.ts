import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { MachineDescription } from '../../hardware/description';
import type { ListedFunction } from './group-listings.fixture';
import { GROUP_LISTINGS } from './group-listings.fixture';
import { importMachine } from './index';
import { partitionOf } from './partition.fixture';
import { readSnapshot } from './snapshot';

const sorted = (groups: readonly (readonly string[])[]): string[] => groups.map((group) => group.join(' ')).sort();

function listed(machine: MachineDescription, names: string): ListedFunction[] {
  const nameOf = new Map(
    [...names.matchAll(/^((?:[0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.\d) (.*)$/gm)].map((match) => [
      match[1]!.length > 7 ? match[1]! : `0000:${match[1]!}`,
      match[2]!,
    ]),
  );
  const parentOf = new Map(machine.functions.map((fn) => [fn.address, fn.parent]));
  const above = (address: string): string[] => {
    const parent = parentOf.get(address) ?? null;
    return parent === null ? [] : [...above(parent), parent];
  };
  const rootOf = new Map(machine.functions.map((fn) => [fn.address, fn.rootBus]));
  return Object.entries(machine.recordedGroups!).flatMap(([group, { devices }]) =>
    devices.map((address) => ({
      address,
      group,
      name: nameOf.get(address)!,
      above: above(address),
      rootBus: rootOf.get(address)!,
    })),
  );
}

describe.each(['q35-switch', 'q35-conventional'])('groups of %s', (name) => {
  const text = gunzipSync(readFileSync(`labs/machines/${name}.machine.json.gz`)).toString();
  const truth = readSnapshot(text);
  const all = listed(truth, (JSON.parse(text) as { lspci: Record<string, string> }).lspci['-nn']!);
  it.each(Object.keys(GROUP_LISTINGS))('are read as: %s', (how) => {
    const read = importMachine('groups.txt', new TextEncoder().encode(GROUP_LISTINGS[how]!(all)));
    expect(sorted(partitionOf(read))).toEqual(sorted(partitionOf(truth)));
    expect(read.functions.map((fn) => fn.address)).toEqual(all.map((one) => one.address).sort());
    const ids = new Map(truth.functions.map((fn) => [fn.address, fn.config.slice(0, 8)]));
    const shown =
      /\[|0x[0-9a-f]{4}/.test(GROUP_LISTINGS[how]!(all).split('\n').slice(3, 9).join('')) && !/log|journal/.test(how);
    if (shown)
      expect(read.functions.map((fn) => fn.config.slice(0, 8))).toEqual(
        read.functions.map((fn) => ids.get(fn.address)),
      );
  });
});

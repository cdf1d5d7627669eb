import { expect, it } from 'vitest';
import { parseAddress } from '../../hardware/pci/address';
import { History } from '../journal';
import { importMachine } from './index';
import type { TreeNode } from './tree';
import { placeInTree } from './tree';

const bridge = (address: string, secondary: number, subordinate: number): TreeNode => ({
  address: parseAddress(address)!,
  line: 7,
  bus: { secondary, subordinate },
  isBridge: true,
  needsPort: false,
  onRoot: false,
  sriov: null,
});

it.each([
  ['its own bus', [bridge('0000:01:00.0', 1, 1)]],
  ['each other', [bridge('0000:01:00.0', 2, 2), bridge('0000:02:00.0', 1, 1)]],
  [
    'each other in a round of three',
    [bridge('0000:01:00.0', 2, 2), bridge('0000:02:00.0', 3, 3), bridge('0000:03:00.0', 1, 1)],
  ],
  ['ranges that hold each other', [bridge('0000:01:00.0', 2, 9), bridge('0000:05:00.0', 1, 5)]],
])('refuses bridges that lead to %s', (_name, nodes) => {
  expect(() => placeInTree(nodes, [])).toThrow(/loop of bridges/);
});

it('puts nothing below a bridge that was never set up: its secondary bus is 00', () => {
  const placed = placeInTree([bridge('0000:00:1c.0', 0, 0xff), bridge('0000:00:1d.0', 1, 1)], []);
  expect([...placed.values()].map(({ parent }) => parent)).toEqual([null, null]);
});

it('boots a machine with such a bridge', () => {
  const zeros = (from: number): string =>
    Array.from({ length: 16 - from }, (_, i) => `${(from + i).toString(16).padStart(2, '0')}0:${' 00'.repeat(16)}`)
      .join('\n')
      .replaceAll(/^0(..)/gm, '$1');
  const text = [
    '00:1c.0 PCI bridge [0604]: Intel Corporation Device [8086:3420]',
    '00: 86 80 20 34 07 00 10 00 00 00 04 06 00 00 01 00',
    '10: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00',
    zeros(2),
    '',
  ].join('\n');
  const { machine } = History.of(importMachine('zero.txt', new TextEncoder().encode(text)));
  expect([...machine.kernel.pci.devices.keys()]).toEqual(['0000:00:1c.0']);
});

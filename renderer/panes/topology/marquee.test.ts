import { expect, test } from 'vitest';
import { largeMachine, smallMachine } from '../../__fixtures__/machines';
import { NODE_HEIGHT, layOut, nodeOf, type PlacedNode } from './layout';
import { touched } from './marquee';
import { metricsFor } from './metrics';

const metrics = metricsFor('normal', false, 770, 430);
const around = ({ x, y, width }: PlacedNode): { x: number; y: number; width: number; height: number } => ({
  x: x + 2,
  y: y + 2,
  width: width - 4,
  height: NODE_HEIGHT - 4,
});

test('a rectangle picks what it touches, and nothing beside it', () => {
  const layout = layOut(smallMachine(), metrics, new Map());
  const first = nodeOf(layout, '0000:01:00.0')!;
  const second = nodeOf(layout, '0000:01:00.1')!;
  expect(touched(layout, around(first))).toEqual(['0000:01:00.0']);
  const both = { ...around(first), height: second.y + NODE_HEIGHT - first.y - 4 };
  expect(touched(layout, both)).toEqual(['0000:01:00.0', '0000:01:00.1']);
  expect(touched(layout, { ...around(first), x: layout.width + 10 })).toEqual([]);
});

test('a shut fold stands for all that is in it', () => {
  const view = largeMachine(600, 3);
  const layout = layOut(view, metrics, new Map());
  const fold = layout.nodes.find((node) => node.fold !== null)!;
  const inside = fold.fold!.members.map(({ address }) => address);
  expect(inside.length).toBeGreaterThan(1);
  expect(touched(layout, around(fold))).toEqual(inside);
});

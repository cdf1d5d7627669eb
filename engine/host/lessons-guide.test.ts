/** The author's guide tells of every condition, in the engine's own words. */
import { expect, it } from 'vitest';
import { conditionLines } from '../lab/lessons/conditions';
import { readPartsList } from '../lab/lessons/parts-list';
import { BLOCKS } from '../lab/lessons/read';
import { dirname, join, readText } from './files';
import { samplesFolder } from './samples';

const root = dirname(dirname(samplesFolder()));
const guide = readText(join(root, 'docs', 'lessons.md'));

it('lists the conditions that `vfiolab lesson conditions` prints', () => {
  for (const lines of conditionLines()) expect(guide).toContain(lines.join('\n'));
});

it('tells of every kind of block', () => {
  for (const block of BLOCKS) expect(guide).toContain(`| \`${block}\``);
});

it('shows a list of parts that is a machine', () => {
  const list = /```yaml\n(format: vfiolab-parts[^`]*)```/.exec(guide)![1]!;
  expect(readPartsList('guide', list).functions.length).toBeGreaterThan(5);
});

import { expect, test } from 'vitest';
import { parseLink } from './link';

test.each([
  ['vfiolab:lesson/01-groups', { kind: 'lesson', id: '01-groups' }],
  ['vfiolab://sample/workstation', { kind: 'sample', id: 'workstation' }],
  ['VFIOLAB:Lesson/10-msix/', { kind: 'lesson', id: '10-msix' }],
])('%s', (text, link) => expect(parseLink(text)).toEqual(link));

test.each([
  'vfiolab:',
  'vfiolab:lesson/../../etc/passwd',
  'vfiolab:lesson/a/b',
  'vfiolab:open/%2Fetc%2Fpasswd',
  'vfiolab:lesson/a?then=rm',
  'https://example.invalid/lesson/a',
  `vfiolab:lesson/${'a'.repeat(500)}`,
])('%s leads nowhere', (text) => {
  const link = parseLink(text);
  expect(link.kind).toBe('unknown');
  expect(link.kind === 'unknown' ? link.text.length : 0).toBeLessThanOrEqual(120);
});

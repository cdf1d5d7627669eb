import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOMS = ['bench', 'e2e', 'electron', 'engine', 'renderer', 'scripts'];

const files = ROOMS.flatMap((room) =>
  readdirSync(room, { recursive: true, encoding: 'utf8' }).map((file) => `/${room}/${file.split(path.sep).join('/')}`),
);
const exists = (name: string): boolean => files.some((file) => file.endsWith(`/${name}`));

const guides = readdirSync('docs').filter((file) => /\.(md|svg)$/.test(file) && file !== 'release-notes.md');

describe('what the guides name', () => {
  test.each(guides)('%s', (guide) => {
    const text = readFileSync(path.join('docs', guide), 'utf8');
    const named = text.match(/(?<![\w*./-])[a-z][\w-]*(?:\/[\w-]+)+\.(?:ts|mjs|vue)\b/g) ?? [];
    expect([...new Set(named)].filter((name) => !exists(name))).toEqual([]);
  });

  test('is found at all', () => expect(files.length).toBeGreaterThan(500));
});

/** Every folder has its one sentence in docs/architecture.md. */
import { readFileSync, readdirSync } from 'node:fs';
import { expect, it } from 'vitest';

const PLACES: Readonly<Record<string, string>> = {
  hardware: 'engine/hardware',
  linux: 'engine/linux',
  shell: 'engine/shell',
  lab: 'engine/lab',
  host: 'engine/host',
  conformance: 'engine/conformance',
  electron: 'electron',
  renderer: 'renderer',
};

/** The headers of C have folders that Linux gives them. */
const FOREIGN = 'engine/shell/c/include';

function foldersIn(folder: string): string[] {
  const inner = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return inner.flatMap(({ name }) => {
    const path = `${folder}/${name}`;
    return path === FOREIGN ? [path] : [path, ...foldersIn(path)];
  });
}

/** Folders by the table: the room of a row is that of the last row that names one. */
function told(): Map<string, string> {
  const sentences = new Map<string, string>();
  let room = '';
  for (const line of readFileSync('docs/architecture.md', 'utf8').split('\n')) {
    const cells = line.split('|').map((cell) => cell.trim());
    if (cells.length !== 5) continue;
    const place = PLACES[cells[1] || room];
    if (place === undefined) {
      room = '';
      continue;
    }
    room = cells[1] || room;
    if (cells[2]!.startsWith('(')) sentences.set(place, cells[3]!);
    for (const [, folder] of cells[2]!.matchAll(/`([^`]+)\/`/g)) sentences.set(`${place}/${folder}`, cells[3]!);
  }
  return sentences;
}

it('names each folder of the rooms, and none that is not there', () => {
  const sentences = told();
  const there = Object.values(PLACES).flatMap((place) => [place, ...foldersIn(place)]);
  expect([...sentences.keys()].sort()).toEqual(there.sort());
  for (const [folder, sentence] of sentences) expect(sentence.length, folder).toBeGreaterThan(10);
});

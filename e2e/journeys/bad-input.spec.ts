/** Files that are no machines: a message that says what and where, and the open document stays. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { savesTo } from '../fixtures/app';
import { view } from '../fixtures/engine';
import { expect, test } from '../fixtures/test';

const MIB = 1024 * 1024;
/** Each leads to the bus that the other is on. */
const loopOfBridges = ['01:00.0', '02:00.0'].map((address, i) => {
  const buses = i === 0 ? '01 02 02' : '02 01 01';
  const rest = Array.from({ length: 13 }, (_, row) => `${((row + 3) * 16).toString(16)}: ${'00 '.repeat(16).trim()}`);
  return [
    `${address} PCI bridge [0604]: Intel Corporation Device [8086:3420]`,
    `00: 86 80 20 34 07 00 10 00 00 00 04 06 00 00 01 00`,
    `10: 00 00 00 00 00 00 00 00 ${buses} 00 00 00 00 00`,
    `20: ${'00 '.repeat(16).trim()}`,
    ...rest,
    '',
  ].join('\n');
});

const CASES: readonly { name: string; file: string; contents: () => string | Buffer }[] = [
  { name: 'an empty file', file: 'empty.txt', contents: () => '' },
  {
    name: 'a binary file',
    file: 'picture.png',
    contents: () => Buffer.from(Uint8Array.from({ length: 4096 }, (_, i) => i)),
  },
  { name: 'half a document', file: 'half.vfiolab', contents: () => '{"format":"vfiolab/1","machine":{' },
  { name: 'half a snapshot', file: 'half.machine.json', contents: () => '{"format": "machine/1", "functions": [{' },
  { name: 'a loop of bridges', file: 'loop.txt', contents: () => loopOfBridges.join('\n') },
  { name: 'a text of 50 MB', file: 'long.txt', contents: () => Buffer.alloc(50 * MIB, 'nothing of interest here\n') },
  { name: 'prose', file: 'letter.txt', contents: () => 'Dear reader,\nthere is no device in this text.\n' },
];

test('each is refused with its file and a reason, and the open machine stays as it was', async ({ lab, person }) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'vfio-lab-bad-'));
  try {
    await person.binds('01:00.0');
    const before = await view(lab.app, 'machine', null);
    for (const { name, file, contents } of CASES) {
      await test.step(name, async () => {
        const full = path.join(folder, file);
        writeFileSync(full, contents());
        await person.opens(full);
        const message = lab.page.getByRole('alertdialog').or(lab.page.getByRole('dialog'));
        await expect(message).toContainText(file);
        await expect(message).toContainText('The open machine stays as it was');
        await lab.page.keyboard.press('Escape');
        await expect(message).toBeHidden();
        expect(await view(lab.app, 'machine', null)).toEqual(before);
      });
    }
    expect(lab.complaints).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a document is saved whole and opens again as it was', async ({ lab, person }) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'vfio-lab-save-'));
  const file = path.join(folder, 'mine.vfiolab');
  try {
    await person.binds('01:00.0');
    await savesTo(lab.app, file);
    await lab.page.keyboard.press('Control+s');
    await expect(lab.page).toHaveTitle('mine.vfiolab — VFIO Lab');
    expect(readFileSync(file, 'utf8').length).toBeGreaterThan(1000);
    await person.opensSample('A switch');
    await expect(person.node('01:00.0')).not.toHaveAccessibleName(/Radeon/);
    await person.opens(file);
    await expect(person.node('01:00.0')).toHaveAccessibleName(/Radeon.*vfio-pci/);
    await expect(lab.page).toHaveTitle('mine.vfiolab — VFIO Lab');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** The terminal as a person uses it: keys, tabs, the clipboard, finding, links; and what it remembers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { RunningApp } from '../fixtures/app';
import type { Person } from '../fixtures/person';
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test } from '../fixtures/test';

const GPU = '01:00.0';

async function press(lab: RunningApp, ...keys: string[]): Promise<void> {
  for (const key of keys) await lab.page.keyboard.press(key);
}

async function serious(lab: RunningApp): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page: lab.page }).setLegacyMode(true).analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html}`));
}

/** Everything that the open terminal shows since it was cleared. */
const shows = (person: Person, text: string | RegExp): Promise<void> => person.reads(text);

test('keys complete, search the history and stop what runs', async ({ lab, person }) => {
  await person.seesGroups();
  await person.clears();
  await lab.page.keyboard.type('lspci -s 0000:01:00.1');
  await press(lab, 'Enter');
  await shows(person, /Audio device/);
  await person.clears();
  await lab.page.keyboard.type('setpci -s 01:00.');
  await press(lab, 'Tab', 'Tab');
  await shows(person, /01:00\.0\s+01:00\.1/);
  await press(lab, 'Control+c');
  await shows(person, /\^C/);
  await press(lab, 'Control+r');
  await lab.page.keyboard.type('lspci');
  await press(lab, 'Enter');
  await shows(person, /Audio device/);

  await person.clears();
  await person.types('while :; do :; done');
  await lab.page.waitForTimeout(200);
  await press(lab, 'Control+c');
  await person.types('echo still $?');
  await shows(person, /^still 130$/m);

  await person.types('yes | head -c 30000000 | tail -n 1; echo flood over');
  await shows(person, /^flood over$/m);
  await person.types('yes');
  await lab.page.waitForTimeout(500);
  await press(lab, 'Control+c');
  await person.types('echo alive');
  await shows(person, /^alive$/m);

  await person.clears();
  await person.types('sleep 100');
  await lab.page.waitForTimeout(200);
  await press(lab, 'Control+z');
  await shows(person, /\[1\]\+\s+Stopped\s+sleep 100/);
  await person.types('bg; jobs; kill %1');
  await shows(person, /\[1\]\+ sleep 100 &/);

  await person.clears();
  await person.types('dmesg -w | grep --line-buffered vfio-pci &');
  await person.types('echo vfio-pci > /sys/bus/pci/devices/0000:01:00.0/driver_override');
  await person.types('modprobe vfio-pci; echo done $?');
  await shows(person, /^done 0$/m);
});

test('tabs are opened, named, walked through and closed', async ({ lab, person }) => {
  await person.seesGroups();
  await person.types('first=yes');
  await person.terminal.getByRole('button', { name: 'New terminal' }).click();
  await person.types('second=yes; echo "<$first>"');
  await shows(person, /^<>$/m);
  await person.terminal.getByRole('tab', { name: 'lab 2' }).dblclick();
  await lab.page.getByRole('textbox', { name: 'Name of the terminal' }).fill('watching');
  expect(await serious(lab)).toEqual([]);
  await press(lab, 'Enter');
  await expect(person.terminal.getByRole('tab', { name: 'watching' })).toHaveAttribute('aria-selected', 'true');
  await lab.page.keyboard.type('echo typed on');
  await press(lab, 'Enter');
  await shows(person, /^typed on$/m);
  await press(lab, 'Control+PageUp');
  await lab.page.keyboard.type('echo "<$first$second>"');
  await press(lab, 'Enter');
  await shows(person, /^<yes>$/m);
  await press(lab, 'Control+PageDown');
  await shows(person, /^typed on$/m);
  await press(lab, 'Control+Shift+W');
  await expect(person.terminal.getByRole('tab', { name: 'watching' })).toBeHidden();
  await shows(person, /^<yes>$/m);
  await press(lab, 'Control+Shift+Enter');
  await expect(person.terminal.getByRole('tab', { name: /^lab 3/ })).toHaveAttribute('aria-selected', 'true');
  await lab.page.keyboard.type("printf '\\e]0;%s\\a' named-by-a-program");
  await press(lab, 'Enter');
  await expect(person.terminal.getByRole('tab', { name: 'named-by-a-program' })).toBeVisible();
});

test('text is found, copied and pasted; an address leads to the Inspector', async ({ lab, person }) => {
  await person.seesGroups();
  await person.clears();
  await person.types('lspci -D -s 01:');
  await shows(person, /0000:01:00\.0/);
  await press(lab, 'Control+Shift+F');
  const field = lab.page.getByRole('textbox', { name: 'Find in the terminal' });
  await field.fill('01:00');
  await expect(person.terminal.getByText(/^\d+ of \d+$/)).toBeVisible();
  await press(lab, 'Enter');
  expect(await serious(lab)).toEqual([]);
  await press(lab, 'Escape');
  await expect(field).toBeHidden();

  const row = person.terminal.locator('.xterm-rows > div', { hasText: `0000:${GPU}` }).first();
  const box = await row.boundingBox();
  await lab.page.mouse.move(box!.x + 20, box!.y + box!.height / 2, { steps: 4 });
  await lab.page.waitForTimeout(200);
  await lab.page.mouse.click(box!.x + 20, box!.y + box!.height / 2);
  await expect(person.inspector.getByText(`0000:${GPU}`).first()).toBeVisible();

  await lab.app.evaluate(({ clipboard }) => clipboard.writeText('echo one\necho two\n'));
  await person.clears();
  await press(lab, 'Control+Shift+V');
  await shows(person, /^one\n(.*\n)?two$/m);
  await lab.page.mouse.dblclick(box!.x + 8, box!.y + box!.height / 2);
  await press(lab, 'Control+Shift+C');
  await expect.poll(() => lab.app.evaluate(({ clipboard }) => clipboard.readText())).not.toContain('\n');
});

test('typed lines are kept with the document; a boot brings a shell of its own', async ({ lab, person }) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'vfio-lab-typed-'));
  const file = path.join(folder, 'typed.vfiolab');
  try {
    await person.seesGroups();
    await person.types('echo remembered line');
    await person.types('echo vfio-pci > /sys/bus/pci/devices/0000:01:00.0/driver_override');
    await lab.app.evaluate(({ dialog }, chosen) => {
      dialog.showSaveDialog = () => Promise.resolve({ canceled: false, filePath: chosen });
    }, file);
    await lab.page.keyboard.press('Control+Shift+S');
    await expect(lab.page).toHaveTitle(/^typed/);
    await person.opensSample('A switch');
    await expect(lab.page).not.toHaveTitle(/typed/);
    await person.opens(file);
    await expect(lab.page).toHaveTitle(/typed/);
    await person.clears();
    await press(lab, 'ArrowUp', 'ArrowUp', 'Enter');
    await shows(person, /^remembered line$/m);

    await person.types('reboot');
    await shows(person, /the machine has booted/);
    await person.types('uptime -p; echo back');
    await shows(person, /^back$/m);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** A learner writes a driver in C: from the terminal and in the editor, and meets the compiler and an endless loop. */
import { findings } from '../fixtures/axe';
import { hashes } from '../fixtures/engine';
import { expect, test } from '../fixtures/test';

const EDU = '0000:01:00.0';
const NIC = '0000:02:00.0';

test('compile and run drivers for edu and the network controller in the terminal; a program in an endless loop leaves the window alive', async ({
  lab,
  person,
}) => {
  await person.opensSample('Driver bench');
  await person.seesGroups();
  await person.types(`for d in ${EDU} ${NIC}; do driverctl set-override $d vfio-pci; done`);
  await person.types(`cc samples/nic-driver.c -o nic && ./nic ${NIC}`);
  for (const vector of [0, 1, 2, 3]) await person.reads(new RegExp(`^vector ${vector} \\(.*\\): [12]$`, 'm'));
  await person.reads('pair 1 received "and a second one"');
  await person.clears();
  await person.types(`cc samples/edu-driver.c -o edu && ./edu ${EDU}`);
  await person.reads('10! = 3628800');
  await person.reads('back: "There and back again"');
  await expect(person.terminal.getByRole('tab', { name: 'strace' })).toContainText(/\d/);

  await person.clears();
  await person.types('echo "int main(void){for(volatile int i=0;;i++);}" > loop.c; cc loop.c -o loop && ./loop');
  await lab.page.waitForTimeout(1500);
  const started = Date.now();
  await lab.page.getByRole('button', { name: 'Theme' }).click();
  await expect(lab.page.getByRole('menuitemradio', { name: 'Dark' })).toBeVisible();
  expect(Date.now() - started).toBeLessThan(2000);
  await lab.page.keyboard.press('Escape');
  await person.terminal.getByRole('textbox', { name: 'Terminal' }).focus();
  await lab.page.keyboard.press('Control+c');
  await person.types('echo still $((6 * 7))');
  await person.reads('still 42');

  expect(lab.complaints).toEqual([]);
  const { now, replayed } = await hashes(lab.app);
  expect(replayed).toBe(now);
});

test('write a program in the editor, follow the compiler to the mistake, mend it, run it', async ({ lab, person }) => {
  const { page } = lab;
  const editor = page.getByRole('region', { name: 'Editor' });
  await person.seesGroups();
  await person.types('nano hello.c');
  await person.reads('A new file hello.c is open in the Editor pane.');
  await expect(editor.getByRole('tab', { name: 'hello.c' })).toBeVisible();
  const text = editor.getByRole('textbox', { name: 'Text of hello.c' });
  await text.click();
  await page.keyboard.insertText('#include <stdio.h>\n\nint main(void)\n{\n\tputs("hello, lab")\n\treturn 0;\n}\n');
  await expect(editor.getByRole('tab', { name: 'hello.c, not saved' })).toBeVisible();
  await editor.getByRole('button', { name: 'Compile' }).click();
  const problem = editor.getByRole('list', { name: 'What the compiler said' }).getByRole('button');
  await expect(problem).toHaveText(/hello\.c:5:20\s*expected ';' after expression/);
  await person.reads(/\/root\/hello\.c:5:20: error: expected ';' after\s+expression/);
  await expect(editor.locator('.cm-lintRange-error, .cm-lintPoint-error')).toHaveCount(1);

  await problem.click();
  await expect(text).toBeFocused();
  await page.keyboard.type(';');
  expect(await findings(page, 'body')).toEqual([]);
  await page.keyboard.press('Control+Enter');
  await person.reads(/^hello, lab$/m);
  await expect(editor.getByRole('tab', { name: 'hello.c', exact: true })).toBeVisible();
  await expect(problem).toHaveCount(0);

  // Saving was a step of the document: undo takes the semicolon away again, in the lab and in the editor.
  await expect(text).toContainText('lab");');
  const undo = page.getByRole('button', { name: 'Undo' });
  await expect(undo).toHaveAccessibleDescription(/^cc /);
  await undo.click();
  await expect(undo).toHaveAccessibleDescription('Save hello.c');
  await undo.click();
  await expect(text).toContainText('lab")');
  await expect(text).not.toContainText('lab");');
  expect(lab.complaints).toEqual([]);
});

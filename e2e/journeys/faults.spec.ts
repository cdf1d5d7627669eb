/** What must not be lost when something fails: the page crashes or hangs, the engine meets a fault of its own. */
import type { ElectronApplication } from '@playwright/test';
import type { EventEmitter } from 'node:events';
import type { Lab } from '../../engine/lab/lab';
import { answers, said } from '../fixtures/app';
import { hash, hashes, view } from '../fixtures/engine';
import type { Person } from '../fixtures/person';
import { expect, test } from '../fixtures/test';

/** Runs a line in the page, by the main process's hand: a driver of the page lost it with its process. */
const inPage = <T>(app: ElectronApplication, source: string): Promise<T> =>
  app.evaluate(
    ({ BrowserWindow }, line) =>
      BrowserWindow.getAllWindows()[0]!.webContents.executeJavaScript(line) as Promise<never>,
    source,
  );

const pageText = (app: ElectronApplication): Promise<string> => inPage(app, 'document.body.innerText');

/** A group in a container, with an interrupt that came. */
async function works(person: Person): Promise<void> {
  for (const short of ['01:00.0', '01:00.1']) await person.binds(short);
  await person.attachesGroupOf('01:00.0');
  await person.enablesVectors('01:00.0', 3);
  await person.fires(1);
  await expect(person.countOf(1)).toHaveText('1');
}

/** The page's process, and whether it has loaded. */
const pageOf = (app: ElectronApplication): Promise<{ process: number; ready: boolean }> =>
  app.evaluate(({ BrowserWindow }) => {
    const { webContents } = BrowserWindow.getAllWindows()[0]!;
    return { process: webContents.getOSProcessId(), ready: !webContents.isCrashed() && !webContents.isLoading() };
  });

/** The page is there again, in another process than `lost`; it shows what was done, and goes on with it. */
async function isBack(app: ElectronApplication, lost: number, before: string): Promise<void> {
  await expect
    .poll(async () => {
      const { process, ready } = await pageOf(app);
      return ready && process !== lost && process !== 0;
    })
    .toBe(true);
  await expect
    .poll(() => inPage(app, 'document.body.innerHTML'), { timeout: 30_000 })
    .toContain('owned by vfio-client');
  await expect.poll(() => pageText(app)).toContain('The window was lost and is drawn anew.');
  expect(await hash(app)).toBe(before);
  const fired = `vfioLab.act({ kind: 'fire', address: '0000:01:00.0', vector: 1 }).then(({ ok }) => ok)`;
  expect(await inPage(app, fired)).toBe(true);
  const { interrupts } = (await view(app, 'function', { address: '0000:01:00.0' }))!;
  expect(interrupts.vectors[1]?.count).toBe(2);
}

test('a page that crashed is drawn anew and shows the same', async ({ lab, person }) => {
  await works(person);
  const before = await hash(lab.app);
  const { process } = await pageOf(lab.app);
  await lab.app.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()[0]!.webContents.forcefullyCrashRenderer(),
  );
  await isBack(lab.app, process, before);
});

test('a page that does not answer may be drawn anew', async ({ lab, person }) => {
  await works(person);
  const before = await hash(lab.app);
  const { process } = await pageOf(lab.app);
  await answers(lab.app, 1);
  const hanging = lab.page
    .evaluate(() => {
      for (;;);
    })
    .catch(() => undefined);
  // The system notices after half a minute, and only when somebody wants something of the page.
  await lab.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.emit('unresponsive'));
  await hanging;
  expect(await said(lab.app)).toEqual(['The window does not answer.']);
  await isBack(lab.app, process, before);
});

test('a fault of the engine is taken back, told with its details, and the work goes on', async ({ lab, person }) => {
  await person.binds('01:00.0');
  const before = await hash(lab.app);
  // The machine's clock breaks once, in the middle of an input.
  await lab.app.evaluate(
    ({ app }) =>
      new Promise<void>((resolve) => {
        (app as EventEmitter).emit('vfio-lab-inspect', (engine: Lab) => {
          engine.machine.kernel.clock.advance = () => {
            throw new Error('injected: the clock stands still');
          };
          resolve();
        });
      }),
  );
  await person.selects('01:00.1');
  await person.inspects('Overview');
  await person.inspector.getByRole('button', { name: 'Bind to vfio-pci' }).click();
  const what = 'The lab failed at this step and took it back: injected: the clock stands still';
  await expect(lab.page.getByText(what).first()).toBeVisible();
  expect(await hash(lab.app)).toBe(before);

  await person.hasRead();
  await lab.page.getByRole('menuitem', { name: 'Help' }).click();
  await lab.page.getByRole('menuitem', { name: /Messages/ }).click();
  const messages = lab.page.locator('[data-pane=messages]');
  const entries = messages.getByRole('listitem').filter({ hasText: what });
  await expect(entries).toHaveCount(1);
  await entries.getByText(/lines of detail/).click();
  await expect(entries.locator('pre')).toContainText('"kind":"call"');
  await expect(entries.locator('pre')).toContainText('injected: the clock stands still');

  await person.binds('01:00.1');
  const { now, replayed } = await hashes(lab.app);
  expect(now).toBe(replayed);
});

test('a view that fails and a fault that nobody caught leave the rest of the window at work', async ({
  lab,
  person,
}) => {
  await person.selects('01:00.0');
  await lab.app.evaluate(
    ({ app }) =>
      new Promise<void>((resolve) => {
        (app as EventEmitter).emit('vfio-lab-inspect', (engine: Lab) => {
          const made = engine.view.bind(engine);
          engine.view = (name, parameters) => {
            if (name === 'containers') throw new Error('injected: no containers');
            return made(name, parameters);
          };
          resolve();
        });
        setTimeout(() => {
          throw new Error('injected: nobody catches this');
        });
      }),
  );
  await expect(lab.page.getByText('The lab met a fault of its own.').first()).toBeVisible();
  await person.inspects('Overview');
  await person.inspector.getByRole('button', { name: 'Bind to vfio-pci' }).click();
  await expect(person.node('01:00.0')).toHaveAccessibleName(/vfio-pci/);
  await expect(lab.page.getByText('A part of the window cannot be shown (containers).').first()).toBeVisible();
  expect((await view(lab.app, 'machine', null)).document.inputs).toBeGreaterThan(0);
});

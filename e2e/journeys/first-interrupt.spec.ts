/** From a dump to an interrupt that arrives: the main job, end to end. */
import path from 'node:path';
import { hashes, view } from '../fixtures/engine';
import { expect, test } from '../fixtures/test';

const DUMP = path.resolve('e2e/fixtures/desktop.lspci.txt');
const GPU = '01:00.0';
const AUDIO = '01:00.1';
const FULL = `0000:${GPU}`;

test('open a dump, bind a GPU, attach its group, enable four vectors, fire one, see it arrive', async ({
  lab,
  person,
}) => {
  await person.opens(DUMP);
  await expect(lab.page).toHaveTitle(/desktop\.lspci\.txt/);
  await person.seesGroups();
  const { functions, groups } = await view(lab.app, 'topology', null);
  expect(functions.map((f) => f.address)).toContain(FULL);
  const group = groups.find((g) => g.members.includes(FULL));
  expect(group?.members).toEqual([FULL, `0000:${AUDIO}`]);
  await expect(person.node(GPU)).toHaveAccessibleName(new RegExp(`group ${group?.id}\\b`));

  await person.binds(GPU);
  expect((await view(lab.app, 'function', { address: FULL }))?.overview.driver).toBe('vfio-pci');
  const halfway = (await view(lab.app, 'topology', null)).groups.find((g) => g.id === group?.id);
  expect(halfway?.viable).toBe(false);
  await person.binds(AUDIO);
  const ready = (await view(lab.app, 'topology', null)).groups.find((g) => g.id === group?.id);
  expect(ready?.viable).toBe(true);

  await person.attachesGroupOf(GPU);
  const held = (await view(lab.app, 'containers', null)).processes.flatMap((p) => p.containers);
  expect(held.map((c) => c.groups.map((g) => [g.id, g.devices.map((d) => d.address)]))).toEqual([
    [[group?.id, [FULL, `0000:${AUDIO}`]]],
  ]);
  expect(held[0]?.backend).toMatch(/type1/i);

  await person.enablesVectors(GPU, 4);
  const armed = await view(lab.app, 'function', { address: FULL });
  expect(armed?.interrupts.active).toBe('msix');
  expect(armed?.interrupts.vectors.slice(0, 4).map((v) => v.state)).toEqual(Array(4).fill('armed'));

  // A program in the terminal waits until the counter has left zero, and prints it.
  const row = "grep 'vfio-msix\\[2\\]' /proc/interrupts";
  await person.types(`while ${row} | grep -qE ':( +0)+ '; do sleep 0.1; done; ${row}`);
  const arrival = / 1 .* 2-edge\s+vfio-msix\[2\]\(0000:01:00\.0\)/;
  await lab.page.waitForTimeout(500);
  expect(await person.terminalText()).not.toMatch(arrival);
  await person.fires(2);
  await person.reads(arrival);

  for (const [vector, count] of [0, 0, 1, 0].entries()) await expect(person.countOf(vector)).toHaveText(String(count));
  const fired = await view(lab.app, 'function', { address: FULL });
  expect(fired?.interrupts.vectors.slice(0, 4).map((v) => v.count)).toEqual([0, 0, 1, 0]);
  expect(fired?.interrupts.arrivals.at(-1)).toMatchObject({ address: FULL, vector: 2, count: 1 });
  await expect(
    lab.page.getByRole('region', { name: 'Interrupts', exact: true }).getByRole('row', { name: `${GPU} MSI-X 2` }),
  ).toBeVisible();
  expect(lab.complaints).toEqual([]);

  const { now, replayed } = await hashes(lab.app);
  expect(replayed).toBe(now);
});

/** A copy of a machine's /sys, as a folder and as an archive: by the file dialog and by the command line. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { launch } from '../fixtures/app';
import { description, view } from '../fixtures/engine';
import { Person } from '../fixtures/person';
import { expect, test } from '../fixtures/test';

let work: string;
let drivers: (string | null)[];
let members: string[][];

/** A copy of what the sample machine's own /sys has. */
test.beforeAll(async () => {
  work = mkdtempSync(path.join(tmpdir(), 'vfio-lab-copy-'));
  const place = (name: string): string => {
    const full = path.join(work, 'copy', name);
    mkdirSync(path.dirname(full), { recursive: true });
    return full;
  };
  const lab = await launch();
  const { functions, groups } = await view(lab.app, 'topology', null);
  const machine = await description(lab.app);
  await lab.close();
  const folderOf = (address: string): string => {
    const fn = machine.functions.find((one) => one.address === address);
    if (!fn) throw new Error(`There is no function ${address}.`);
    return `${fn.parent === null ? `devices/${fn.rootBus}` : folderOf(fn.parent)}/${address}`;
  };
  for (const fn of machine.functions) {
    const folder = folderOf(fn.address);
    writeFileSync(place(`${folder}/config`), Buffer.from(fn.config, 'hex'));
    if (fn.driver !== null) symlinkSync(`../../bus/pci/drivers/${fn.driver}`, place(`${folder}/driver`));
    const group = groups.find((one) => one.members.includes(fn.address));
    if (group) symlinkSync(`../../kernel/iommu_groups/${group.id}`, place(`${folder}/iommu_group`));
  }
  drivers = functions.map(({ driver }) => driver);
  members = groups.map((group) => group.members);
  execFileSync('tar', ['-C', work, '-czf', path.join(work, 'copy.tar.gz'), 'copy']);
});
test.afterAll(() => rmSync(work, { recursive: true, force: true }));

for (const name of ['copy', 'copy.tar.gz']) {
  test(`${name} opens from the dialog and from the command line`, async ({ lab, person }) => {
    await person.seesGroups();
    await person.opens(path.join(work, name));
    await expect(lab.page).toHaveTitle(new RegExp(`^${name} `));
    const { functions, groups } = await view(lab.app, 'topology', null);
    expect(functions.map(({ driver }) => driver)).toEqual(drivers);
    expect(groups.map((group) => group.members)).toEqual(members);
    const again = await launch({ files: [path.join(work, name)] });
    try {
      await new Person(again.app, again.page).seesGroups();
      await expect(again.page).toHaveTitle(new RegExp(`^${name} `));
      expect((await view(again.app, 'topology', null)).groups).toEqual(groups);
    } finally {
      await again.close();
    }
  });
}

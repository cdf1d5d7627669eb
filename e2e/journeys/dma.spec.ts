/** A device that goes where nobody told it to: what is mapped is reached, the rest is stopped, and every entry is shown. */
import { findings } from '../fixtures/axe';
import { view } from '../fixtures/engine';
import { expect, test } from '../fixtures/test';

const NIC = '03:00.0';
const FULL = `0000:${NIC}`;

test('map memory in the terminal, follow a DMA into it and past it, and let the device do both', async ({
  lab,
  person,
}) => {
  const { inspector } = person;
  await person.seesGroups();
  await person.types(
    `driverctl set-override ${FULL} vfio-pci; vfio attach ${NIC}; vfio cfg ${NIC} COMMAND=0x6; vfio map 0x10000 0x2000`,
  );
  await expect.poll(async () => (await view(lab.app, 'iommu', { address: FULL }))?.domain?.mapped).toBe(1);

  await person.selects(NIC);
  await person.inspects('IOMMU');
  await inspector.getByRole('button', { name: /^Mappings/ }).click();
  await inspector.getByRole('row', { name: /^0x10000\b/ }).click();
  const address = inspector.getByRole('textbox', { name: 'I/O virtual address' });
  await expect(address).toHaveValue('0x10000');
  await expect(inspector.getByText(/^It comes to 0x[0-9a-f]+ by a page of 4 KiB: memory of /)).toBeVisible();
  await inspector.getByRole('button', { name: /^level 1 table/ }).click();
  await expect(inspector.getByRole('row', { name: /\bADDR\b/ })).toBeVisible();
  expect(await findings(lab.page, '[data-pane=inspector]')).toEqual([]);

  const letIt = inspector.getByRole('button', { name: 'Let it happen' });
  await letIt.click();
  await address.fill('0x20000');
  await expect(inspector.getByText('Blocked: writes are not allowed here.')).toBeVisible();
  await letIt.click();
  await inspector.getByRole('button', { name: /^Faults 1/ }).click();
  await expect(inspector.getByRole('row', { name: /write 0x20000/ })).toBeVisible();
  await inspector.getByRole('button', { name: 'Traffic' }).click();
  await inspector.getByRole('row', { name: /write 4 B 0x10000 memory/ }).click();
  await expect(inspector.getByText(/this is how it went/)).toBeVisible();

  await person.clears();
  await person.types("dmesg | tail -n 1 | grep -oE 'device .* addr 0x[0-9a-f]+'");
  await person.reads(/^device \[03:00\.0\] fault addr 0x20000$/m);
  await person.types(`why dma ${NIC} 0x10000 write | tail -n 1`);
  await person.reads(/It comes to 0x[0-9a-f]+ by a page of 4 KiB/);
  expect(lab.complaints).toEqual([]);
});

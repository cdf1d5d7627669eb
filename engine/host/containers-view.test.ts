/** What the Containers pane shows of processes that commands made: containers, iommufds, mappings, descriptors. */
import { expect, it } from 'vitest';
import { holdingsOf } from '../lab/holdings';
import { containersView } from '../lab/views/containers';
import { CBench } from './c/fixture';

const processes = (bench: CBench) => {
  const { kernel } = bench.history.machine;
  return containersView(kernel, holdingsOf(kernel)).processes;
};

it('shows containers with their groups, devices and mappings', async () => {
  const bench = CBench.of('q35-basic');
  await bench.run('driverctl set-override 0000:01:00.0 vfio-pci; vfio attach 0000:01:00.0; vfio map 0x100000 0x200000');
  const [process, ...others] = processes(bench);
  expect(others).toEqual([]);
  expect(process?.containers).toMatchObject([
    {
      mappings: 1,
      mappedBytes: '2 MiB',
      first: [{ iova: '0x100000', size: '0x200000', rights: 'read and write' }],
      groups: [{ id: 8, viable: true, devices: [{ address: '0000:01:00.0' }] }],
    },
  ]);
  expect(process?.fds.map(({ link }) => link)).toContain('/dev/vfio/8');
  expect(process).toMatchObject({ iommufds: [], looseDevices: [], looseGroups: [] });
});

it('shows who holds devices through iommufd, with the address space of each', async () => {
  const bench = CBench.of('ifd-basic', 'engine/conformance/recordings');
  const device = '0000:01:00.0';
  await bench.run(`driverctl set-override ${device} vfio-pci`);
  const ran = await bench.run(`vfio attach ${device} --iommufd; vfio map 0x100000 0x1000`);
  expect(ran.err).toBe('');
  const [process] = processes(bench);
  expect(process).toMatchObject({
    containers: [],
    looseDevices: [],
    iommufds: [
      {
        spaces: [{ mappings: 1, mappedBytes: '4 KiB', first: [{ iova: '0x100000', size: '0x1000' }] }],
        devices: [{ address: device, fd: expect.any(Number) as number }],
      },
    ],
  });
  const [iommufd] = process!.iommufds;
  expect(iommufd!.devices[0]!.space).toBe(iommufd!.spaces[0]!.id);
});

/** What the Containers pane does one call at a time: what each issues, what comes of it, and the texts to copy. */
import { describe, expect, it } from 'vitest';
import type { MachineDescription } from '../hardware/description';
import { MachineBuilder } from '../hardware/parts/fixture';
import { headlessHost } from '../host/headless';
import type { Action, ActionResult } from './action';
import { Lab } from './lab';

const NIC = '0000:01:00.0';
const OTHER = '0000:02:00.0';

function machine(build: MachineDescription['kernel']['build']): Lab {
  const builder = new MachineBuilder();
  builder.behindPort('lab-nic');
  builder.behindPort('lab-nic');
  const { description } = builder;
  const lab = new Lab(headlessHost(), { ...description, kernel: { ...description.kernel, build } });
  for (const address of [NIC, OTHER]) lab.act({ kind: 'bind', address, driver: 'vfio-pci' });
  return lab;
}

function done(lab: Lab, action: Action): ActionResult {
  const result = lab.act(action);
  expect(result, action.kind).toMatchObject({ ok: true, errno: null });
  return result;
}
const groupOf = (lab: Lab, address: string): number =>
  lab.view('topology', null).functions.find((fn) => fn.address === address)!.group!;
const holder = (lab: Lab) => lab.view('containers', null).processes[0]!;

describe('a container, one call at a time', () => {
  it('is opened, gets a group, maps, and is closed', () => {
    const lab = machine('debian');
    const opened = done(lab, { kind: 'open-container', pid: null });
    expect(opened.calls).toEqual(['openat(AT_FDCWD, "/dev/vfio/vfio", O_RDWR) = 3']);
    const { pid } = holder(lab);
    const early = lab.act({ kind: 'set-iommu', pid, fd: 3, type: 'type1' });
    expect(early).toMatchObject({ ok: false, errno: 'EINVAL', why: { check: 'vfio.container.groups' } });
    expect(early.calls).toEqual(['ioctl(3, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU) = -1 EINVAL (Invalid argument)']);

    const group = groupOf(lab, NIC);
    const attached = done(lab, { kind: 'attach', group, pid, containerFd: 3 });
    expect(attached.calls.join('\n')).toContain('ioctl(3, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) = 0');
    const [container] = holder(lab).containers;
    expect(container!.groups[0]!.devices.map(({ address }) => address)).toEqual([NIC]);
    expect(container!.usable.length).toBeGreaterThan(1);

    const range = { pid, fd: 3, ioas: null, iova: '0x100000', size: '0x2000' };
    const mapped = done(lab, { kind: 'map', ...range, rights: 'read' });
    expect(mapped.calls.at(-1)).toContain('flags=VFIO_DMA_MAP_FLAG_READ');
    expect(holder(lab).containers[0]!.first).toEqual([{ iova: '0x100000', size: '0x2000', rights: 'read' }]);
    expect(lab.act({ kind: 'map', ...range, rights: 'write' })).toMatchObject({ ok: false, errno: 'EEXIST' });
    done(lab, { kind: 'unmap', ...range });
    expect(holder(lab).containers[0]!.mappings).toBe(0);

    const { fd } = container!.groups[0]!.devices[0]!;
    done(lab, { kind: 'close', pid, fd });
    done(lab, { kind: 'get-device', address: NIC, pid, group });
    expect(holder(lab).containers[0]!.groups[0]!.devices).toHaveLength(1);
    done(lab, { kind: 'detach', group });
    expect(lab.view('containers', null).processes).toEqual([]);
  });

  it('ends its process with the last descriptor', () => {
    const lab = machine('debian');
    done(lab, { kind: 'open-container', pid: null });
    const { pid } = holder(lab);
    done(lab, { kind: 'close', pid, fd: 3 });
    expect(lab.view('containers', null).processes).toEqual([]);
    expect(lab.machine.kernel.processes.get(pid)?.exited ?? true).toBe(true);
  });
});

describe('iommufd, one call at a time', () => {
  it('binds, makes address spaces and page tables, attaches, maps, and goes back', () => {
    const lab = machine('iommufd');
    done(lab, { kind: 'open-iommufd', pid: null });
    const { pid } = holder(lab);
    const at = { pid, fd: 3 };
    done(lab, { kind: 'alloc-ioas', ...at });
    done(lab, { kind: 'bind-iommufd', address: NIC, ...at });
    const now = () => holder(lab).iommufds[0]!;
    const [space, device] = [now().spaces[0]!.id, now().devices[0]!.id];
    expect(lab.act({ kind: 'attach-pt', address: NIC, pt: 99 })).toMatchObject({ ok: false, errno: 'ENOENT' });
    const table = done(lab, { kind: 'alloc-hwpt', ...at, device, ioas: space });
    expect(table.calls[0]).toMatch(/IOMMU_HWPT_ALLOC, \{flags=0, dev_id=2, pt_id=1\} => .*out_hwpt_id=3.* = 0$/);
    const made = now().tables[0]!;
    expect(made).toMatchObject({ space, automatic: false });
    done(lab, { kind: 'attach-pt', address: NIC, pt: made.id });
    expect(now().devices[0]).toMatchObject({ space, table: made.id });
    const range = { ...at, ioas: space, iova: '0x100000', size: '0x2000' };
    const mapped = done(lab, { kind: 'map', ...range, rights: 'read and write' });
    expect(mapped.calls.at(-1)).toContain('IOMMU_IOAS_MAP');
    expect(now().spaces[0]).toMatchObject({ mappings: 1 });
    expect(lab.act({ kind: 'destroy-object', ...at, id: made.id })).toMatchObject({ ok: false, errno: 'EBUSY' });
    done(lab, { kind: 'unmap', ...range });
    done(lab, { kind: 'detach-pt', address: NIC });
    done(lab, { kind: 'destroy-object', ...at, id: made.id });
    expect(now().tables).toEqual([]);

    const text = lab.programText('c', pid);
    expect(text).toContain('#include <linux/iommufd.h>');
    expect(text).toContain('.dev_id = bind_iommufd.out_devid, .pt_id = ioas_alloc.out_ioas_id');
    expect(text).toContain('.pt_id = hwpt_alloc.out_hwpt_id');
    const lines = lab.programText('shell', pid).split('\n');
    for (const line of [`vfio attach --iommufd ${NIC}`, 'vfio map 0x100000 0x2000', 'vfio unmap 0x100000 0x2000'])
      expect(lines).toContain(line);
  });

  it('takes a whole group, as a container does, and lets it go again', () => {
    const lab = machine('iommufd');
    done(lab, { kind: 'open-iommufd', pid: null });
    const { pid } = holder(lab);
    const group = groupOf(lab, NIC);
    done(lab, { kind: 'attach-iommufd', group, pid, fd: 3 });
    done(lab, { kind: 'attach-iommufd', group: groupOf(lab, OTHER), pid, fd: 3 });
    const { spaces, devices } = holder(lab).iommufds[0]!;
    expect(spaces).toHaveLength(1);
    expect(devices.map((one) => [one.address, one.group, one.space])).toEqual([
      [NIC, group, spaces[0]!.id],
      [OTHER, groupOf(lab, OTHER), spaces[0]!.id],
    ]);
    done(lab, { kind: 'detach', group });
    expect(holder(lab).iommufds[0]!.devices.map(({ address }) => address)).toEqual([OTHER]);
  });

  it('says what is missing where the kernel has no iommufd', () => {
    const lab = machine('debian');
    expect(lab.act({ kind: 'open-iommufd', pid: null })).toMatchObject({ ok: false, errno: 'ENOENT' });
    expect(lab.view('containers', null).processes).toEqual([]);
  });
});

describe('the text of one step', () => {
  it('is that step in commands, and all that led to it in C', () => {
    const lab = machine('debian');
    const first = done(lab, { kind: 'attach', group: groupOf(lab, NIC), pid: null, containerFd: null });
    const { pid, containers } = holder(lab);
    const at = { pid, fd: containers[0]!.fd, ioas: null, size: '0x1000' };
    const second = done(lab, { kind: 'map', ...at, iova: '0x1000', rights: 'read' });
    done(lab, { kind: 'map', ...at, iova: '0x2000', rights: 'read' });
    expect(lab.programText('shell', { step: second.step!.number })).toBe('# Map 0x1000\nvfio map 0x1000 0x1000\n');
    expect(lab.programText('shell', { step: first.step!.number })).toContain(`vfio attach ${NIC}`);
    const text = lab.programText('c', { step: second.step!.number });
    expect(text).toContain('.iova = 0x1000');
    expect(text).not.toContain('.iova = 0x2000');
  });
});

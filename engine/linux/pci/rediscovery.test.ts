/** What is removed and found again, as a real kernel was seen to do it. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { EMPTY_MACHINE, MachineBuilder } from '../../hardware/parts/fixture';
import { readSnapshot } from '../../lab/import/snapshot';
import { ERRNO } from '../errno';
import type { Kernel } from '../kernel';
import { bootKernel } from '../kernel';
import { isSleeping, sleeping } from '../pending';

const DEVICES = '/sys/bus/pci/devices';

function recorded(name: string): Kernel {
  const text = gunzipSync(readFileSync(`engine/conformance/recordings/${name}.machine.json.gz`)).toString();
  return bootKernel(readSnapshot(text));
}

/** `echo text > path`: 0 or a negative errno. */
function echo(kernel: Kernel, text: string, path: string): number {
  const process = kernel.processes.get(1)!;
  const fd = kernel.syscalls.open(process, path, 1) as number;
  if (fd < 0) return fd;
  const result = kernel.syscalls.write(process, fd, new TextEncoder().encode(text)) as number;
  kernel.syscalls.close(process, fd);
  return Math.min(result, 0);
}

function cat(kernel: Kernel, path: string): string {
  const process = kernel.processes.get(1)!;
  const fd = kernel.syscalls.open(process, path, 0) as number;
  const into = new Uint8Array(4096);
  const count = kernel.syscalls.read(process, fd, into) as number;
  kernel.syscalls.close(process, fd);
  return new TextDecoder().decode(into.subarray(0, count));
}

/** Lines that appear while something is done. */
function during(kernel: Kernel, act: () => void): string[] {
  const from = kernel.log.records.length;
  act();
  return kernel.log.records.slice(from).map((record) => record.text);
}

describe('virtual functions whose physical one is removed', () => {
  const PF = '0000:01:00.0';
  const VFS = ['0000:01:00.1', '0000:01:00.2'];
  const dwordOf = (kernel: Kernel, name: string): number => kernel.pci.devices.get(name)!.config.read(0x08, 4);

  function removed(): Kernel {
    const kernel = recorded('q35-sriov');
    const lines = during(kernel, () => expect(echo(kernel, '1', `${DEVICES}/${PF}/remove`)).toBe(0));
    expect(lines).toEqual([`nvme ${PF}: driver left SR-IOV enabled after remove`]);
    return kernel;
  }

  it('stay, can be driven, and still answer', () => {
    const kernel = removed();
    expect(kernel.pci.devices.has(PF)).toBe(false);
    for (const name of VFS) expect(dwordOf(kernel, name)).toBe(0x01080202);
    expect(cat(kernel, `${DEVICES}/${VFS[0]}/vendor`)).toBe('0x1b36\n');
    echo(kernel, 'vfio-pci', `${DEVICES}/${VFS[0]}/driver_override`);
    expect(echo(kernel, VFS[0]!, '/sys/bus/pci/drivers_probe')).toBe(0);
    expect(kernel.pci.devices.get(VFS[0]!)!.driver?.name).toBe('vfio-pci');
  });

  it('are on the list and silent once the physical one is found again, which has none of its own', () => {
    const kernel = removed();
    echo(kernel, '1', '/sys/bus/pci/rescan');
    expect([...kernel.pci.devices.keys()]).toEqual(expect.arrayContaining([PF, ...VFS]));
    for (const name of VFS) expect(dwordOf(kernel, name)).toBe(0xffffffff);
    expect(cat(kernel, `${DEVICES}/${VFS[0]}/class`)).toBe('0x010802\n');
    expect(cat(kernel, `${DEVICES}/${VFS[0]}/resource`).split('\n')[0]).toContain('0x0000000000140204');
    expect(cat(kernel, `${DEVICES}/${PF}/sriov_numvfs`)).toBe('0\n');
  });

  it('keep new ones from being made; both go with the port, and then there is room', () => {
    const kernel = removed();
    echo(kernel, '1', '/sys/bus/pci/rescan');
    const refused = during(kernel, () =>
      expect(echo(kernel, '2', `${DEVICES}/${PF}/sriov_numvfs`)).toBe(-ERRNO.ENOENT),
    );
    expect(refused).toEqual([`sysfs: cannot create duplicate filename '/devices/pci0000:00/0000:00:01.0/${VFS[0]}'`]);
    expect(kernel.why.last?.check).toBe('sriov.orphan');
    expect(cat(kernel, `${DEVICES}/${PF}/sriov_numvfs`)).toBe('0\n');
    echo(kernel, '1', `${DEVICES}/0000:00:01.0/remove`);
    expect([...kernel.pci.devices.keys()].filter((name) => name.startsWith('0000:01:'))).toEqual([]);
    echo(kernel, '1', '/sys/bus/pci/rescan');
    echo(kernel, '0', `${DEVICES}/${PF}/sriov_drivers_autoprobe`);
    const made = during(kernel, () => expect(echo(kernel, '2', `${DEVICES}/${PF}/sriov_numvfs`)).toBe(0));
    expect(made.slice(0, 2)).toEqual([
      `pci ${VFS[0]}: [1b36:0010] type 00 class 0x010802 PCIe Endpoint`,
      expect.stringMatching(/^pci 0000:01:00\.1: Adding to iommu group \d+$/),
    ]);
    for (const name of VFS) expect(dwordOf(kernel, name)).toBe(0x01080202);
  });
});

describe('the first display', () => {
  it('is the first one again when it is found again, with the copy of its ROM', () => {
    const kernel = recorded('q35-zoo');
    const vga = [...kernel.pci.devices.values()].find((device) => device.class >>> 8 === 0x0300)!.name;
    const rom = (): string => cat(kernel, `${DEVICES}/${vga}/resource`).split('\n')[6]!;
    const before = rom();
    expect(before).toBe('0x00000000000c0000 0x00000000000dffff 0x0000000000000212');
    expect(cat(kernel, `${DEVICES}/${vga}/boot_vga`)).toBe('1\n');
    const lines = during(kernel, () => {
      echo(kernel, '1', `${DEVICES}/${vga}/remove`);
      echo(kernel, '1', '/sys/bus/pci/rescan');
    });
    expect(rom()).toBe(before);
    expect(cat(kernel, `${DEVICES}/${vga}/boot_vga`)).toBe('1\n');
    const at = lines.indexOf(`pci ${vga}: Video device with shadowed ROM at [mem 0x000c0000-0x000dffff]`);
    expect(lines.slice(at + 2, at + 5)).toEqual([
      `pci ${vga}: vgaarb: setting as boot VGA device`,
      `pci ${vga}: vgaarb: bridge control possible`,
      `pci ${vga}: vgaarb: VGA device added: decodes=io+mem,owns=io+mem,locks=none`,
    ]);
    expect(lines.slice(at + 5)).toEqual([
      expect.stringMatching(/BAR 0 \[mem 0x[0-9a-f]+-0x[0-9a-f]+ pref\]: assigned$/),
      expect.stringMatching(/BAR 2 \[mem 0x[0-9a-f]+-0x[0-9a-f]+\]: assigned$/),
    ]);
  });
});

describe('the number of virtual functions', () => {
  it('is read when whoever holds the physical function’s lock is done', () => {
    const kernel = recorded('q35-sriov');
    const process = kernel.processes.get(1)!;
    const change = sleeping();
    kernel.pci.hold(kernel.pci.devices.get('0000:01:00.0')!, () => change);
    const fd = kernel.syscalls.open(process, `${DEVICES}/0000:01:00.0/sriov_numvfs`, 0) as number;
    const into = new Uint8Array(8);
    const read = kernel.syscalls.read(process, fd, into);
    expect(isSleeping(read) && read.result).toBeNull();
    // Other files of the function take no lock.
    expect(cat(kernel, `${DEVICES}/0000:01:00.0/sriov_totalvfs`)).toBe('4\n');
    change.result = 0;
    expect(isSleeping(read) && read.result).toBe(2);
    expect(new TextDecoder().decode(into.subarray(0, 2))).toBe('2\n');
  });
});

describe('a port whose access control was changed by hand', () => {
  it('has it back after a reset of the bus above', () => {
    const builder = new MachineBuilder(EMPTY_MACHINE);
    builder.behindPort('switch-acs', { ports: 2 });
    const kernel = bootKernel(builder.description);
    const port = [...kernel.pci.devices.values()].find((device) => device.portType === 6)!;
    const at = port.config.findExtendedCapability(0x0d);
    expect(port.config.read(at + 6, 2)).toBe(0x1d);
    port.config.write(at + 6, 2, 0);
    const root = port.parent!.parent!.name;
    expect(echo(kernel, '1', `${DEVICES}/${root}/reset_subordinate`)).toBe(0);
    expect(port.config.read(at + 6, 2)).toBe(0x1d);
  });
});

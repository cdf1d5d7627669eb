/** What `pci=` on the command line does to a boot (pci-linux.md 3, 4, 6). */
import { describe, expect, it } from 'vitest';
import { importMachine } from '../../lab/import';
import type { Kernel } from '../kernel';
import { bootKernel } from '../kernel';
import { pciOptionsOf } from './options';

const SWITCH =
  '-device pcie-root-port,id=a,slot=7,addr=2 -device x3130-upstream,id=up,bus=a ' +
  '-device xio3130-downstream,id=d1,bus=up,addr=0,slot=9 -device xio3130-downstream,id=d2,bus=up,addr=1,slot=10 ' +
  '-device e1000e,bus=d1';

function boot(options: string): Kernel {
  const machine = importMachine(
    'run.sh',
    new TextEncoder().encode(`qemu-system-x86_64 -M q35 -nodefaults -device intel-iommu ${SWITCH}`),
  );
  return bootKernel({ ...machine, kernel: { ...machine.kernel, cmdline: options } });
}

const lines = ({ log }: Kernel): string[] => log.records.map((record) => record.text);
const payload = ({ pci }: Kernel, name: string): number => {
  const { config } = pci.devices.get(name)!;
  return 128 << ((config.read(config.findCapability(0x10) + 8, 2) >>> 5) & 7);
};

describe('hpbussize', () => {
  it('keeps bus numbers for what may come into a slot', () => {
    const kernel = boot('pci=hpbussize=4');
    const numbers = [...kernel.pci.devices.values()]
      .filter((device) => device.parent?.portType === 5)
      .map((device) => device.config.read(0x18, 4) & 0xffffff);
    expect(numbers).toEqual([0x060302, 0x0a0702]);
    expect(kernel.pci.devices.get('0000:00:02.0')!.config.read(0x1a, 1)).toBe(0x0a);
  });

  it('is one without the option', () => {
    const kernel = boot('');
    expect(kernel.pci.devices.get('0000:00:02.0')!.config.read(0x1a, 1)).toBe(0x04);
  });
});

describe('windows of slots', () => {
  it('are as large as the command line wishes', () => {
    const kernel = boot('pci=hpmmiosize=16M,hpmmioprefsize=64M');
    const slot = kernel.pci.devices.get('0000:02:01.0')!;
    const size = (row: number): bigint => slot.resources[row]!.end - slot.resources[row]!.start + 1n;
    expect(size(14)).toBe(0x100_0000n);
    expect(size(15)).toBe(0x400_0000n);
  });
});

describe('payload sizes', () => {
  const names = ['0000:00:02.0', '0000:01:00.0', '0000:02:00.0', '0000:03:00.0'];

  it('are 128 everywhere with pcie_bus_peer2peer, and with a slot in a switch in pcie_bus_safe', () => {
    for (const option of ['pcie_bus_peer2peer', 'pcie_bus_safe']) {
      const kernel = boot(`pci=${option}`);
      expect(names.map((name) => payload(kernel, name))).toEqual([128, 128, 128, 128]);
      const said = lines(kernel).filter((line) => line.includes('Max Read Rq'));
      expect(said).toHaveLength(5);
      expect(said[0]).toMatch(
        /^pci 0000:00:02\.0: Max Payload Size set to {2}128\/ {1,2}\d+ \(was {2}128\), Max Read Rq +\d+$/,
      );
    }
  });

  it('with pcie_bus_perf no function sends more than what is above it takes', () => {
    const kernel = boot('pci=pcie_bus_perf');
    const sizes = names.map((name) => payload(kernel, name));
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
  });
});

describe('the options', () => {
  it('are read as the kernel reads them; what makes no sense is left out', () => {
    expect(pciOptionsOf('quiet pci=realloc,noaer,hpiosize=8K pci=pcie_bus_perf')).toMatchObject({
      realloc: 'on',
      noAer: true,
      hotplugIo: 0x2000n,
      payload: 'performance',
    });
    expect(pciOptionsOf('pci=realloc=off').realloc).toBe('off');
    expect(pciOptionsOf('pci=hpbussize=999').hotplugBuses).toBe(1);
    expect(pciOptionsOf('').realloc).toBe('auto');
  });

  it('resource_alignment moves the BARs of a function to a larger boundary', () => {
    const kernel = boot('pci=resource_alignment=20@pci:8086:10d3');
    const nic = kernel.pci.devices.get('0000:03:00.0')!;
    for (const row of [0, 1, 3]) expect(nic.resources[row]!.start % 0x100000n).toBe(0n);
    expect(lines(kernel).filter((line) => line.includes('requesting alignment to 0x100000'))).not.toEqual([]);
  });
});

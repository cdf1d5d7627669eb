import { describe, expect, it } from 'vitest';
import { stimulate } from '../../hardware/devices/stimulate';
import { setLink } from '../../hardware/hot-plug';
import { importMachine } from '../../lab/import';
import type { Kernel } from '../kernel';
import { bootKernel } from '../kernel';
import type { PciDevice } from './device';

const COMMAND =
  'qemu-system-x86_64 -M q35 -nodefaults -device intel-iommu -device pcie-root-port,id=a,slot=7,addr=2 -device pcie-root-port,id=b,slot=8,addr=3 ' +
  '-device x3130-upstream,id=up,bus=a -device xio3130-downstream,id=dn,bus=up,addr=0,slot=9 -device e1000e,bus=dn';

const boot = (): Kernel => bootKernel(importMachine('run.sh', new TextEncoder().encode(COMMAND)));
const lines = ({ log }: Kernel, from = 0): string[] => log.records.slice(from).map((record) => record.text);
const names = ({ pci }: Kernel): string[] => [...pci.devices.keys()].filter((name) => !name.startsWith('0000:00'));
const port = ({ pci }: Kernel) => pci.devices.get('0000:00:02.0')!;

/** Writes the slot's file as a shell does. */
function writePower(kernel: Kernel, device: PciDevice, text: string): number {
  const slot = device.config.read(device.config.findCapability(0x10) + 0x14, 4) >>> 19;
  const process = kernel.processes.get(1)!;
  const fd = kernel.syscalls.open(process, `/sys/bus/pci/slots/${slot}/power`, 1) as number;
  const result = kernel.syscalls.write(process, fd, new TextEncoder().encode(text)) as number;
  kernel.syscalls.close(process, fd);
  return Math.min(result, 0);
}

/** Somebody presses the button of the slot. */
const press = (kernel: Kernel): void => {
  const result = stimulate(
    kernel.machine,
    port(kernel).function,
    { device: port(kernel).name, kind: 'button' },
    () => undefined,
  );
  if ('problem' in result) throw new Error(result.problem);
};

const SECOND = 1_000_000_000n;

describe('the attention button', () => {
  const indicator = (kernel: Kernel): number => {
    const { config } = port(kernel);
    return (config.read(config.findCapability(0x10) + 0x18, 2) >>> 8) & 3;
  };

  it('switches the slot off after five seconds, and on again', () => {
    const kernel = boot();
    press(kernel);
    expect(lines(kernel).at(-1)).toBe('pcieport 0000:00:02.0: pciehp: Slot(7): Button press: will power off in 5 sec');
    expect(indicator(kernel)).toBe(2);
    kernel.clock.advance(4n * SECOND);
    expect(names(kernel)).toHaveLength(3);
    kernel.clock.advance(SECOND);
    expect(names(kernel)).toEqual([]);
    expect(indicator(kernel)).toBe(3);
    press(kernel);
    expect(lines(kernel).at(-1)).toBe('pcieport 0000:00:02.0: pciehp: Slot(7): Button press: will power on in 5 sec');
    kernel.clock.advance(5n * SECOND);
    expect(names(kernel)).toHaveLength(3);
    expect(indicator(kernel)).toBe(1);
  });

  it('pressed once more within them leaves everything as it is', () => {
    const kernel = boot();
    press(kernel);
    kernel.clock.advance(2n * SECOND);
    press(kernel);
    expect(lines(kernel).at(-1)).toBe(
      'pcieport 0000:00:02.0: pciehp: Slot(7): Button press: canceling request to power off',
    );
    kernel.clock.advance(10n * SECOND);
    expect(names(kernel)).toHaveLength(3);
    expect(indicator(kernel)).toBe(1);
  });
});

describe('a slot that Linux drives', () => {
  it('is announced with what it can, and switched off when it is empty', () => {
    const kernel = boot();
    const slot = lines(kernel).filter((line) => line.includes('pciehp: Slot #'));
    expect(slot).toHaveLength(3);
    expect(slot[0]).toMatch(
      /^pcieport 0000:00:02\.0: pciehp: Slot #7 AttnBtn[+-] PwrCtrl\+ MRL- AttnInd[+-] PwrInd[+-] HotPlug\+ Surprise[+-] Interlock[+-] NoCompl[+-] IbPresDis- LLActRep\+$/,
    );
    const empty = kernel.pci.devices.get('0000:00:03.0')!.config;
    const at = empty.findCapability(0x10);
    expect(empty.read(at + 0x18, 2) & 0x400).toBe(0x400);
    expect(port(kernel).config.read(at + 0x18, 2) & 0x1420).toBe(0x1020);
  });

  it('loses everything behind it when the link goes down, and finds it again when it comes up', () => {
    const kernel = boot();
    expect(names(kernel)).toEqual(['0000:01:00.0', '0000:02:00.0', '0000:03:00.0']);
    const groups = kernel.iommu.groups.size;
    const before = kernel.log.records.length;
    setLink(port(kernel).function, false, kernel.interrupts);
    expect(names(kernel)).toEqual([]);
    expect(kernel.iommu.groups.size).toBeLessThan(groups);
    expect(lines(kernel, before)[0]).toBe('pcieport 0000:00:02.0: pciehp: Slot(7): Link Down');
    const after = kernel.log.records.length;
    setLink(port(kernel).function, true, kernel.interrupts);
    expect(names(kernel)).toEqual(['0000:01:00.0', '0000:02:00.0', '0000:03:00.0']);
    expect(kernel.iommu.groups.size).toBe(groups);
    expect(lines(kernel, after).slice(0, 2)).toEqual([
      'pcieport 0000:00:02.0: pciehp: Slot(7): Card present',
      'pcieport 0000:00:02.0: pciehp: Slot(7): Link Up',
    ]);
  });

  it('is switched off and on through its power file, with the errors of the kernel', () => {
    const kernel = boot();
    const actions = (device: PciDevice, text: string): number => writePower(kernel, device, text);
    expect(actions(port(kernel), '2\n')).toBe(-22);
    expect(actions(port(kernel), '1\n')).toBe(-19);
    expect(lines(kernel).at(-1)).toBe('pcieport 0000:00:02.0: pciehp: Slot(7): Already enabled');
    expect(actions(port(kernel), '0\n')).toBe(0);
    expect(names(kernel)).toEqual([]);
    expect(port(kernel).function.linkUp).toBe(false);
    expect(actions(port(kernel), '0\n')).toBe(-19);
    expect(lines(kernel).at(-1)).toBe('pcieport 0000:00:02.0: pciehp: Slot(7): Already disabled');
    expect(actions(port(kernel), '1\n')).toBe(0);
    expect(names(kernel)).toHaveLength(3);
    expect(actions(kernel.pci.devices.get('0000:00:03.0')!, '1')).toBe(-19);
  });
});

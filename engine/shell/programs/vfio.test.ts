/** The step-by-step client's three ways in, and the reset of a bus. */
import { describe, expect, it } from 'vitest';
import type { MachineDescription } from '../../hardware/description';
import { MachineBuilder } from '../../hardware/parts/fixture';
import { doorOf, doorTo, rootShell } from '../../host/shell';
import { History } from '../../lab/journal';
import type { LabUserSpace } from '../../lab/user-space';
import { runScript } from '../session';
import { BytesWriter, NULL_READER } from '../streams';

const TOKEN = '00112233-4455-6677-8899-aabbccddeeff';

const shellOf = (description: MachineDescription): ((script: string) => Promise<string>) =>
  running(rootShell(doorTo(description), 'test'));

function running(system: LabUserSpace): (script: string) => Promise<string> {
  return async (script) => {
    const out = new BytesWriter();
    await runScript(system, script, { stdin: NULL_READER, stdout: out, stderr: out });
    return new TextDecoder().decode(out.bytes);
  };
}

function machine(build: MachineDescription['kernel']['build'], ...parts: string[]): MachineDescription {
  const builder = new MachineBuilder();
  for (const part of parts) builder.behindPort(part);
  return { ...builder.description, kernel: { ...builder.description.kernel, build } };
}

describe('vfio attach', () => {
  it('opens a virtual function with the token of its parent, and not with another', async () => {
    const run = shellOf(machine('debian', 'lab-nic-sriov'));
    const text = await run(`
      driverctl set-override 0000:01:00.0 vfio-pci
      echo 1 > /sys/module/vfio_pci/parameters/enable_sriov
      echo 2 > /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs
      vfio attach --token ${TOKEN} 01:00.0 | tail -n 1
      vfio attach 01:00.1 2>&1 | tail -n 2
      vfio attach --token ${TOKEN} 01:00.1 | tail -n 1
      vfio attach --token 2>&1`);
    expect(text).toMatch(/^0000:01:00\.0 is attached:.*$/m);
    expect(text).toContain('0000:01:00.1 was not opened: Permission denied\n  VF token required to access device');
    expect(text).toMatch(/^0000:01:00\.1 is attached:.*$/m);
    expect(text).toContain('--token needs a UUID');
  });

  it('goes through /dev/iommu: one address space for all devices, mapped and unmapped there', async () => {
    const run = shellOf(machine('iommufd', 'lab-nic', 'lab-nic'));
    const text = await run(`
      driverctl set-override 0000:01:00.0 vfio-pci
      vfio attach --iommufd 02:00.0 2>&1
      driverctl set-override 0000:02:00.0 vfio-pci
      vfio attach --iommufd 01:00.0 >/dev/null
      vfio map 0x10000 0x2000 >/dev/null
      vfio attach --iommufd 02:00.0 >/dev/null
      vfio status
      for card in 01:00.0 02:00.0; do vfio cfg $card COMMAND=6 >/dev/null; done
      stim 01:00.0 dma write address=0x10000 hex=4*ab
      stim 02:00.0 dma read address=0x10000 length=4
      vfio unmap 0x10000 0x2000 >/dev/null
      vfio detach
      vfio status`);
    expect(text).toContain('0000:02:00.0 has no file in /dev/vfio/devices: it is not bound to vfio-pci');
    expect(text).toMatch(/^iommufd {4}fd \d+ {2}address space 1$/m);
    expect(text).toContain('0000:02:00.0: DMA read of 4 bytes at 0x10000\nabababab');
    expect(text).toMatch(/close\(\d+\) = 0\nNothing is attached\./);
  });
});

describe('vfio and undo', () => {
  const history = (): { history: History; run: (script: string) => Promise<string> } => {
    const made = History.of(machine('iommufd', 'lab-nic', 'lab-nic'));
    return { history: made, run: running(rootShell(doorOf(made), 'test')) };
  };
  /** Takes back the last command: in a script all of it is one gesture. */
  const oneByOne = async (
    { history: made }: { history: History },
    commands: readonly string[],
  ): Promise<() => Promise<string>> => {
    for (const [k, command] of commands.entries())
      await running(rootShell(doorOf(made), `step ${k}`))(`${command} >/dev/null 2>&1`);
    return () => running(rootShell(doorOf(made), 'look'))('vfio status');
  };

  it('goes on from what undo brought back, and from what redo took away again', async () => {
    const lab = history();
    const status = await oneByOne(lab, [
      'driverctl set-override 0000:01:00.0 vfio-pci',
      'vfio attach 01:00.0; vfio irq 01:00.0 msix 0-1; vfio map 0x10000 0x2000',
      'vfio detach',
    ]);
    expect(await status()).toBe('Nothing is attached. Begin with: vfio attach ADDRESS\n');
    lab.history.undo();
    const held = await status();
    expect(held).toMatch(/^container {2}fd \d+ {2}type1v2$/m);
    expect(held).toMatch(/^device {5}fd \d+ {2}0000:01:00\.0 {2}\(group \d+\)$/m);
    expect(held).toMatch(/^mapped {5}0x10000-0x11fff$/m);
    expect(held).toMatch(/^eventfd {4}fd \d+ {2}0000:01:00\.0 MSI-X 1$/m);
    expect(await lab.run('vfio cfg 01:00.0 VENDOR_ID | tail -n 1')).toMatch(/^VENDOR_ID = [0-9a-f]{4}$/m);
    expect(await lab.run('vfio unmap 0x10000 0x2000 >/dev/null; vfio status')).not.toContain('mapped');
    expect(await lab.run('vfio detach >/dev/null; vfio status')).toContain('Nothing is attached.');
  });

  it('remembers the address space of an iommufd', async () => {
    const lab = history();
    const status = await oneByOne(lab, [
      'driverctl set-override 0000:01:00.0 vfio-pci; driverctl set-override 0000:02:00.0 vfio-pci',
      'vfio attach --iommufd 01:00.0; vfio map 0x10000 0x2000',
      'vfio detach',
    ]);
    lab.history.undo();
    expect(await status()).toMatch(/^iommufd {4}fd \d+ {2}address space 1$/m);
    const second = await lab.run('vfio attach --iommufd 02:00.0 | tail -n 1');
    expect(second).toContain('address space 1,');
  });
});

describe('vfio hotreset', () => {
  it('names whom the reset reaches and hands in the groups', async () => {
    const run = shellOf(machine('debian', 'gpu'));
    const text = await run(`
      driverctl set-override 0000:01:00.0 vfio-pci
      driverctl set-override 0000:01:00.1 vfio-pci
      vfio attach 01:00.0 >/dev/null
      vfio reset 01:00.0 2>&1
      vfio hotreset 01:00.0 2>&1`);
    expect(text).toContain('0000:01:00.0 was not reset: Invalid argument');
    expect(text).toMatch(/The reset reaches:\n {2}0000:01:00\.0 {2}group (\d+)\n {2}0000:01:00\.1 {2}group \1\n/);
    expect(text).toContain('All of them were reset.');
  });
});

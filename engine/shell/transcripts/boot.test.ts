/** What the guides do to have a device at vfio-pci from boot on: files, then `reboot`. */
import { describe, expect, it } from 'vitest';
import { sampleMachine } from '../../host/samples';
import { readMachine } from '../../host/machines';
import { doorTo, rootShell } from '../../host/shell';
import type { MachineDescription } from '../../hardware/description';
import { runScript } from '../session';
import { BytesWriter } from '../streams';

async function transcript(source: string, description: MachineDescription = sampleMachine()): Promise<string> {
  const out = new BytesWriter();
  await runScript(rootShell(doorTo(description), source), source, { stdout: out, stderr: out });
  return out.text;
}

/** `address driver` of the graphics card's two functions. */
const GPU = `for d in 01:00.0 01:00.1; do echo $d $(basename $(readlink /sys/bus/pci/devices/0000:$d/driver || echo none)); done`;
const IDS = `echo options vfio-pci ids=1002:73bf,1002:ab28 > /etc/modprobe.d/vfio.conf`;
const BOOTED = 'The machine has booted again.\n';

describe('after a boot', () => {
  it('files are there as they were left, but for /tmp and /run', async () => {
    const script = `echo mine > /root/kept; chmod 640 /root/kept; touch /tmp/gone /run/gone; mkdir /opt/x; rm /etc/hostname
reboot; cat /root/kept; stat -c %a /root/kept; ls /tmp /run; ls -d /opt/x /etc/hostname`;
    expect(await transcript(script)).toBe(
      `${BOOTED}mine\n640\n/run:\n\n/tmp:\nls: cannot access '/etc/hostname': No such file or directory\n/opt/x\n`,
    );
  });

  it('the kernel command line is the one of /etc/default/grub', async () => {
    const script = `sed -i 's/quiet/quiet iommu=pt/' /etc/default/grub; reboot; cat /proc/cmdline
sed -i 's/^GRUB_CMDLINE_LINUX=.*/GRUB_CMDLINE_LINUX="pci=noaer"/; s/ iommu=pt//' /etc/default/grub; reboot; cat /proc/cmdline`;
    const lines = (await transcript(script)).split('\n').filter((line) => line.startsWith('BOOT_IMAGE'));
    expect(lines).toEqual([
      'BOOT_IMAGE=/vmlinuz root=/dev/nvme0n1p2 ro quiet iommu=pt intel_iommu=on',
      'BOOT_IMAGE=/vmlinuz root=/dev/nvme0n1p2 ro pci=noaer quiet intel_iommu=on',
    ]);
  });

  it.each([
    ['ids alone come too late: the drivers of the host were first', IDS, 'amdgpu', 'snd_hda_intel'],
    [
      'ids with softdep are in front of each driver that is named',
      `${IDS}; echo softdep amdgpu pre: vfio-pci >> /etc/modprobe.d/vfio.conf`,
      'vfio-pci',
      'vfio-pci',
    ],
    ['ids with a module that init loads', `${IDS}; echo vfio-pci > /etc/modules-load.d/v.conf`, 'vfio-pci', 'vfio-pci'],
    ['a blacklist leaves the device alone', 'echo blacklist amdgpu > /etc/modprobe.d/b.conf', 'none', 'snd_hda_intel'],
    ['a blacklist and ids', `${IDS}; echo blacklist amdgpu >> /etc/modprobe.d/vfio.conf`, 'vfio-pci', 'snd_hda_intel'],
    [
      'ids on the kernel command line',
      `sed -i 's/quiet/quiet vfio-pci.ids=1002:73bf/' /etc/default/grub; echo vfio_pci >> /etc/modules`,
      'vfio-pci',
      'snd_hda_intel',
    ],
    ['driverctl remembers', 'driverctl set-override 0000:01:00.1 vfio-pci', 'amdgpu', 'vfio-pci'],
    ['driverctl --nosave does not', 'driverctl --nosave set-override 0000:01:00.1 vfio-pci', 'amdgpu', 'snd_hda_intel'],
    [
      'an override by hand is gone',
      'echo vfio-pci > /sys/bus/pci/devices/0000:01:00.1/driver_override',
      'amdgpu',
      'snd_hda_intel',
    ],
  ])('%s', async (_, files, graphics, sound) => {
    expect(await transcript(`${files}; reboot; ${GPU}`)).toBe(`${BOOTED}01:00.0 ${graphics}\n01:00.1 ${sound}\n`);
  });

  it('module options are those of modprobe.d', async () => {
    const script = `echo options vfio_iommu_type1 allow_unsafe_interrupts=1 > /etc/modprobe.d/v.conf
reboot; cat /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts`;
    expect(await transcript(script)).toBe(`${BOOTED}Y\n`);
  });

  it('nothing is another than before where nobody changed a file', async () => {
    const look = 'lsmod; lspci -nnk; cat /proc/cmdline';
    for (const description of [sampleMachine(), readMachine('labs/machines/q35-sriov.machine.json.gz')]) {
      expect(await transcript(`reboot; ${look}`, description)).toBe(BOOTED + (await transcript(look, description)));
    }
  });
});

describe('modprobe', () => {
  it('obeys /etc/modprobe.d: options, softdep, install, alias', async () => {
    const script = `modprobe -r vfio_pci pci_stub
printf '%s\\n' 'options vfio-pci disable_idle_d3=1 \\' ' nointxmask=1' 'softdep vfio-pci pre: pci-stub' > /etc/modprobe.d/v.conf
echo 'alias lend vfio-pci' > /etc/modprobe.d/a.conf
modprobe lend; lsmod | cut -d' ' -f1 | grep -E '^(vfio_pci|pci_stub)$' | sort
grep -H . /sys/module/vfio_pci/parameters/{disable_idle_d3,nointxmask}
modprobe -r vfio_pci; echo 'install vfio_pci echo instead' > /etc/modprobe.d/v.conf; modprobe vfio-pci`;
    expect(await transcript(script)).toBe(
      `pci_stub
vfio_pci
/sys/module/vfio_pci/parameters/disable_idle_d3:Y
/sys/module/vfio_pci/parameters/nointxmask:Y
instead
`,
    );
  });
});

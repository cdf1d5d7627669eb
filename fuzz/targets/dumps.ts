/** What people drop on the window to see their own machine: listings, logs, command lines, archives of /sys. */
import { readFileSync } from 'node:fs';
import { headlessHost } from '../../engine/host/headless';
import { exportMachine } from '../../engine/lab/export';
import { presentMachine } from '../../engine/lab/export/present';
import { checkDescription } from '../../engine/lab/document/description-schema';
import { Lab } from '../../engine/lab/lab';
import { Machine } from '../../engine/lab/machine';
import { MachineBuilder } from '../../engine/hardware/parts/fixture';
import { bytes, json, tarHeader, text } from '../lib/mutate';
import type { Target } from '../lib/target';
import { bytesOf, must } from '../lib/target';

const LOG = `[    0.100000] Linux version 6.12.1-amd64 (builder) #1
[    0.100001] Command line: BOOT_IMAGE=/vmlinuz ro intel_iommu=on
[    0.200000] DMAR: IOMMU enabled
[    0.369322] PCI host bridge to bus 0000:00
[    0.369356] pci 0000:00:00.0: [8086:4660] type 00 class 0x060000 conventional PCI endpoint
[    0.369400] pci 0000:00:01.0: [8086:460d] type 01 class 0x060400 PCIe Root Port
[    0.369402] pci 0000:00:01.0: BAR 0 [mem 0xfe800000-0xfe803fff 64bit]
[    0.369410] pci 0000:00:01.0: PCI bridge to [bus 01]
[    0.369500] pci 0000:01:00.0: [10de:2484] type 00 class 0x030000 PCIe Endpoint
[    0.426744] pci 0000:00:01.0: Adding to iommu group 2
[    0.426752] pci 0000:01:00.0: Adding to iommu group 3
`;

const GROUPS = `IOMMU Group 0:
	00:00.0 Host bridge [0600]: Intel Corporation Device [8086:4660]
IOMMU Group 1:
	00:01.0 PCI bridge [0604]: Intel Corporation Device [8086:460d]
	01:00.0 VGA compatible controller [0300]: NVIDIA Corporation Device [10de:2484] (rev a1)
/sys/kernel/iommu_groups/2/devices/0000:00:1f.0
`;

const TREE = `-[0000:00]-+-00.0  Intel Corporation Device 4660
           +-01.0-[01]--+-00.0  NVIDIA Corporation Device 2484
           |            \\-00.1  NVIDIA Corporation Device 228b
           \\-1c.0-[02-04]----00.0-[03-04]--+-00.0-[04]----00.0  Intel Corporation Device 1533
`;

const QEMU = `#!/bin/sh
qemu-system-x86_64 -M q35,kernel-irqchip=split -m 2G -device intel-iommu,intremap=on \\
  -device pcie-root-port,id=rp0,chassis=1,addr=2 -device x3130-upstream,bus=rp0,id=up \\
  -device xio3130-downstream,bus=up,id=down,chassis=2,slot=1 -device e1000e,bus=down,addr=0.0,multifunction=on \\
  -device edu -device nvme,serial=x,bus=pcie.0,addr=5 -append "intel_iommu=on"
`;

const FACTER = JSON.stringify({
  hardware: {
    bridge: [
      {
        base_class: { value: 6 },
        sub_class: { value: 4 },
        vendor: { value: 0x8086 },
        device: { value: 0x10d3 },
        sysfs_id: '/devices/pci0000:00/0000:00:01.0',
        sysfs_iommu_group_id: 1,
        detail: { header_type: 1, secondary_bus: 1 },
      },
    ],
  },
});

const WORDS = [
  ...[
    '0000:00:01.0',
    '01:00.0',
    '00:00',
    '[8086:1533]',
    'Capabilities: [40] Express',
    'Root Port',
    'PCI bridge',
    '(rev 01)',
  ],
  ...[
    '[0604]',
    'IOMMU Group 3',
    'Adding to iommu group 4',
    '[bus 01-04]',
    '-[0000:00]-',
    '\\-00.0',
    '+-01.0',
    '----',
    '00: ',
  ],
  ...['Kernel driver in use: vfio-pci', 'Region 0: Memory at fe800000 (64-bit, prefetchable) [size=16K]', 'ACSCap:'],
  ...['Bus: primary=00, secondary=01, subordinate=01', 'Control: I/O+ Mem+', '-device', 'pcie-root-port', ',addr=1f.7'],
  ...[',bus=', 'id=', 'Capabilities: [100 v1] Access Control Services', 'SrcValid+', 'Initial VFs: 8, Total VFs: 8'],
  ...[
    'type 01 class 0x060400',
    'Physical Slot: 1',
    'Interrupt: pin A routed to IRQ 11',
    'IOMMU group: 7',
    '\tNUMA node: 0',
  ],
];

/** Three devices: everything about them is a few kilobytes. */
function smallMachine(): Machine {
  const builder = new MachineBuilder();
  for (const part of ['e1000e', 'lab-nic']) builder.behindPort(part);
  builder.add('edu');
  return new Machine(builder.description);
}

/** More take a while to boot, and show nothing that fewer do not. */
const MOST_FUNCTIONS = 64;
const LOOKED_AT = 3;

function opening(name: string): (input: Uint8Array) => void {
  let lab: Lab | null = null;
  return (input) => {
    lab ??= Lab.create(headlessHost());
    const before = lab.machine;
    const result = lab.openBytes(name, input, null);
    if (!result.ok) {
      must(lab.machine === before, 'a file that was refused took the open machine away');
      must(
        result.message.includes(name) && (result.reason ?? '') !== '',
        `the refusal says nothing: ${result.message}`,
      );
      return;
    }
    const { description, kernel } = lab.machine;
    const checked = checkDescription(description);
    if ('problem' in checked) throw new Error(`the machine cannot be kept in a document: ${checked.problem}`);
    if (kernel.pci.devices.size > MOST_FUNCTIONS) return;
    lab.view('topology', null);
    lab.view('reach', null);
    for (const address of [...kernel.pci.devices.keys()].slice(0, LOOKED_AT)) {
      lab.view('function', { address });
      lab.view('config', { address });
    }
    for (const format of ['snapshot', 'hex-dump', 'sysfs'] as const) lab.exportAs(format);
    const { hash } = lab;
    const again = lab.openBytes('again.vfiolab', lab.serialize(), null);
    must(again.ok, `the document that was made of it is refused: ${again.ok ? '' : again.message}`);
    must(lab.hash === hash, 'the document that was made of it is another machine');
  };
}

export const importers: Target = {
  name: 'importers',
  reaches: ['engine/lab/import/'],
  seeds: () => {
    const machine = presentMachine(smallMachine());
    const listing = readFileSync('e2e/fixtures/desktop.lspci.txt', 'utf8').split('\n\n');
    return [
      ...[LOG, GROUPS, TREE, QEMU, FACTER, `${LOG}\n${GROUPS}`, `${TREE}\n${listing.slice(0, 3).join('\n\n')}`].map(
        bytesOf,
      ),
      ...[listing.slice(0, 4), listing.slice(4, 10), listing.slice(10, 16)].map((part) => bytesOf(part.join('\n\n'))),
      exportMachine(machine, 'snapshot'),
      exportMachine(machine, 'hex-dump'),
      bytesOf(JSON.stringify(machine)),
    ];
  },
  mutations: [text(WORDS), text(WORDS), text(WORDS), json(), json(true), bytes],
  run: opening('dump.txt'),
  briefly: 100,
};

export const archives: Target = {
  name: 'archives',
  reaches: ['engine/lab/import/tar.ts', 'engine/lab/import/sysfs.ts', 'engine/lab/import/index.ts'],
  seeds: () => [exportMachine(presentMachine(smallMachine()), 'sysfs')],
  mutations: [tarHeader, tarHeader, tarHeader, bytes],
  run: opening('copy.tar'),
  briefly: 150,
};

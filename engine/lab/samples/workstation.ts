/** The first sample: a desktop with one of each kind of trouble. All data is made up; the IDs are those of real parts. */
import type { FunctionDescription, MachineDescription } from '../../hardware/description';
import type { ExpressType, LinkSpeed, MsixOptions, PowerState } from '../../hardware/parts/capabilities';
import {
  accessControl,
  advancedErrorReporting,
  express,
  msi,
  msix,
  powerManagement,
  subsystemId,
} from '../../hardware/parts/capabilities';
import type { Capability } from '../../hardware/parts/registers';
import type { BootedFunction, PlacedBar } from './booted';
import { bootedFunction } from './booted';

const functions: FunctionDescription[] = [];
const add = (address: string, fn: BootedFunction): void => void functions.push(bootedFunction(address, fn));

const bar = (index: number, kind: PlacedBar['kind'], base: bigint, size: number): PlacedBar => ({
  index,
  kind,
  base,
  size,
});

const BOARD = [0x1043, 0x8694] as const;
const AWAKE: readonly PowerState[] = ['D0', 'D3hot', 'D3cold'];
const ASLEEP: readonly PowerState[] = ['D3hot', 'D3cold'];
const ISOLATING = ['SrcValid', 'TransBlk', 'ReqRedir', 'CmpltRedir', 'UpstreamFwd'] as const;

interface RootPort {
  readonly slot: number;
  readonly speed: LinkSpeed;
  readonly width: number;
  readonly port: number;
  readonly irq: number;
  readonly windows: BootedFunction['windows'];
}

function rootPort(
  address: string,
  device: number,
  buses: readonly [number, number],
  { slot, speed, width, port, irq, windows = {} }: RootPort,
): void {
  add(address, {
    header: { vendor: 0x8086, device, class: 0x060400, revision: 0x11, pin: 1 },
    buses,
    windows,
    irq,
    driver: 'pcieport',
    capabilities: [
      express({ type: 'root-port', link: { speed, width, port }, slot: { number: slot }, at: 0x40 }),
      msi({ at: 0x80 }),
      subsystemId(...BOARD, { at: 0x98 }),
      powerManagement({ pmeFrom: AWAKE, at: 0xa0 }),
      advancedErrorReporting({ at: 0x100, root: { message: 0 } }),
      accessControl(ISOLATING, { at: 0x220 }),
    ],
  });
}

/** A function of the chipset or processor: on the root bus, without PCI Express. */
function chipset(
  address: string,
  device: number,
  classCode: number,
  more: Omit<BootedFunction, 'header'> & { multifunction?: boolean; pin?: number } = {},
): void {
  const { multifunction = false, pin = 0, ...rest } = more;
  add(address, {
    header: { vendor: 0x8086, device, class: classCode, revision: 0x11, subsystem: BOARD, multifunction, pin },
    ...rest,
  });
}

chipset('0000:00:00.0', 0x4660, 0x060000);
rootPort('0000:00:01.0', 0x460d, [1, 1], {
  slot: 1,
  speed: '16 GT/s',
  width: 16,
  port: 2,
  irq: 122,
  windows: {
    io: [0x3000n, 0x3fffn],
    memory: [0x82100000n, 0x822fffffn],
    prefetch: [0x6000000000n, 0x60101fffffn],
  },
});
rootPort('0000:00:06.0', 0x464d, [2, 2], {
  slot: 2,
  speed: '16 GT/s',
  width: 4,
  port: 5,
  irq: 123,
  windows: { memory: [0x82300000n, 0x823fffffn] },
});
chipset('0000:00:14.0', 0x7ae0, 0x0c0330, {
  multifunction: true,
  pin: 1,
  irq: 124,
  driver: 'xhci_hcd',
  bars: [bar(0, 'mem64', 0x83000000n, 0x10000)],
  capabilities: [powerManagement({ pmeFrom: ASLEEP, at: 0x70 }), msi({ vectors: 8, at: 0x80 })],
});
chipset('0000:00:14.2', 0x7aa7, 0x050000, {
  multifunction: true,
  bars: [bar(0, 'mem64', 0x83014000n, 0x4000), bar(2, 'mem64', 0x83018000n, 0x1000)],
  capabilities: [powerManagement({ at: 0x80 })],
});
chipset('0000:00:17.0', 0x7ae2, 0x010601, {
  pin: 1,
  irq: 125,
  driver: 'ahci',
  bars: [
    bar(0, 'mem32', 0x83010000n, 0x2000),
    bar(1, 'mem32', 0x8301a000n, 0x100),
    bar(2, 'io', 0x6050n, 8),
    bar(3, 'io', 0x6040n, 4),
    bar(4, 'io', 0x6020n, 32),
    bar(5, 'mem32', 0x83012000n, 0x800),
  ],
  capabilities: [msi({ at: 0x80 }), powerManagement({ pmeFrom: ['D3hot'], at: 0x70 })],
});
rootPort('0000:00:1a.0', 0x7ac8, [3, 3], {
  slot: 24,
  speed: '5 GT/s',
  width: 1,
  port: 25,
  irq: 126,
  windows: { memory: [0x82400000n, 0x825fffffn] },
});
rootPort('0000:00:1b.0', 0x7ab0, [4, 8], {
  slot: 12,
  speed: '8 GT/s',
  width: 4,
  port: 9,
  irq: 127,
  windows: { prefetch: [0x6020000000n, 0x60211fffffn] },
});
rootPort('0000:00:1c.0', 0x7ab8, [9, 12], {
  slot: 4,
  speed: '5 GT/s',
  width: 1,
  port: 1,
  irq: 128,
  windows: { memory: [0x82600000n, 0x828fffffn] },
});
rootPort('0000:00:1d.0', 0x7abc, [13, 14], {
  slot: 8,
  speed: '2.5 GT/s',
  width: 1,
  port: 5,
  irq: 129,
  windows: { io: [0x4000n, 0x5fffn], memory: [0x82900000n, 0x829fffffn] },
});
chipset('0000:00:1f.0', 0x7a84, 0x060100, { multifunction: true });
chipset('0000:00:1f.3', 0x7ad0, 0x040300, {
  multifunction: true,
  pin: 1,
  irq: 130,
  driver: 'snd_hda_intel',
  bars: [bar(0, 'mem64', 0x6030000000n, 0x4000), bar(4, 'mem64', 0x6030100000n, 0x100000)],
  capabilities: [powerManagement({ pmeFrom: ASLEEP, at: 0x50 }), msi({ at: 0x60 })],
});
chipset('0000:00:1f.4', 0x7aa3, 0x0c0500, {
  multifunction: true,
  pin: 1,
  irq: 16,
  driver: 'i801_smbus',
  bars: [bar(0, 'mem64', 0x6030200000n, 0x100), bar(4, 'io', 0xefa0n, 32)],
});
chipset('0000:00:1f.5', 0x7aa4, 0x0c8000, {
  multifunction: true,
  bars: [bar(0, 'mem32', 0xfe010000n, 0x1000)],
});

interface Endpoint {
  readonly type?: ExpressType;
  readonly speed: LinkSpeed;
  readonly width: number;
  readonly flr?: boolean;
  readonly messages?: number;
  readonly msix?: Omit<MsixOptions, 'at'>;
  /** The ACS capability that offers nothing: this function never talks to its sibling, so it stands alone. */
  readonly emptyAcs?: boolean;
}

function endpoint(options: Endpoint): Capability[] {
  const { type = 'endpoint', speed, width, flr = false, messages = 1 } = options;
  return [
    powerManagement({ pmeFrom: AWAKE, at: 0x48 }),
    express({ type, link: { speed, width }, functionLevelReset: flr, at: 0x64 }),
    msi({ vectors: messages, at: 0xa0 }),
    ...(options.msix ? [msix({ ...options.msix, at: 0xc0 })] : []),
    advancedErrorReporting({ at: 0x100 }),
    ...(options.emptyAcs ? [accessControl([], { at: 0x2a0 })] : []),
  ];
}

// A graphics card with its sound function: one slot without ACS, therefore one group.
add('0000:01:00.0', {
  parent: '0000:00:01.0',
  header: {
    vendor: 0x1002,
    device: 0x73bf,
    class: 0x030000,
    revision: 0xc1,
    subsystem: [0x1002, 0x0e3a],
    multifunction: true,
    pin: 1,
  },
  irq: 131,
  driver: 'amdgpu',
  resetMethod: 'bus',
  bars: [
    bar(0, 'pref64', 0x6000000000n, 0x10000000),
    bar(2, 'pref64', 0x6010000000n, 0x200000),
    bar(4, 'io', 0x3000n, 0x100),
    bar(5, 'mem32', 0x82100000n, 0x100000),
  ],
  rom: { base: 0x82200000n, size: 0x20000 },
  capabilities: endpoint({
    type: 'legacy-endpoint',
    speed: '16 GT/s',
    width: 16,
    msix: { vectors: 16, table: [5, 0xf0000], pending: [5, 0xf8000] },
  }),
});
add('0000:01:00.1', {
  parent: '0000:00:01.0',
  header: {
    vendor: 0x1002,
    device: 0xab28,
    class: 0x040300,
    subsystem: [0x1002, 0xab28],
    multifunction: true,
    pin: 2,
  },
  irq: 132,
  driver: 'snd_hda_intel',
  resetMethod: 'bus',
  bars: [bar(0, 'mem32', 0x82220000n, 0x4000)],
  capabilities: endpoint({ type: 'legacy-endpoint', speed: '16 GT/s', width: 16 }),
});

const drive = (parent: string, speed: LinkSpeed, place: PlacedBar, irq: number): BootedFunction => ({
  parent,
  header: { vendor: 0x144d, device: 0xa80a, class: 0x010802, subsystem: [0x144d, 0xa801], pin: 1 },
  irq,
  driver: 'nvme',
  resetMethod: 'flr bus',
  bars: [place],
  capabilities: endpoint({
    speed,
    width: 4,
    flr: true,
    messages: 32,
    msix: { vectors: 33, table: [0, 0x3000], pending: [0, 0x2000] },
  }),
});
add('0000:02:00.0', drive('0000:00:06.0', '16 GT/s', bar(0, 'mem64', 0x82300000n, 0x4000), 16));
add('0000:03:00.0', {
  parent: '0000:00:1a.0',
  header: { vendor: 0x8086, device: 0x15f3, class: 0x020000, revision: 0x03, subsystem: BOARD, pin: 1 },
  irq: 18,
  driver: 'igc',
  resetMethod: 'flr bus',
  bars: [bar(0, 'mem32', 0x82400000n, 0x100000), bar(3, 'mem32', 0x82500000n, 0x4000)],
  capabilities: endpoint({
    speed: '5 GT/s',
    width: 1,
    flr: true,
    msix: { vectors: 5, table: [3, 0], pending: [3, 0x2000] },
  }),
});

interface SwitchPort {
  readonly type: 'upstream-port' | 'downstream-port';
  readonly revision?: number;
  readonly windows: BootedFunction['windows'];
  readonly acs?: boolean;
  readonly port?: number;
  readonly slot?: number;
  readonly irq?: number;
}

function switchPort(
  address: string,
  parent: string,
  [vendor, device]: readonly [number, number],
  buses: readonly [number, number],
  { type, revision = 0, windows = {}, acs = false, port = 0, slot, irq }: SwitchPort,
): void {
  add(address, {
    parent,
    header: { vendor, device, class: 0x060400, revision, pin: irq === undefined ? 0 : 1 },
    buses,
    windows,
    driver: 'pcieport',
    ...(irq === undefined ? {} : { irq }),
    capabilities: [
      powerManagement({ pmeFrom: AWAKE, at: 0x40 }),
      msi({ at: 0x48 }),
      express({
        type,
        link: { speed: '8 GT/s', width: 4, port },
        slot: slot === undefined ? null : { number: slot },
        at: 0x68,
      }),
      subsystemId(vendor, device, { at: 0xa4 }),
      advancedErrorReporting({ at: 0x100 }),
      ...(acs ? [accessControl(ISOLATING, { at: 0xf24 })] : []),
    ],
  });
}

// A switch whose downstream ports isolate: each network function stands alone.
const PLX = [0x10b5, 0x8747] as const;
switchPort('0000:04:00.0', '0000:00:1b.0', PLX, [5, 8], {
  type: 'upstream-port',
  revision: 0xca,
  windows: { prefetch: [0x6020000000n, 0x60211fffffn] },
});
switchPort('0000:05:08.0', '0000:04:00.0', PLX, [6, 6], {
  type: 'downstream-port',
  revision: 0xca,
  acs: true,
  port: 8,
  slot: 8,
  irq: 133,
  windows: { prefetch: [0x6020000000n, 0x60208fffffn] },
});
switchPort('0000:05:10.0', '0000:04:00.0', PLX, [7, 8], {
  type: 'downstream-port',
  revision: 0xca,
  acs: true,
  port: 16,
  slot: 16,
  irq: 134,
  windows: { prefetch: [0x6021000000n, 0x60211fffffn] },
});
for (const index of [0, 1]) {
  const base = 0x6020000000n + BigInt(index) * 0x400000n;
  add(`0000:06:00.${index}`, {
    parent: '0000:05:08.0',
    header: {
      vendor: 0x8086,
      device: 0x1572,
      class: 0x020000,
      revision: 0x02,
      subsystem: [0x8086, 0x0007],
      multifunction: true,
      pin: 1,
    },
    irq: 17,
    driver: 'i40e',
    resetMethod: 'flr bus',
    bars: [bar(0, 'pref64', base, 0x200000), bar(3, 'pref64', base + 0x200000n, 0x8000)],
    capabilities: endpoint({
      speed: '8 GT/s',
      width: 8,
      flr: true,
      msix: { vectors: 129, table: [3, 0], pending: [3, 0x1000] },
      emptyAcs: true,
    }),
  });
}
add('0000:07:00.0', drive('0000:05:10.0', '8 GT/s', bar(0, 'pref64', 0x6021000000n, 0x4000), 17));

// A cheap switch without ACS: each port shares a group with what is below it, and the rule does not see that the two
// ports reach each other inside the switch.
const ASMEDIA = [0x1b21, 0x1184] as const;
switchPort('0000:09:00.0', '0000:00:1c.0', ASMEDIA, [10, 12], {
  type: 'upstream-port',
  windows: { memory: [0x82600000n, 0x827fffffn] },
});
switchPort('0000:0a:01.0', '0000:09:00.0', ASMEDIA, [11, 11], {
  type: 'downstream-port',
  port: 1,
  irq: 135,
  windows: { memory: [0x82600000n, 0x826fffffn] },
});
switchPort('0000:0a:03.0', '0000:09:00.0', ASMEDIA, [12, 12], {
  type: 'downstream-port',
  port: 3,
  irq: 136,
  windows: { memory: [0x82700000n, 0x827fffffn] },
});
for (const [address, parent, base, irq] of [
  ['0000:0b:00.0', '0000:0a:01.0', 0x82600000n, 19],
  ['0000:0c:00.0', '0000:0a:03.0', 0x82700000n, 16],
] as const) {
  add(address, {
    parent,
    header: { vendor: 0x1b21, device: 0x1142, class: 0x0c0330, subsystem: [0x1b21, 0x1142], pin: 1 },
    irq,
    driver: 'xhci_hcd',
    resetMethod: 'bus',
    bars: [bar(0, 'mem64', base, 0x8000)],
    capabilities: endpoint({
      type: 'legacy-endpoint',
      speed: '5 GT/s',
      width: 1,
      msix: { vectors: 8, table: [0, 0x2000], pending: [0, 0x2080] },
    }),
  });
}

// Conventional PCI behind a bridge: all devices there share the bridge's requester ID.
add('0000:0d:00.0', {
  parent: '0000:00:1d.0',
  header: { vendor: 0x1b21, device: 0x1080, class: 0x060401, revision: 0x03 },
  buses: [14, 14],
  windows: { io: [0x4000n, 0x5fffn], memory: [0x82900000n, 0x829fffffn] },
  size: 4096,
  capabilities: [
    powerManagement({ at: 0x50 }),
    express({ type: 'pcie-to-pci-bridge', link: { speed: '2.5 GT/s', width: 1 }, at: 0x80 }),
    subsystemId(0x1b21, 0x1080, { at: 0xc0 }),
  ],
});
add('0000:0e:00.0', {
  parent: '0000:0d:00.0',
  header: { vendor: 0x1102, device: 0x0007, class: 0x040100, subsystem: [0x1102, 0x1001], pin: 1 },
  irq: 16,
  bars: [bar(0, 'io', 0x4000n, 32)],
  capabilities: [powerManagement({ at: 0xdc })],
});
add('0000:0e:01.0', {
  parent: '0000:0d:00.0',
  header: {
    vendor: 0x10ec,
    device: 0x8139,
    class: 0x020000,
    revision: 0x10,
    subsystem: [0x10ec, 0x8139],
    pin: 1,
  },
  irq: 17,
  driver: '8139too',
  bars: [bar(0, 'io', 0x4100n, 0x100), bar(1, 'mem32', 0x82900000n, 0x100)],
  capabilities: [powerManagement({ pmeFrom: ['D1', 'D2', 'D3hot', 'D3cold'], at: 0x50 })],
});

export const WORKSTATION: MachineDescription = {
  format: 'vfiolab-machine/1',
  name: 'workstation',
  about:
    'A desktop put together by hand: a graphics card with its sound function, NVMe, network cards behind a switch with ACS, USB behind a switch without, and conventional PCI',
  source: 'built',
  booted: true,
  iommu: 'intel-vtd',
  kernel: {
    release: '6.12.117+deb12-amd64',
    build: 'debian',
    cmdline: 'BOOT_IMAGE=/vmlinuz root=/dev/nvme0n1p2 ro quiet intel_iommu=on',
    modules: ['vfio', 'vfio_iommu_type1', 'vfio-pci', 'pci-stub'],
    moduleOptions: {},
    drivers: [
      '8139too',
      'ahci',
      'amdgpu',
      'i40e',
      'i801_smbus',
      'igc',
      'nvme',
      'pci-stub',
      'pcieport',
      'snd_hda_intel',
      'vfio-pci',
      'xhci_hcd',
    ],
  },
  functions,
  recordedGroups: null,
  unknown: [],
};

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildMachine } from '../../../hardware/build';
import type { MachineDescription } from '../../../hardware/description';
import { bootKernel } from '../../../linux/kernel';
import { ImportError } from '../error';
import { importMachine, readSnapshot } from '../index';
import { readProperties, splitWords } from './words';

const RECORDINGS = 'engine/conformance/recordings';
const TOPOLOGIES = '../shared/oracle/topologies';

const read = (text: string, name = 'run.sh'): MachineDescription => importMachine(name, new TextEncoder().encode(text));
const tree = (machine: MachineDescription) => machine.functions.map((fn) => [fn.address, fn.parent, fn.rootBus]);
const problem = (text: string): string => {
  try {
    read(text);
  } catch (error) {
    if (error instanceof ImportError) return error.reason;
    throw error;
  }
  throw new Error('was accepted');
};

/** Rows of `resource` without addresses: those that firmware or the kernel chose. */
const lengths = (rows: readonly { start: bigint; end: bigint; flags: bigint }[]): string[] =>
  rows.slice(0, 13).map(({ start, end, flags }) => (flags === 0n ? '-' : `${end - start + 1n} ${flags & 0xffffn}`));

function compare(built: MachineDescription, text: string): void {
  const recorded = readSnapshot(text);
  const physical = recorded.functions.filter((fn) => fn.physicalFunction === null);
  const kernel = bootKernel(built);
  const devices = [...kernel.pci.devices.values()];
  expect(devices.map((device) => device.name).sort()).toEqual(physical.map((fn) => fn.address).sort());
  const silicon = buildMachine(recorded);
  for (const fn of physical) {
    const got = kernel.pci.devices.get(fn.address)!;
    const want = silicon.functions.get(fn.address)!;
    expect(got.parent?.name ?? null, fn.address).toBe(fn.parent);
    expect([got.vendor, got.device, got.class, got.multifunction]).toEqual([
      want.config.read(0, 2),
      want.config.read(2, 2),
      want.config.read(8, 4) >>> 8,
      want.multifunction || want.address.function > 0,
    ]);
    if (want.isBridge)
      expect(got.config.read(0x18, 4) & 0xffffff, fn.address).toBe(want.config.read(0x18, 4) & 0xffffff);
    const acs = want.config.findExtendedCapability(0x0d);
    expect(got.config.findExtendedCapability(0x0d), fn.address).toBe(acs);
    if (acs !== 0) expect(got.config.read(acs + 6, 2), fn.address).toBe(want.config.read(acs + 6, 2));
    // The kernel shows a display's ROM as the copy in low memory.
    if (got.class >>> 8 === 0x0300) continue;
    const rows = (fn.resources ?? []).map(([start, end, flags]) => ({
      start: BigInt(start),
      end: BigInt(end),
      flags: BigInt(flags),
    }));
    expect(lengths(got.resources), fn.address).toEqual(lengths(rows));
  }
  if (recorded.iommu === 'virtio-iommu') return;
  const names = new Set(physical.map((fn) => fn.address));
  const want = Object.values(recorded.recordedGroups!).map((group) => group.devices.filter((name) => names.has(name)));
  const got = [...kernel.iommu.groups.values()].map((group) => group.devices.map((device) => device.name));
  const sorted = (groups: string[][]): string[] =>
    groups
      .filter((members) => members.length > 0)
      .map((members) => members.sort().join(' '))
      .sort();
  expect(sorted(got)).toEqual(sorted(want));
}

describe('a recorded machine from its arguments, booted by the lab', () => {
  const recordings = readdirSync(RECORDINGS).filter((name) => name.endsWith('.machine.json.gz'));

  it.each(recordings)('%s has the recorded tree, bus numbers, regions, ACS and groups', (file) => {
    const text = gunzipSync(readFileSync(`${RECORDINGS}/${file}`)).toString();
    const { name, qemu, cmdline } = JSON.parse(text) as { name: string; qemu: string[]; cmdline: string };
    compare(read(JSON.stringify({ name, qemu, append: cmdline }), 'x.json'), text);
  });

  const golden = existsSync(TOPOLOGIES) ? readdirSync(TOPOLOGIES) : [];
  it.skipIf(golden.length === 0)('so do the topology files themselves (skipped: not present)', () => {
    for (const file of golden) {
      const recording = `${TOPOLOGIES}/../golden/${file.replace('.json', '.machine.json')}`;
      compare(read(readFileSync(`${TOPOLOGIES}/${file}`, 'utf8'), file), readFileSync(recording, 'utf8'));
    }
  });
});

const COMMAND = `$ sudo qemu-system-x86_64 -enable-kvm -nodefaults -M q35,kernel-irqchip=split -m 4G \\
    -device intel-iommu,intremap=on,caching-mode=on,aw-bits=48 \\
    -device '{"driver":"pcie-root-port","id":"pci.1","multifunction":true,"addr":"0x2"}' \\
    -device pcie-root-port,id=pci.2,addr=0x2.0x1 \\
    -netdev user,id=n0 -device virtio-net-pci,netdev=n0,bus=pci.1 -device nvme,serial="a b",bus=pci.2 \\
    -device virtio-balloon-pci -device qemu-xhci,id=usb -device usb-tablet \\
    -append "console=ttyS0 intel_iommu=on iommu=pt" -kernel bzImage
`;

describe('a command line of QEMU', () => {
  it('makes the machine that QEMU would make, before any boot', () => {
    const machine = read(COMMAND);
    expect(machine).toMatchObject({
      booted: false,
      iommu: 'intel-vtd',
      iommuUnit: { addressBits: 48, cachingMode: true },
    });
    expect(machine.kernel.cmdline).toBe('console=ttyS0 intel_iommu=on iommu=pt');
    expect(tree(machine)).toEqual([
      ['0000:00:00.0', null, 'pci0000:00'],
      ['0000:00:1f.0', null, 'pci0000:00'],
      ['0000:00:1f.2', null, 'pci0000:00'],
      ['0000:00:1f.3', null, 'pci0000:00'],
      ['0000:00:02.0', null, 'pci0000:00'],
      ['0000:00:02.1', null, 'pci0000:00'],
      ['0000:ff:00.0', '0000:00:02.0', 'pci0000:00'],
      ['0000:fe:00.0', '0000:00:02.1', 'pci0000:00'],
      ['0000:00:01.0', null, 'pci0000:00'],
      ['0000:00:03.0', null, 'pci0000:00'],
    ]);
    const { pci, iommu } = bootKernel(machine);
    expect([...pci.devices.keys()].slice(-2)).toEqual(['0000:01:00.0', '0000:02:00.0']);
    expect(pci.devices.get('0000:00:01.0')!.device).toBe(0x1002);
    expect(iommu.typeOf(iommu.groups.get(0)!)).toBe('identity');
  });

  /** Slot, function and IDs, as `info pci` of QEMU 7.2 lists them. */
  it.each([
    ['-device edu', ['01.0 1234:1111', '02.0 8086:10d3', '03.0 1234:11e8']],
    [
      '-usb -device edu -drive if=virtio,file=x -device pci-testdev',
      [
        '01.0 1234:1111',
        '02.0 8086:10d3',
        '03.0 1234:11e8',
        '04.0 1b36:0005',
        '05.0 1af4:1001',
        '1d.0 8086:2934',
        '1d.1 8086:2935',
        '1d.2 8086:2936',
        '1d.7 8086:293a',
      ],
    ],
    ['-nic none -vga none -device edu', ['01.0 1234:11e8']],
    ['-netdev user,id=n -device edu', ['01.0 1234:1111', '02.0 1234:11e8']],
    ['-net nic,model=rtl8139 -device qxl-vga', ['01.0 10ec:8139', '02.0 1b36:0100']],
    ['-nic user,model=virtio -vga virtio -device edu', ['01.0 1af4:1050', '02.0 1af4:1000', '03.0 1234:11e8']],
    [
      '-nodefaults -device virtio-balloon-pci -device virtio-net-pci,disable-legacy=on -device virtio-rng-pci -device vmxnet3',
      ['01.0 1af4:1002', '02.0 1af4:1041', '03.0 1af4:1005', '04.0 15ad:07b0'],
    ],
  ])('%s: the board has what QEMU puts there', (options, listed) => {
    const machine = read(`qemu-system-x86_64 -M q35 ${options}`);
    const ids = machine.functions
      .map(
        (fn) =>
          `${fn.address.slice(8)} ${fn.config.slice(2, 4)}${fn.config.slice(0, 2)}:${fn.config.slice(6, 8)}${fn.config.slice(4, 6)}`,
      )
      .filter((line) => !/^(?:00|1f)\./.test(line));
    expect(ids.sort()).toEqual(listed);
    expect(machine.unknown).toEqual([]);
    expect([...bootKernel(machine).pci.devices.keys()]).toHaveLength(machine.functions.length);
  });

  it('knows igb with what its virtual functions take', () => {
    const machine = read(
      'qemu-system-x86_64 -M q35 -nodefaults -device intel-iommu -device pcie-root-port,id=rp -device igb,bus=rp -append intel_iommu=on',
    );
    const { pci, iommu } = bootKernel(machine);
    const card = pci.devices.get('0000:01:00.0')!;
    expect([card.vendor, card.device, card.class]).toEqual([0x8086, 0x10c9, 0x020000]);
    expect(lengths(card.resources).filter((row) => row !== '-')).toEqual([
      '131072 512',
      '131072 512',
      '32 257',
      '16384 512',
      '131072 8716',
      '131072 8716',
    ]);
    expect(machine.functions.at(-1)!.sriov).toEqual({ totalVfs: 8, numVfs: 0 });
    expect([...iommu.groups.values()].at(-1)!.devices).toEqual([card]);
  });

  it('can be a file for -readconfig', () => {
    const machine = read(
      '# written by hand\n[machine]\n  type = "q35"\n\n[device "rp1"]\n  driver = "pcie-root-port"\n  bus = "pcie.0"\n  addr = "04.0"\n  chassis = "1"\n\n[netdev "n"]\n  type = "user"\n\n[device]\n  driver = "e1000e"\n  bus = "rp1"\n',
      'q35.cfg',
    );
    expect(tree(machine).slice(4)).toEqual([
      ['0000:00:01.0', null, 'pci0000:00'],
      ['0000:00:04.0', null, 'pci0000:00'],
      ['0000:ff:00.0', '0000:00:04.0', 'pci0000:00'],
    ]);
  });

  it('says what it leaves out', () => {
    const machine = read(
      'qemu-system-x86_64 -M q35 -nodefaults -device vfio-pci,host=01:00.0 -device usb-kbd -device edu',
    );
    expect(machine.unknown.map((fact) => fact.why)).toEqual([
      '-device vfio-pci: the lab has no registers of it; it is left out',
      '-device usb-kbd: it is no PCI function, and is left out',
    ]);
    expect(machine.functions.at(-1)!.address).toBe('0000:00:02.0');
  });

  it.each([
    ['-device edu,addr=3 -device e1000e,addr=3', '-device e1000e: slot 3 function 0 of bus pcie.0 has edu already'],
    ['-device edu,bus=rp9', '-device edu: there is no bus rp9'],
    ['-device edu,addr=0x20', '-device edu: addr=0x20 is no device number'],
    [
      '-device edu,addr=3 -device edu,addr=3.1',
      '-device edu: multifunction=on is missing, so edu at function 1 of its slot cannot be',
    ],
    ['-machine pc -device edu', 'machine pc: only q35 has PCI Express, which VFIO is about; use -machine q35'],
    ['-device pxb-pcie,id=x,bus_nr=999', '-device pxb-pcie: bus_nr must be 1 to 255'],
    [Array.from({ length: 40 }, () => '-device edu').join(' '), '-device edu: bus pcie.0 is full'],
  ])('%s is refused as QEMU refuses it', (options, reason) => expect(problem(options)).toBe(reason));

  it('with more bridges than there are buses is refused', () => {
    const ports = Array.from({ length: 29 }, (_, slot) =>
      Array.from({ length: 8 }, (_, fn) => {
        const id = `p${slot}.${fn}`;
        return `-device pcie-root-port,id=${id},addr=${(slot + 1).toString(16)}.${fn},multifunction=on -device pcie-pci-bridge,id=b${id},bus=${id} -device edu,bus=b${id}`;
      }).join(' '),
    ).join(' ');
    expect(problem(`-nodefaults ${ports}`)).toBe('has more than 256 buses; one PCI segment has no more');
  });
});

describe('words', () => {
  it('are split as a shell splits them', () => {
    expect(splitWords(`a 'b c' "d \\"e\\"" f\\ g \\\n h''`)).toEqual(['a', 'b c', 'd "e"', 'f g', 'h']);
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 })), (words) => {
        const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
        expect(splitWords(quoted)).toEqual(words);
      }),
    );
  });

  it('are options by key, commas doubled', () => {
    expect(readProperties('nvme,serial=a,,b,cmb', 'driver')).toEqual({
      name: 'nvme',
      options: new Map([
        ['driver', 'nvme'],
        ['serial', 'a,b'],
        ['cmb', 'on'],
      ]),
    });
  });
});

describe('windows that do not fit', () => {
  /** Three cards with a 32-bit BAR of 1 GiB each: the space below 4 GiB has room for one. */
  const crowded = (cmdline = ''): MachineDescription => {
    const ports = [1, 2, 3].map((n) => `-device pcie-root-port,id=p${n},addr=${n} -device edu,bus=p${n}`).join(' ');
    const machine = read(`qemu-system-x86_64 -M q35 -nodefaults -device intel-iommu ${ports}`);
    for (const fn of machine.functions) {
      if (!fn.config.startsWith('3412e811')) continue;
      fn.resources![0] = ['0x0', '0x3fffffff', '0x40200'];
      fn.writable = `${fn.writable!.slice(0, 0x20)}000000c0${fn.writable!.slice(0x28)}`;
    }
    return { ...machine, kernel: { ...machine.kernel, cmdline } };
  };

  it('leave one card without an address: Linux says so, and goes on without the BAR', () => {
    const { pci, log } = bootKernel(crowded());
    const lines = log.records.map((record) => record.text);
    expect(lines).toContain("pci 0000:00:03.0: bridge window [mem size 0x40000000]: can't assign; no space");
    expect(lines).toContain('pci 0000:03:00.0: BAR 0 [mem size 0x40000000]: failed to assign');
    expect(lines).toContain('pci_bus 0000:00: Some PCI device resources are unassigned, try booting with pci=realloc');
    expect(pci.devices.get('0000:03:00.0')!.resources[0]!.flags).toBe(0n);
    expect(pci.devices.get('0000:01:00.0')!.resources[0]!.start).toBe(0x40000000n);
  });

  it('are tried once more for each level with pci=realloc, which makes no room where there is none', () => {
    const { log } = bootKernel(crowded('pci=realloc'));
    const lines = log.records.map((record) => record.text);
    expect(lines).toContain('pci_bus 0000:00: max bus depth: 1 pci_try_num: 2');
    expect(lines).toContain('pci_bus 0000:00: No. 2 try to assign unassigned res');
    expect(lines.filter((line) => line.includes('try booting with pci=realloc'))).toEqual([]);
  });
});

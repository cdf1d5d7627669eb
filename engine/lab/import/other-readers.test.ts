import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { MachineDescription } from '../../hardware/description';
import { fromHex } from '../../shell/calls/hex';
import { importFolder, importMachine, ImportError } from './index';
import { writeTar } from './tar';

const CORPUS = '../shared/corpus';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (text: string) => importMachine('file', bytes(text));

const LOG = `[    0.100000] Linux version 6.12.1-amd64 (builder) #1
[    0.100001] Command line: BOOT_IMAGE=/vmlinuz ro intel_iommu=on
[    0.369322] PCI host bridge to bus 0000:00
[    0.369356] pci 0000:00:00.0: [8086:4660] type 00 class 0x060000 conventional PCI endpoint
[    0.369400] pci 0000:00:01.0: [8086:460d] type 01 class 0x060400 PCIe Root Port
[    0.369410] pci 0000:00:01.0: PCI bridge to [bus 01]
[    0.369500] pci 0000:01:00.0: [10de:2484] type 00 class 0x030000 PCIe Endpoint
[    0.369500] pci 0000:01:00.1: [10de:228b] type 00 class 0x040300 PCIe Endpoint
[    0.426744] pci 0000:00:01.0: Adding to iommu group 2
[    0.426752] pci 0000:01:00.0: Adding to iommu group 3
[    0.426760] pci 0000:01:00.1: Adding to iommu group 3
`;

describe('a kernel log', () => {
  const machine = read(LOG);
  const fn = (address: string) => machine.functions.find((one) => one.address === address)!;

  it('gives ids, tree, types and groups', () => {
    expect(machine.functions.map((one) => [one.address, one.parent])).toEqual([
      ['0000:00:00.0', null],
      ['0000:00:01.0', null],
      ['0000:01:00.0', '0000:00:01.0'],
      ['0000:01:00.1', '0000:00:01.0'],
    ]);
    expect(machine.kernel).toMatchObject({ release: '6.12.1-amd64', cmdline: 'BOOT_IMAGE=/vmlinuz ro intel_iommu=on' });
    expect(Object.values(machine.recordedGroups!).map((group) => group.devices)).toEqual([
      ['0000:00:01.0'],
      ['0000:01:00.0', '0000:01:00.1'],
    ]);
    const port = fromHex(fn('0000:00:01.0').config);
    expect([port[0x0e]! & 0x7f, port[0x19], port[0x42]! >> 4]).toEqual([1, 1, 4]);
    expect(fromHex(fn('0000:01:00.0').config)[0x0e]).toBe(0x80);
  });

  it('says that isolation is unknown', () => {
    expect(machine.unknown.filter((fact) => fact.what === 'acs').length).toBe(4);
    expect(fromHex(fn('0000:00:01.0').known!)[0x100]).toBe(0);
  });

  it('with nothing but groups shows these, and knows nothing else', () => {
    const log = LOG.split('\n')
      .filter((line) => line.includes('iommu group'))
      .join('\n');
    const groups = read(log);
    expect(groups.recordedGroups).toEqual(machine.recordedGroups);
    expect(groups.functions.every((one) => /^0+$/.test(one.known!.slice(0, 8)))).toBe(true);
    expect(groups.functions.map((one) => one.parentKnown)).toEqual([undefined, false, false]);
  });
});

it('an archive or a folder of logs is read as their text', () => {
  const files = new Map([
    ['report/dmesg.log', bytes(LOG)],
    ['report/photo.png', new Uint8Array(300)],
  ]);
  const machine = importMachine('report.tar', writeTar({ files, links: new Map() }));
  expect(machine.functions).toEqual(read(LOG).functions);
  expect(importFolder('report', files).functions).toEqual(machine.functions);
});

it('a facter report gives ids, tree and groups', () => {
  const entry = (path: string, group: number, header = 0) => ({
    base_class: { value: header ? 6 : 2 },
    sub_class: { value: header ? 4 : 0 },
    vendor: { value: 0x8086 },
    device: { value: 0x10d3 },
    sysfs_id: path,
    sysfs_iommu_group_id: group,
    detail: { header_type: header, secondary_bus: header ? 1 : 0 },
  });
  const report = {
    hardware: {
      bridge: [entry('/devices/pci0000:00/0000:00:01.0', 1, 1)],
      network_card: [entry('/devices/pci0000:00/0000:00:01.0/0000:01:00.0', 2)],
    },
  };
  const machine = read(JSON.stringify(report));
  expect(machine.functions.map((one) => [one.address, one.parent, one.rootBus])).toEqual([
    ['0000:00:01.0', null, 'pci0000:00'],
    ['0000:01:00.0', '0000:00:01.0', 'pci0000:00'],
  ]);
  expect(machine.recordedGroups!['2']!.devices).toEqual(['0000:01:00.0']);
});

describe('a copy of /sys', () => {
  const config = new Uint8Array(256);
  config.set([0x86, 0x80, 0xd3, 0x10]);

  it('below any folder is read, with 64 bytes marked as such', () => {
    const machine = importFolder(
      '/tmp/copy',
      new Map<string, Uint8Array>([
        ['sys/devices/pci0000:00/0000:00:02.0/config', config.subarray(0, 64)],
        ['sys/devices/pci0000:00/0000:00:02.0/resource', bytes('0x1000 0x1fff 0x40200\n')],
        ['sys/devices/pci0000:00/0000:00:02.0/irq', bytes(`11\n${'\0'.repeat(100)}`)],
        ['sys/devices/pci0000:00/0000:00:02.0/iommu_group', bytes('../../../kernel/iommu_groups/7\n')],
        ['sys/kernel/iommu_groups/7/type', bytes('DMA-FQ\n')],
      ]),
    );
    expect(machine.functions[0]).toMatchObject({
      address: '0000:00:02.0',
      irq: 11,
      resources: [['0x1000', '0x1fff', '0x40200']],
    });
    expect(machine.functions[0]!.known!.slice(0, 132)).toBe(`${'f'.repeat(128)}0000`);
    expect(machine.unknown.map((fact) => fact.what)).toEqual(['capabilities', 'acs']);
    expect(machine.recordedGroups).toEqual({ '7': { devices: ['0000:00:02.0'], type: 'DMA-FQ', reserved: [] } });
  });

  it('without a function is refused by name', () => {
    const wrong = (): unknown => importFolder('/tmp/empty', new Map([['readme', bytes('hello')]]));
    expect(wrong).toThrow(ImportError);
    expect(wrong).toThrow(/^\/tmp\/empty: holds no PCI function/);
  });
});

const logs = existsSync(CORPUS)
  ? readdirSync(CORPUS).filter((name) => existsSync(`${CORPUS}/${name}/dmesg-pci.txt`))
  : [];
it.skipIf(logs.length === 0)('reads every kernel log of the corpus with its groups (skipped: not present)', () => {
  for (const name of logs) {
    const log = readFileSync(`${CORPUS}/${name}/dmesg-pci.txt`, 'utf8');
    const groups = readFileSync(`${CORPUS}/${name}/groups.txt`, 'utf8');
    const about = JSON.parse(readFileSync(`${CORPUS}/${name}/about.json`, 'utf8')) as {
      groups: number;
      functions: number;
    };
    const machine = read(`${log}\n${groups}`);
    expect(machine.functions.length, name).toBeGreaterThan(0);
    expect(Object.keys(machine.recordedGroups!).length, name).toBeGreaterThan(about.groups * 0.9);
  }
});

describe('a description of the lab that no machine can be', () => {
  const machine = (): MachineDescription => read(LOG);
  const refuse = (change: (functions: MachineDescription['functions']) => void): string => {
    const made = machine();
    change(made.functions);
    try {
      read(JSON.stringify(made));
    } catch (error) {
      return (error as ImportError).message;
    }
    return 'accepted';
  };

  it('is refused with the function and the reason', () => {
    expect(refuse(() => undefined)).toBe('accepted');
    expect(refuse((fns) => fns.push({ ...fns[0]! }))).toContain(
      'functions.4: there is a function at 0000:00:00.0 already',
    );
    expect(refuse((fns) => (fns[1]!.parent = '0000:01:00.0'))).toContain('is below a loop of bridges');
    expect(refuse((fns) => (fns[2]!.parent = '0000:09:00.0'))).toContain(
      'the bridge 0000:09:00.0 above 0000:01:00.0 is missing',
    );
  });
});

/** DMAR and IVRS tables, as an emulator's firmware made them and by hand. */
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../shell/calls/hex';
import { bootKernel } from '../../linux/kernel';
import { readDmar, readIvrs } from './iommu-tables';
import { exportSnapshot } from '../export/snapshot';
import { readSnapshot } from './snapshot';
import { readSysfs } from './sysfs';

/** Recorded in a guest: one unit, functions of two root buses, bridges among them. */
const DMAR = fromHex(
  '444d41528800000001d4424f4348532042585043202020200100000042585043010000002601000000000000000000000000' +
    '5800000000000000d9fe000000000308000000ff000001080000000000000208000000000100010800000000050001080000' +
    '00001f000108000000001f020108000000001f0302080000008000000208000000800100',
);
/** Recorded in a guest: one unit, every function of the root bus, and a range behind each bridge. */
const IVRS = fromHex(
  '49565253900000000154424f43485320425850432020202001000000425850430100000000280000000000000000000010d1' +
    '6000080040000000d8fe0000000000000000440000000200000002080000021000000300010004ff01000218000003000200' +
    '04ff02000220000002210000022800000300030004ff030002f8000002fa000002fb00004800000000a00001',
);

const nothing = (): null => null;
/** Little-endian numbers of so many bytes. */
const numbers = (...list: (readonly [value: number, width: number])[]): number[] =>
  list.flatMap(([value, width]) => Array.from({ length: width }, (_, i) => Math.floor(value / 2 ** (8 * i)) % 256));

function table(signature: string, first: number, body: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(first + body.length);
  bytes.set([...signature].map((letter) => letter.charCodeAt(0)));
  bytes.set(numbers([bytes.length, 4]), 4);
  bytes.set(body, first);
  return bytes;
}

const scope = (type: number, bus: number, ...path: number[]): number[] => [
  type,
  6 + path.length,
  0,
  0,
  0,
  bus,
  ...path,
];
const drhd = (flags: number, segment: number, scopes: readonly number[]): number[] => [
  ...numbers([0, 2], [16 + scopes.length, 2], [flags, 1], [0, 1], [segment, 2], [0xfed90000, 8]),
  ...scopes,
];
const rmrr = (start: number, end: number, scopes: readonly number[]): number[] => [
  ...numbers([1, 2], [24 + scopes.length, 2], [0, 2], [0, 2], [start, 8], [end, 8]),
  ...scopes,
];

describe('a DMAR table', () => {
  it('names functions and bridges of its units; what is no PCI function is passed over', () => {
    const { units, reserved } = readDmar(DMAR, nothing)!;
    expect(reserved).toEqual([]);
    expect(units).toHaveLength(1);
    expect(units[0]).toMatchObject({ segment: 0, rest: false });
    expect(units[0]!.scope.map((one) => ('at' in one ? one.at : one))).toEqual([
      '0000:00:00.0',
      '0000:00:01.0',
      '0000:00:05.0',
      '0000:00:1f.0',
      '0000:00:1f.2',
      '0000:00:1f.3',
      '0000:80:00.0',
      '0000:80:01.0',
    ]);
  });

  it('has paths through bridges, units for the rest, and memory ranges', () => {
    const graphics = drhd(0, 0, scope(1, 0, 2, 0));
    const rest = drhd(1, 0, [...scope(3, 0xf0, 0x1f, 0), ...scope(1, 0, 0x1c, 0, 0, 1)]);
    const memory = rmrr(0x8b800000, 0x8fffffff, [...scope(1, 0, 2, 0), ...scope(2, 0, 0x1d, 0)]);
    const read = readDmar(table('DMAR', 48, [...graphics, ...rest, ...memory]), (address) =>
      address === '0000:00:1c.0' ? 3 : null,
    );
    expect(read).toEqual({
      units: [
        { segment: 0, rest: false, scope: [{ at: '0000:00:02.0' }] },
        { segment: 0, rest: true, scope: [{ at: '0000:03:00.1' }] },
      ],
      reserved: [{ start: '0x8b800000', end: '0x8fffffff', scope: [{ at: '0000:00:02.0' }, { at: '0000:00:1d.0' }] }],
    });
  });

  it('that is cut or is another one is none', () => {
    expect(readDmar(DMAR.subarray(0, 60), nothing)).toBeNull();
    expect(readDmar(IVRS, nothing)).toBeNull();
    for (let length = 0; length < DMAR.length; length++) expect(readDmar(DMAR.subarray(0, length), nothing)).toBeNull();
    const broken = DMAR.slice();
    broken.fill(0xff, 48);
    expect(readDmar(broken, nothing)).toBeNull();
  });
});

describe('an IVRS table', () => {
  it('names ranges of requester IDs', () => {
    const { units, reserved } = readIvrs(IVRS)!;
    expect(reserved).toEqual([]);
    expect(units).toHaveLength(1);
    expect(units[0]!.scope).toContainEqual({ from: '0000:00:00.0', to: '0000:00:00.0' });
    expect(units[0]!.scope).toContainEqual({ from: '0000:01:00.0', to: '0000:01:1f.7' });
  });

  it('counts blocks of the latest type, aliases, and memory that is mapped or left out', () => {
    const block = (type: number, segment: number, entries: readonly number[]): number[] => {
      const header = type === 0x10 ? 24 : 40;
      return [
        ...numbers([type, 1], [0, 1], [header + entries.length, 2], [2, 2], [0x40, 2], [0xfd000000, 8], [segment, 2]),
        ...new Array<number>(header - 18).fill(0),
        ...entries,
      ];
    };
    const aliased = numbers([0x42, 1], [0x0100, 2], [0, 1], [0, 1], [0x0108, 2], [0, 1]);
    const range = numbers([0x03, 1], [0x0003, 2], [0, 1], [0x04, 1], [0xfffe, 2], [0, 1]);
    const memory = numbers([0x22, 1], [1, 1], [32, 2], [0x0008, 2], [0x000f, 2], [0, 8], [0x70000000, 8], [0x10000, 8]);
    const read = readIvrs(
      table('IVRS', 48, [...block(0x10, 0, aliased), ...block(0x11, 1, [...aliased, ...range]), ...memory]),
    );
    expect(read!.units).toEqual([
      {
        segment: 1,
        rest: false,
        scope: [
          { from: '0001:01:00.0', to: '0001:01:00.0' },
          { from: '0001:01:01.0', to: '0001:01:01.0' },
          { from: '0001:00:00.3', to: '0001:ff:1f.6' },
        ],
      },
    ]);
    expect(read!.reserved).toEqual([
      { start: '0x70000000', end: '0x7000ffff', scope: [{ from: '0000:00:01.0', to: '0000:00:01.7' }] },
    ]);
  });
});

describe('a copy of /sys', () => {
  const config = (id: string): string => `${id}00001000010000060000000000`.padEnd(512, '0');
  const files = (more: Record<string, Uint8Array> = {}): Map<string, Uint8Array> =>
    new Map([
      ...['0000:00:00.0', '0000:00:02.0', '0000:00:03.0'].map(
        (name, index) => [`sys/devices/pci0000:00/${name}/config`, fromHex(config(`868${index}1234`))] as const,
      ),
      ...Object.entries(more),
    ]);

  it('with a table has groups in the order of the units', () => {
    const dmar = table('DMAR', 48, [...drhd(0, 0, scope(1, 0, 3, 0)), ...drhd(1, 0, [])]);
    const machine = readSysfs(
      {
        files: files({ 'sys/firmware/acpi/tables/DMAR': dmar, 'sys/class/iommu/dmar0': new Uint8Array() }),
        links: new Map(),
        folders: new Set(),
      },
      'copy',
    );
    expect(machine.iommuTable!.units).toHaveLength(2);
    expect(readSnapshot(exportSnapshot(machine)).iommuTable).toEqual(machine.iommuTable);
    const kernel = bootKernel(machine);
    expect([...kernel.iommu.groups.values()].map(({ devices }) => devices[0]!.name)).toEqual([
      '0000:00:03.0',
      '0000:00:00.0',
      '0000:00:02.0',
    ]);
  });

  it('without one knows the units from the functions’ links', () => {
    const link = (name: string, unit: string) =>
      [`sys/devices/pci0000:00/${name}/iommu`, `../../virtual/iommu/${unit}`] as const;
    const links = new Map([
      link('0000:00:00.0', 'dmar1'),
      link('0000:00:02.0', 'dmar0'),
      link('0000:00:03.0', 'dmar1'),
    ]);
    const machine = readSysfs({ files: files(), links, folders: new Set() }, 'copy');
    expect(machine.iommuTable!.units.map(({ rest }) => rest)).toEqual([false, true]);
    const kernel = bootKernel(machine);
    expect(kernel.iommu.units()).toEqual(['dmar0', 'dmar1']);
    expect(kernel.iommu.unitOf(kernel.pci.devices.get('0000:00:02.0')!)).toBe('dmar0');
    expect([...kernel.iommu.groups.values()][0]!.devices[0]!.name).toBe('0000:00:02.0');
    expect(toHex(kernel.pci.devices.get('0000:00:02.0')!.config.bytes.subarray(0, 2))).toBe('8681');
  });
});

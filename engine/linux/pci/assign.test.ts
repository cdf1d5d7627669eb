/** Addresses for functions that appear after boot: the worked example of pci-linux.md 4.4. */
import { expect, it } from 'vitest';
import { parseAddress } from '../../hardware/pci/address';
import { ConfigSpace } from '../../hardware/pci/config-space';
import { HardwareMachine } from '../../hardware/machine';
import { PciFunction } from '../../hardware/pci/function';
import { KernelLog } from '../log';
import { Hierarchy } from './hierarchy';
import { pciOptionsOf } from './options';

const KIB = 1024;
const MIB = 1024 * KIB;

interface Windows {
  io: [number, number] | null;
  memory: [number, number];
  prefetch: [number, number];
}

/** Bits of a BAR of this size that take values. */
function decode(space: ConfigSpace, at: number, size: number, type: number): void {
  const mask = (type & 1 ? 0xffff : 0xffffffff) & ~(size - 1) & (type & 1 ? ~3 : ~0xf);
  for (let byte = 0; byte < 4; byte++) space.writable[at + byte] = (mask >>> (8 * byte)) & 0xff;
  if (type & 4) space.writable.fill(0xff, at + 4, at + 8);
  space.set(at, 4, type);
}

function make(
  name: string,
  parent: PciFunction | null,
  sizes: readonly number[],
  options: { bus?: [number, number]; windows?: Windows; types?: readonly number[]; virtual?: [number, number] } = {},
): PciFunction {
  const space = new ConfigSpace(4096);
  space.set(0, 4, 0x56781234);
  const bridge = options.bus !== undefined;
  space.set(0x08, 4, bridge ? 0x06040000 : 0x02000000);
  sizes.slice(0, 6).forEach((size, bar) => {
    if (size > 0) decode(space, 0x10 + bar * 4, size, options.types?.[bar] ?? 0);
  });
  if (sizes[6]) {
    decode(space, 0x30, sizes[6], 0);
    space.writable[0x30]! |= 1;
  }
  if (options.bus) {
    space.writable.fill(0xff, 0x18, 0x1b);
    space.writable.fill(0xf0, 0x1c, 0x1e);
    for (const at of [0x20, 0x22, 0x24, 0x26]) space.writable.set([0xf0, 0xff], at);
    space.writable.fill(0xff, 0x28, 0x34);
    space.set(0x0e, 1, 1);
    space.set(0x18, 1, parseAddress(name)!.bus);
    space.set(0x19, 1, options.bus[0]);
    space.set(0x1a, 1, options.bus[1]);
    const { io, memory, prefetch } = options.windows!;
    space.set(0x1c, 1, io ? ((io[0] >> 8) & 0xf0) | 1 : 0xf1);
    space.set(0x1d, 1, io ? ((io[1] >> 8) & 0xf0) | 1 : 0x01);
    space.set(0x20, 2, (memory[0] >>> 16) & 0xfff0);
    space.set(0x22, 2, (memory[1] >>> 16) & 0xfff0);
    space.set(0x24, 2, ((prefetch[0] >>> 16) & 0xfff0) | 1);
    space.set(0x26, 2, ((prefetch[1] >>> 16) & 0xfff0) | 1);
  }
  if (options.virtual) {
    space.set(0x100, 4, 0x00010010);
    space.set(0x10e, 2, options.virtual[0]);
    decode(space, 0x124, options.virtual[1], 0x4);
  }
  return new PciFunction(parseAddress(name)!, space, parent, 'pci0000:00');
}

const windows = (size: number, io: [number, number] | null): Windows => ({
  io,
  memory: [0xf000_0000, 0xf000_0000 + size - 1],
  prefetch: [0xe000_0000, 0xe000_0000 + size - 1],
});

it('assigns one bus completely, then the subtree of its first bridge, then of the next', () => {
  const io: [number, number] = [0x2000, 0x2fff];
  const rootPort = make('0000:00:03.0', null, [4 * KIB], { bus: [2, 4], windows: windows(4 * MIB, [0x2000, 0x3fff]) });
  const upstream = make('0000:02:00.0', rootPort, [], { bus: [3, 5], windows: windows(4 * MIB, [0x2000, 0x3fff]) });
  const first = make('0000:03:00.0', upstream, [], { bus: [4, 4], windows: windows(2 * MIB, io) });
  const second = make('0000:03:01.0', upstream, [], { bus: [5, 5], windows: windows(2 * MIB, io) });
  const nic = make('0000:04:00.0', first, [128 * KIB, 128 * KIB, 32, 16 * KIB, 0, 0, 256 * KIB], {
    types: [0, 0, 1, 0],
  });
  const otherPort = make('0000:00:05.0', null, [4 * KIB], { bus: [6, 6], windows: windows(2 * MIB, null) });
  const nvme = make('0000:06:00.0', otherPort, [16 * KIB], { types: [4], virtual: [4, 16 * KIB] });

  const machine = new HardwareMachine('none');
  machine.roots.push({ name: 'pci0000:00', segment: 0, bus: 0 });
  for (const fn of [rootPort, otherPort, upstream, first, second, nic, nvme]) machine.add(fn);
  const log = new KernelLog(() => 0n);
  const hierarchy = new Hierarchy({
    machine,
    log,
    options: pciOptionsOf(''),
    acs: { enable: false, cmdline: '' },
    apertures: [
      { kind: 'io', start: 0x2000n, end: 0xffffn },
      { kind: 'memory', start: 0x40000000n, end: 0xafffffffn },
      { kind: 'memory', start: 0x100000000n, end: 0x7fffffffffn },
    ],
  });
  const found = hierarchy.rescan(null, () => undefined);
  const assigned = log.records.flatMap(({ text }) => {
    const match = /^pci (0000:[^ ]+): (.*?) \[(?:mem|io ) 0x([0-9a-f]+)-0x([0-9a-f]+).*: assigned$/.exec(text);
    return match ? [`${match[1]} ${match[2]} ${Number(`0x${match[3]}`).toString(16)}`] : [];
  });
  expect(assigned).toEqual([
    '0000:00:03.0 bridge window 40000000',
    '0000:00:03.0 bridge window 100000000',
    '0000:00:05.0 bridge window 40400000',
    '0000:00:05.0 bridge window 100400000',
    '0000:00:03.0 BAR 0 40600000',
    '0000:00:03.0 bridge window 2000',
    '0000:00:05.0 BAR 0 40601000',
    '0000:02:00.0 bridge window 40000000',
    '0000:02:00.0 bridge window 100000000',
    '0000:02:00.0 bridge window 2000',
    '0000:03:00.0 bridge window 40000000',
    '0000:03:00.0 bridge window 100000000',
    '0000:03:01.0 bridge window 40200000',
    '0000:03:01.0 bridge window 100200000',
    '0000:03:00.0 bridge window 2000',
    '0000:03:01.0 bridge window 3000',
    '0000:04:00.0 ROM 40000000',
    '0000:04:00.0 BAR 0 40040000',
    '0000:04:00.0 BAR 1 40060000',
    '0000:04:00.0 BAR 3 40080000',
    '0000:04:00.0 BAR 2 2000',
    '0000:06:00.0 BAR 0 40400000',
    '0000:06:00.0 VF BAR 0 40404000',
  ]);
  expect(found.find(({ name }) => name === '0000:06:00.0')!.resources[7]!.end).toBe(0x40413fffn);
  expect(first.config.read(0x20, 4)).toBe(0x40104000);
  expect(rootPort.config.read(0x28, 4)).toBe(1);
});

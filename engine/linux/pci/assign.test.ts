/** Addresses for functions that appear after boot: the worked example of pci-linux.md 4.4. */
import { expect, it } from 'vitest';
import { parseAddress } from '../../hardware/pci/address';
import { ConfigSpace } from '../../hardware/pci/config-space';
import type { DeviceModel } from '../../hardware/pci/function';
import { PciFunction } from '../../hardware/pci/function';
import { KernelLog } from '../log';
import { ResourceAssigner, scanResources } from './assign';
import { PciDevice } from './device';

const modelOf = (sizes: readonly number[]): DeviceModel => ({
  name: 'sizes',
  regionSize: (region) => sizes[region] ?? 0,
  read: () => 0,
  write: () => undefined,
  reset: () => undefined,
});

const KIB = 1024;
const MIB = 1024 * KIB;

interface Windows {
  io: [number, number] | null;
  memory: [number, number];
  prefetch: [number, number];
}

function make(
  name: string,
  parent: PciDevice | null,
  sizes: readonly number[],
  options: { bus?: [number, number]; windows?: Windows; types?: readonly number[]; virtual?: [number, number] } = {},
): PciDevice {
  const space = new ConfigSpace(4096);
  space.writable.fill(0xff);
  (options.types ?? []).forEach((type, bar) => space.set(0x10 + bar * 4, 4, type));
  if (options.bus) {
    space.set(0x0e, 1, 1);
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
    space.set(0x124, 4, 0x4);
  }
  const fn = new PciFunction(parseAddress(name)!, space, parent?.function ?? null, 'pci0000:00');
  fn.model = modelOf(sizes);
  const device = new PciDevice(fn);
  device.parent = parent;
  if (options.virtual) device.attributes['virtualBarSizes'] = String(options.virtual[1]);
  scanResources(device);
  return device;
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

  const fresh = [rootPort, otherPort, upstream, first, second, nic, nvme];
  const log = new KernelLog(() => 0n);
  new ResourceAssigner(
    log,
    { io: [0x2000n, 0xffffn], memory: [[0x40000000n, 0xafffffffn]], memory64: [0x100000000n, 0x7fffffffffn] },
    () => [],
  ).assign(fresh);
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
  expect(nvme.resources[7]!.end).toBe(0x40413fffn);
  expect(first.config.read(0x20, 4)).toBe(0x40104000);
  expect(rootPort.config.read(0x28, 4)).toBe(1);
});

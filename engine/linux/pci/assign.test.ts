/** Addresses for functions that appear after boot: the worked example of pci-linux.md 4.4. */
import { expect, it } from 'vitest';
import { HardwareMachine } from '../../hardware/machine';
import { KernelLog } from '../log';
import { Hierarchy } from './hierarchy';
import { pciOptionsOf } from './options';
import { KIB, MIB, make, windows } from './resource-fixture';

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

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EMPTY_MACHINE, MachineBuilder } from '../../hardware/parts/fixture';
import type { MachineDescription } from '../../hardware/description';
import type { TopologyEdit } from '../input';
import { Machine } from '../machine';
import type { EditReport } from './report';

function apply(machine: Machine, edit: TopologyEdit): EditReport {
  const { error, report } = machine.apply({ kind: 'edit', edit });
  if (error !== null) throw new Error(error);
  return report!;
}
const refusal = (machine: Machine, edit: TopologyEdit): string | null => machine.apply({ kind: 'edit', edit }).error;
const built = (): Machine => new Machine(new MachineBuilder().description);
const there = (machine: Machine): string[] => [...machine.kernel.pci.devices.keys()].map((name) => name.slice(5));
const groupOf = (machine: Machine, address: string): number | undefined =>
  machine.kernel.iommu.groupOf(machine.kernel.pci.devices.get(`0000:${address}`)!)?.id;

describe('building', () => {
  it('goes from nothing to two separated devices', () => {
    const machine = new Machine(EMPTY_MACHINE);
    const first = apply(machine, { kind: 'add', part: 'root-port', at: null });
    expect(first.notes).toEqual(['A root complex was put in for it.']);
    expect(there(machine)).toEqual(['00:00.0', '00:01.0']);
    expect(first.main).toBe('0000:00:01.0');
    apply(machine, { kind: 'add', part: 'nvme', at: { parent: first.main! } });
    const second = apply(machine, { kind: 'add', part: 'lab-nic', at: null });
    expect(second.notes).toEqual(['No port was free: a root port was put in for it.']);
    expect(there(machine)).toEqual(['00:00.0', '00:01.0', '00:02.0', '01:00.0', '02:00.0']);
    expect(second.main).toBe('0000:02:00.0');
    expect(groupOf(machine, '01:00.0')).not.toBe(groupOf(machine, '02:00.0'));
  });

  it('names functions as boot does, also after the buses were numbered anew', () => {
    const machine = built();
    const [a, b] = [0, 0].map(() => apply(machine, { kind: 'add', part: 'root-port', at: { parent: null } }).main!);
    apply(machine, { kind: 'add', part: 'nvme', at: { parent: b! } });
    expect(there(machine)).toEqual(['00:00.0', '00:01.0', '00:02.0', '02:00.0']);
    const report = apply(machine, { kind: 'add', part: 'switch-acs', straps: { ports: 2 }, at: { parent: a! } });
    expect([...report.names]).toEqual([['0000:02:00.0', '0000:05:00.0']]);
    expect(machine.description.functions.map((fn) => fn.address).sort()).toEqual(
      [...machine.kernel.pci.devices.keys()].sort(),
    );
  });

  it('says why something cannot stand somewhere', () => {
    const machine = built();
    const { main } = apply(machine, { kind: 'add', part: 'root-port', at: { parent: null } });
    const port = { parent: main! };
    expect(refusal(machine, { kind: 'add', part: 'gpu', at: { parent: null } })).toBe(
      'Graphics card with sound cannot stand on root bus 00: it stands below a root port or a downstream port.',
    );
    apply(machine, { kind: 'add', part: 'nvme', at: port });
    expect(refusal(machine, { kind: 'add', part: 'nvme', at: port })).toBe(
      'The link below 00:01.0 has 01:00.0 at its end already. A link holds one device; take another port, or put a switch in between.',
    );
    expect(refusal(machine, { kind: 'add', part: 'nvme', at: { parent: '0000:01:00.0' } })).toBe(
      '01:00.0 is no bridge: nothing can stand below it.',
    );
    expect(refusal(machine, { kind: 'add', part: 'edu', at: { parent: null, device: 1 } })).toBe(
      'Device number 01 is taken: 00:01.0 is there.',
    );
    expect(refusal(machine, { kind: 'add', part: 'nvme', straps: { vectors: 0 }, at: null })).toBe(
      'MSI-X vectors is from 1 to 128.',
    );
    expect(machine.journal).toHaveLength(2);
  });

  it('refuses more buses than a segment has', () => {
    const machine = built();
    let problem: string | null = null;
    for (let i = 0; i < 12 && problem === null; i++) {
      const { main } = apply(machine, { kind: 'add', part: 'root-port', at: { parent: null } });
      problem = refusal(machine, { kind: 'add', part: 'switch-acs', straps: { ports: 31 }, at: { parent: main! } });
    }
    expect(problem).toMatch(/^Root bus 00 has bus numbers 00 to ff; \d+ would be needed\./);
  });

  it('fills a root bus and then says so', () => {
    const machine = built();
    const edits: TopologyEdit[] = Array.from({ length: 31 }, () => ({
      kind: 'add',
      part: 'root-port',
      at: { parent: null },
    }));
    apply(machine, { kind: 'several', edits });
    expect(refusal(machine, edits[0]!)).toBe('Root bus 00 has no free device number: all 32 are taken.');
  });
});

describe('moving, copying and removing', () => {
  function withSwitch(): { machine: Machine; ports: string[]; down: string[] } {
    const builder = new MachineBuilder();
    const a = builder.add('root-port')[0]!;
    builder.add('root-port');
    const sw = builder.add('switch-acs', a, { ports: 2 });
    builder.add('nvme', sw[1]!);
    builder.add('lab-nic', sw[2]!);
    return {
      machine: new Machine(builder.description),
      ports: ['0000:00:01.0', '0000:00:02.0'],
      down: ['0000:02:01.0', '0000:02:02.0'],
    };
  }

  it('moves a subtree and keeps what is in it', () => {
    const { machine, ports } = withSwitch();
    const report = apply(machine, { kind: 'move', address: '0000:01:00.0', to: { parent: ports[1]! } });
    expect(report.main).toBe('0000:02:00.0');
    expect(there(machine)).toEqual([
      '00:00.0',
      '00:01.0',
      '00:02.0',
      '02:00.0',
      '03:01.0',
      '03:02.0',
      '04:00.0',
      '05:00.0',
    ]);
    expect(report.names.get('0000:03:00.0')).toBe('0000:04:00.0');
  });

  it('says what does not move', () => {
    const { machine, ports, down } = withSwitch();
    const move = (address: string, parent: string | null) =>
      refusal(machine, { kind: 'move', address, to: { parent } });
    expect(move('0000:01:00.0', down[0]!)).toBe('01:00.0 cannot go below itself.');
    expect(move(down[0]!, ports[1]!)).toBe('02:01.0 is a port of the switch at 01:00.0, which goes as a whole.');
    expect(move('0000:00:00.0', ports[1]!)).toBe('00:00.0 is the host bridge: it belongs to its root complex.');
    expect(move('0000:03:00.0', down[0]!)).toBe('03:00.0 is there already.');
    expect(move('0000:03:00.0', '0000:09:00.0')).toBe('There is no function 09:00.0.');
    expect(machine.journal).toEqual([]);
  });

  it('copies a subtree with numbers of its own', () => {
    const { machine, ports } = withSwitch();
    const report = apply(machine, { kind: 'copy', addresses: ['0000:01:00.0'], to: { parent: ports[1]! } });
    expect(report.added).toHaveLength(5);
    const serials = machine.description.functions.filter((fn) => fn.part?.id === 'switch-acs' && fn.part.index === 0);
    expect(new Set(serials.map((fn) => fn.part!.straps['serial'])).size).toBe(2);
    expect(new Set(serials.map((fn) => fn.part!.instance)).size).toBe(2);
  });

  it('removes a part with what is below it, a downstream port alone', () => {
    const { machine, down } = withSwitch();
    apply(machine, { kind: 'remove', address: down[0]! });
    expect(there(machine)).toEqual(['00:00.0', '00:01.0', '00:02.0', '01:00.0', '02:02.0', '03:00.0']);
    apply(machine, { kind: 'remove', address: '0000:01:00.0' });
    expect(there(machine)).toEqual(['00:00.0', '00:01.0', '00:02.0']);
  });

  it('removes a card with all its functions', () => {
    const builder = new MachineBuilder();
    builder.behindPort('gpu');
    const machine = new Machine(builder.description);
    expect(there(machine)).toContain('01:00.1');
    const report = apply(machine, { kind: 'remove', address: '0000:01:00.0' });
    expect(there(machine)).toEqual(['00:00.0', '00:01.0']);
    expect(report.notes).toEqual(['01:00.1 went with it.']);
  });
});

describe('straps and bits', () => {
  it('makes a part again with other straps', () => {
    const builder = new MachineBuilder();
    const [, first] = builder.behindPort('switch-acs', { ports: 2 });
    builder.add('nvme', first!);
    const machine = new Machine(builder.description);
    apply(machine, { kind: 'straps', address: '0000:01:00.0', straps: { ports: 4 } });
    expect(there(machine).filter((name) => name.startsWith('02:'))).toEqual([
      '02:01.0',
      '02:02.0',
      '02:03.0',
      '02:04.0',
    ]);
    expect(there(machine)).toContain('03:00.0');
    apply(machine, { kind: 'straps', address: '0000:02:01.0', straps: { ports: 1 } });
    expect(there(machine)).toEqual(['00:00.0', '00:01.0', '01:00.0', '02:01.0', '03:00.0']);
  });

  it('changes groups by what a root port offers', () => {
    const builder = new MachineBuilder();
    const ports = builder.behindPort('switch-acs', { ports: 2 });
    builder.add('nvme', ports[1]!);
    builder.add('nvme', ports[2]!);
    const machine = new Machine(builder.description);
    expect(groupOf(machine, '03:00.0')).not.toBe(groupOf(machine, '04:00.0'));
    apply(machine, { kind: 'acs', address: '0000:00:01.0', services: [] });
    expect(groupOf(machine, '03:00.0')).toBe(groupOf(machine, '04:00.0'));
  });

  it('keeps a label through moves, and does not restart for one', () => {
    const builder = new MachineBuilder();
    builder.behindPort('nvme');
    const [other] = builder.add('root-port');
    expect(other).toBeDefined();
    const machine = new Machine(builder.description);
    const { kernel } = machine;
    applied(machine, { kind: 'label', address: '0000:01:00.0', label: ' scratch disk ' });
    expect(machine.kernel).toBe(kernel);
    apply(machine, { kind: 'move', address: '0000:01:00.0', to: { parent: '0000:00:02.0' } });
    expect(machine.description.functions.find((fn) => fn.part?.id === 'nvme')?.label).toBe('scratch disk');
  });

  it('gives a root complex a segment of its own', () => {
    const machine = built();
    apply(machine, { kind: 'add', part: 'root-complex', at: { parent: null, root: { segment: 1, bus: 0x40 } } });
    expect(there(machine).length).toBe(2);
    expect([...machine.kernel.pci.devices.keys()]).toContain('0001:40:00.0');
    apply(machine, { kind: 'root', rootBus: 'pci0001:40', segment: 2, bus: 0 });
    expect([...machine.kernel.pci.devices.keys()]).toContain('0002:00:00.0');
    expect(refusal(machine, { kind: 'root', rootBus: 'pci0002:00', segment: 0, bus: 0 })).toBe(
      'Root bus 0000:00 is there already.',
    );
    apply(machine, { kind: 'remove-root', rootBus: 'pci0002:00' });
    expect(there(machine)).toEqual(['00:00.0']);
  });
});

function applied(machine: Machine, edit: TopologyEdit): void {
  expect(machine.apply({ kind: 'edit', edit }).error).toBeNull();
}

const workstation = (): MachineDescription =>
  JSON.parse(readFileSync('labs/machines/workstation.json', 'utf8')) as MachineDescription;

describe('an imported machine', () => {
  const open = (change: (description: MachineDescription) => MachineDescription = (d) => d): Machine =>
    new Machine(change(workstation()));

  it('takes a device into a free port and keeps everything else where it was', () => {
    const machine = open();
    const before = there(machine);
    const removed = apply(machine, { kind: 'remove', address: '0000:02:00.0' });
    expect(removed.added).toEqual([]);
    const report = apply(machine, { kind: 'add', part: 'lab-nic', at: { parent: '0000:00:06.0' } });
    expect(report.main).toBe('0000:02:00.0');
    expect(there(machine)).toEqual(before);
    const nic = machine.kernel.pci.devices.get('0000:02:00.0')!;
    expect(nic.vendor).toBe(0x1ab0);
    expect(nic.resources[0]!.start).toBeGreaterThan(0n);
    const port = machine.kernel.pci.devices.get('0000:00:06.0')!;
    expect(
      port.resources.slice(13).some((w) => w.start <= nic.resources[0]!.start && w.end >= nic.resources[0]!.end),
    ).toBe(true);
    expect(groupOf(machine, '02:00.0')).toBeDefined();
  });

  it('moves bus numbers behind one port only where they do not suffice', () => {
    const machine = open();
    const others = there(machine).filter((name) => !name.startsWith('02:'));
    apply(machine, { kind: 'remove', address: '0000:02:00.0' });
    const report = apply(machine, {
      kind: 'add',
      part: 'switch-acs',
      straps: { ports: 3 },
      at: { parent: '0000:00:06.0' },
    });
    expect(report.added).toHaveLength(4);
    expect(there(machine)).toEqual(expect.arrayContaining(others));
    const port = machine.kernel.pci.devices.get('0000:00:06.0')!;
    expect(port.config.read(0x1a, 1) - port.config.read(0x19, 1)).toBe(4);
    for (const address of report.added) expect(machine.kernel.pci.devices.has(address)).toBe(true);
  });

  it('gives groups to what new straps bring', () => {
    const machine = open();
    apply(machine, { kind: 'remove', address: '0000:02:00.0' });
    const at = { parent: '0000:00:06.0' };
    const { main } = apply(machine, { kind: 'add', part: 'switch-acs', straps: { ports: 2 }, at });
    const { added } = apply(machine, { kind: 'straps', address: main!, straps: { ports: 3 } });
    expect(added).toHaveLength(1);
    expect(groupOf(machine, added[0]!.slice(5))).toBeDefined();
  });

  it('gives the same machine again from its journal', () => {
    const machine = open();
    apply(machine, { kind: 'move', address: '0000:02:00.0', to: { parent: freePort(machine) } });
    const again = Machine.replay(machine.base, machine.journal);
    expect([...again.kernel.pci.devices.keys()]).toEqual([...machine.kernel.pci.devices.keys()]);
    expect(again.description).toEqual(machine.description);
  });
});

function freePort(machine: Machine): string {
  return apply(machine, { kind: 'add', part: 'root-port', at: { parent: null } }).main!;
}

/** What devices reach, and what stops them: DMA, peer-to-peer and interrupts on booted machines. */
import { describe, expect, it } from 'vitest';
import type { MachineDescription } from '../hardware/description';
import { EMPTY_MACHINE, MachineBuilder } from '../hardware/parts/fixture';
import { Machine } from './machine';
import { UserDriver } from './user-driver.fixture';

type Iommu = MachineDescription['iommu'];

function machineWith(
  iommu: Iommu,
  build: (builder: MachineBuilder) => void,
  { cmdline = 'intel_iommu=on', moduleOptions = {} as Record<string, string>, unit = {} } = {},
): Machine {
  const builder = new MachineBuilder({
    ...EMPTY_MACHINE,
    iommu,
    ...(Object.keys(unit).length > 0 && {
      iommuUnit: { interruptRemapping: true, addressBits: 48, scalableMode: false, cachingMode: false, ...unit },
    }),
    kernel: { ...EMPTY_MACHINE.kernel, cmdline, moduleOptions },
  });
  build(builder);
  return new Machine(builder.description);
}

const NIC = '0000:01:00.0';
const oneNic = (builder: MachineBuilder): void => void builder.behindPort('lab-nic');

/** What a read found, or what stopped it. */
function read(machine: Machine, device: string, address: number, length = 8): string {
  const stimulus = {
    device,
    kind: 'dma',
    direction: 'read',
    address: `0x${address.toString(16)}`,
    length,
    hex: '',
  } as const;
  const { answer, error } = machine.apply({ kind: 'stimulus', stimulus });
  if (error !== null) throw new Error(error);
  return answer?.errno === undefined ? answer!.hex! : machine.kernel.platform.dma.outcome;
}

function write(machine: Machine, device: string, address: number | bigint, hex: string): string {
  const stimulus = {
    device,
    kind: 'dma',
    direction: 'write',
    address: `0x${address.toString(16)}`,
    length: 1,
    hex,
  } as const;
  const { error } = machine.apply({ kind: 'stimulus', stimulus });
  if (error !== null) throw new Error(error);
  return machine.kernel.platform.dma.outcome;
}

/** What no driver holds goes by hand: out of D3, where vfio-pci leaves it, and bus mastering on. */
function wake(machine: Machine): void {
  const { config } = machine.kernel.pci.devices.get(NIC)!;
  config.write(config.findCapability(0x01) + 4, 2, 0);
  config.write(0x04, 2, 0x6);
}

/** Lines of the kernel log that an act adds. */
function logOf(machine: Machine, act: () => void): string[] {
  const before = machine.kernel.log.records.length;
  act();
  return machine.kernel.log.records.slice(before).map(({ text }) => text);
}

describe('DMA of a device in user space', () => {
  it.each(['intel-vtd', 'amd-vi'] as const)('lands where it is mapped, and nowhere else (%s)', (iommu) => {
    const machine = machineWith(iommu, oneNic);
    const driver = new UserDriver(machine, NIC);
    driver.enable();
    const memory = driver.map('buffer', 0x10000, 0x2000);
    expect(write(machine, NIC, 0x10ffc, '1122334455667788')).toBe('memory');
    expect(memory.read(0xffc, 8)).toBe('1122334455667788');
    expect(read(machine, NIC, 0x11000, 4)).toBe('55667788');
    expect(write(machine, NIC, 0x11ffc, '1122334455667788')).toBe('fault');
    expect(memory.read(0x1ffc, 4)).toBe('11223344');
    driver.ioctl('container', 'VFIO_IOMMU_UNMAP_DMA', { argsz: 24, flags: 0, iova: '0x10000', size: '0x2000' });
    expect([read(machine, NIC, 0x10ffc), write(machine, NIC, 0x10000, '00')]).toEqual(['fault', 'fault']);
  });

  it('is told of by the kernel as VT-d has it', () => {
    const machine = machineWith('intel-vtd', oneNic);
    const driver = new UserDriver(machine, NIC);
    driver.enable();
    driver.map('buffer', 0x10000, 0x1000, 1);
    expect(logOf(machine, () => write(machine, NIC, 0x12345678, '00'))).toEqual([
      'DMAR: DRHD: handling fault status reg 2',
      'DMAR: [DMA Write NO_PASID] Request device [01:00.0] fault addr 0x12345000 [fault reason 0x05] PTE Write access is not set',
    ]);
    expect(logOf(machine, () => read(machine, NIC, 0x20000))[1]).toBe(
      'DMAR: [DMA Read NO_PASID] Request device [01:00.0] fault addr 0x20000 [fault reason 0x06] PTE Read access is not set',
    );
    expect(logOf(machine, () => write(machine, NIC, 0x10000, '00'))[1]).toContain('[fault reason 0x05]');
    // Ten tokens in five seconds, three a fault; the rest is counted.
    for (let i = 0; i < 5; i++) write(machine, NIC, 0x1000, '00');
    machine.apply({ kind: 'time', ms: 5001 });
    expect(logOf(machine, () => write(machine, NIC, 0x1000, '00'))[0]).toBe('dmar_fault: 14 callbacks suppressed');
  });

  it('is told of by the kernel as AMD-Vi has it, each device with a budget of its own', () => {
    const machine = machineWith('amd-vi', oneNic);
    const driver = new UserDriver(machine, NIC);
    driver.enable();
    driver.map('buffer', 0x10000, 0x1000, 1);
    const id = machine.kernel.iommu.driver!.domainId(
      machine.kernel.iommu.groupOf(machine.kernel.pci.devices.get(NIC)!)!.domain,
      0,
    )!;
    const domain = `domain=0x${id.toString(16).padStart(4, '0')}`;
    const line = (rest: string): string[] => [
      `vfio-pci ${NIC}: AMD-Vi: Event logged [IO_PAGE_FAULT ${domain} ${rest}]`,
    ];
    expect(logOf(machine, () => write(machine, NIC, 0x12345678, '00'))).toEqual(
      line('address=0x12345678 flags=0x0020'),
    );
    expect(logOf(machine, () => read(machine, NIC, 0x20000))).toEqual(line('address=0x20000 flags=0x0000'));
    expect(logOf(machine, () => write(machine, NIC, 0x10010, '00'))).toEqual(line('address=0x10010 flags=0x0070'));
    expect(logOf(machine, () => void Array.from({ length: 9 }, () => read(machine, NIC, 0)))).toHaveLength(7);
    expect(logOf(machine, () => read(machine, NIC, 0xfd_0000_0000))).toEqual([
      `iommu ivhd0: AMD-Vi: Event logged [INVALID_DEVICE_REQUEST device=${NIC} pasid=0x00000 address=0xfd00000000 flags=0x0000]`,
    ]);
    machine.apply({ kind: 'time', ms: 5001 });
    expect(logOf(machine, () => read(machine, NIC, 0))[0]).toBe('amd_iommu_report_page_fault: 2 callbacks suppressed');
  });

  it('is stopped while a user holds the group and has set up nothing', () => {
    for (const [iommu, lines] of [
      [
        'intel-vtd',
        [
          'DMAR: DRHD: handling fault status reg 2',
          'DMAR: [DMA Read NO_PASID] Request device [01:00.0] fault addr 0x1000 [fault reason 0x02] Present bit in context entry is clear',
        ],
      ],
      [
        'amd-vi',
        ['AMD-Vi: Event logged [Device not attached to domain properly]', `AMD-Vi:   device=${NIC} domain=0x0000`],
      ],
    ] as const) {
      const machine = machineWith(iommu, oneNic);
      const driver = new UserDriver(machine, NIC);
      driver.enable();
      machine.apply({ kind: 'exit', pid: driver.pid });
      wake(machine);
      const device = machine.kernel.pci.devices.get(NIC)!;
      machine.kernel.iommu.claimDmaOwner(machine.kernel.iommu.groupOf(device)!, {});
      expect(logOf(machine, () => read(machine, NIC, 0x1000))).toEqual(lines);
    }
  });

  it('does not happen without bus mastering, out of D0, or in reset', () => {
    const machine = machineWith('intel-vtd', oneNic);
    const driver = new UserDriver(machine, NIC);
    driver.map('buffer', 0x10000, 0x1000);
    expect(logOf(machine, () => expect(write(machine, NIC, 0x10000, '01')).toBe('silent'))).toEqual([]);
    driver.enable();
    expect(write(machine, NIC, 0x10000, '01')).toBe('memory');
    const power = machine.kernel.pci.devices.get(NIC)!.config.findCapability(0x01);
    driver.writeConfig(power + 4, 3, 2);
    expect(logOf(machine, () => expect(write(machine, NIC, 0x999000, '01')).toBe('silent'))).toEqual([]);
    driver.writeConfig(power + 4, 0, 2);
    driver.enable();
    expect(write(machine, NIC, 0x10000, '01')).toBe('memory');
    const port = machine.kernel.pci.devices.get('0000:00:01.0')!.config;
    port.write(0x3e, 2, port.read(0x3e, 2) | 0x40);
    wake(machine);
    expect(write(machine, NIC, 0x10000, '01')).toBe('silent');
  });

  it('sets Received Master Abort after a read that was stopped', () => {
    const machine = machineWith('intel-vtd', oneNic);
    const driver = new UserDriver(machine, NIC);
    driver.enable();
    read(machine, NIC, 0x1000);
    expect(driver.readConfig(0x06, 2) & 0x2000).toBe(0x2000);
  });
});

describe('DMA of a device of the host', () => {
  const PAGE = 0x200000;

  it('reaches all of memory with iommu=pt or without an IOMMU, and nothing with a domain of its own', () => {
    for (const [iommu, cmdline, outcome] of [
      ['intel-vtd', 'intel_iommu=on iommu=pt', 'memory'],
      ['amd-vi', 'iommu=pt', 'memory'],
      ['none', '', 'memory'],
      ['intel-vtd', 'intel_iommu=off', 'memory'],
      ['intel-vtd', 'intel_iommu=on', 'fault'],
      ['amd-vi', '', 'fault'],
    ] as const) {
      const machine = machineWith(iommu, oneNic, { cmdline });
      wake(machine);
      expect(write(machine, NIC, PAGE, 'c0ffee'), `${iommu} ${cmdline}`).toBe(outcome);
      if (outcome === 'memory') expect(read(machine, NIC, PAGE, 3)).toBe('c0ffee');
    }
  });

  it('comes to the same place again after its group was in user space', () => {
    const machine = machineWith('intel-vtd', oneNic, { cmdline: 'intel_iommu=on iommu=pt' });
    const driver = new UserDriver(machine, NIC);
    driver.enable();
    expect(write(machine, NIC, PAGE, 'c0ffee')).toBe('fault');
    machine.apply({ kind: 'exit', pid: driver.pid });
    wake(machine);
    expect(write(machine, NIC, PAGE, 'c0ffee')).toBe('memory');
  });

  it('finds nothing between memory and BARs', () => {
    const machine = machineWith('none', oneNic, { cmdline: '' });
    wake(machine);
    expect([write(machine, NIC, 0xa0000, '00'), read(machine, NIC, 0x2000_0000)]).toEqual([
      'unsupported',
      'unsupported',
    ]);
    expect(write(machine, NIC, 0xffff_ffff_ffff_fff0n, '00')).toBe('unsupported');
  });
});

describe('messages that a device makes up', () => {
  const VECTOR_ADDRESS = 0xfee00000;

  function victim(machine: Machine): { vector: number; cpu: number; count: () => number } {
    const device = machine.kernel.pci.devices.get(NIC)!;
    const line = machine.kernel.irqs.messagesOf(device)!.line(0)!;
    return { vector: line.vector, cpu: line.cpu, count: () => line.count };
  }

  const twoNics = (builder: MachineBuilder): void => {
    builder.behindPort('lab-nic');
    builder.behindPort('lab-nic');
  };
  const ROGUE = '0000:02:00.0';

  it('land as the host’s interrupts without remapping: the attack that allow_unsafe_interrupts lets in', () => {
    const unit = { interruptRemapping: false };
    const refused = machineWith('intel-vtd', twoNics, { unit });
    expect(() => new UserDriver(refused, NIC)).toThrow('EPERM');
    const machine = machineWith('intel-vtd', twoNics, {
      unit,
      moduleOptions: { vfio_iommu_type1: 'allow_unsafe_interrupts=1' },
    });
    const owner = new UserDriver(machine, NIC);
    owner.enable();
    owner.interrupts(2, 1);
    const rogue = new UserDriver(machine, ROGUE);
    rogue.enable();
    const { vector, count } = victim(machine);
    const message = { device: ROGUE, kind: 'msi', address: '0xfee00000', data: vector } as const;
    machine.apply({ kind: 'stimulus', stimulus: message });
    expect([count(), owner.signalled(0)]).toEqual([1, 1]);
    expect(write(machine, ROGUE, VECTOR_ADDRESS, vector.toString(16).padStart(2, '0') + '000000')).toBe('interrupt');
    expect([count(), owner.signalled(0)]).toEqual([2, 1]);
    expect(logOf(machine, () => machine.apply({ kind: 'stimulus', stimulus: { ...message, data: 0x55 } }))).toEqual([
      '__common_interrupt: 0.85 No irq handler for vector',
    ]);
  });

  it('are blocked by remapping, each with the kernel’s line', () => {
    const machine = machineWith('intel-vtd', twoNics);
    const owner = new UserDriver(machine, NIC);
    owner.enable();
    owner.interrupts(2, 1);
    const rogue = new UserDriver(machine, ROGUE);
    rogue.enable();
    const { count } = victim(machine);
    const index = machine.kernel.irqs.messagesOf(machine.kernel.pci.devices.get(NIC)!)!.line(0)!.remapIndex;
    const send = (address: number, data = 0): string =>
      logOf(machine, () => {
        const stimulus = { device: ROGUE, kind: 'msi', address: `0x${address.toString(16)}`, data } as const;
        machine.apply({ kind: 'stimulus', stimulus });
      })[1]!;
    const start = 'DMAR: [INTR-REMAP] Request device [02:00.0] fault index';
    expect(send(VECTOR_ADDRESS, 0x21)).toBe(
      `${start} 0x0 [fault reason 0x25] Blocked a compatibility format interrupt request`,
    );
    expect(send(VECTOR_ADDRESS + 0x18 + index * 32)).toBe(
      `${start} 0x${index.toString(16)} [fault reason 0x26] Blocked an interrupt request due to source-id verification failure`,
    );
    expect(send(VECTOR_ADDRESS + 0x18 + 0x700 * 32)).toBe(
      `${start} 0x700 [fault reason 0x22] Present field in the IRTE entry is clear`,
    );
    expect([count(), owner.signalled(0)]).toEqual([0, 0]);
    machine.apply({ kind: 'stimulus', stimulus: { device: NIC, kind: 'interrupt', vector: 0 } });
    expect([count(), owner.signalled(0)]).toEqual([1, 1]);
  });

  it('find only the sender’s own table on AMD-Vi', () => {
    const machine = machineWith('amd-vi', twoNics);
    const owner = new UserDriver(machine, NIC);
    owner.enable();
    owner.interrupts(2, 1);
    const rogue = new UserDriver(machine, ROGUE);
    rogue.enable();
    const lines = logOf(machine, () => {
      machine.apply({ kind: 'stimulus', stimulus: { device: ROGUE, kind: 'msi', address: '0xfee00000', data: 0 } });
    });
    expect(lines).toEqual([
      expect.stringMatching(
        /^vfio-pci 0000:02:00.0: AMD-Vi: Event logged \[IO_PAGE_FAULT domain=0x000\w address=0xfffffffdf8000000 flags=0x0008\]$/,
      ),
    ]);
    expect(owner.signalled(0)).toBe(0);
  });

  it('of other sizes, and reads, get no answer and leave no record', () => {
    const machine = machineWith('intel-vtd', twoNics);
    const rogue = new UserDriver(machine, ROGUE);
    rogue.enable();
    const lines = logOf(machine, () => {
      expect(write(machine, ROGUE, VECTOR_ADDRESS, '2100')).toBe('unsupported');
      expect(read(machine, ROGUE, VECTOR_ADDRESS, 4)).toBe('unsupported');
    });
    expect(lines).toEqual([]);
  });

  it('that are not for the CPUs are writes to memory', () => {
    const machine = machineWith('intel-vtd', twoNics);
    const rogue = new UserDriver(machine, ROGUE);
    rogue.enable();
    const memory = rogue.map('buffer', 0x10000, 0x1000);
    machine.apply({ kind: 'stimulus', stimulus: { device: ROGUE, kind: 'msi', address: '0x10010', data: 0x1234 } });
    expect(memory.read(0x10, 4)).toBe('34120000');
    expect([...machine.kernel.interrupts.log.recent()].at(-1)!.lost).toBe(
      'the write goes to memory: this is no interrupt address',
    );
  });
});

describe('writes of one function to another', () => {
  /** Address of a BAR as the bus knows it. */
  const barOf = (machine: Machine, name: string, bar: number): number =>
    Number(machine.kernel.pci.devices.get(name)!.resources[bar]!.start);

  function behindSwitch(part: 'switch-acs' | 'switch-plain'): { machine: Machine; from: string; to: string } {
    const machine = machineWith('intel-vtd', (builder) => {
      const ports = builder.behindPort(part, { ports: 2 });
      builder.add('lab-nic', ports[1]!);
      builder.add('lab-nic', ports[2]!);
    });
    const nics = [...machine.kernel.pci.devices.values()].filter(
      (device) => device.vendor === 0x1ab0 || device.class >>> 8 === 0x0200,
    );
    return { machine, from: nics[0]!.name, to: nics[1]!.name };
  }

  it('arrive past the IOMMU where a switch has no ACS, and nothing is told', () => {
    const { machine, from, to } = behindSwitch('switch-plain');
    const driver = new UserDriver(machine, from);
    driver.enable();
    const peer = new UserDriver(machine, to, driver);
    peer.enable();
    const target = barOf(machine, to, 0);
    const before = machine.kernel.platform.units.faultCount;
    const lines = logOf(machine, () => expect(write(machine, from, target + 0x40, '78563412')).toBe('peer'));
    expect([lines, machine.kernel.platform.units.faultCount - before]).toEqual([[], 0]);
    const [last] = machine.kernel.platform.log.recent(0);
    expect(last).toMatchObject({ sender: from, target: to, outcome: 'peer', physical: 0x40n });
  });

  it('go up and fault where redirect is on, or arrive by the IOMMU where it maps the BAR', () => {
    const { machine, from, to } = behindSwitch('switch-acs');
    const driver = new UserDriver(machine, from);
    driver.enable();
    const peer = new UserDriver(machine, to, driver);
    peer.enable();
    const target = barOf(machine, to, 0);
    expect(logOf(machine, () => expect(write(machine, from, target, '00000000')).toBe('fault'))[1]).toContain(
      `fault addr 0x${target.toString(16)} [fault reason 0x05]`,
    );
    const device = machine.kernel.pci.devices.get(from)!;
    const domain = machine.kernel.iommu.groupOf(device)!.domain as unknown as {
      mapPages(page: number, physical: number, pages: number, prot: number): number;
    };
    domain.mapPages(0x1000, target / 4096, 1, 3);
    expect(write(machine, from, 0x1000040, '78563412')).toBe('peer');
    const [last] = machine.kernel.platform.log.recent(0);
    expect(last).toMatchObject({ target: to, outcome: 'peer', physical: 0x40n });
  });

  it('that ring each other’s doorbells end', () => {
    const { machine, from, to } = behindSwitch('switch-plain');
    const driver = new UserDriver(machine, from);
    driver.enable();
    new UserDriver(machine, to, driver).enable();
    const { dma } = machine.kernel.platform;
    let rings = 0;
    for (const [name, other] of [
      [from, to],
      [to, from],
    ] as const) {
      const fn = machine.kernel.machine.functions.get(name)!;
      const model = fn.model!;
      model.write = () => {
        rings++;
        dma.write(fn, BigInt(barOf(machine, other, 0)), Uint8Array.of(1, 2, 3, 4));
      };
    }
    expect(write(machine, from, barOf(machine, to, 0), '01020304')).toBe('peer');
    expect(rings).toBe(16);
  });
});

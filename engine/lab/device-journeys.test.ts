/** Acting devices as a driver in user space meets them: through vfio's descriptors, mappings and eventfds. */
import { describe, expect, it } from 'vitest';
import { CONTROL, FLAG, REG, RESULT, RING, TRANSMIT } from '../hardware/devices/nic/data-sheet';
import { MachineBuilder } from '../hardware/parts/fixture';
import type { Stimulus } from './input';
import { Machine } from './machine';
import { stateHash } from './state-hash';
import type { Mapped } from './user-driver.fixture';
import { UserDriver } from './user-driver.fixture';

const CARD = '0000:01:00.0';
const OTHER = '0000:02:00.0';

/** The same journal gives the same machine, and vfio gives everything back when the process ends. */
function finish(machine: Machine, ...drivers: UserDriver[]): void {
  for (const { pid } of new Set(drivers)) machine.apply({ kind: 'exit', pid });
  const again = Machine.replay(machine.base, machine.journal);
  expect(stateHash(again.kernel)).toBe(stateHash(machine.kernel));
}

function descriptor(memory: Mapped, at: number, address: bigint, length: number, flags: number): void {
  memory.put(at, address, 8);
  memory.put(at + 8, length, 2);
  memory.put(at + 10, flags, 2);
  memory.put(at + 12, 0, 4);
}

/** Rings of eight at 0 (receive) and 0x400 (transmit) of the memory, one receive buffer at 0x1000. */
function startRings(nic: UserDriver, memory: Mapped): void {
  for (const [transmit, at] of [
    [false, 0],
    [true, 0x400],
  ] as const) {
    const ring = REG.QUEUES + (transmit ? TRANSMIT : 0);
    nic.write(0, ring + RING.BASE_LOW, memory.iova + BigInt(at));
    nic.write(0, ring + RING.SIZE, 8);
    nic.write(0, ring + RING.CONTROL, 1);
  }
  nic.write(0, REG.MASK_SET, 0x7ffff);
  nic.write(0, REG.CONTROL, CONTROL.ENABLE);
  descriptor(memory, 0, memory.iova + 0x1000n, 2048, 0);
  nic.write(0, REG.QUEUES + RING.TAIL, 1);
}

describe('the lab’s network controller', () => {
  it('receives into mapped memory and signals the ring’s eventfd', () => {
    const builder = new MachineBuilder();
    builder.behindPort('lab-nic');
    const machine = new Machine(builder.description);
    const nic = new UserDriver(machine, CARD);
    expect(nic.read(0, REG.ID)).toBe(0x1ab00001);
    nic.enable();
    nic.interrupts(2, 8);
    const memory = nic.map('rings', 0x10000, 0x4000);
    startRings(nic, memory);
    const packet = { device: CARD, kind: 'packet', hex: '68656c6c6f', queue: 0 } as const;
    expect(machine.apply({ kind: 'stimulus', stimulus: packet }).error).toBeNull();
    expect(memory.read(0x1000, 5)).toBe('68656c6c6f');
    expect(memory.get(12, 4)).toBe(RESULT.DONE | RESULT.END | (5 << RESULT.LENGTH));
    expect([nic.signalled(0), nic.signalled(1)]).toEqual([1, 0]);
    finish(machine, nic);
  });

  it('reports what it could not reach, and the IOMMU logs it', () => {
    const builder = new MachineBuilder();
    builder.behindPort('lab-nic');
    const machine = new Machine(builder.description);
    const nic = new UserDriver(machine, CARD);
    nic.enable();
    const memory = nic.map('rings', 0x10000, 0x4000);
    startRings(nic, memory);
    descriptor(memory, 0x400, 0xdead0000n, 64, FLAG.END);
    nic.write(0, REG.QUEUES + TRANSMIT + RING.TAIL, 1);
    expect(nic.read(0, REG.ERROR)).toBe(1);
    expect(nic.read(0, REG.ERROR_PLACE)).toBe(0x100);
    expect(memory.get(0x40c, 4)).toBe(RESULT.DONE | RESULT.ERROR);
    expect(machine.kernel.log.records.at(-1)!.text).toMatch(/DMA Read NO_PASID.*01:00\.0.*0xdead0000/);
    finish(machine, nic);
  });

  it('talks to a second one over their wire, in another process', () => {
    const builder = new MachineBuilder();
    builder.behindPort('lab-nic', { wire: 1 });
    builder.behindPort('lab-nic', { wire: 1 });
    const machine = new Machine(builder.description);
    const sender = new UserDriver(machine, CARD);
    const receiver = new UserDriver(machine, OTHER);
    const [out, into] = [sender, receiver].map((nic) => {
      nic.enable();
      nic.interrupts(2, 2);
      const memory = nic.map('rings', 0x10000, 0x4000);
      startRings(nic, memory);
      return memory;
    });
    out!.write(0x2000, '00112233445566');
    descriptor(out!, 0x400, out!.iova + 0x2000n, 7, FLAG.END | FLAG.INTERRUPT);
    sender.write(0, REG.QUEUES + TRANSMIT + RING.TAIL, 1);
    expect(into!.read(0x1000, 7)).toBe('00112233445566');
    expect([sender.signalled(1), receiver.signalled(0)]).toEqual([1, 1]);
    finish(machine, sender, receiver);
  });

  it('is at rest after a reset, and after its process has gone', () => {
    const builder = new MachineBuilder();
    builder.behindPort('lab-nic');
    const machine = new Machine(builder.description);
    const nic = new UserDriver(machine, CARD);
    nic.enable();
    startRings(nic, nic.map('rings', 0x10000, 0x4000));
    nic.reset();
    expect(nic.read(0, REG.CONTROL)).toBe(0);
    expect(nic.read(0, REG.QUEUES + RING.STATUS)).toBe(0);
    startRings(nic, nic.map('more', 0x20000, 0x4000));
    machine.apply({ kind: 'exit', pid: nic.pid });
    const packet = { device: CARD, kind: 'packet', hex: '00', queue: 0 } as const;
    expect(machine.apply({ kind: 'stimulus', stimulus: packet }).error).toBeNull();
    expect(machine.kernel.log.records.at(-1)!.text).not.toContain('DMA');
    finish(machine);
  });

  it('has virtual functions with rings of their own', () => {
    const builder = new MachineBuilder();
    builder.behindPort('lab-nic-sriov', { vfs: 4 });
    const machine = new Machine(builder.description);
    const root = (path: string, text: string) =>
      machine.apply({ kind: 'call', pid: 1, operation: { op: 'syswrite', path, text } }).answer;
    const device = `/sys/bus/pci/devices/${CARD}`;
    machine.apply({ kind: 'call', pid: 1, operation: { op: 'insmod', module: 'pci-pf-stub' } });
    expect(root(`${device}/driver_override`, 'pci-pf-stub')?.errno).toBeUndefined();
    expect(root('/sys/bus/pci/drivers_probe', CARD)?.errno).toBeUndefined();
    expect(root(`${device}/sriov_numvfs`, '2')?.errno).toBeUndefined();
    const [one, two] = ['0000:01:00.1', '0000:01:00.2'].map((address) => new UserDriver(machine, address));
    const [out, into] = [one!, two!].map((nic) => {
      nic.enable();
      nic.interrupts(2, 3);
      const memory = nic.map('rings', 0x10000, 0x4000);
      startRings(nic, memory);
      return memory;
    });
    expect(one!.read(0, REG.FEATURES)).toBe(0x0c030101);
    expect(one!.read(0, REG.STATUS) & 8).toBe(8);
    out!.write(0x2000, 'cafe');
    descriptor(out!, 0x400, out!.iova + 0x2000n, 2, FLAG.END);
    one!.write(0, REG.QUEUES + TRANSMIT + RING.TAIL, 1);
    expect(into!.read(0x1000, 2)).toBe('cafe');
    expect(two!.signalled(0)).toBe(1);
    // A reset of the physical function is one of the virtual ones, too.
    expect(two!.read(0, REG.QUEUES + RING.STATUS)).toBe(1);
    expect(root(`${device}/reset`, '1')?.errno).toBeUndefined();
    expect(two!.read(0, REG.QUEUES + RING.STATUS)).toBe(0);
    finish(machine, one!, two!);
  });
});

const stimulate = (machine: Machine, stimulus: Stimulus): void => {
  expect(machine.apply({ kind: 'stimulus', stimulus }).error).toBeNull();
};

describe('an NVMe drive', () => {
  it('writes and reads a block through queues in mapped memory', () => {
    const builder = new MachineBuilder();
    builder.behindPort('nvme', { capacity: 8 });
    const machine = new Machine(builder.description);
    const drive = new UserDriver(machine, CARD);
    drive.enable();
    drive.interrupts(2, 2);
    const memory = drive.map('queues', 0x100000, 0x10000);
    const [asq, acq, sq, cq, data] = [0n, 0x1000n, 0x2000n, 0x3000n, 0x4000n].map((at) => memory.iova + at);
    drive.write(0, 0x24, 0x00070007);
    drive.write(0, 0x28, asq!, 8);
    drive.write(0, 0x30, acq!, 8);
    drive.write(0, 0x14, 0x00460001);
    drive.wait(2);
    expect(drive.read(0, 0x1c)).toBe(1);
    let admin = 0;
    const command = (at: number, opcode: number, nsid: number, prp1: bigint, dwords: readonly number[]): void => {
      memory.write(at, '00'.repeat(64));
      memory.put(at, opcode, 4);
      memory.put(at + 4, nsid, 4);
      memory.put(at + 24, prp1, 8);
      dwords.forEach((dword, i) => memory.put(at + 40 + 4 * i, dword, 4));
    };
    const create = (opcode: number, address: bigint, flags: number): void => {
      command(admin * 64, opcode, 0, address, [0x00070001, flags]);
      drive.write(0, 0x1000, ++admin);
      expect(memory.get(0x1000 + 16 * (admin - 1) + 14, 2)).toBe(1);
    };
    create(0x05, cq!, 0x00010003);
    create(0x01, sq!, 0x00010001);
    expect(drive.signalled(0)).toBe(2);
    memory.write(0x4000, 'deadbeef'.repeat(128));
    command(0x2000, 0x01, 1, data!, [7, 0, 0]);
    command(0x2040, 0x02, 1, data! + 0x1000n, [7, 0, 0]);
    drive.write(0, 0x1008, 2);
    expect(memory.read(0x5000, 512)).toBe('deadbeef'.repeat(128));
    expect([memory.get(0x300e, 2), memory.get(0x301e, 2)]).toEqual([1, 1]);
    expect(drive.signalled(1)).toBe(1);
    finish(machine, drive);
  });
});

describe('the 82574L', () => {
  const start = (): { machine: Machine; nic: UserDriver } => {
    const builder = new MachineBuilder();
    builder.behindPort('e1000e');
    const machine = new Machine(builder.description);
    const nic = new UserDriver(machine, CARD);
    nic.enable();
    return { machine, nic };
  };

  it('holds its pin until ICR is read, masked by the kernel until the driver unmasks', () => {
    const { machine, nic } = start();
    nic.interrupts(0, 1);
    nic.write(0, 0xd0, 0x4);
    stimulate(machine, { device: CARD, kind: 'link', up: false });
    expect(nic.signalled(0)).toBe(1);
    nic.unmask(0);
    expect(nic.signalled(0)).toBe(1);
    expect(nic.read(0, 0xc0) & 0x4).toBe(0x4);
    nic.unmask(0);
    expect(nic.signalled(0)).toBe(0);
    finish(machine, nic);
  });

  it('interrupts by MSI, and by MSI-X on the vector that IVAR names', () => {
    for (const [index, count, vector] of [
      [1, 1, 0],
      [2, 5, 2],
    ] as const) {
      const { machine, nic } = start();
      nic.interrupts(index, count);
      nic.write(0, 0xe4, 0xa << 16);
      nic.write(0, 0xd0, 0x0100_0004);
      stimulate(machine, { device: CARD, kind: 'link', up: false });
      expect(nic.signalled(vector)).toBe(1);
      finish(machine, nic);
    }
  });
});

describe('a USB controller', () => {
  it('brings a key press into its event ring', () => {
    const builder = new MachineBuilder();
    builder.behindPort('xhci');
    const machine = new Machine(builder.description);
    const usb = new UserDriver(machine, CARD);
    usb.enable();
    usb.interrupts(2, 1);
    const memory = usb.map('rings', 0x10000, 0x4000);
    memory.put(0x1000, memory.iova + 0x2000n, 8);
    memory.put(0x1008, 16, 4);
    usb.write(0, 0x628, 1);
    usb.write(0, 0x638, memory.iova + 0x2000n, 8);
    usb.write(0, 0x630, memory.iova + 0x1000n, 8);
    usb.write(0, 0x620, 2);
    usb.write(0, 0x20, 0x5);
    expect(memory.get(0x200c, 4) >>> 10).toBe(34);
    stimulate(machine, { device: CARD, kind: 'key', key: 'x' });
    expect([memory.get(0x201c, 4) >>> 10, memory.get(0x2010, 8)]).toEqual([38, 0x1b10]);
    expect(usb.signalled(0)).toBe(2);
    finish(machine, usb);
  });
});

describe('shared memory with doorbells', () => {
  it('lets two processes talk past the kernel', () => {
    const builder = new MachineBuilder();
    builder.behindPort('ivshmem');
    builder.behindPort('ivshmem');
    const machine = new Machine(builder.description);
    const [one, two] = [CARD, OTHER].map((address) => new UserDriver(machine, address));
    for (const peer of [one!, two!]) {
      peer.enable();
      peer.interrupts(2, 4);
    }
    one!.write(2, 0x100, 0x12345678);
    one!.write(0, 0xc, (two!.read(0, 8) << 16) | 3);
    expect(two!.read(2, 0x100)).toBe(0x12345678);
    expect([two!.signalled(3), one!.signalled(3)]).toEqual([1, 0]);
    finish(machine, one!, two!);
  });
});

describe('conventional cards behind one bridge', () => {
  it('share a line: each is signalled for its own', () => {
    const builder = new MachineBuilder();
    const [bridge] = builder.behindPort('pcie-to-pci-bridge');
    builder.add('pci-serial', bridge);
    for (let i = 0; i < 3; i++) builder.add('pci-network', bridge);
    // Device 4 turns its pin to the same line as device 0.
    builder.add('pci-serial', bridge);
    const machine = new Machine(builder.description);
    const first = new UserDriver(machine, '0000:02:00.0');
    const second = new UserDriver(machine, '0000:02:04.0', first);
    expect(second.group).toBe(first.group);
    for (const port of [first, second]) {
      port.enable();
      port.interrupts(0, 1);
      port.write(0, 1, 1, 1);
    }
    stimulate(machine, { device: '0000:02:04.0', kind: 'key', key: 'q' });
    expect([first.signalled(0), second.signalled(0)]).toEqual([0, 1]);
    stimulate(machine, { device: '0000:02:00.0', kind: 'key', key: 'p' });
    expect([first.signalled(0), second.signalled(0)]).toEqual([1, 0]);
    for (const [port, key] of [
      [first, 'p'],
      [second, 'q'],
    ] as const) {
      expect(String.fromCharCode(port.read(0, 0, 1))).toBe(key);
      port.unmask(0);
      expect(port.signalled(0)).toBe(0);
    }
    const lines = [...machine.kernel.pci.devices.values()].filter((one) => /02:0[04]/.test(one.name));
    expect(new Set(lines.map((one) => one.irq)).size).toBe(1);
    finish(machine, first, second);
  });
});

describe('the test device', () => {
  it('counts what an ioeventfd writes', () => {
    const builder = new MachineBuilder();
    builder.behindPort('pci-testdev');
    const machine = new Machine(builder.description);
    const device = new UserDriver(machine, CARD);
    device.enable();
    device.write(0, 0, 0, 1);
    const place = device.read(0, 4);
    device.call({ op: 'eventfd', as: 'bell' });
    device.ioctl(`device-${CARD}`, 'VFIO_DEVICE_IOEVENTFD', { flags: 1, offset: place, data: '0xfa', fd: 'bell' });
    for (let i = 0; i < 3; i++) device.call({ op: 'evwrite', fd: 'bell', count: 1 });
    expect(device.read(0, 12)).toBe(3);
    finish(machine, device);
  });

  it('does not hang when edu’s own interrupt rings edu', () => {
    const builder = new MachineBuilder();
    builder.behindPort('edu');
    const machine = new Machine(builder.description);
    const edu = new UserDriver(machine, CARD);
    edu.enable();
    edu.interrupts(1, 1);
    edu.ioctl(`device-${CARD}`, 'VFIO_DEVICE_IOEVENTFD', {
      flags: 4,
      offset: 0x60,
      data: '0x1',
      fd: `event-${CARD}-1-0`,
    });
    const before = machine.kernel.interrupts.log.total;
    edu.write(0, 0x60, 1);
    expect(machine.kernel.interrupts.log.total - before).toBe(257);
    finish(machine, edu);
  });
});

describe('a graphics card', () => {
  it('shows its ROM, keeps what is in its memory, and goes with its sound function', () => {
    const builder = new MachineBuilder();
    builder.behindPort('gpu');
    const machine = new Machine(builder.description);
    const card = new UserDriver(machine, CARD);
    card.enable();
    expect(card.read(6, 0, 2)).toBe(0xaa55);
    card.write(1, 0xff00000, 0xcafe);
    expect(card.read(1, 0xff00000)).toBe(0xcafe);
    const group = [...machine.kernel.iommu.groups.values()].find((one) =>
      [...one.devices].some((device) => device.name === CARD),
    )!;
    expect([...group.devices].map((device) => device.name)).toEqual([CARD, '0000:01:00.1']);
    finish(machine, card);
  });
});

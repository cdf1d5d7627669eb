/** Acting devices as a driver in user space meets them: through vfio's descriptors, mappings and eventfds. */
import { describe, expect, it } from 'vitest';
import { CONTROL, FLAG, REG, RESULT, RING, TRANSMIT } from '../hardware/devices/nic/data-sheet';
import { MachineBuilder } from '../hardware/parts/fixture';
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
    finish(machine, one!, two!);
  });
});

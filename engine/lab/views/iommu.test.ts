/** Requests followed hop by hop, for the screen and for `why`: what is said is what then happens. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IommuKind } from '../../hardware/description';
import { EMPTY_MACHINE, MachineBuilder } from '../../hardware/parts/fixture';
import { explainSubject } from '../explain';
import { Machine } from '../machine';
import { UserDriver } from '../user-driver.fixture';
import { messageView, transactionWayView, transactionsView, walkView } from './follow';
import { iommuView } from './iommu';

const NIC = '0000:01:00.0';
const PEER = '0000:02:00.0';

function nics(iommu: IommuKind, cmdline = 'intel_iommu=on'): Machine {
  const builder = new MachineBuilder({ ...EMPTY_MACHINE, iommu, kernel: { ...EMPTY_MACHINE.kernel, cmdline } });
  builder.behindPort('lab-nic');
  builder.behindPort('lab-nic');
  return new Machine(builder.description);
}

const deviceOf = ({ kernel }: Machine, name = NIC) => kernel.pci.devices.get(name)!;

function write(machine: Machine, address: bigint, hex = '01020304', device = NIC): string {
  const at = `0x${address.toString(16)}`;
  machine.apply({
    kind: 'stimulus',
    stimulus: { device, kind: 'dma', direction: 'write', address: at, length: 1, hex },
  });
  return machine.kernel.platform.dma.outcome;
}

describe.each([
  ['intel-vtd', '4 KiB'],
  ['amd-vi', '8 KiB'],
] as const)('the way of a DMA behind %s', (iommu, size) => {
  it('goes by the tables to memory of the process', () => {
    const machine = nics(iommu);
    const driver = new UserDriver(machine, NIC);
    driver.enable();
    driver.map('buffer', 0x200000, 0x3000);
    const view = walkView(machine.kernel, deviceOf(machine), 0x201234n, true);
    expect(view).toMatchObject({
      outcome: 'memory',
      translated: true,
      requester: '01:00.0',
      pageSize: size,
      rights: 'read and write',
      reason: null,
      cached: null,
    });
    expect(view.place).toMatch(/^memory of driver \(\d+\), 0x[0-9a-f]+234 there$/);
    expect(view.steps.every((step) => step.ok)).toBe(true);
    expect(view.steps.at(-1)!.table).toBe('level 1 table');
    expect(view.hops.map((hop) => hop.at)).toEqual([NIC, '0000:00:01.0', 'IOMMU', 'root complex']);
    expect(write(machine, 0x201234n)).toBe('memory');
    const after = walkView(machine.kernel, deviceOf(machine), 0x201234n, true);
    expect(after.cached).toEqual({ physical: view.physical, rights: 'read and write' });
    expect(view.lines.at(-1)).toBe(`It comes to ${view.physical} by a page of ${size}: ${view.place}.`);
  });

  it('agrees with what then happens, at any address', () => {
    const machine = nics(iommu);
    const driver = new UserDriver(machine, NIC);
    driver.enable();
    driver.map('buffer', 0x200000, 0x400000);
    driver.map('constant', 0x10000, 0x2000, 1);
    const address = fc.oneof(
      fc.bigInt({ min: 0n, max: 0x700000n }),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 5n }),
      fc.bigInt({ min: 0xfedff000n, max: 0xfef01000n }),
    );
    fc.assert(
      fc.property(address, (at) => {
        const aligned = at - (at % 4n);
        const { outcome, physical } = walkView(machine.kernel, deviceOf(machine), aligned, true);
        const happened = write(machine, aligned);
        const expected = { fault: 'blocked', unsupported: 'refused', aborted: 'refused' }[happened] ?? happened;
        // A message to the CPUs is followed by its data: `message` tells of it.
        expect(outcome).toBe(expected);
        const [last] = transactionsView(machine.kernel, NIC, 1).entries;
        if (outcome === 'memory') expect(last!.physical).toBe(physical);
      }),
      { numRuns: 200 },
    );
  });

  it('changes nothing by being looked at', () => {
    const machine = nics(iommu);
    const driver = new UserDriver(machine, NIC);
    driver.enable();
    driver.map('buffer', 0x200000, 0x3000);
    const facts = (): unknown[] => {
      const { unit } = machine.kernel.platform.senders.of(deviceOf(machine).function);
      const { hits, misses, used } = unit!.iotlb;
      return [hits, misses, used, machine.kernel.platform.log.total, machine.kernel.platform.units.faultCount];
    };
    const before = facts();
    for (const at of [0n, 0x200000n, 0xfee00000n]) walkView(machine.kernel, deviceOf(machine), at, false);
    messageView(machine.kernel, deviceOf(machine), 0xfee00000n, 0x21);
    iommuView(machine.kernel, deviceOf(machine));
    expect(facts()).toEqual(before);
  });
});

describe('the way of a message', () => {
  it('is by the remapping entry of its vector, and is stopped where that is another’s', () => {
    const machine = nics('intel-vtd');
    const owner = new UserDriver(machine, NIC);
    owner.enable();
    owner.interrupts(2, 2);
    const rogue = new UserDriver(machine, PEER);
    rogue.enable();
    const { vectors } = iommuView(machine.kernel, deviceOf(machine));
    expect(vectors.map((row) => row.vector)).toEqual([0, 1]);
    const [row] = vectors;
    const line = machine.kernel.irqs.messagesOf(deviceOf(machine))!.line(0)!;
    expect(row).toMatchObject({
      index: line.remapIndex,
      irq: line.irq,
      interrupt: { vector: line.vector, cpu: line.cpu, delivery: 'fixed' },
      reason: null,
    });
    const view = messageView(machine.kernel, deviceOf(machine, PEER), BigInt(row!.messageAddress), 0);
    expect(view).toMatchObject({
      outcome: 'blocked',
      requester: '02:00.0',
      index: line.remapIndex,
      reason: 'the remapping entry belongs to another requester',
      interrupt: null,
    });
    expect(view.steps[0]!.fields.find((field) => field.name === 'SID')!.value).toBe('0x100');
  });

  it('is nobody’s to check without remapping', () => {
    const machine = nics('none', '');
    deviceOf(machine).config.write(0x04, 2, 0x6);
    const view = messageView(machine.kernel, deviceOf(machine), 0xfee00000n, 0x41);
    expect(view).toMatchObject({ outcome: 'interrupt', interrupt: { vector: 0x41, cpu: 0 }, unit: null, index: null });
    expect(view.lines.at(-1)).toContain('vector 65 (0x41) of CPU 0, fixed: nothing remaps it');
  });
});

describe('what stands between a function and memory', () => {
  it('is told with its mappings, IOTLB and faults', () => {
    const machine = nics('intel-vtd');
    const driver = new UserDriver(machine, NIC);
    driver.enable();
    driver.map('buffer', 0x200000, 0x3000);
    write(machine, 0x200000n);
    write(machine, 0x900000n);
    write(machine, 0x900000n, '00', PEER);
    const view = iommuView(machine.kernel, deviceOf(machine));
    expect(view.unit).toMatchObject({ name: 'dmar0', kind: 'vt-d', translating: true, remapping: true });
    expect(view.unit!.registers.find((register) => register.name === 'Version')!.value).toBe('0x00000010');
    expect(view.domain).toMatchObject({ type: 'unmanaged', levels: 3, mapped: 1, mappedBytes: '12288', cached: 1 });
    expect(view.domain!.mappings).toEqual([
      expect.objectContaining({ iova: '0x200000', size: '12 KiB', rights: 'read and write' }),
    ]);
    expect(view.domain!.cachedPages).toEqual([expect.objectContaining({ iova: '0x200000', size: '4 KiB' })]);
    expect(view.faults).toEqual([
      expect.objectContaining({ kind: 'dma', at: '0x900000', write: true, code: '0x05', recorded: true }),
    ]);
    driver.ioctl('container', 'VFIO_IOMMU_UNMAP_DMA', { argsz: 24, flags: 0, iova: '0x200000', size: '0x3000' });
    expect(iommuView(machine.kernel, deviceOf(machine)).domain).toMatchObject({ mapped: 0, cached: 0 });
  });

  it('says that a function may not send, and that no unit is there', () => {
    const view = iommuView(nics('none', '').kernel, deviceOf(nics('none', '')));
    expect(view).toMatchObject({ unit: null, domain: null, silent: 'bus mastering is off', vectors: [] });
  });
});

describe('the last transactions', () => {
  it('are followed as they happened while nothing has changed', () => {
    const machine = nics('intel-vtd');
    const driver = new UserDriver(machine, NIC);
    driver.enable();
    driver.map('buffer', 0x200000, 0x1000);
    write(machine, 0x200010n);
    const [last] = transactionsView(machine.kernel, NIC, 10).entries;
    expect(last).toMatchObject({ kind: 'write', to: '0x200010', length: 4, outcome: 'memory', current: true });
    expect(transactionWayView(machine.kernel, last!.sequence)!.walk!.physical).toBe(last!.physical);
    driver.ioctl('container', 'VFIO_IOMMU_UNMAP_DMA', { argsz: 24, flags: 0, iova: '0x200000', size: '0x1000' });
    const way = transactionWayView(machine.kernel, last!.sequence)!;
    expect([way.transaction.current, way.walk!.outcome]).toEqual([false, 'blocked']);
    expect(transactionsView(machine.kernel, PEER, 10)).toEqual({ total: 1, entries: [] });
    expect(transactionWayView(machine.kernel, 7)).toBeNull();
  });
});

describe('why', () => {
  const machine = nics('intel-vtd');
  const driver = new UserDriver(machine, NIC);
  driver.enable();
  driver.interrupts(2, 1);
  driver.map('buffer', 0x200000, 0x1000);
  write(machine, 0x900000n);
  const why = (...words: string[]): string[] | null => explainSubject(machine.kernel, words);

  it.each([
    [['dma', '01:00.0', '0x200000', 'write'], /^It comes to 0x[0-9a-f]+ by a page of 4 KiB: memory of driver/],
    [['dma', '01:00.0', '0x900000'], /^Blocked: reads are not allowed here/],
    [['msi', '01:00.0', '0xfee00018', '0'], /^Blocked: /],
    [['config', '01:00.0', '0x10'], /^It comes to 0000:01:00.0, register 0x010\.$/],
    [['iommu', '01:00.0'], /write to 0x900000: 0x05 writes are not allowed here$/],
    [['transactions'], /#0 .* 0000:01:00.0 writes 4 bytes at 0x900000: fault \(writes are not allowed here\)$/],
    [['transaction', '0'], /^Blocked: writes are not allowed here/],
  ])('%j tells', (words, last) => {
    expect(why(...words)!.at(-1)).toMatch(last);
  });

  it.each([
    [['dma', '01:00.0', 'here']],
    [['dma', '01:00.0', '0x1', 'sideways']],
    [['dma', '01:00.0', '0x10000000000000000']],
    [['msi', '7f:00.0', '0xfee00000']],
    [['config', '01:00.0', '4096']],
    [['transaction', 'x']],
    [['iommu']],
  ])('%j means nothing', (words) => {
    expect(why(...words)).toBeNull();
  });
});

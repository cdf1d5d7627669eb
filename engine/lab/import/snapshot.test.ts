import { describe, expect, it } from 'vitest';
import { bootKernel } from '../../linux/kernel';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { ImportError } from './error';
import { readSnapshot } from './snapshot';

const GOLDEN = '../shared/oracle/golden';
const small = (change: (machine: Record<string, unknown>) => void = () => undefined): string => {
  const machine = {
    format: 'machine/1',
    name: 'small',
    about: 'one function',
    kernel: '6.12.0',
    cmdline: 'intel_iommu=on',
    iommu: 'intel-vtd',
    qemu: ['-device', 'intel-iommu,intremap=off,aw-bits=48'],
    modules: ['vfio'],
    drivers: ['vfio-pci'],
    functions: [
      {
        address: '0000:00:00.0',
        parent: null,
        rootBus: 'pci0000:00',
        config: '8680'.padEnd(512, '0'),
        writable: null,
        writeOneToClear: null,
        notProbed: [[0, 256]],
        resources: [['0x0', '0x0', '0x0']],
        irq: '10',
        resetMethod: null,
        numaNode: -1,
        msiBus: 1,
        sysfs: ['config', 'irq'],
      },
    ],
    groups: { '0': { devices: ['0000:00:00.0'], type: 'DMA-FQ', reserved: [] } },
  };
  change(machine);
  return JSON.stringify(machine, null, 1);
};
const problem = (text: string): ImportError => {
  try {
    readSnapshot(text);
  } catch (error) {
    if (error instanceof ImportError) return error;
    throw error;
  }
  throw new Error('was accepted');
};

describe('readSnapshot', () => {
  it('keeps what the recording shows', () => {
    const machine = readSnapshot(small());
    expect(machine.iommuUnit).toEqual({
      interruptRemapping: false,
      addressBits: 48,
      scalableMode: false,
      cachingMode: false,
      snoopControl: false,
      x2apic: false,
    });
    const [fn] = machine.functions;
    expect(fn).toMatchObject({ irq: 10, resetMethod: '', known: null, notProbed: [[0, 256]], numaNode: -1 });
    expect(fn!.attributes).toEqual({ msiBus: 1, sysfs: 'config irq' });
    expect(machine.recordedGroups).toEqual({ '0': { devices: ['0000:00:00.0'], type: 'DMA-FQ', reserved: [] } });
  });

  it('keeps a domain type that the command line does not give: somebody wrote it', () => {
    const groups = { '0': { devices: ['0000:00:00.0'], type: 'identity', reserved: [] } };
    const machine = readSnapshot(small((machine) => (machine.groups = groups)));
    const { iommu } = bootKernel(machine);
    expect(iommu.typeOf(iommu.groups.get(0)!)).toBe('identity');
  });

  it('names the function and field that is wrong', () => {
    const error = problem(small((m) => ((m.functions as { config: string }[])[0]!.config = 'zz')));
    expect(error.reason).toBe('function 0000:00:00.0: config is not 64, 256 or 4096 bytes of hex');
  });

  it('names the line of a cut file', () => {
    const text = small();
    expect(problem(text.slice(0, text.length / 2)).line).toBeGreaterThan(10);
  });

  it('refuses a missing parent, a double address and a loop of bridges', () => {
    const bridge = (address: string, parent: string | null) => ({
      address,
      parent,
      rootBus: 'pci0000:00',
      config: '00'.repeat(256),
    });
    expect(problem(small((m) => (m.functions = [bridge('0000:01:00.0', '0000:00:09.0')]))).reason).toContain('missing');
    expect(
      problem(small((m) => (m.functions = [bridge('0000:01:00.0', null), bridge('0000:01:00.0', null)]))).reason,
    ).toContain('two functions');
    expect(
      problem(
        small((m) => (m.functions = [bridge('0000:01:00.0', '0000:02:00.0'), bridge('0000:02:00.0', '0000:01:00.0')])),
      ),
    ).toMatchObject({ line: 20, reason: '0000:01:00.0 is below a loop of bridges' });
  });

  const golden = existsSync(GOLDEN) ? readdirSync(GOLDEN).filter((name) => name.endsWith('.machine.json')) : [];
  it.skipIf(golden.length === 0)('reads every golden machine (skipped: recordings not present)', () => {
    for (const name of golden) {
      const machine = readSnapshot(readFileSync(`${GOLDEN}/${name}`, 'utf8'));
      expect(`${machine.name}.machine.json`).toBe(name);
      expect(machine.functions.length).toBeGreaterThan(3);
    }
  });
});

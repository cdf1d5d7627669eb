import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MachineDescription } from '../../hardware/description';
import { fromHex } from '../../shell/calls/hex';
import { bootKernel } from '../../linux/kernel';
import { checkDescription } from '../document/description-schema';
import { ImportError } from './error';
import { importMachine } from './index';
import { readText } from './text';
import { readSnapshot } from './snapshot';
import { REWORDED, SAME } from './variations.fixture';

const GOLDEN = '../shared/oracle/golden';
const CORPUS = '../shared/corpus';

interface Recording {
  lspci: Record<string, string>;
}

/** Recorded machines that come with the repository. */
const shipped = (name: string): { text: string; recording: Recording } => {
  const text = gunzipSync(readFileSync(`labs/machines/${name}.machine.json.gz`)).toString();
  return { text, recording: JSON.parse(text) as Recording };
};

/** Bits that are said to be known and differ from the truth, as `address offset`. */
function wrongBits(truth: MachineDescription, read: MachineDescription): string[] {
  const byAddress = new Map(truth.functions.map((fn) => [fn.address, fn]));
  const wrong: string[] = [];
  for (const fn of read.functions) {
    const right = fromHex(byAddress.get(fn.address)!.config);
    const bytes = fromHex(fn.config);
    const known = fn.known === null ? new Uint8Array(bytes.length).fill(0xff) : fromHex(fn.known);
    expect(bytes.length, fn.address).toBe(right.length);
    bytes.forEach((byte, at) => {
      if ((byte ^ right[at]!) & known[at]!) wrong.push(`${fn.address} ${at.toString(16)}`);
    });
  }
  return wrong;
}

const tree = (machine: MachineDescription): [string, string | null, string, string | null][] =>
  machine.functions.map((fn) => [fn.address, fn.parent, fn.rootBus, fn.physicalFunction]);

const problem = (read: () => unknown): ImportError => {
  try {
    read();
  } catch (error) {
    if (error instanceof ImportError) return error;
    throw error;
  }
  throw new Error('was accepted');
};

describe('readText on recorded machines', () => {
  for (const name of ['q35-basic', 'q35-switch', 'q35-conventional', 'q35-multifn', 'q35-sriov']) {
    const { text, recording } = shipped(name);
    const truth = readSnapshot(text);

    it(`turns the decoded text of ${name} back into its registers and tree`, () => {
      const read = readText(recording.lspci['-vvv']!);
      expect(wrongBits(truth, read)).toEqual([]);
      expect(tree(read)).toEqual(tree(truth));
      expect(read.functions.map((fn) => fn.driver)).toEqual(truth.functions.map((fn) => fn.driver));
      expect(Object.keys(read.recordedGroups ?? {})).toEqual(Object.keys(truth.recordedGroups ?? {}));
    });

    it(`takes the hex dump of ${name} as it is`, () => {
      const read = readText(recording.lspci['-xxxx']!);
      expect(read.functions.map((fn) => fn.config)).toEqual(truth.functions.map((fn) => fn.config));
      expect(read.functions.every((fn) => fn.known === null)).toBe(true);
    });
  }

  it('reads the registers that grouping needs', () => {
    const { text, recording } = shipped('q35-switch');
    const read = readText(recording.lspci['-vvv']!);
    const config = (address: string) => fromHex(read.functions.find((fn) => fn.address === address)!.config);
    const known = (address: string) => fromHex(read.functions.find((fn) => fn.address === address)!.known!);
    const truth = readSnapshot(text);
    for (const fn of truth.functions) {
      const right = fromHex(fn.config);
      for (const at of [0x00, 0x01, 0x02, 0x03, 0x06, 0x0a, 0x0b, 0x19, 0x1a, 0x34]) {
        if ((at === 0x19 || at === 0x1a) && (right[0x0e]! & 0x7f) !== 1) continue;
        if (known(fn.address)[at] === 0) continue;
        expect(config(fn.address)[at], `${fn.address} ${at.toString(16)}`).toBe(right[at]);
      }
    }
    const port = config('0000:00:01.0');
    const express = port.indexOf(0x10, 0x40);
    expect(port[0x34]).toBeGreaterThanOrEqual(0x40);
    expect(express).toBeGreaterThan(0);
  });
});

describe('pasted text', () => {
  const { recording } = shipped('q35-switch');
  const text = recording.lspci['-vvv']!;
  const undamaged = readText(text);
  for (const [how, damage] of Object.entries(SAME)) {
    it(`gives the same machine ${how}`, () => {
      const read = readText(damage(text));
      expect(read.functions).toEqual(undamaged.functions);
      expect(read.recordedGroups).toEqual(undamaged.recordedGroups);
    });
  }
  for (const [how, reword] of Object.entries(REWORDED)) {
    it(`gives nothing else ${how}`, () => {
      const truth = readSnapshot(shipped('q35-switch').text);
      const read = readText(reword(text));
      const wrong = wrongBits(truth, read);
      expect(wrong).toEqual([]);
      expect(tree(read)).toEqual(tree(truth));
    });
  }

  it('puts a short and a long listing together', () => {
    const both = readText(`${recording.lspci['-nn']!}\n\n${text}\n\n${recording.lspci['-xxxx']!}`);
    expect(both.functions.map((fn) => fn.config)).toEqual(
      readText(recording.lspci['-xxxx']!).functions.map((fn) => fn.config),
    );
    expect(both.functions.map((fn) => fn.driver)).toEqual(undamaged.functions.map((fn) => fn.driver));
  });

  it('never invents: cut anywhere, what is known is still right', () => {
    const truth = readSnapshot(shipped('q35-switch').text);
    fc.assert(
      fc.property(fc.integer({ min: 40, max: text.length }), (length) => {
        const read = readText(text.slice(0, length));
        const cutOff = read.functions.at(-1)!.address;
        const sizes = new Map(truth.functions.map((fn) => [fn.address, fn.config.length]));
        const whole = { ...read, functions: read.functions.filter((fn) => fn.address !== cutOff) };
        expect(whole.functions.every((fn) => fn.config.length === sizes.get(fn.address))).toBe(true);
        expect(wrongBits(truth, whole)).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
});

describe('several sources of one machine', () => {
  const { recording, text } = shipped('q35-switch');
  const truth = readSnapshot(text);
  const parents = (machine: MachineDescription): (string | null)[] => machine.functions.map((fn) => fn.parent);

  it('takes the tree from lspci -t beside a plain listing', () => {
    const read = readText(`${recording.lspci['-nn']!}\n${recording.lspci['-t'] ?? recording.lspci['-tv']!}`);
    expect(tree(read)).toEqual(tree(truth));
    expect(read.functions.every((fn) => fn.parentKnown !== false)).toBe(true);
  });

  it('reads the tree alone, with names and without', () => {
    const read = readText(
      [
        '-+-[0001:40]---00.0-[41]----00.0  Intel Corporation Device 4660',
        ' \\-[0000:00]-+-00.0',
        '             \\-01.0-[01-02]--+-00.0-[02]--',
        '                             \\-00.1',
      ].join('\n'),
    );
    expect(tree(read)).toEqual([
      ['0000:00:00.0', null, 'pci0000:00', null],
      ['0000:00:01.0', null, 'pci0000:00', null],
      ['0000:01:00.0', '0000:00:01.0', 'pci0000:00', null],
      ['0000:01:00.1', '0000:00:01.0', 'pci0000:00', null],
      ['0001:40:00.0', null, 'pci0001:40', null],
      ['0001:41:00.0', '0001:40:00.0', 'pci0001:40', null],
    ]);
    expect(read.functions[5]!.config.slice(0, 8)).toBe('86806046');
    expect(read.unknown.filter((fact) => fact.what === 'identity')).toHaveLength(5);
  });

  it('guesses where a plain listing shows no bus numbers, and says so', () => {
    const read = readText(recording.lspci['-nn']!);
    expect(parents(read)).toEqual(parents(truth));
    const guessed = read.functions.filter((fn) => fn.parentKnown === false).map((fn) => fn.address);
    expect(guessed).toEqual(truth.functions.filter((fn) => fn.parent !== null).map((fn) => fn.address));
    expect(read.unknown.some((fact) => fact.what === 'parent' && /as buses are usually numbered/.test(fact.why))).toBe(
      true,
    );
  });

  it('fills a plain listing from the kernel log of the same machine', () => {
    const log =
      '[    0.1] pci 0000:00:01.0: [8086:3420] type 01 class 0x060400 PCIe Root Port\n' +
      '[    0.1] pci 0000:00:01.0: PCI bridge to [bus 05]\n[    0.1] pci 0000:05:00.0: [10de:2484] type 00 class\n' +
      '0x030000 PCIe Endpoint\n[    0.2] pci 0000:05:00.0: Adding to iommu\ngroup 3\n';
    const read = readText(
      `00:01.0 PCI bridge: Intel Corporation 7500/5520/5500/X58 I/O Hub PCI Express Root Port 0\n${log}`,
    );
    expect(tree(read)).toEqual([
      ['0000:00:01.0', null, 'pci0000:00', null],
      ['0000:05:00.0', '0000:00:01.0', 'pci0000:00', null],
    ]);
    expect(read.functions[1]!.config.slice(0, 8)).toBe('de108424');
    expect(read.recordedGroups).toEqual({ '3': { devices: ['0000:05:00.0'], type: null, reserved: [] } });
  });

  it('leaves out a function whose group number the log gives to another one later', () => {
    const found = (address: string, words: string): string => `[    0.1] pci ${address}: [8086:1234] type ${words}\n`;
    const read = readText(
      found('0000:00:00.0', '00 class 0x060000 conventional PCI endpoint') +
        found('0000:00:1c.0', '01 class 0x060400 PCIe Root Port') +
        '[    0.1] pci 0000:00:1c.0: PCI bridge to [bus 3b]\n' +
        found('0000:00:1f.1', '00 class 0x058000 conventional PCI endpoint') +
        '[   22.4] pci 0000:00:1f.1: Adding to iommu group 9\n' +
        found('0000:3b:00.0', '00 class 0x020000 PCIe Endpoint') +
        '[  116.6] pci 0000:3b:00.0: Adding to iommu group 9\n',
    );
    expect(read.functions.map((fn) => fn.address)).toEqual(['0000:00:00.0', '0000:00:1c.0', '0000:3b:00.0']);
    expect(read.recordedGroups!['9']!.devices).toEqual(['0000:3b:00.0']);
  });

  it('leaves out what the log found at boot and the listing does not have', () => {
    const listing =
      '00:1f.0 ISA bridge: Intel Corporation Device 7a84\n\tFlags: fast devsel, IOMMU\ngroup 5\n\tCapabilities: <access denied>\n';
    const log =
      '[    0.1] pci 0000:00:1f.0: [8086:7a84] type 00 class 0x060100\n[    0.1] pci 0000:00:1f.1: [8086:7aa0] type 00 class 0x058000\n' +
      '[    0.2] pci 0000:00:1f.0: Adding to iommu group 5\n';
    const read = readText(`${listing}\n${log}`);
    expect(read.functions.map((fn) => fn.address)).toEqual(['0000:00:1f.0']);
    expect(read.recordedGroups).toEqual({ '5': { devices: ['0000:00:1f.0'], type: null, reserved: [] } });
  });

  it('reads records of lspci -vmm with their groups', () => {
    const read = readText(
      'Slot:\t00:01.0\nClass:\tPCI bridge [0604]\nVendor:\tIntel Corporation [8086]\nDevice:\tDevice [460d]\nRev:\t02\nProgIf:\t00\nDriver:\tpcieport\nIOMMUGroup:\t1\n\n' +
        'Slot:\t01:00.0\nClass:\tVGA compatible controller\nVendor:\tNVIDIA Corporation\nDevice:\tGA104 [GeForce RTX 3070]\nIOMMUGroup:\t1\n',
    );
    expect(read.functions.map((fn) => [fn.address, fn.config.slice(0, 24), fn.driver])).toEqual([
      ['0000:00:01.0', '86800d460000000002000406', 'pcieport'],
      ['0000:01:00.0', 'de1084240000000000000003', null],
    ]);
    expect(read.recordedGroups!['1']!.devices).toHaveLength(2);
  });
});

describe('names without ids', () => {
  const deviceOf = (name: string): string => {
    const [fn] = readText(`00:1c.0 PCI bridge: ${name} (rev f1)\n`).functions;
    return `${fn!.config.slice(2, 4)}${fn!.config.slice(0, 2)}:${fn!.config.slice(6, 8)}${fn!.config.slice(4, 6)}`;
  };

  it.each([
    ['Intel Corporation 100 Series/C230 Series Chipset Family PCI Express Root Port #5', '8086:a114'],
    ['Intel Corporation 100/C230 Series Chipset Family PCIe Root Port #5', '8086:a114'],
    ['Intel Corporation Sunrise Point-H PCI Express Root Port #5', '8086:a114'],
    ['Intel Corporation 200 Series/Z370 Chipset Family PCIe Root Port #1', '8086:a290'],
    ['Intel Corporation Cougar Point PCI Express Root Port 1', '8086:1c10'],
    ['Intel Corporation 6 Series/C200 Series Chipset Family PCI Express Root Port #1', '8086:1c10'],
    ['AMD Solarflare SFC9120 10G Ethernet Controller', '1924:0903'],
  ])('knows %s', (name, id) => expect(deviceOf(name)).toBe(id));
});

describe('what lspci text can look like', () => {
  it('reads numeric listings, domains of five digits and classes that begin with a digit', () => {
    const read = readText(
      [
        '0000:00:00.0 0600: 8086:461c (rev 02)',
        '0000:01:00.0 3D controller: NVIDIA Corporation GA107M [GeForce RTX 3050 Mobile] (rev a1)',
        '10000:e1:00.0 Class 0108: 144d:a80a',
      ].join('\n'),
    );
    expect(read.functions.map((fn) => [fn.address, fn.rootBus, fn.config.slice(0, 24)])).toEqual([
      ['0000:00:00.0', 'pci0000:00', '86801c460000000002000006'],
      ['0000:01:00.0', 'pci0000:01', 'de10a225' + '00000000' + 'a1000203'],
      ['10000:e1:00.0', 'pci10000:e1', '4d140aa8' + '00000000' + '00000801'],
    ]);
  });

  it('says what a run without root hides', () => {
    const read = readText(
      '00:1c.0 PCI bridge [0604]: Intel Corporation Device [8086:7ab8] (rev 11) (prog-if 00 [Normal decode])\n' +
        '\tFlags: bus master, fast devsel, latency 0, IRQ 122, IOMMU group 5\n' +
        '\tBus: primary=00, secondary=01, subordinate=01, sec-latency=0\n' +
        '\tCapabilities: <access denied>\n\tKernel driver in use: pcieport\n',
    );
    expect(read.unknown.map((fact) => [fact.function, fact.what])).toEqual([
      ['0000:00:1c.0', 'capabilities'],
      ['0000:00:1c.0', 'acs'],
    ]);
    expect(read.recordedGroups).toEqual({ '5': { devices: ['0000:00:1c.0'], type: null, reserved: [] } });
    const [fn] = read.functions;
    expect(fn).toMatchObject({ driver: 'pcieport', irq: 122 });
    expect(fromHex(fn!.known!)[0x34]).toBe(0);
  });

  it('takes groups from a listing and from a kernel log in the same text', () => {
    const listing = readText(
      'IOMMU Group 0:\n\t00:00.0 Host bridge [0600]: Intel Corporation Device [8086:4660]\nIOMMU Group 1:\n\t00:01.0 PCI bridge [0604]: Intel Corporation Device [8086:460d]\n\t01:00.0 VGA compatible controller [0300]: NVIDIA Corporation Device [10de:2484]\n',
    );
    expect(listing.recordedGroups).toEqual({
      '0': { devices: ['0000:00:00.0'], type: null, reserved: [] },
      '1': { devices: ['0000:00:01.0', '0000:01:00.0'], type: null, reserved: [] },
    });
    const log = readText(
      '00:00.0 Host bridge: Intel Corporation Device 4660\n00:01.0 PCI bridge: Intel Corporation Device 460d\n\n' +
        '[    0.41] pci 0000:00:00.0: Adding to iommu group 0\n[    0.42] pci 0000:00:01.0: Adding to iommu group 1\n',
    );
    expect(Object.keys(log.recordedGroups!)).toEqual(['0', '1']);
  });

  it('names the candidates when a name fits several devices', () => {
    const read = readText(
      '00:1e.3 Serial bus controller: Intel Corporation Cannon Point-LP Serial IO SPI Controller\n',
    );
    const [fact] = read.unknown;
    expect(fact).toMatchObject({ function: '0000:00:1e.3', what: 'device-id' });
    expect(fact!.why).toContain('8086:9daa, 8086:9dab');
    expect(read.functions[0]!.config.slice(0, 8)).toBe('8680aa9d');
    expect(read.functions[0]!.known!.slice(0, 8)).toBe('fffffeff');
  });
});

/** Lines of real shapes, in any order, cut and mixed: what is read can be booted, saved and opened again. */
it('any mixture of lines is a machine that a document can hold, or is refused', () => {
  const lines = [
    ...shipped('q35-switch').recording.lspci['-vvv']!.split('\n'),
    ...shipped('q35-sriov').recording.lspci['-xxxx']!.split('\n').slice(0, 60),
    '-[0000:00]-+-00.0',
    '           \\-01.0-[01-03]--+-00.0',
    'IOMMU Group 3:',
    '[    0.1] pci 0000:00:01.0: [8086:3420] type 01 class 0x060400',
    '[    0.1] pci 0000:00:01.0: PCI bridge to [bus 01]',
    '[    0.2] pci 0000:02:00.0: Adding to iommu group 3',
    'Slot:\t03:00.0',
    'a line of talk that goes on and on '.repeat(20),
  ];
  const line = fc
    .tuple(fc.nat(lines.length - 1), fc.nat(120))
    .map(([at, cut]) => (cut < 20 ? lines[at]!.slice(0, cut) : lines[at]!));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 120 }), (mixed) => {
      let machine: MachineDescription;
      try {
        machine = readText(mixed.join('\n'));
      } catch (error) {
        expect(error).toBeInstanceOf(ImportError);
        return;
      }
      expect(checkDescription(JSON.parse(JSON.stringify(machine)))).not.toHaveProperty('problem');
      bootKernel(machine);
    }),
    { numRuns: 60 },
  );
});

describe('bad input', () => {
  const file = (text: string) => problem(() => importMachine('dump.txt', new TextEncoder().encode(text)));

  it('names file, line and reason', () => {
    expect(file('')).toMatchObject({ file: 'dump.txt', reason: 'is empty' });
    expect(file('hello\nworld\n')).toMatchObject({ line: 1 });
    expect(
      problem(() =>
        importMachine(
          'x.bin',
          new Uint8Array(5000).map((_, i) => (i * 7) & 0xff),
        ),
      ).file,
    ).toBe('x.bin');
  });

  it('refuses a loop of bridges with its line', () => {
    const bridge = (at: string, from: string, to: string) =>
      `${at} PCI bridge: Intel Corporation Device 460d\n\tFlags: fast devsel\n\tBus: primary=${from}, secondary=${to}, subordinate=05, sec-latency=0\n\n`;
    const error = file(bridge('01:00.0', '01', '02') + bridge('02:00.0', '02', '01'));
    expect(error.reason).toContain('loop of bridges');
    expect(error.line).toBe(1);
    expect(file(bridge('01:00.0', '01', '01')).reason).toContain('loop of bridges');
  });

  it('refuses 50 MB of text at once, and reads 40 MB of chatter in bounded time', () => {
    // Of the processor: how long the wall clock takes says how busy the machine is.
    const started = process.cpuUsage();
    expect(file('x'.repeat(79).concat('\n').repeat(655_360)).reason).toMatch(/MiB/);
    expect(file('a line of talk that is no dump\n'.repeat(300_000)).line).toBe(1);
    expect(file(`${'y'.repeat(2_000_000)}\n`.repeat(10)).line).toBe(1);
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(8000);
  });
});

const dumps = existsSync(CORPUS) ? readdirSync(CORPUS).filter((name) => existsSync(`${CORPUS}/${name}/lspci.txt`)) : [];
describe.skipIf(dumps.length === 0)('the corpus of real dumps (skipped: not present)', () => {
  for (const name of dumps) {
    it(`reads ${name}`, () => {
      const about = JSON.parse(readFileSync(`${CORPUS}/${name}/about.json`, 'utf8')) as {
        functions: number;
        groups: number | null;
        hasIommuGroupInLspci: boolean;
      };
      const read = readText(readFileSync(`${CORPUS}/${name}/lspci.txt`, 'utf8'));
      expect(read.functions.length).toBe(about.functions);
      if (about.hasIommuGroupInLspci) expect(Object.keys(read.recordedGroups!).length).toBe(about.groups);
    });
  }

  it('turns decoded text into the same bits as the hex dump beside it', () => {
    for (const name of dumps.filter((one) => one.startsWith('wrx80'))) {
      const text = readFileSync(`${CORPUS}/${name}/lspci.txt`, 'utf8');
      const decoded = readText(text.replace(/^[0-9a-f]{2,3}: .*$/gm, ''));
      expect(wrongBits(readText(text), decoded)).toEqual([]);
    }
  });
});

const golden = existsSync(GOLDEN) ? readdirSync(GOLDEN).filter((name) => name.endsWith('.machine.json')) : [];
it.skipIf(golden.length === 0)('reads the lspci text of every golden machine (skipped: not present)', () => {
  for (const name of golden) {
    const text = readFileSync(`${GOLDEN}/${name}`, 'utf8');
    const truth = readSnapshot(text);
    const read = readText((JSON.parse(text) as Recording).lspci['-vvv']!);
    expect(wrongBits(truth, read), name).toEqual([]);
    expect(tree(read), name).toEqual(tree(truth));
  }
});

describe('a name that fits several devices', () => {
  const slot = (name: string): string =>
    ['14.0 SMBus: Advanced Micro Devices, Inc. [AMD] FCH SMBus Controller', `14.5 USB controller: ${name}`]
      .map((line) => `00:${line}\n\tFlags: fast devsel\n`)
      .join('\n');
  const undecided = (text: string): string[] => {
    const kernel = bootKernel({
      ...readText(`${text}\n00:00.2 IOMMU: Advanced Micro Devices, Inc. [AMD] IOMMU\n\tFlags: fast devsel\n`),
    });
    return [...kernel.iommu.undecided].map((device) => device.name);
  };

  it('leaves the group open when Linux vouches for one of them only', () => {
    expect(undecided(slot('Advanced Micro Devices, Inc. [AMD] FCH USB OHCI Controller'))).toEqual([
      '0000:00:14.0',
      '0000:00:14.5',
    ]);
    expect(undecided(slot('Advanced Micro Devices, Inc. [AMD] Device 7809'))).toEqual([]);
  });

  it('decides it when Linux vouches for all', () => {
    const port = (fn: number): string =>
      `01:00.${fn} Ethernet controller: Intel Corporation 82576 Gigabit Network Connection (rev 01)\n\tFlags: fast devsel\n\tCapabilities: [a0] Express Endpoint, MSI 00\n`;
    const text = `00:01.0 PCI bridge: Intel Corporation Device 3420\n\tFlags: fast devsel\n\tBus: primary=00, secondary=01, subordinate=01, sec-latency=0\n\tCapabilities: [40] Express Root Port (Slot+), MSI 00\n\tCapabilities: [100] Access Control Services\n\n${port(0)}\n${port(1)}`;
    const kernel = bootKernel(readText(text));
    expect(kernel.iommu.known).toBe(true);
    expect([...kernel.iommu.groups.values()].map((group) => group.devices.length)).toEqual([1, 1, 1]);
  });
});

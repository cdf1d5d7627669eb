/** However a listing comes, the lab says the same of its groups, or less; never something else. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { MachineDescription } from '../../hardware/description';
import { bootKernel } from '../../linux/kernel';
import { explainReach } from '../../linux/iommu/reach';
import { importMachine } from './index';
import { partitionOf, predicted } from './partition.fixture';
import { ADDED, LOSSY, REWORDED, SAME } from './variations.fixture';

const CORPUS = '../shared/corpus';
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (text: string): MachineDescription => importMachine('dump.txt', encode(text));

const shipped = readdirSync('labs/machines')
  .filter((file) => file.endsWith('.machine.json.gz'))
  .map((file) => {
    const text = gunzipSync(readFileSync(`labs/machines/${file}`)).toString();
    return { name: file, lspci: (JSON.parse(text) as { lspci: Record<string, string> }).lspci };
  });

const FILES = ['lspci.txt', 'lspci-root-partial.txt', 'groups.txt', 'dmesg-pci.txt'];
const corpus = (existsSync(CORPUS) ? readdirSync(CORPUS) : []).flatMap((name) =>
  FILES.filter((file) => existsSync(`${CORPUS}/${name}/about.json`) && existsSync(`${CORPUS}/${name}/${file}`)).map(
    (file) => ({ name: `${name}/${file}`, text: readFileSync(`${CORPUS}/${name}/${file}`, 'utf8') }),
  ),
);

const seen = (text: string) => {
  const machine = read(text);
  const { known, finest, coarsest, undecided } = predicted(machine);
  return {
    addresses: machine.functions.map((fn) => fn.address),
    recorded: partitionOf(machine)
      .map((group) => group.join(' '))
      .sort(),
    known,
    finest,
    coarsest,
    undecided,
  };
};

/** What is said of functions for certain and is not so in `whole`, a text of which `part` is what is left. */
function overclaims(whole: string, part: string): string[] {
  const full = read(whole);
  const all = predicted(full);
  const recorded = partitionOf(full);
  const machine = read(part);
  const said = predicted(machine);
  const here = new Set(machine.functions.map((fn) => fn.address));
  const truth = recorded.length > 0 ? recorded : all.known ? all.finest : [];
  const groups = truth.map((group) => group.filter((member) => here.has(member)));
  const members = new Set(groups.flat());
  return groups
    .filter((group) => group.length > 0 && group.every((member) => !said.undecided.has(member)))
    .filter((group) => {
      const shown = said.groupOf.get(group[0]!) ?? [];
      return shown.filter((member) => members.has(member)).join(' ') !== group.join(' ');
    })
    .map((group) => `${group.join(' ')} is shown as ${(said.groupOf.get(group[0]!) ?? []).join(' ')}`);
}

describe.each(shipped.map((one, index) => ({ ...one, index })))('$name', ({ lspci, index }) => {
  const text = lspci['-vvv']!;
  const truth = seen(text);
  const share = Object.keys({ ...SAME, ...REWORDED }).filter((_, at) => at % shipped.length === index);
  it.each(share)('says the same %s', (how) => {
    expect(seen({ ...SAME, ...REWORDED }[how]!(text))).toEqual(truth);
  });
  it.each(Object.keys(LOSSY))('claims nothing wrong from %s', (how) => {
    expect(overclaims(text, LOSSY[how]!(text))).toEqual([]);
  });
  it.each(Object.keys(ADDED))('says the same %s', (how) => {
    const { finest, ...rest } = seen(ADDED[how]!(text));
    expect(rest.recorded).toEqual(truth.recorded);
    expect(finest.filter((group) => !group.includes('0000:fe:00.0'))).toEqual(truth.finest);
  });
  it('says the same of the bytes as of the words', () => {
    const { known, finest } = seen(lspci['-xxxx']!);
    expect(known).toBe(true);
    if (truth.known) expect(finest).toEqual(truth.finest);
    else expect(finest.length).toBeLessThanOrEqual(truth.finest.length);
  });
  it('claims nothing wrong from the first bytes, or from names', () => {
    const short = lspci['-xxxx']!.replace(/^(?:[4-9a-f]0|[1-9a-f][0-9a-f]0):.*\n/gm, '');
    for (const part of [
      short,
      lspci['-xxxx']!.replace(/^[1-9a-f][0-9a-f]0:.*\n/gm, ''),
      lspci['-nn']!,
      lspci['-tv'] ?? lspci['-t']!,
    ]) {
      expect(overclaims(text, part)).toEqual([]);
    }
  });
});

describe.skipIf(corpus.length === 0)('real machines (skipped: not present)', () => {
  const ways = Object.keys({ ...SAME, ...REWORDED });
  const losses = Object.keys(LOSSY);
  it.each(corpus.map((one, index) => ({ ...one, index })))('$name', ({ name, text, index }) => {
    if (text.length > 400_000) return;
    const truth = seen(text);
    for (const how of [ways[(index * 2) % ways.length]!, ways[(index * 2 + 1) % ways.length]!]) {
      expect(seen({ ...SAME, ...REWORDED }[how]!(text)), how).toEqual(truth);
    }
    if (!/\/lspci/.test(name)) return;
    const loss = losses[index % losses.length]!;
    // A machine that ran without an IOMMU has ACS off; that its names alone do not show.
    if (loss !== 'without the bits of ACS' || partitionOf(read(text)).length > 0) {
      expect(overclaims(text, LOSSY[loss]!(text)), loss).toEqual([]);
    }
  });
});

describe('other ways a text can come', () => {
  const [first] = shipped.map(({ lspci }) => lspci['-vvv']!);

  it.each(['utf-16le', 'utf-16be'])('as %s, as a shell of Windows writes it', (encoding) => {
    const text = `\ufeff${first!}`;
    const bytes = new Uint8Array(text.length * 2);
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < text.length; at++) view.setUint16(at * 2, text.charCodeAt(at), encoding === 'utf-16le');
    expect(importMachine('dump.txt', bytes).functions).toEqual(read(first!).functions);
  });

  it('in a string of JSON', () => {
    expect(read(JSON.stringify({ results: [{ host: 'box', stdout: first }] })).functions).toEqual(
      read(first!).functions,
    );
  });

  it('with the listing of another machine after it: the first one is read, and that is said', () => {
    const second =
      '00:00.0 Host bridge: Advanced Micro Devices, Inc. [AMD] Starship/Matisse Root Complex\n00:00.2 IOMMU: Advanced Micro Devices, Inc. [AMD] Starship/Matisse IOMMU\n00:07.1 PCI bridge: Advanced Micro Devices, Inc. [AMD] Device 1484\n';
    const both = read(`${first!}\n\n${second}`);
    expect(both.functions).toEqual(read(first!).functions);
    const line = first!.split('\n').length + 2;
    expect(both.unknown.at(-1)).toMatchObject({ function: null, what: 'machine' });
    expect(both.unknown.at(-1)!.why).toMatch(new RegExp(`^line ${line} begins a listing of another machine`));
  });

  it('with a function that does not answer: nothing of it is known but its names', () => {
    const [fn, ...others] = read(
      '01:00.0 3D controller [0302]: NVIDIA Corporation GA107M [10de:25a2] (rev ff) (prog-if ff)\n\t!!! Unknown header type 7f\n\tKernel driver in use: nvidia\n',
    ).functions;
    expect(others).toEqual([]);
    expect(fn!.driver).toBe('nvidia');
    expect(fn!.known!.slice(0, 32)).toBe('ffffffff00000000' + '0000ffff' + '00000000');
  });

  it.each([
    ['00:1c.4/00.0 PCI bridge [0604]: Intel Corporation Device [8086:15ea]', 1, /lspci -PP/],
    ['00:01.0 PCI bridge: x\n\tFlags: fast devsel\n\tBus: primary=00, secondary=00', null, null],
  ])('a listing with %s', (text, line, why) => {
    if (why === null) expect(read(text).functions).toHaveLength(1);
    else expect(() => read(text)).toThrow(why);
    if (line !== null) expect(() => read(text)).toThrow(new RegExp(`^dump.txt:${line}: `));
  });

  it('reads the paths of lspci -PP, and of -P where -v shows the buses', () => {
    const paths = read(
      '00:1c.4 PCI bridge [0604]: Intel Corporation Device [8086:06bc]\n00:1c.4/07:00.0 PCI bridge [0604]: Intel Corporation Device [8086:15ea]\n00:1c.4/07:00.0/08:02.0 USB controller [0c03]: Intel Corporation Device [8086:15ec]\n',
    );
    expect(paths.functions.map((fn) => [fn.address, fn.parent, fn.parentKnown])).toEqual([
      ['0000:00:1c.4', null, undefined],
      ['0000:07:00.0', '0000:00:1c.4', undefined],
      ['0000:08:02.0', '0000:07:00.0', undefined],
    ]);
    const steps = read(
      '00:1c.4 PCI bridge: Intel Corporation Device 06bc\n\tBus: primary=00, secondary=07, subordinate=07, sec-latency=0\n\n00:1c.4/00.1 USB controller: Intel Corporation Device 15ec\n',
    );
    expect(steps.functions.map((fn) => fn.address)).toEqual(['0000:00:1c.4', '0000:07:00.1']);
  });
});

describe('who reaches whom past the IOMMU', () => {
  const ports = (details: string): string =>
    [1, 2]
      .map(
        (n) =>
          `00:0${n}.0 PCI bridge [0604]: Intel Corporation Device [8086:3420]\n\tFlags: bus master, fast devsel\n\tBus: primary=00, secondary=0${n}, subordinate=0${n}, sec-latency=0\n${details}\n` +
          `0${n}:00.0 Ethernet controller [0200]: Intel Corporation Device [8086:10d3]\n\tFlags: bus master, fast devsel\n\tMemory at e0${n}00000 (32-bit, non-prefetchable) [size=128K]\n\tCapabilities: [a0] Express Endpoint, MSI 00\n`,
      )
      .join('\n');
  const reach = (text: string) => {
    const kernel = bootKernel(read(text));
    const [from, to] = ['0000:01:00.0', '0000:02:00.0'].map((name) => kernel.pci.devices.get(name)!);
    return explainReach(kernel, from!, to!);
  };

  it('is known where the ports are shown', () => {
    const shown = '\tCapabilities: [40] Express Root Port (Slot+), MSI 00\n';
    expect(reach(ports(shown))).toMatchObject({ known: true, direct: true });
  });

  it('is not where their kind is hidden, or nothing is above', () => {
    expect(reach(ports('\tCapabilities: <access denied>\n'))).toMatchObject({ known: false });
    const orphan = ports('\tCapabilities: [40] Express Root Port (Slot+), MSI 00\n').replace(
      /^00:02\.0 .*\n(?:\t.*\n)*/m,
      '',
    );
    expect(reach(orphan)).toMatchObject({ known: false });
  });
});

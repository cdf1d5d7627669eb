import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildMachine } from '../build';
import { decodeConfig } from '../pci/layout';
import { ConfigSpace } from '../pci/config-space';
import { openPlaces, placePart } from './assemble';
import { PARTS, partById } from './catalog';
import { EMPTY_MACHINE, MachineBuilder } from './fixture';
import type { Part } from './part';
import type { Strap, StrapValue, StrapValues } from './straps';
import { checkStraps, defaultStraps } from './straps';

function valueOf(strap: Strap): fc.Arbitrary<StrapValue> {
  switch (strap.kind) {
    case 'number':
      return strap.powerOfTwo
        ? fc.integer({ min: Math.log2(strap.min), max: Math.log2(strap.max) }).map((exponent) => 2 ** exponent)
        : fc.integer({ min: strap.min, max: strap.max });
    case 'flag':
      return fc.boolean();
    case 'choice':
      return fc.constantFrom(...strap.options.map((option) => option.value));
    case 'set':
      return fc.subarray(strap.options.map((option) => option.value));
  }
}

const strapsOf = (part: Part): fc.Arbitrary<StrapValues> =>
  fc.record(Object.fromEntries(part.straps.map((strap) => [strap.key, valueOf(strap)])));

/** Everything that must be true of registers at power-on, whatever the straps. */
function checkFunctions(part: Part, straps: StrapValues): void {
  for (const place of part.places) {
    const functions = part.make(straps, place);
    const numbers = new Set<string>();
    functions.forEach((fn, index) => {
      expect(fn.above === null || fn.above < index).toBe(true);
      const key = `${fn.above}/${fn.device}.${fn.function}`;
      expect(numbers.has(key)).toBe(false);
      numbers.add(key);
      const { bytes, header } = fn.registers;
      const space = new ConfigSpace(bytes.length === 4096 ? 4096 : 256, null, bytes);
      const taken = new Uint8Array(bytes.length);
      for (const block of decodeConfig(space)) {
        // Version 1 of the PCI Express capability is shorter than its table.
        const short = block.name === 'Express' && (space.read(block.offset + 2, 2) & 0xf) === 1;
        const end = block.offset + (short ? 0x14 : block.size);
        for (let at = block.offset; at < end; at++) {
          expect(taken[at], `${part.id} ${block.name} at ${at.toString(16)}`).toBe(0);
          taken[at] = 1;
        }
      }
      expect(space.read(0x04, 2)).toBe(0);
      for (const bar of header.bars ?? []) expect(Number.isInteger(Math.log2(bar.size))).toBe(true);
      const msix = space.findCapability(0x11);
      if (msix === 0) return;
      const entries = (space.read(msix + 2, 2) & 0x7ff) + 1;
      const table = space.read(msix + 4, 4);
      const pending = space.read(msix + 8, 4);
      const sizeOf = (word: number) => header.bars?.find((bar) => bar.index === (word & 7))?.size ?? 0;
      expect((table & ~7) + entries * 16).toBeLessThanOrEqual(sizeOf(table));
      expect((pending & ~7) + Math.ceil(entries / 64) * 8).toBeLessThanOrEqual(sizeOf(pending));
      if ((table & 7) === (pending & 7) && pending > table) {
        expect((table & ~7) + entries * 16).toBeLessThanOrEqual(pending & ~7);
      }
    });
  }
}

describe('every part', () => {
  it('has an id of its own, a text, and straps whose defaults are allowed', () => {
    expect(new Set(PARTS.map((part) => part.id)).size).toBe(PARTS.length);
    for (const part of PARTS) {
      expect(part.about.length).toBeGreaterThan(20);
      expect(checkStraps(part.straps, {})).toEqual({ values: defaultStraps(part.straps) });
      expect(partById(part.id)).toBe(part);
    }
  });

  it.each(PARTS.map((part) => [part.id, part] as const))('%s is well formed whatever its straps', (_id, part) => {
    checkFunctions(part, defaultStraps(part.straps));
    fc.assert(
      fc.property(strapsOf(part), (straps) => checkFunctions(part, straps)),
      { numRuns: 25 },
    );
  });
});

describe('straps', () => {
  const straps = partById('nvme')!.straps;

  it('say what is allowed', () => {
    expect(checkStraps(straps, { vectors: 0 })).toEqual({
      problems: [{ key: 'vectors', message: 'MSI-X vectors is from 1 to 128.' }],
    });
    expect(checkStraps(straps, { vectors: 'many', colour: 'red' })).toEqual({
      problems: [
        { key: 'colour', message: 'There is no strap colour.' },
        { key: 'vectors', message: 'MSI-X vectors is a whole number.' },
      ],
    });
    expect(checkStraps(partById('gpu')!.straps, { aperture: 300 * 2 ** 20 })).toEqual({
      problems: [{ key: 'aperture', message: 'Aperture is a power of two.' }],
    });
  });
});

describe('placing', () => {
  const refusal = (builder: MachineBuilder, part: string, parent: string | null, more = {}) => {
    const result = placePart(builder.description, { part, parent, ...more });
    return 'problem' in result ? result.problem : null;
  };

  it('puts a root complex into an empty machine, and more beside it', () => {
    expect(openPlaces(EMPTY_MACHINE).map((place) => place.kind)).toEqual(['machine']);
    const builder = new MachineBuilder();
    expect(builder.add('root-complex')).toEqual(['0000:20:00.0']);
    expect(buildMachine(builder.description).roots.map((root) => root.name)).toEqual(['pci0000:00', 'pci0000:20']);
  });

  it('refuses what cannot stand there', () => {
    const builder = new MachineBuilder();
    const [port] = builder.add('root-port');
    expect(refusal(builder, 'gpu', null)).toBe(
      'Graphics card with sound cannot stand on root bus pci0000:00: it stands below a root port or a downstream port.',
    );
    expect(refusal(builder, 'root-port', port!)).toBe(`Root port cannot stand below ${port}: it stands on a root bus.`);
    expect(refusal(builder, 'toaster', port!)).toBe('There is no part toaster.');
    expect(refusal(builder, 'gpu', '0000:77:00.0')).toBe('There is no bridge 0000:77:00.0.');
    expect(refusal(builder, 'nvme', port!, { straps: { vectors: 4096 } })).toBe('MSI-X vectors is from 1 to 128.');
    builder.add('gpu', port);
    expect(refusal(builder, 'nvme', port!)).toBe(`There is no room left below ${port}.`);
    expect(refusal(builder, 'edu', null, { device: 1 })).toBe(
      'Device number 01 is taken or cannot be on root bus pci0000:00.',
    );
  });

  it('numbers slots and serial numbers by itself', () => {
    const builder = new MachineBuilder();
    builder.behindPort('nvme');
    builder.behindPort('nvme');
    builder.add('root-port', null, { slot: 0 });
    const numbers = (key: string) =>
      builder.description.functions.flatMap((fn) => (fn.part?.straps[key] === undefined ? [] : [fn.part.straps[key]]));
    expect(numbers('slot')).toEqual([1, 2, 0]);
    expect(numbers('serial')).toEqual([1, 2]);
  });

  it('keeps what a part was made from', () => {
    const builder = new MachineBuilder();
    const ports = builder.add('switch-acs', builder.add('root-port')[0]!, { ports: 2 });
    expect(ports).toHaveLength(3);
    const made = builder.description.functions.filter((fn) => ports.includes(fn.address));
    expect(made.map((fn) => fn.part?.index)).toEqual([0, 1, 2]);
    expect(new Set(made.map((fn) => fn.part?.instance)).size).toBe(1);
    expect(made[1]!.part).toMatchObject({ id: 'switch-acs', straps: { ports: 2 } });
  });

  it('trains the links: the slower end decides', () => {
    const builder = new MachineBuilder();
    const [port] = builder.add('root-port');
    const [card] = builder.add('xhci', port);
    const machine = buildMachine(builder.description);
    const link = (name: string): number => {
      const { config } = machine.functions.get(name)!;
      return config.read(config.findCapability(0x10) + 0x12, 2);
    };
    expect(link(port!) & 0x3ff).toBe(0x12);
    expect(link(card!) & 0x3ff).toBe(0x12);
    expect(link(port!) & 0x2000).toBe(0x2000);
    const empty = new MachineBuilder();
    const [open] = empty.add('root-port');
    const { config } = buildMachine(empty.description).functions.get(open!)!;
    expect(config.read(config.findCapability(0x10) + 0x12, 2) & 0x23ff).toBe(1);
  });
});

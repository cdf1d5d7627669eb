/** What must hold for every model, whatever is written into it: no exception, no endless work, power-on after a reset. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PARTS } from '../parts/catalog';
import type { PciFunction } from '../pci/function';
import { Bench, MEMORY_SIZE } from './bench.fixture';
import { stimuliOf } from './common-stimuli';
import { stimulate } from './stimulate';
import type { Stimulus, StimulusParameter } from './stimulus';
import { defaultStimulus } from './stimulus';

const ACTING = PARTS.filter((part) => part.kind === 'device' && part.make(defaults(part), 'link')[0]?.model);

function defaults(part: (typeof PARTS)[number]) {
  return Object.fromEntries(part.straps.map((strap) => [strap.key, strap.default]));
}

/** Peer-to-peer: requests from here on go into BAR 0 of the devices on the bench, one after the other. */
const PEERS = 0x8000_0000n;
const PEER_SIZE = 0x20000n;

function connectPeers(bench: Bench, peers: readonly PciFunction[]): void {
  bench.intercept = (_fn, address, data, write) => {
    const peer = peers[Number((address - PEERS) / PEER_SIZE)];
    if (address < PEERS || peer?.model == null) return false;
    const offset = Number((address - PEERS) % PEER_SIZE);
    for (let i = 0; i + 4 <= data.length; i += 4) {
      const view = new DataView(data.buffer, data.byteOffset + i, 4);
      if (write) peer.model.write(0, offset + i, 4, view.getUint32(0, true));
      else view.setUint32(0, Number(peer.model.read(0, offset + i, 4)), true);
    }
    return true;
  };
}

interface Step {
  readonly kind: 'write' | 'read' | 'stimulus' | 'time' | 'reset' | 'config';
  readonly region: number;
  readonly offset: number;
  readonly width: 1 | 2 | 4 | 8;
  readonly value: number;
}

const interesting = [0, 1, 2, 4, 7, 8, 0x10, 0x1000, 0x2000, 0x7fff, 0x80000000, 0xffffffff];
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('write', 'write', 'write', 'read', 'stimulus', 'time', 'reset', 'config'),
  region: fc.integer({ min: 0, max: 6 }),
  offset: fc.oneof(
    fc.integer({ min: 0, max: 0x40 }).map((n) => 4 * n),
    fc.integer({ min: 0, max: 0x2000 }),
    fc.integer({ min: 0x400, max: 0x500 }).map((n) => 4 * n),
  ),
  width: fc.constantFrom(1, 2, 4, 4, 8),
  value: fc.oneof(fc.constantFrom(...interesting), fc.integer({ min: 0, max: 0xffffffff })),
});

function anyValue(parameter: StimulusParameter, seed: number): unknown {
  switch (parameter.kind) {
    case 'number':
      return parameter.min + (seed % (parameter.max - parameter.min + 1));
    case 'flag':
      return (seed & 1) === 1;
    case 'choice':
      return parameter.options[seed % parameter.options.length]!.value;
    case 'text':
      return parameter.default;
  }
}

function act(bench: Bench, fn: PciFunction, { kind, region, offset, width, value }: Step): void {
  const model = bench.model(fn);
  switch (kind) {
    case 'write':
      model.write(region, offset, width, width === 8 ? BigInt(value) * 0x1_0000_0001n : value);
      return;
    case 'read':
      model.read(region, offset, width);
      return;
    case 'time':
      bench.pass(BigInt(value % 20_000_000));
      return;
    case 'reset':
      if (value & 1) model.reset();
      return;
    case 'config':
      fn.config.write(offset & 0xfc, 4, value);
      return;
    case 'stimulus': {
      const kinds = stimuliOf(fn);
      const one = kinds[value % kinds.length]!;
      const values = one.parameters.map((parameter) => [parameter.key, anyValue(parameter, offset)] as const);
      const stimulus = { ...defaultStimulus(one, fn.name), ...Object.fromEntries(values) } as Stimulus;
      stimulate(bench.machine, fn, stimulus, (ns) => bench.pass(ns));
    }
  }
}

/** What the model's registers show, without those that reading changes for good. */
const look = (fn: PciFunction): number[] => {
  const found: number[] = [];
  for (let region = 0; region < 6; region++) {
    const size = Math.min(fn.model?.regionSize(region) ?? 0, 0x2000);
    for (let offset = 0; offset + 4 <= size; offset += 4) found.push(Number(fn.model!.read(region, offset, 4)));
  }
  return found;
};

describe.each(ACTING.map((part) => [part.id, part] as const))('%s', (id) => {
  it('takes any access, any stimulus, any memory', () => {
    const pattern = fc.uint8Array({ minLength: 64, maxLength: 64 });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), pattern, (steps, bytes) => {
        const bench = new Bench();
        const fn = bench.put(id);
        const peer = bench.put(id);
        connectPeers(bench, [fn, peer]);
        for (let i = 0; i < 0x10000; i++) bench.memory[i] = bytes[i & 63]!;
        // Some addresses in memory lead to the devices themselves.
        for (let at = 0; at < 0x4000; at += 64) bench.view.setBigUint64(at, PEERS + BigInt(at & 0x3fc), true);
        bench.enableMsixWhere(fn);
        for (const one of steps) act(bench, fn, one);
        bench.pass(1_000_000_000n);
        expect(bench.memory).toHaveLength(MEMORY_SIZE);
      }),
      { numRuns: 40 },
    );
  });

  // The recordings show that edu's registers survive; shared memory is nobody's to clear.
  it.skipIf(id === 'edu')('is at power-on after a reset', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const bench = new Bench();
        const fn = bench.put(id);
        const fresh = new Bench();
        const untouched = fresh.put(id);
        for (const one of steps) {
          const kept = one.kind === 'stimulus' || one.kind === 'config' || (id === 'ivshmem' && one.region === 2);
          if (!kept) act(bench, fn, one);
        }
        bench.model(fn).reset();
        untouched.model!.reset();
        expect(look(fn)).toEqual(look(untouched));
      }),
      { numRuns: 15 },
    );
  });
});

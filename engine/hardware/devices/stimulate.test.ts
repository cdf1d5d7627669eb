import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildMachine } from '../build';
import { Interrupts } from '../interrupts';
import type { HardwareMachine } from '../machine';
import { MachineBuilder } from '../parts/fixture';
import { Bench } from './bench.fixture';
import { stimuliOf } from './common-stimuli';
import { stimulate } from './stimulate';
import type { Stimulus } from './stimulus';
import { defaultStimulus, stimulusProblem } from './stimulus';

const happen = (bench: Bench, stimulus: Stimulus) => {
  const fn = bench.machine.functions.get(stimulus.device)!;
  return stimulate(bench.machine, fn, stimulus, (ns) => bench.pass(ns));
};

describe('stimuli of every function', () => {
  it('have defaults that are allowed', () => {
    const bench = new Bench();
    for (const part of ['edu', 'lab-nic', 'gpu', 'nvme', 'xhci', 'ivshmem', 'pci-serial', 'root-port']) {
      const fn = bench.put(part);
      for (const kind of stimuliOf(fn)) {
        expect(stimulusProblem(kind, defaultStimulus(kind, fn.name)), `${part} ${kind.kind}`).toBeNull();
      }
    }
  });

  it('raise vectors and let time pass in a storm', () => {
    const bench = new Bench();
    const fn = bench.put('lab-nic');
    bench.enableMsix(fn);
    happen(bench, { device: fn.name, kind: 'interrupt', vector: 3, count: 1000, everyUs: 10 });
    expect(bench.taken(fn)).toHaveLength(1000);
    expect(bench.now).toBe(9_990_000n);
  });

  it('move memory, and say what was stopped', () => {
    const bench = new Bench();
    const fn = bench.put('lab-nic');
    const device = fn.name;
    expect(
      happen(bench, { device, kind: 'dma', direction: 'write', address: '0x1000', length: 1, hex: 'deadbeef' }),
    ).toEqual({ hex: null, complete: true });
    expect(happen(bench, { device, kind: 'dma', direction: 'read', address: '0x1000', length: 4, hex: '' })).toEqual({
      hex: 'deadbeef',
      complete: true,
    });
    expect(
      happen(bench, { device, kind: 'dma', direction: 'read', address: '0xffffffffffffffff', length: 4, hex: '' }),
    ).toEqual({ hex: '00000000', complete: false });
  });

  it('send messages of the device’s own making only as a bus master', () => {
    const bench = new Bench();
    const fn = bench.put('lab-nic');
    const seen: [number, number][] = [];
    bench.interrupts.onMsi = (path) => void seen.push([path.addressLow, path.data]);
    happen(bench, { device: fn.name, kind: 'msi', address: '0xfee01000', data: 0x41 });
    fn.config.set(0x04, 2, 0);
    happen(bench, { device: fn.name, kind: 'msi', address: '0xfee01000', data: 0x42 });
    expect(seen).toEqual([[0xfee01000, 0x41]]);
  });

  it('never throw, whatever they are given', () => {
    const bench = new Bench();
    const fn = bench.put('lab-nic');
    const anything = fc.record({
      kind: fc.constantFrom('interrupt', 'packet', 'doorbell', 'key', 'link', 'error', 'dma', 'msi', 'register', '?'),
      count: fc.option(fc.oneof(fc.integer({ max: 3 }), fc.double()), { nil: undefined }),
      vector: fc.option(fc.integer()),
      queue: fc.integer(),
      hex: fc.string(),
      address: fc.oneof(fc.string(), fc.constant('0x10')),
      length: fc.integer({ max: 5000 }),
      direction: fc.constantFrom('read', 'write', 'up'),
      region: fc.integer({ min: -1, max: 9 }),
      offset: fc.integer(),
      width: fc.integer({ min: -1, max: 9 }),
      value: fc.option(fc.constantFrom('0x1', 'x', '')),
      data: fc.double(),
      up: fc.anything(),
      error: fc.string(),
    });
    fc.assert(
      fc.property(anything, (given) => {
        happen(bench, { device: fn.name, ...given } as unknown as Stimulus);
      }),
      { numRuns: 300 },
    );
  });
});

describe('errors and links', () => {
  function machine(): { machine: HardwareMachine; interrupts: Interrupts; port: string; card: string } {
    const builder = new MachineBuilder();
    const [port] = builder.add('root-port', null, { hotPlug: true });
    const [card] = builder.add('lab-nic', port);
    const built = buildMachine(builder.description);
    const interrupts = new Interrupts();
    const dma = { read: () => true, write: () => true, outcome: 'memory' } as const;
    built.connect({ interrupts, after: () => undefined, dma });
    return { machine: built, interrupts, port: port!, card: card! };
  }

  const at = (m: HardwareMachine, name: string, id: number): { config: ReturnType<typeof configOf>; place: number } => {
    const config = configOf(m, name);
    return { config, place: id < 0x100 ? config.findCapability(id) : config.findExtendedCapability(id - 0x100) };
  };
  const configOf = (m: HardwareMachine, name: string) => m.functions.get(name)!.config;

  it('are reported as far as the registers allow', () => {
    const { machine: m, interrupts, port, card } = machine();
    const vectors: string[] = [];
    interrupts.onMsi = (path) => void vectors.push(path.device);
    const root = at(m, port, 0x101);
    const own = at(m, card, 0x101);
    const express = at(m, card, 0x10);
    const fn = m.functions.get(card)!;
    const error = (name: string) => stimulate(m, fn, { device: card, kind: 'error', error: name }, () => undefined);
    error('RxErr');
    expect(own.config.read(own.place + 0x10, 4)).toBe(1);
    expect(root.config.read(root.place + 0x30, 4)).toBe(0);
    // Now the function may report, and its root port interrupts.
    express.config.write(express.place + 8, 2, 0x000f);
    m.functions.get(port)!.config.set(0x04, 2, 0x6);
    m.functions.get(port)!.config.set(0x3e, 2, 0x2);
    const msi = at(m, port, 0x05);
    msi.config.write(msi.place + 4, 4, 0xfee00000);
    msi.config.write(msi.place + 2, 2, 1);
    root.config.write(root.place + 0x2c, 4, 7);
    error('BadTLP');
    expect(root.config.read(root.place + 0x30, 4) & 0x7f).toBe(1);
    expect(vectors).toEqual([port]);
    error('MalfTLP');
    expect(root.config.read(root.place + 0x30, 4) & 0x54).toBe(0x54);
    expect(root.config.read(root.place + 0x34, 4) >>> 16).toBe(root.config.read(root.place + 0x34, 4) & 0xffff);
    expect(vectors).toEqual([port, port]);
  });

  it('a link that is down lets nothing through, and tells a hot-plug driver', () => {
    const { machine: m, interrupts, port, card } = machine();
    const vectors: string[] = [];
    interrupts.onMsi = (path) => void vectors.push(path.device);
    const fn = m.functions.get(port)!;
    const express = at(m, port, 0x10);
    const msi = at(m, port, 0x05);
    fn.config.set(0x04, 2, 0x6);
    msi.config.write(msi.place + 2, 2, 1);
    express.config.write(express.place + 0x18, 2, 0x1020);
    const link = (up: boolean) => stimulate(m, fn, { device: port, kind: 'link', up }, () => undefined);
    link(false);
    expect(express.config.read(express.place + 0x12, 2) & 0x2000).toBe(0);
    expect(express.config.read(express.place + 0x1a, 2) & 0x100).toBe(0x100);
    expect(vectors).toEqual([port]);
    expect(m.functions.get(card)!.reachable).toBe(false);
    expect(interrupts.sendMessage(m.functions.get(card)!, 0xfee00000n, 0).delivered).toBe(false);
    link(false);
    expect(vectors).toEqual([port]);
    link(true);
    expect(express.config.read(express.place + 0x12, 2) & 0x2000).toBe(0x2000);
    expect(m.functions.get(card)!.reachable).toBe(true);
  });
});

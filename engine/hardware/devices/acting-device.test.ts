import { describe, expect, it } from 'vitest';
import type { PciFunction } from '../pci/function';
import { ActingDevice } from './acting-device';
import { Bench } from './bench.fixture';

const DOORBELL = 0x10;

/** Writes to memory when its doorbell is rung, and counts. */
class Ringer extends ActingDevice {
  rung = 0;
  lost = 0;
  timed = 0;

  constructor(fn: PciFunction, sizes: readonly number[]) {
    super('ringer', fn, sizes);
  }

  protected override powerOn(): void {
    this.rung = 0;
  }

  protected override overrun(): void {
    this.lost++;
  }

  protected override writeRegister(_region: number, offset: number): void {
    if (offset !== DOORBELL) return;
    this.rung++;
    this.writeMemory(0x2000n, new Uint8Array(4));
    this.later(1000n, () => this.timed++);
  }
}

function ringer(bench: Bench, part = 'edu'): { fn: PciFunction; model: Ringer } {
  const fn = bench.put(part);
  const model = bench.machine.attach(new Ringer(fn, [0x1000]));
  fn.model = model;
  return { fn, model };
}

describe('a device at work', () => {
  it('does what comes in meanwhile afterwards, and never without end', () => {
    const bench = new Bench();
    const { model } = ringer(bench);
    bench.intercept = (_fn, address) => {
      if (address !== 0x2000n) return false;
      model.write(0, DOORBELL, 4, 1);
      return true;
    };
    model.write(0, DOORBELL, 4, 1);
    expect(model.rung).toBe(257);
    expect(model.lost).toBe(1);
    model.write(0, DOORBELL, 4, 1);
    expect(model.rung).toBe(514);
  });

  it('comes to an end when two devices ring each other', () => {
    const bench = new Bench();
    const one = ringer(bench);
    const other = ringer(bench);
    bench.intercept = (fn) => {
      (fn === one.fn ? other : one).model.write(0, DOORBELL, 4, 1);
      return true;
    };
    one.model.write(0, DOORBELL, 4, 1);
    expect(one.model.lost + other.model.lost).toBeGreaterThan(0);
    expect(one.model.rung + other.model.rung).toBeLessThan(1000);
  });

  it('forgets what it put off when it is reset', () => {
    const bench = new Bench();
    const { model } = ringer(bench);
    model.write(0, DOORBELL, 4, 1);
    model.reset();
    bench.pass(10_000n);
    expect(model.timed).toBe(0);
    model.write(0, DOORBELL, 4, 1);
    bench.pass(10_000n);
    expect(model.timed).toBe(1);
  });
});

describe('a device in D3hot', () => {
  const sleep = (fn: PciFunction, state: number): void => {
    const at = fn.config.findCapability(0x01);
    fn.config.write(at + 4, 2, state);
  };

  it('neither answers nor acts, and wakes up as No_Soft_Reset says', () => {
    const bench = new Bench();
    const kept = ringer(bench, 'lab-nic');
    const lost = ringer(bench, 'e1000e');
    for (const { fn, model } of [kept, lost]) {
      model.write(0, DOORBELL, 4, 1);
      sleep(fn, 3);
      expect(model.read(0, 0, 4)).toBe(0xffffffff);
      model.write(0, DOORBELL, 4, 1);
      expect(model.rung).toBe(1);
      sleep(fn, 0);
    }
    expect(kept.model.rung).toBe(1);
    expect(lost.model.rung).toBe(0);
  });

  it('does what came due meanwhile when it is awake again, if its registers survive', () => {
    const bench = new Bench();
    const kept = ringer(bench, 'lab-nic');
    const lost = ringer(bench, 'e1000e');
    for (const { fn, model } of [kept, lost]) {
      model.write(0, DOORBELL, 4, 1);
      sleep(fn, 3);
    }
    bench.pass(10_000n);
    expect([kept.model.timed, lost.model.timed]).toEqual([0, 0]);
    for (const { fn } of [kept, lost]) sleep(fn, 0);
    expect([kept.model.timed, lost.model.timed]).toEqual([1, 0]);
  });

  it('sends no message', () => {
    const bench = new Bench();
    const { fn } = ringer(bench, 'lab-nic');
    bench.enableMsix(fn);
    bench.interrupts.raiseVector(fn, 2);
    expect(bench.taken(fn)).toEqual([2]);
    sleep(fn, 3);
    expect(bench.interrupts.raiseVector(fn, 2).lost).toBe('the function is not in D0: it may not write');
  });
});

describe('the reset bits of the registers', () => {
  it('reset the function', () => {
    const bench = new Bench();
    const { fn, model } = ringer(bench, 'lab-nic');
    model.write(0, DOORBELL, 4, 1);
    const express = fn.config.findCapability(0x10);
    fn.config.write(express + 8, 2, 0x8000);
    expect(model.rung).toBe(0);
    expect(fn.config.read(express + 8, 2) & 0x8000).toBe(0);
    expect(fn.config.read(0x04, 2)).toBe(0);
  });
});

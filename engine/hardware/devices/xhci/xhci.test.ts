import { describe, expect, it } from 'vitest';
import { Bench, MEMORY_SIZE } from '../bench.fixture';
import { CMD, INTERRUPTERS, IR, REG, TRB } from './registers';
import type { XhciDevice } from './xhci';

const COMMANDS = 0x1000;
const EVENTS = 0x2000;
const TABLE = 0x3000;
const SIZE = 16;
const PORT1 = 0x420;

class Driver {
  readonly bench = new Bench();
  readonly fn = this.bench.put('xhci');
  readonly model = this.bench.model(this.fn) as XhciDevice;
  private next = 0;
  private cycle = 1;

  read(offset: number): number {
    return Number(this.model.read(0, offset, 4));
  }

  write(offset: number, value: number): void {
    this.model.write(0, offset, 4, value);
  }

  run(): this {
    const { view } = this.bench;
    view.setBigUint64(TABLE, BigInt(EVENTS), true);
    view.setUint32(TABLE + 8, SIZE, true);
    this.write(REG.CONFIG, 8);
    this.write(REG.CRCR, COMMANDS | 1);
    this.write(REG.CRCR_HIGH, 0);
    this.write(INTERRUPTERS + IR.ERSTSZ, 1);
    this.write(INTERRUPTERS + IR.ERDP, EVENTS);
    this.write(INTERRUPTERS + IR.ERSTBA, TABLE);
    this.write(INTERRUPTERS + IR.IMAN, 2);
    this.bench.enableMsix(this.fn);
    this.write(REG.USBCMD, CMD.RUN | CMD.INTERRUPTS);
    return this;
  }

  /** Events that came: type, code, slot, parameter. */
  events(): [type: number, code: number, slot: number, parameter: bigint][] {
    const { view } = this.bench;
    const found: [number, number, number, bigint][] = [];
    for (;;) {
      const at = EVENTS + this.next * TRB.SIZE;
      const control = view.getUint32(at + 12, true);
      if ((control & 1) !== this.cycle) break;
      found.push([
        (control >>> 10) & 0x3f,
        view.getUint32(at + 8, true) >>> 24,
        control >>> 24,
        view.getBigUint64(at, true),
      ]);
      this.next = (this.next + 1) % SIZE;
      if (this.next === 0) this.cycle ^= 1;
    }
    this.write(INTERRUPTERS + IR.ERDP, (EVENTS + this.next * TRB.SIZE) | 8);
    return found;
  }

  command(index: number, type: number, control = 0, parameter = 0n): void {
    const at = COMMANDS + index * TRB.SIZE;
    this.bench.view.setBigUint64(at, parameter, true);
    this.bench.view.setUint32(at + 12, ((type << 10) | control | 1) >>> 0, true);
  }
}

describe('the controller', () => {
  it('shows its capabilities, starts, stops and resets', () => {
    const usb = new Driver();
    expect([usb.read(0) & 0xff, usb.read(0x14), usb.read(0x18), usb.read(4) >>> 24]).toEqual([0x20, 0x800, 0x600, 4]);
    expect(usb.read(REG.USBSTS)).toBe(1);
    usb.run();
    expect(usb.read(REG.USBSTS) & 1).toBe(0);
    usb.write(REG.USBCMD, 0);
    expect(usb.read(REG.USBSTS) & 1).toBe(1);
    usb.write(REG.USBCMD, CMD.RESET);
    expect([usb.read(REG.USBCMD), usb.read(REG.CONFIG), usb.read(REG.USBSTS)]).toEqual([0, 0, 1]);
  });

  it('lists its extended capabilities', () => {
    const usb = new Driver();
    const ids: number[] = [];
    for (let at = (usb.read(0x10) >>> 16) * 4; at !== 0;) {
      const word = usb.read(at);
      ids.push(word & 0xff);
      const next = (word >>> 8) & 0xff;
      at = next === 0 ? 0 : at + 4 * next;
    }
    expect(ids).toEqual([1, 2, 2]);
  });

  it('answers commands in the event ring, with an interrupt', () => {
    const usb = new Driver().run();
    usb.events();
    usb.bench.taken(usb.fn);
    usb.command(0, TRB.NO_OP);
    usb.command(1, TRB.ENABLE_SLOT);
    usb.command(2, TRB.DISABLE_SLOT, 1 << 24);
    usb.command(3, TRB.DISABLE_SLOT, 1 << 24);
    usb.command(4, 11);
    usb.write(0x800, 0);
    expect(usb.events().map(([type, code, slot]) => [type, code, slot])).toEqual([
      [33, 1, 0],
      [33, 1, 1],
      [33, 1, 1],
      [33, 11, 1],
      [33, 5, 0],
    ]);
    expect(usb.bench.taken(usb.fn)).toEqual([0, 0, 0, 0, 0]);
    expect(usb.read(REG.CRCR) & 8).toBe(8);
  });

  it('comes to an end over a ring of links, and stops where memory ends', () => {
    const usb = new Driver().run();
    usb.command(0, TRB.LINK, 0, BigInt(COMMANDS));
    usb.write(0x800, 0);
    expect(usb.read(REG.USBSTS) & 4).toBe(0);
    usb.command(0, TRB.LINK, 0, BigInt(MEMORY_SIZE));
    usb.write(0x800, 0);
    expect(usb.read(REG.USBSTS) & 5).toBe(5);
    expect(usb.read(REG.USBCMD) & 1).toBe(0);
  });

  it('loses events when the driver takes none, and goes on when it does', () => {
    const usb = new Driver().run();
    for (let i = 0; i < 40; i++) usb.model.stimulate({ kind: 'key', key: 'a' });
    expect(usb.events()).toHaveLength(SIZE - 1);
    usb.model.stimulate({ kind: 'key', key: 'b' });
    expect(usb.events().map(([type, , , parameter]) => [type, parameter])).toEqual([[38, 0x510n]]);
  });
});

describe('the ports', () => {
  it('tell of the keyboard at start, after a reset, and when it comes and goes', () => {
    const usb = new Driver().run();
    expect(usb.events().map(([type, , , parameter]) => [type, parameter])).toEqual([[34, 1n << 24n]]);
    usb.write(PORT1, usb.read(PORT1) | 0x10);
    usb.bench.pass(50_000_000n);
    expect(usb.read(PORT1) & 0x3ff).toBe(0x203);
    expect(usb.events()).toHaveLength(1);
    usb.model.stimulate({ kind: 'link', up: false });
    expect([usb.read(PORT1) & 3, usb.events().length]).toEqual([0, 1]);
    expect(usb.model.stimulate({ kind: 'key', key: 'a' })).toBe('The keyboard is not plugged in.');
    usb.model.stimulate({ kind: 'link', up: true });
    expect([usb.read(PORT1) & 3, usb.events().length]).toEqual([1, 1]);
  });

  it('hear keys only while the controller runs', () => {
    const usb = new Driver();
    expect(usb.model.stimulate({ kind: 'key', key: 'a' })).toMatch(/does not run/);
    usb.run();
    expect(usb.model.stimulate({ kind: 'key', key: 'hyper' })).toBe('The keyboard has no key "hyper".');
  });
});

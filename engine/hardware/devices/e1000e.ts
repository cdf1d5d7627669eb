/**
 * Intel 82574L gigabit controller, by its data sheet (revision 3.4, chapters 7 and 10): interrupts of all three kinds,
 * and one ring of legacy descriptors each way. Registers without a part in that are memory.
 *
 * BAR 0: registers. BAR 2: IOADDR and IODATA, a window to them by I/O ports. BAR 3: MSI-X table and pending bits.
 */
import type { PciFunction } from '../pci/function';
import { ActingDevice } from './acting-device';
import { Cable, cableStimuli } from './cable';
import type { DeviceRegister } from './data-sheet';
import type { Stimulated, StimulusAction } from './stimulus';

const REGISTERS = 0;
const PORTS = 2;

const REG = {
  CTRL: 0x0000,
  STATUS: 0x0008,
  CTRL_EXT: 0x0018,
  ICR: 0x00c0,
  ICS: 0x00c8,
  IMS: 0x00d0,
  IMC: 0x00d8,
  EIAC: 0x00dc,
  IAM: 0x00e0,
  IVAR: 0x00e4,
  RCTL: 0x0100,
  TCTL: 0x0400,
  RDBAL: 0x2800,
  RDBAH: 0x2804,
  RDLEN: 0x2808,
  RDH: 0x2810,
  RDT: 0x2818,
  TDBAL: 0x3800,
  TDBAH: 0x3804,
  TDLEN: 0x3808,
  TDH: 0x3810,
  TDT: 0x3818,
  RAL: 0x5400,
  RAH: 0x5404,
} as const;

const CTRL_RESET = 0x0400_0000;
const STATUS_UP = 0x0008_0083;
const STATUS_LINK = 0x2;
const AUTO_MASK = 0x0100_0000;
const ENABLE = 0x2;
const BUFFER_SIZES = [2048, 1024, 512, 256] as const;

const CAUSE = {
  TXDW: 0x1,
  LSC: 0x4,
  RXO: 0x40,
  RXT0: 0x80,
  RXQ0: 0x10_0000,
  TXQ0: 0x40_0000,
  OTHER: 0x0100_0000,
  ASSERTED: 0x8000_0000,
} as const;
/** Causes that stand behind OTHER: LSC, RXO, MDAC, SRPD, ACK, MNG. */
const OTHERS = 0x0007_0244;
const CAUSES = 0x01ff_ffff;
/** Causes with a vector of their own, by their field of IVAR: 3 bits of vector, 1 valid. */
const ROUTED: readonly (readonly [cause: number, shift: number])[] = [
  [0x10_0000, 0],
  [0x20_0000, 4],
  [0x40_0000, 8],
  [0x80_0000, 12],
  [0x0100_0000, 16],
];

const DESCRIPTOR = 16;
const DONE = 0x1;
const END_OF_PACKET = 0x2;
const COMMAND_REPORT = 0x8;
const LONGEST = 9216;
/** Descriptors that are sent before the controller takes a rest, and how long that is. */
const AT_ONCE = 1024;
const REST = 100_000n;

const sheet: readonly DeviceRegister[] = (
  [
    ['CTRL', REG.CTRL, 'rw', 'Device control; bit 26 resets.'],
    ['STATUS', REG.STATUS, 'ro', 'Device status; bit 1: link up.'],
    ['CTRL_EXT', REG.CTRL_EXT, 'rw', 'Extended control; bit 24: IAM masks by itself.'],
    ['ICR', REG.ICR, 'rc', 'Interrupt causes; reading clears.'],
    ['ICS', REG.ICS, 'wo', 'Sets interrupt causes.'],
    ['IMS', REG.IMS, 'rw', 'Interrupt mask; ones let causes interrupt.'],
    ['IMC', REG.IMC, 'wo', 'Ones keep causes from interrupting.'],
    ['EIAC', REG.EIAC, 'rw', 'Causes that end with their MSI-X message.'],
    ['IVAR', REG.IVAR, 'rw', 'Vectors of the causes with MSI-X.'],
    ['RCTL', REG.RCTL, 'rw', 'Receive control; bit 1 enables.'],
    ['RDBAL', REG.RDBAL, 'rw', 'Receive ring, low half of its address.'],
    ['RDLEN', REG.RDLEN, 'rw', 'Receive ring, bytes.'],
    ['RDH', REG.RDH, 'rw', 'Receive ring, head.'],
    ['RDT', REG.RDT, 'rw', 'Receive ring, tail.'],
    ['TCTL', REG.TCTL, 'rw', 'Transmit control; bit 1 enables.'],
    ['TDBAL', REG.TDBAL, 'rw', 'Transmit ring, low half of its address.'],
    ['TDLEN', REG.TDLEN, 'rw', 'Transmit ring, bytes.'],
    ['TDH', REG.TDH, 'rw', 'Transmit ring, head.'],
    ['TDT', REG.TDT, 'rw', 'Transmit ring, tail.'],
    ['RAL', REG.RAL, 'rw', 'Station address, first four bytes.'],
    ['RAH', REG.RAH, 'rw', 'Station address, last two bytes, valid bit.'],
  ] as const
).map(([name, offset, access, about]) => ({ name, region: REGISTERS, offset, width: 4, access, about }));

export class E1000eDevice extends ActingDevice implements Stimulated {
  readonly registers = sheet;
  readonly stimuli = cableStimuli(1, LONGEST);
  private readonly serial: number;
  private cause = 0;
  private mask = 0;
  private readonly cable = new Cable({
    arrive: (packet) => this.work(() => this.arrive(packet)),
    linkChanged: () => this.work(() => this.set(CAUSE.LSC)),
  });
  private portAddress = 0;
  private readonly descriptor = new Uint8Array(DESCRIPTOR);
  private readonly view = new DataView(this.descriptor.buffer);

  constructor(fn: PciFunction, sizes: readonly number[], serial: number) {
    super('e1000e', fn, sizes);
    this.serial = serial;
    this.powerOn();
  }

  protected override powerOn(): void {
    this.cause = this.mask = this.portAddress = 0;
    this.put(REG.RAL, (0x00b01a02 | ((this.serial & 0xff) << 24)) >>> 0);
    this.put(REG.RAH, 0x8000_0000 | ((this.serial >>> 8) & 0xffff));
  }

  // ---- registers

  private get(offset: number): number {
    return super.readRegister(REGISTERS, offset, 4);
  }

  private put(offset: number, value: number): void {
    super.writeRegister(REGISTERS, offset, 4, value >>> 0);
  }

  protected override readRegister(region: number, offset: number, width: 1 | 2 | 4): number {
    if (region === PORTS && width === 4) {
      return offset === 0 ? this.portAddress : offset === 4 ? this.word(this.portAddress) : 0;
    }
    if (region !== REGISTERS || width !== 4) return super.readRegister(region, offset, width);
    return this.word(offset);
  }

  protected override writeRegister(region: number, offset: number, width: 1 | 2 | 4, value: number): void {
    if (region === PORTS && width === 4) {
      if (offset === 0) this.portAddress = value & 0x1fffc;
      else if (offset === 4) this.setWord(this.portAddress, value);
    } else if (region === REGISTERS && width === 4) this.setWord(offset, value >>> 0);
    else super.writeRegister(region, offset, width, value);
  }

  private word(offset: number): number {
    switch (offset) {
      case REG.STATUS:
        return this.cable.linked ? STATUS_UP : STATUS_UP & ~STATUS_LINK;
      case REG.ICR:
        return this.readCauses();
      case REG.IMS:
        return this.mask;
      case REG.ICS:
      case REG.IMC:
        return 0;
      default:
        return this.get(offset);
    }
  }

  private setWord(offset: number, value: number): void {
    switch (offset) {
      case REG.STATUS:
        return;
      case REG.CTRL:
        if (value & CTRL_RESET) this.restart();
        else this.put(offset, value);
        return;
      case REG.ICR:
        this.cause = (this.cause & ~value) >>> 0;
        this.drivePin();
        return;
      case REG.ICS:
        this.set(value & CAUSES);
        return;
      case REG.IMS: {
        const fresh = value & CAUSES & ~this.mask;
        this.mask = (this.mask | (value & CAUSES)) >>> 0;
        this.signal(this.cause & fresh);
        return;
      }
      case REG.IMC:
        this.mask = (this.mask & ~value) >>> 0;
        this.drivePin();
        return;
      case REG.TDT:
      case REG.TCTL:
        this.put(offset, value);
        this.send();
        return;
      default:
        this.put(offset, value);
    }
  }

  private restart(): void {
    for (const memory of this.memory) memory.clear();
    this.powerOn();
    this.drivePin();
  }

  // ---- interrupts (7.4)

  private readCauses(): number {
    const asserted = (this.cause & this.mask) !== 0;
    const value = (this.cause | (asserted ? CAUSE.ASSERTED : 0)) >>> 0;
    if (asserted || this.mask === 0) {
      if (asserted && this.get(REG.CTRL_EXT) & AUTO_MASK) this.mask = (this.mask & ~this.get(REG.IAM)) >>> 0;
      this.cause = 0;
      this.drivePin();
    }
    return value;
  }

  private set(bits: number): void {
    const more = bits & OTHERS && this.messages === 'msix' ? CAUSE.OTHER : 0;
    this.cause = (this.cause | bits | more) >>> 0;
    this.signal((bits | more) & this.mask);
  }

  private signal(bits: number): void {
    const { messages } = this;
    if (messages === 'msix') this.signalRouted(bits);
    else if (messages === 'msi') {
      if (bits !== 0) this.raise(0);
    } else this.drivePin();
  }

  private signalRouted(bits: number): void {
    const routes = this.get(REG.IVAR);
    for (const [cause, shift] of ROUTED) {
      const route = (routes >>> shift) & 0xf;
      if (!(bits & cause) || !(route & 0x8)) continue;
      if (this.get(REG.EIAC) & cause) this.cause = (this.cause & ~cause) >>> 0;
      this.raise(route & 0x7);
    }
  }

  protected override interruptsChanged(): void {
    this.drivePin();
  }

  private drivePin(): void {
    this.setPin(this.messages === null && (this.cause & this.mask) !== 0);
  }

  // ---- rings (3.2.6, 3.3.5)

  private ring(base: number, length: number): { base: bigint; count: number } {
    const address = (BigInt(this.get(base + 4)) << 32n) | BigInt(this.get(base) & ~0xf);
    return { base: BigInt.asUintN(64, address), count: Math.floor((this.get(length) & 0xfff80) / DESCRIPTOR) };
  }

  /** Goes through the transmit ring; the packets leave the machine. A ring that cannot be reached is left alone. */
  private send(): void {
    if (!(this.get(REG.TCTL) & ENABLE)) return;
    const { base, count } = this.ring(REG.TDBAL, REG.TDLEN);
    const tail = this.get(REG.TDT);
    let head = this.get(REG.TDH);
    if (tail >= count || head >= count) return;
    let sent = false;
    for (let left = AT_ONCE; left > 0 && head !== tail; left--) {
      const at = base + BigInt(head * DESCRIPTOR);
      if (!this.readMemory(at, this.descriptor)) break;
      const length = Math.min(this.view.getUint16(8, true), LONGEST);
      if (length > 0) this.readMemory(this.view.getBigUint64(0, true), new Uint8Array(length));
      if (this.descriptor[11]! & COMMAND_REPORT) {
        this.writeMemory(at + 12n, Uint8Array.of(this.descriptor[12]! | DONE));
        sent = true;
      }
      head = (head + 1) % count;
    }
    this.put(REG.TDH, head);
    if (sent) this.set(CAUSE.TXDW | CAUSE.TXQ0);
    if (sent && head !== tail) this.later(REST, () => this.send());
  }

  private arrive(packet: Uint8Array): void {
    if (!(this.get(REG.RCTL) & ENABLE)) return;
    const { base, count } = this.ring(REG.RDBAL, REG.RDLEN);
    const room = BUFFER_SIZES[(this.get(REG.RCTL) >>> 16) & 3]!;
    const tail = this.get(REG.RDT);
    let head = this.get(REG.RDH);
    if (tail >= count || head >= count) return;
    let done = 0;
    while (done < packet.length) {
      if (head === tail) {
        this.set(CAUSE.RXO);
        break;
      }
      const at = base + BigInt(head * DESCRIPTOR);
      if (!this.readMemory(at, this.descriptor)) break;
      const piece = packet.subarray(done, done + room);
      done += piece.length;
      this.writeMemory(this.view.getBigUint64(0, true), piece);
      this.view.setUint16(8, piece.length, true);
      this.view.setUint16(10, 0, true);
      this.view.setUint32(12, DONE | (done >= packet.length ? END_OF_PACKET : 0), true);
      this.writeMemory(at + 8n, this.descriptor.subarray(8));
      head = (head + 1) % count;
    }
    this.put(REG.RDH, head);
    if (done > 0) this.set(CAUSE.RXT0 | CAUSE.RXQ0);
  }

  // ---- the world

  stimulate(action: StimulusAction): string | null {
    return this.cable.stimulate(action);
  }
}

/** The controller by its ID, with the BARs that its registers need. */
export const isE1000e = (fn: PciFunction, sizes: readonly number[]): boolean =>
  fn.config.read(0, 4) === 0x10d3_8086 && sizes[REGISTERS] === 0x20000;

/** Where a VT-d unit records what it stopped, and how it tells of it (iommu-hardware 3.7). */
import { FAULT_RECORD, FECTL, FSTS, REG } from './layout';
import { bitsOf, maskOf } from '../layout';
import type { VtdCapabilities } from './capabilities';

const PFO = maskOf(FSTS, 'PFO');
const PPF = maskOf(FSTS, 'PPF');
const IQE = maskOf(FSTS, 'IQE');
const FRI = bitsOf(FSTS, 'FRI');
const IM = maskOf(FECTL, 'IM');
const IP = maskOf(FECTL, 'IP');
const F = maskOf(FAULT_RECORD, 'F');
const T = maskOf(FAULT_RECORD, 'T');
const RECORD = 16;
const LAST_WORD = 12;

export class VtdFaults {
  /** Sends the message of a fault event. */
  onEvent: ((addressLow: number, addressHigh: number, data: number) => void) | null = null;
  private readonly registers: Uint32Array;
  private readonly count: number;
  private readonly first: number;
  private next = 0;

  constructor(registers: Uint32Array, { faultRegisters, faultOffset }: VtdCapabilities) {
    this.registers = registers;
    this.count = faultRegisters;
    this.first = faultOffset;
    registers[REG.FECTL >>> 2] = IM;
  }

  private at(record: number, offset: number): number {
    return (this.first + record * RECORD + offset) >>> 2;
  }

  private pending(record: number): boolean {
    return (this.registers[this.at(record, LAST_WORD)]! & F) !== 0;
  }

  /**
   * `low` and `high`: the first 64 bits of the record. False where there was no place for it; one more of a source
   * whose fault waits to be read is not told anew.
   */
  record(low: number, high: number, source: number, reason: number, read: boolean): boolean {
    const { registers } = this;
    if (registers[REG.FSTS >>> 2]! & PFO) return false;
    for (let i = 0; i < this.count; i++) {
      if (this.pending(i) && (registers[this.at(i, 8)]! & 0xffff) === source) return true;
    }
    const record = this.next;
    if (this.pending(record)) {
      registers[REG.FSTS >>> 2]! |= PFO;
      return false;
    }
    this.next = (record + 1) % this.count;
    registers[this.at(record, 0)] = low;
    registers[this.at(record, 4)] = high;
    registers[this.at(record, 8)] = source;
    registers[this.at(record, LAST_WORD)] = (F | (read ? T : 0) | reason) >>> 0;
    const status = registers[REG.FSTS >>> 2]!;
    if (!(status & PPF)) {
      registers[REG.FSTS >>> 2] = (status & ~(FRI.mask << FRI.shift)) | PPF | (record << FRI.shift);
      this.event();
    }
    return true;
  }

  queueError(): void {
    this.registers[REG.FSTS >>> 2]! |= IQE;
    this.event();
  }

  private event(): void {
    const { registers } = this;
    if (registers[REG.FECTL >>> 2]! & IM) registers[REG.FECTL >>> 2]! |= IP;
    else this.onEvent?.(registers[REG.FEADDR >>> 2]!, registers[REG.FEUADDR >>> 2]!, registers[REG.FEDATA >>> 2]!);
  }

  /** Status bits are cleared by a one; PPF goes with the last record. */
  writeStatus(value: number): void {
    this.registers[REG.FSTS >>> 2]! &= ~(value & (PFO | IQE));
  }

  writeControl(value: number): void {
    const { registers } = this;
    const waiting = (registers[REG.FECTL >>> 2]! & IP) !== 0;
    registers[REG.FECTL >>> 2] = ((value & IM) | (value & IM && waiting ? IP : 0)) >>> 0;
    if (waiting && !(value & IM)) this.event();
  }

  /** Whether the offset is a fault register's last double word, in which a one clears the record. */
  clears(offset: number): boolean {
    return offset >= this.first && offset < this.first + this.count * RECORD && (offset - this.first) % RECORD === 12;
  }

  clear(offset: number, value: number): void {
    const { registers } = this;
    if (!(value & F)) return;
    registers[offset >>> 2]! &= ~F;
    for (let i = 0; i < this.count; i++) if (this.pending(i)) return;
    registers[REG.FSTS >>> 2]! &= ~PPF;
  }
}

/** The event log in memory, and how it tells of an event (iommu-hardware 4.5). */
import type { PhysicalMemory } from '../../memory';
import { bitsOf, maskOf } from '../layout';
import { CONTROL, REG, STATUS } from './layout';

const EVENT_LOG_EN = maskOf(CONTROL, 'EventLogEn');
const EVENT_INT_EN = maskOf(CONTROL, 'EventIntEn');
const OVERFLOW = maskOf(STATUS, 'EventOverflow');
const LOGGED = maskOf(STATUS, 'EventLogInt');
const RUNNING = maskOf(STATUS, 'EventLogRun');
const LENGTH = bitsOf({ name: 'base', bits: 64, fields: [{ name: 'Len', msb: 59, lsb: 56, about: '' }] }, 'Len');
const SIZE = 16;

/** Bytes of a ring whose base register has this high half. */
export const ringLength = (high: number): number => SIZE * 2 ** ((high >>> LENGTH.shift) & LENGTH.mask);

export class EventLog {
  onEvent: (() => void) | null = null;
  private readonly memory: PhysicalMemory;
  private readonly registers: Uint32Array;
  private readonly hidden: boolean;

  /** `hidden`: the tail does not show. */
  constructor(memory: PhysicalMemory, registers: Uint32Array, hidden: boolean) {
    this.hidden = hidden;
    this.memory = memory;
    this.registers = registers;
  }

  /** The log begins to run, or stops. */
  update(): void {
    const { registers } = this;
    const on = (registers[REG.CONTROL >>> 2]! & EVENT_LOG_EN) !== 0;
    const status = registers[REG.STATUS >>> 2]!;
    registers[REG.STATUS >>> 2] = on && !(status & OVERFLOW) ? status | RUNNING : status & ~RUNNING;
  }

  /** `type` and `flags` as in the log's first quadword; false where there was no place. */
  record(type: number, flags: number, source: number, domain: number, low: number, high: number): boolean {
    const { registers, memory } = this;
    if (!(registers[REG.STATUS >>> 2]! & RUNNING) || this.hidden) return false;
    const base = registers[REG.EVENT_BASE >>> 2]! & 0xfffff000;
    const baseHigh = registers[(REG.EVENT_BASE >>> 2) + 1]!;
    const length = ringLength(baseHigh);
    const tail = registers[REG.EVENT_TAIL >>> 2]! % length;
    const next = (tail + SIZE) % length;
    if (next === registers[REG.EVENT_HEAD >>> 2]! % length) {
      registers[REG.STATUS >>> 2] = (registers[REG.STATUS >>> 2]! | OVERFLOW) & ~RUNNING;
      this.interrupt();
      return false;
    }
    const at = (baseHigh & 0xfffff) * 2 ** 32 + (base >>> 0) + tail;
    memory.setWord(at, source);
    memory.setWord(at + 4, ((type << 28) | (flags << 16) | domain) >>> 0);
    memory.setWord(at + 8, low);
    memory.setWord(at + 12, high);
    registers[REG.EVENT_TAIL >>> 2] = next;
    registers[REG.STATUS >>> 2]! |= LOGGED;
    this.interrupt();
    return true;
  }

  private interrupt(): void {
    if (this.registers[REG.CONTROL >>> 2]! & EVENT_INT_EN) this.onEvent?.();
  }

  /** Status bits are cleared by a one. */
  writeStatus(value: number): void {
    this.registers[REG.STATUS >>> 2]! &= ~(value & (OVERFLOW | LOGGED));
  }
}

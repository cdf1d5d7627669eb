/**
 * Reads and writes of functions: through the fabric, past or through the IOMMU, to memory, to another function, or to
 * the CPUs. The common way, straight up and into memory, is short; every other goes hop by hop.
 */
import type { DmaPort } from './devices/environment';
import { STATUS_BIT, applyMarks } from './fabric/errors';
import { BLOCKED } from './iommu/iommu';
import type { IommuUnit } from './iommu/iommu';
import type { HardwareMachine } from './machine';
import { PAGE_SIZE } from './memory';
import type { MemoryRegion, PhysicalMemory } from './memory';
import type { PciFunction } from './pci/function';
import type { Sender, Senders } from './senders';
import { OUTCOME, OUTCOMES } from './transactions';
import type { Outcome, TransactionLog } from './transactions';

const READ = 0;
const WRITE = 1;
const STATUS = 0x06;
const PAGE = PAGE_SIZE;
const MESSAGE_SIZE = 4;
/** Requests that set off requests of others, and so on: beyond this depth nobody takes one any more. */
const DEEPEST = 16;

/** Instead of a page frame: not looked for yet. */
const UNKNOWN = -2;

const frameOf = (unit: IommuUnit | null, requester: number, page: number, offset: number, write: boolean): number =>
  unit === null ? page : unit.translate(requester, page, offset, write);

const gotThere = (outcome: number): boolean =>
  outcome === OUTCOME.memory || outcome === OUTCOME.peer || outcome === OUTCOME.interrupt;

export interface DmaServices {
  readonly machine: HardwareMachine;
  readonly memory: PhysicalMemory;
  readonly senders: Senders;
  readonly log: TransactionLog;
  /** The machine's time in nanoseconds. */
  now(): bigint;
  /** Grows with every change of what the ways rest on. */
  state(): number;
  /** A double word came to an interrupt address. */
  interrupt(sender: Sender, requester: number, addressLow: number, data: number): void;
}

export class Dma implements DmaPort {
  outcome: Outcome = 'memory';
  private readonly services: DmaServices;
  private depth = 0;
  /** Where the last detour led: an address there (-1: nowhere), and the number of the function. */
  private reached = -1;
  private target = -1;

  constructor(services: DmaServices) {
    this.services = services;
  }

  read(fn: PciFunction, address: bigint, into: Uint8Array): boolean {
    return this.move(fn, address, into, false);
  }

  write(fn: PciFunction, address: bigint, data: Uint8Array): boolean {
    return this.move(fn, address, data, true);
  }

  /** Page by page, each judged by itself. A read that is stopped brings zeros, a write is dropped. */
  private move(fn: PciFunction, address: bigint, bytes: Uint8Array, write: boolean): boolean {
    const sender = this.services.senders.of(fn);
    const { unit, route } = sender;
    const start = Number(address);
    let outcome: number = OUTCOME.memory;
    let physical = -1;
    let target = -1;
    let reason = 0;
    let region: MemoryRegion | null = null;
    /** Frame of the page that is next, where it is found already. */
    let ahead = UNKNOWN;
    for (let done = 0; done < bytes.length;) {
      const at = start + done;
      const offset = at % PAGE;
      let count = Math.min(bytes.length - done, PAGE - offset);
      let result = -1;
      let to = -1;
      const straight = at <= Number.MAX_SAFE_INTEGER ? route.straight(at) : 0;
      if (straight >= count) {
        const page = (at - offset) / PAGE;
        const frame = ahead !== UNKNOWN ? ahead : frameOf(unit, route.requester, page, offset, write);
        ahead = UNKNOWN;
        if (frame === BLOCKED) {
          result = OUTCOME.fault;
          if (!write) this.comesBackEmpty(fn, bytes.subarray(done, done + count));
        } else {
          to = frame * PAGE + offset;
          region = this.regionOf(region, to);
          if (region !== null) {
            // Pages that lie one behind the other in memory too go as one piece.
            const room = Math.min(bytes.length - done, straight, region.physical + region.length - to);
            for (let next = 1; count < room && ahead === UNKNOWN; next++) {
              const found = frameOf(unit, route.requester, page + next, 0, write);
              if (found === frame + next) count = Math.min(room, count + PAGE);
              else ahead = found;
            }
            result = OUTCOME.memory;
            const part = count === bytes.length ? bytes : bytes.subarray(done, done + count);
            if (write) region.write(to - region.physical, part);
            else region.read(to - region.physical, part);
          }
        }
      }
      if (result < 0) {
        ahead = UNKNOWN;
        result = this.detour(sender, address + BigInt(done), bytes.subarray(done, done + count), write);
        to = this.reached;
        if (target < 0) target = this.target;
      }
      if (result === OUTCOME.fault) reason = unit!.reason;
      if (physical < 0) physical = to;
      if (gotThere(outcome) && result !== OUTCOME.memory) outcome = result;
      done += count;
    }
    this.outcome = OUTCOMES[outcome]!;
    this.note(sender, address, bytes.length, write, outcome, physical, target, reason);
    return gotThere(outcome);
  }

  /** The memory that holds a page's part; mostly it is where the last one was. */
  private regionOf(last: MemoryRegion | null, physical: number): MemoryRegion | null {
    const inside = last !== null && physical >= last.physical && physical < last.physical + last.length;
    return inside ? last : this.services.memory.find(physical);
  }

  private note(
    { number, route }: Sender,
    address: bigint,
    length: number,
    write: boolean,
    outcome: number,
    physical: number,
    target: number,
    reason: number,
  ): void {
    const { log, now, state } = this.services;
    const plain = Number(address);
    const exact = plain <= Number.MAX_SAFE_INTEGER;
    const page = exact ? Math.floor(plain / PAGE) : Number(address >> 12n);
    const offset = exact ? plain % PAGE : Number(address & 0xfffn);
    const kind = write ? WRITE : READ;
    const time = Number(now());
    log.add(kind, number, route.requester, page, offset, length, outcome, physical, target, reason, time, state());
  }

  /** A read that the IOMMU stops is answered with an error (PCIe 7.5.1.1.4); its bytes are zeros here. */
  private comesBackEmpty({ config }: PciFunction, bytes: Uint8Array): void {
    bytes.fill(0);
    const { faultAnswer } = this.services.senders.fabric.complex;
    const bit = faultAnswer === 'UR' ? STATUS_BIT.MASTER_ABORT : STATUS_BIT.TARGET_ABORT;
    const status = config.read(STATUS, 2);
    if (!(status & bit)) config.set(STATUS, 2, status | bit);
  }

  /** One piece of a request, through every hop of the fabric. */
  private detour(sender: Sender, address: bigint, bytes: Uint8Array, write: boolean): number {
    this.reached = -1;
    this.target = -1;
    if (!write) bytes.fill(0);
    if (this.depth >= DEEPEST) return OUTCOME.unsupported;
    const { machine, memory, senders, log } = this.services;
    const kind = write ? 'memory-write' : 'memory-read';
    const path = senders.send(sender, { kind, address, length: bytes.length, addressType: 'untranslated' });
    applyMarks(machine, path.marks);
    const { ending } = path;
    switch (ending.kind) {
      case 'memory': {
        const at = Number(ending.address);
        this.reached = at;
        return (write ? memory.write(at, bytes) : memory.read(at, bytes)) ? OUTCOME.memory : OUTCOME.unsupported;
      }
      case 'function': {
        const peer = machine.functions.get(ending.function);
        if (peer === undefined || ending.region === null) return OUTCOME.unsupported;
        const offset = Number(ending.offset);
        const taken = this.atPeer(peer, ending.region, offset, bytes, write);
        this.reached = offset;
        this.target = log.numberOf(peer);
        return taken ? OUTCOME.peer : OUTCOME.unsupported;
      }
      case 'interrupt':
        return this.atCpus(sender, path.requester, Number(address), bytes);
      case 'refused':
        if (ending.why === 'iommu') return OUTCOME.fault;
        if (ABORTS.has(ending.why)) return OUTCOME.aborted;
        return SILENT.has(ending.why) ? OUTCOME.silent : OUTCOME.unsupported;
      default:
        return OUTCOME.unsupported;
    }
  }

  /** The bytes come to a BAR of another function: as it takes them, at most a double word at once. */
  private atPeer(peer: PciFunction, region: number, offset: number, bytes: Uint8Array, write: boolean): boolean {
    const { model } = peer;
    if (model === null || offset + bytes.length > model.regionSize(region)) return false;
    this.depth++;
    try {
      for (let done = 0; done < bytes.length;) {
        const at = offset + done;
        const left = bytes.length - done;
        const width = at % 4 === 0 && left >= 4 ? 4 : at % 2 === 0 && left >= 2 ? 2 : 1;
        if (write) {
          let value = 0;
          for (let i = width - 1; i >= 0; i--) value = value * 256 + bytes[done + i]!;
          model.write(region, at, width, value);
        } else {
          const value = Number(model.read(region, at, width));
          for (let i = 0; i < width; i++) bytes[done + i] = (value >>> (8 * i)) & 0xff;
        }
        done += width;
      }
    } finally {
      this.depth--;
    }
    return true;
  }

  /** A double word written to an interrupt address is an interrupt; anything else there is no request. */
  private atCpus(sender: Sender, requester: number, address: number, bytes: Uint8Array): number {
    if (bytes.length !== MESSAGE_SIZE || address % MESSAGE_SIZE !== 0) return OUTCOME.unsupported;
    const data = (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0;
    this.services.interrupt(sender, requester, address, data);
    return OUTCOME.interrupt;
  }
}

const ABORTS: ReadonlySet<string> = new Set(['source-validation', 'translation-blocking', 'egress-control']);
const SILENT: ReadonlySet<string> = new Set(['bus-master', 'power', 'reset', 'link']);

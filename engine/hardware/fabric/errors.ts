/** Where hardware puts errors: Status, Device Status, AER, and the messages that tell the root port (PCIe 6.2; pci-fabric 7.4, 8). */
import { requesterId } from '../pci/address';
import type { PciFunction } from '../pci/function';
import { PortType } from '../pci/function';
import type { HardwareMachine } from '../machine';

export const STATUS_BIT = {
  SIGNALED_TARGET_ABORT: 0x0800,
  TARGET_ABORT: 0x1000,
  MASTER_ABORT: 0x2000,
  SYSTEM_ERROR: 0x4000,
} as const;
const AER = 0x0001;
const EXPRESS = 0x10;
const COMMAND_SERR = 0x100;
const BRIDGE_SERR = 0x2;
const COLLECTOR = 0x0007;
const ASSOCIATED = 0x04;
const ADVISORY = 13;

/** Uncorrectable errors by their bit in AER. */
export const UNCORRECTABLE = { UNEXPECTED_COMPLETION: 16, UNSUPPORTED_REQUEST: 20, ACS_VIOLATION: 21 } as const;

/** Bits of one register that an event sets; `clear` goes first. */
export interface Mark {
  readonly function: string;
  readonly register: string;
  readonly offset: number;
  readonly width: 2 | 4;
  readonly clear: number;
  readonly set: number;
}

type ErrorMessage = 'ERR_COR' | 'ERR_NONFATAL' | 'ERR_FATAL';

/** Collects what a packet's way leaves in registers. Nothing is written before `applyMarks`. */
export class ErrorRecord {
  readonly marks: Mark[] = [];
  /** Error messages sent: who, which, and the root port, event collector or bridge at which they ended. */
  readonly messages: { readonly from: string; readonly code: ErrorMessage; readonly endedAt: string | null }[] = [];

  private readonly machine: HardwareMachine;

  constructor(machine: HardwareMachine) {
    this.machine = machine;
  }

  /** The requester's answer to UR or CA. */
  aborted(requester: PciFunction, answer: 'UR' | 'CA'): void {
    this.status(requester, answer === 'UR' ? STATUS_BIT.MASTER_ABORT : STATUS_BIT.TARGET_ABORT);
  }

  status(fn: PciFunction, bits: number): void {
    this.mark(fn, 'Status', 0x06, 2, bits);
  }

  secondaryStatus(bridge: PciFunction, bits: number): void {
    this.mark(bridge, 'Secondary Status', 0x1e, 2, bits);
  }

  /**
   * `fn` received what it does not take. A request that will be answered is an advisory error: the requester tells.
   * `header`: four double words for the log, null for none.
   */
  uncorrectable(fn: PciFunction, bit: number, posted: boolean, header: readonly number[] | null): void {
    const { config } = fn;
    const express = config.findCapability(EXPRESS);
    if (express === 0) return;
    const aer = config.findExtendedCapability(AER);
    const has = (offset: number): boolean => aer !== 0 && ((config.read(aer + offset, 4) >>> bit) & 1) !== 0;
    const fatal = has(0x0c);
    const masked = has(0x08);
    const unsupported = bit === UNCORRECTABLE.UNSUPPORTED_REQUEST;
    const advisory = !fatal && (!posted || bit === UNCORRECTABLE.UNEXPECTED_COMPLETION);
    this.mark(fn, 'Device Status', express + 0x0a, 2, (unsupported ? 8 : 0) | (advisory ? 1 : fatal ? 4 : 2));
    if (aer !== 0) {
      this.mark(fn, 'AER Uncorrectable Status', aer + 4, 4, (1 << bit) >>> 0);
      if (advisory) this.mark(fn, 'AER Correctable Status', aer + 0x10, 4, 1 << ADVISORY);
      const pending = config.read(aer + 4, 4) & ~config.read(aer + 8, 4);
      if (!masked && pending === 0) this.logHeader(fn, aer, bit, header);
    }
    if (!masked)
      this.message(fn, express, aer, advisory ? 'ERR_COR' : fatal ? 'ERR_FATAL' : 'ERR_NONFATAL', unsupported);
  }

  /** `fn` detected an error that it mended itself; `bit` as in AER. */
  correctable(fn: PciFunction, bit: number): void {
    const { config } = fn;
    const express = config.findCapability(EXPRESS);
    if (express === 0) return;
    const aer = config.findExtendedCapability(AER);
    this.mark(fn, 'Device Status', express + 0x0a, 2, 1);
    if (aer !== 0) {
      this.mark(fn, 'AER Correctable Status', aer + 0x10, 4, 1 << bit);
      if ((config.read(aer + 0x14, 4) >>> bit) & 1) return;
    }
    if (config.read(express + 8, 2) & 1) {
      this.messages.push({ from: fn.name, code: 'ERR_COR', endedAt: this.climb(fn, 'ERR_COR') });
    }
  }

  private logHeader(fn: PciFunction, aer: number, bit: number, header: readonly number[] | null): void {
    this.mark(fn, 'AER First Error Pointer', aer + 0x18, 4, bit, 0x1f);
    header?.forEach((word, index) => {
      this.mark(fn, `AER Header Log ${index}`, aer + 0x1c + 4 * index, 4, word, 0xffffffff);
    });
  }

  /** The gates of error reporting (PCIe 6.2.5). */
  private message(fn: PciFunction, express: number, aer: number, code: ErrorMessage, unsupported: boolean): void {
    const { config } = fn;
    const control = config.read(express + 8, 2);
    const serr = (config.read(0x04, 2) & COMMAND_SERR) !== 0;
    if (code === 'ERR_COR') {
      if (aer !== 0 && (config.read(aer + 0x14, 4) >>> ADVISORY) & 1) return;
      if (!(control & 1) || (unsupported && !(control & 8))) return;
    } else {
      const enabled = (control & (code === 'ERR_FATAL' ? 4 : 2)) !== 0 && (!unsupported || (control & 8) !== 0);
      if (!enabled && !serr) return;
      if (serr) this.status(fn, STATUS_BIT.SYSTEM_ERROR);
    }
    this.messages.push({ from: fn.name, code, endedAt: this.climb(fn, code) });
  }

  /** Up to the root port; a bridge with SERR off ends it. Null: it reached the root complex without a root port. */
  private climb(fn: PciFunction, code: ErrorMessage): string | null {
    if (fn.portType === PortType.RootPort) return this.atRootPort(fn, fn, code);
    for (let bridge = fn.parent; bridge !== null; bridge = bridge.parent) {
      if (code !== 'ERR_COR') this.secondaryStatus(bridge, STATUS_BIT.SYSTEM_ERROR);
      if (!(bridge.config.read(0x3e, 2) & BRIDGE_SERR)) return bridge.name;
      if (bridge.portType === PortType.RootPort) return this.atRootPort(bridge, fn, code);
    }
    const collector = this.collectorOf(fn);
    return collector === undefined ? null : this.atRootPort(collector, fn, code);
  }

  /** Errors of integrated endpoints end at the event collector that they are associated with (PCIe 7.9.10). */
  private collectorOf(fn: PciFunction): PciFunction | undefined {
    if (fn.portType !== PortType.IntegratedEndpoint && fn.portType !== PortType.EventCollector) return undefined;
    return [...this.machine.functions.values()].find((other) => {
      if (other.portType !== PortType.EventCollector || other.rootBus !== fn.rootBus) return false;
      if (other === fn) return true;
      const at = other.config.findExtendedCapability(COLLECTOR);
      return at !== 0 && ((other.config.read(at + ASSOCIATED, 4) >>> fn.address.device) & 1) !== 0;
    });
  }

  private atRootPort(root: PciFunction, source: PciFunction, code: ErrorMessage): string {
    const aer = root.config.findExtendedCapability(AER);
    if (aer === 0) return root.name;
    const status = root.config.read(aer + 0x30, 4);
    const id = requesterId(source.address);
    if (code === 'ERR_COR') {
      const again = (status & 1) !== 0;
      this.mark(root, 'Root Error Status', aer + 0x30, 4, again ? 2 : 1);
      if (!again) this.mark(root, 'Error Source Identification', aer + 0x34, 4, id, 0xffff);
      return root.name;
    }
    const again = (status & 4) !== 0;
    const fatal = code === 'ERR_FATAL';
    const bits = (again ? 8 : 4) | (fatal ? 0x40 : 0x20) | (fatal && !again ? 0x10 : 0);
    this.mark(root, 'Root Error Status', aer + 0x30, 4, bits);
    if (!again) this.mark(root, 'Error Source Identification', aer + 0x34, 4, (id << 16) >>> 0, 0xffff0000);
    return root.name;
  }

  private mark(fn: PciFunction, register: string, offset: number, width: 2 | 4, set: number, clear = 0): void {
    this.marks.push({ function: fn.name, register, offset, width, clear, set });
  }
}

/** Lets the registers of a machine take what a packet's way left. */
export function applyMarks(machine: HardwareMachine, marks: readonly Mark[]): void {
  for (const { function: name, offset, width, clear, set } of marks) {
    const config = machine.functions.get(name)?.config;
    if (config) config.set(offset, width, ((config.read(offset, width) & ~clear) | set) >>> 0);
  }
}

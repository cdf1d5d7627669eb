/**
 * A unit that is told ranges instead of being given tables: virtio-iommu, whose tables are the host's. An SMMU is
 * taken for one too; its tables are not modelled.
 */
import { newMessage, readCompatible } from '../apic';
import type { InterruptMessage } from '../apic';
import { BLOCKED } from './iommu';
import type { IommuUnit, MessageWalk, UnitFault, UnitRegister, Walk, WalkStep } from './iommu';
import { CAN_READ, CAN_WRITE, Iotlb } from './iotlb';

const PAGE = 4096;
const NOT_MAPPED = 1;
const NOT_ALLOWED = 2;
const REFUSED = 3;

const REASONS: Readonly<Record<number, string>> = {
  [NOT_MAPPED]: 'nothing is mapped here',
  [NOT_ALLOWED]: 'the mapping does not allow it',
  [REFUSED]: 'the device is attached to no domain',
};

/** What an endpoint is attached to. */
export interface Ranges {
  /** Frame of a page, -1 where nothing is mapped; then `rightsAt` is meaningless. */
  frameAt(page: number): number;
  rightsAt(page: number): number;
}

export class RangeUnit implements IommuUnit {
  readonly kind = 'ranges';
  readonly iotlb = new Iotlb();
  readonly registers: readonly UnitRegister[] = [];
  readonly cachedInterrupts = 0;
  readonly remapping = false;
  readonly remapIndex = -1;
  onFault: ((fault: UnitFault) => void) | null = null;
  translating = true;
  reason = 0;
  /** Endpoints that were never attached pass, so that firmware can boot from them. */
  private readonly endpoints = new Map<number, Ranges | 'passes' | 'blocked'>();
  private readonly busZeroOnly: boolean;

  constructor(busZeroOnly: boolean) {
    this.busZeroOnly = busZeroOnly;
  }

  read(): number {
    return 0;
  }

  attach(source: number, ranges: Ranges | 'passes' | 'blocked'): void {
    this.endpoints.set(source, ranges);
  }

  detach(source: number): void {
    this.endpoints.delete(source);
  }

  translate(source: number, page: number, offset: number, write: boolean): number {
    const frame = this.lookUp(source, page, write);
    if (frame !== BLOCKED) return frame;
    const { reason } = this;
    const address = page * PAGE + offset;
    this.onFault?.({ source, kind: 'dma', address, write, reason, text: this.reasonText(reason), recorded: false });
    return BLOCKED;
  }

  private lookUp(source: number, page: number, write: boolean): number {
    this.reason = 0;
    if (!this.translating || (this.busZeroOnly && source > 0xff)) return page;
    const ranges = this.endpoints.get(source);
    if (ranges === undefined || ranges === 'passes') return page;
    if (ranges === 'blocked') return this.stop(REFUSED);
    const frame = ranges.frameAt(page);
    if (frame < 0) return this.stop(NOT_MAPPED);
    return ranges.rightsAt(page) & (write ? CAN_WRITE : CAN_READ) ? frame : this.stop(NOT_ALLOWED);
  }

  private stop(reason: number): number {
    this.reason = reason;
    return BLOCKED;
  }

  reasonText(reason: number): string {
    return REASONS[reason] ?? `reason ${reason}`;
  }

  walk(source: number, page: number, offset: number, write: boolean): Walk {
    const frame = this.lookUp(source, page, write);
    const { reason } = this;
    const blocked = frame === BLOCKED;
    const found = this.endpoints.get(source);
    const ranges = typeof found === 'object' && !blocked && this.translating ? found : null;
    const translated = ranges !== null;
    const meaning = blocked
      ? this.reasonText(reason)
      : translated
        ? 'a range that the unit was told holds the address'
        : 'the address is physical';
    const step: WalkStep = {
      table: 'ranges',
      address: null,
      index: null,
      entry: null,
      fields: [],
      meaning,
      ok: !blocked,
    };
    return {
      steps: [step],
      outcome: blocked ? 'blocked' : translated ? 'translated' : 'passed',
      physical: blocked ? null : frame * PAGE + offset,
      sizeBits: 0,
      rights: translated ? ranges.rightsAt(page) : blocked ? 0 : CAN_READ | CAN_WRITE,
      domain: null,
      reason,
      reasonText: blocked ? this.reasonText(reason) : null,
      cached: null,
    };
  }

  remap(_source: number, addressLow: number, data: number, message: InterruptMessage): boolean {
    readCompatible(addressLow, data, message);
    return true;
  }

  followMessage(_source: number, addressLow: number, data: number): MessageWalk {
    const interrupt = readCompatible(addressLow, data, newMessage());
    return { steps: [], index: null, interrupt, reason: 0, reasonText: null };
  }
}

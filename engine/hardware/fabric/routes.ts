/**
 * What becomes of a function's requests before they come to the root complex, remembered by address: most go straight
 * up, and are not asked anew until a register of the machine has changed.
 */
import { INTERRUPTS_FROM, INTERRUPTS_TO } from '../iommu/iommu';
import type { PciFunction } from '../pci/function';
import { barRanges, windowRanges } from './decode';
import type { Fabric } from './fabric';
import { routeMemory } from './memory';

const UNKNOWN = 0;
const TO_IOMMU = 1;
const INTERRUPT = 2;
const ELSEWHERE = 3;
const LAST = Number.MAX_SAFE_INTEGER;

/**
 * The ways of one function. Between two neighbouring bounds all addresses fare alike. The fabric's root complex must
 * translate nothing while they are found out.
 */
export class Route {
  readonly fn: PciFunction;
  /** Requester ID with which its requests come to the root complex. */
  requester = 0;
  readonly bounds: Float64Array;
  private readonly states: Uint8Array;
  private readonly fabric: Fabric;
  /** Piece that was asked for last. */
  private at = 0;

  constructor(fabric: Fabric, fn: PciFunction) {
    this.fabric = fabric;
    this.fn = fn;
    this.bounds = boundsOf(fabric, fn);
    this.states = new Uint8Array(this.bounds.length);
  }

  /** How many bytes from an address on go straight to the root complex, and there to its IOMMU. */
  straight(address: number): number {
    const at = this.indexAt(address);
    return this.stateOf(at) === TO_IOMMU ? this.bounds[at + 1]! - address : 0;
  }

  /** Whether a message to this address comes to the root complex as one. */
  toCpus(address: number): boolean {
    return this.stateOf(this.indexAt(address)) === INTERRUPT;
  }

  private indexAt(address: number): number {
    const { bounds, at } = this;
    if (address < bounds[at]! || address >= bounds[at + 1]!) this.at = this.indexOf(address);
    return this.at;
  }

  private indexOf(address: number): number {
    const { bounds } = this;
    let low = 0;
    let high = bounds.length - 2;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (bounds[middle]! <= address) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  private stateOf(index: number): number {
    const known = this.states[index]!;
    if (known !== UNKNOWN) return known;
    const address = BigInt(this.bounds[index]!);
    const { ending, requester } = routeMemory(this.fabric, this.fn, {
      ...{ kind: 'memory-write', address, length: 1, addressType: 'untranslated' },
    });
    let state = ELSEWHERE;
    if (ending.kind === 'interrupt') state = INTERRUPT;
    else if (ending.kind === 'refused' && ending.why === 'iommu') state = TO_IOMMU;
    if (state !== ELSEWHERE) this.requester = requester;
    this.states[index] = state;
    return state;
  }
}

/** Where something on a function's way up begins or ends to take an interest. */
function boundsOf(fabric: Fabric, fn: PciFunction): Float64Array {
  const found = new Set<number>([0, INTERRUPTS_FROM, INTERRUPTS_TO + 1, LAST]);
  const note = (start: bigint, end: bigint): void => {
    found.add(Math.min(LAST, Number(start)));
    found.add(Math.min(LAST, Number(end)));
  };
  for (let at: PciFunction | null = fn; at !== null; at = at.parent) {
    for (const other of fabric.busOf(at)) {
      for (const [start, end] of windowRanges(other)) note(start, end);
      for (const [start, end] of barRanges(other)) note(start, end);
    }
  }
  return Float64Array.from(found).sort();
}

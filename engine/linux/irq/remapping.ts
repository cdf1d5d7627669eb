import type { PciFunction } from '../../hardware/pci/function';
import { PortType } from '../../hardware/pci/function';
import { requesterId } from '../../hardware/pci/address';

/** How the host turns a device's message into an interrupt. */
export type RemappingKind = 'vt-d' | 'amd-vi' | 'none';

/** Who may use an entry (VT-d: SVT, SID): nobody is checked, one requester, or a range of buses. */
export type SourceCheck =
  | { readonly kind: 'any' }
  | { readonly kind: 'requester'; readonly id: number }
  | { readonly kind: 'buses'; readonly first: number; readonly last: number };

/** VT-d table of 65,536 entries; indexes are given out lowest first, blocks aligned to their size. */
export class RemappingIndexes {
  private readonly used: Uint8Array;
  /** No index below is free. */
  private lowest = 0;

  constructor(size: number) {
    this.used = new Uint8Array(size);
  }

  /** First index of `count` free ones (rounded up to a power of two), or -1 when the table is full. */
  allocate(count: number): number {
    const block = blockSize(count);
    while (this.used[this.lowest] === 1) this.lowest++;
    for (let at = this.lowest & -block; at + block <= this.used.length; at += block) {
      let free = true;
      for (let i = 0; i < block && free; i++) free = this.used[at + i] === 0;
      if (!free) continue;
      this.used.fill(1, at, at + block);
      return at;
    }
    return -1;
  }

  free(from: number, count: number): void {
    this.used.fill(0, from, from + blockSize(count));
    this.lowest = Math.min(this.lowest, from);
  }
}

const blockSize = (count: number): number => (count <= 1 ? 1 : 1 << (32 - Math.clz32(count - 1)));

/** Requester IDs that a function's writes can carry at the root, nearest first, with the function that puts them there. */
function aliasesOf(fn: PciFunction): { id: number; at: PciFunction }[] {
  const found = [{ id: requesterId(fn.address), at: fn }];
  for (let bridge = fn.parent; bridge !== null; bridge = bridge.parent) {
    const port = bridge.portType;
    if (port === PortType.PcieToPciBridge) {
      found.push({ id: bridge.config.read(0x19, 1) << 8, at: bridge });
    } else if (port === null || port === PortType.PciToPcieBridge) {
      found.push({ id: requesterId(bridge.address), at: bridge });
    }
  }
  return found;
}

/** The source check that Linux writes into the entries of a function (iommu-hardware 5.3). */
export function sourceCheckOf(fn: PciFunction): SourceCheck {
  const aliases = aliasesOf(fn);
  const last = aliases[aliases.length - 1]!;
  const bus = fn.address.bus;
  if (last.id >>> 8 !== last.at.address.bus) return { kind: 'buses', first: last.id >>> 8, last: bus };
  return { kind: 'requester', id: last.id };
}

/** The requester ID with which a message of the function reaches the host. */
export const messageSource = (fn: PciFunction): number => {
  const aliases = aliasesOf(fn);
  return aliases[aliases.length - 1]!.id;
};

export function sourceAllowed(check: SourceCheck, requester: number): boolean {
  if (check.kind === 'any') return true;
  if (check.kind === 'requester') return check.id === requester;
  return requester >>> 8 >= check.first && requester >>> 8 <= check.last;
}

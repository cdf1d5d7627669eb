/** Which functions reach which past the IOMMU, to be drawn over the groups. */
import type { Kernel } from '../../linux/kernel';
import { reachablePairs } from '../../linux/iommu/reach';
import type { ReachView } from './types';

/** A screen shows no more arrows, and an open machine has as many pairs as functions squared. */
const MOST = 5000;

export function reachView(kernel: Kernel): ReachView {
  const groupAt = (address: string): number | null => {
    const device = kernel.pci.devices.get(address);
    return device ? (kernel.iommu.groupOf(device)?.id ?? null) : null;
  };
  const pairs: ReachView['pairs'] = [];
  for (const { from, to, path, known } of reachablePairs(kernel)) {
    if (pairs.length === MOST) return { pairs, complete: false };
    const across = groupAt(from.name) !== groupAt(to.name);
    pairs.push({ from: from.name, to: to.name, path: [...path], across, known });
  }
  return { pairs, complete: true };
}

/** Two functions side by side: the way of each into its group, and what would separate them. */
import { explainPair, explanationLines, type DecisionPath } from '../../linux/iommu/separate';
import type { Kernel } from '../../linux/kernel';
import type { PairPath, PairView } from './types';

const pathView = ({ function: address, group, steps }: DecisionPath): PairPath => ({
  address,
  group,
  steps: steps.map(({ function: subject, step: { text, decided, joins } }) => ({ subject, text, decided, joins })),
});

/** Null when one of the two is not in the machine. */
export function pairView(kernel: Kernel, a: string, b: string): PairView | null {
  const first = kernel.pci.devices.get(a);
  const second = kernel.pci.devices.get(b);
  if (!first || !second) return null;
  const explanation = explainPair(kernel.iommu, first, second);
  const { separation, together, known, paths } = explanation;
  return {
    lines: explanationLines(explanation),
    sameGroup: together,
    known,
    paths: [pathView(paths[0]), pathView(paths[1])],
    separate: separation.kind === 'separate' ? null : separation.text,
    separation: separation.kind,
  };
}

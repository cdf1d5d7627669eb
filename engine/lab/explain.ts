/** Explanations for the terminal's `why`: the same data that the window shows. */
import type { Kernel } from '../linux/kernel';
import type { PciDevice } from '../linux/pci/device';
import { explainPair, explanationLines } from '../linux/iommu/separate';

function find(kernel: Kernel, text: string): PciDevice | null {
  return kernel.pci.devices.get(text) ?? kernel.pci.devices.get(`0000:${text}`) ?? null;
}

/** `why 01:00.0`, `why 01:00.0 01:00.1`; null when the words name nothing that can be explained. */
export function explainSubject(kernel: Kernel, subject: readonly string[]): string[] | null {
  const devices = subject.map((word) => find(kernel, word));
  const [first, second] = devices;
  if (subject.length === 1 && first) {
    const group = kernel.iommu.groupOf(first);
    const decision = kernel.iommu.decisionOf(first);
    if (!group || !decision) return [`${first.name} is in no IOMMU group.`];
    return [
      `${first.name} is in group ${group.id} with ${group.devices.length - 1} other functions:`,
      ...decision.steps.map((step) => `  ${step.decided ? '*' : '-'} ${step.text}`),
    ];
  }
  if (subject.length === 2 && first && second) return explanationLines(explainPair(kernel.iommu, first, second));
  return null;
}

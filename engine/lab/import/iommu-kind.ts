import type { IommuKind } from '../../hardware/description';

/** Which IOMMU the machine has, as far as its functions show it. */
export function iommuOf(functions: readonly { classCode: number | null; vendor: number | null }[]): IommuKind {
  const host = functions.find((fn) => fn.classCode === 0x0600) ?? functions[0];
  if (functions.some((fn) => fn.classCode === 0x0806 && fn.vendor === 0x1022)) return 'amd-vi';
  if (host?.vendor === 0x8086) return 'intel-vtd';
  if (host?.vendor === 0x1022 || host?.vendor === 0x1002) return 'amd-vi';
  if (host?.vendor === 0x13b5 || host?.vendor === 0x1957) return 'smmu';
  return 'unknown';
}

import type { IommuKind } from '../../hardware/description';

/** Intel; Zhaoxin builds the same unit. */
const VTD: ReadonlySet<number> = new Set([0x8086, 0x1d17]);
/** AMD, ATI, Hygon. */
const AMD_VI: ReadonlySet<number> = new Set([0x1022, 0x1002, 0x1d94]);
/** ARM, NXP, Ampere, X-Gene, HiSilicon, Cavium, Marvell, Qualcomm, HXT, Annapurna, Amazon, Phytium. */
const SMMU: ReadonlySet<number> = new Set([
  0x13b5, 0x1957, 0x1def, 0x10e8, 0x19e5, 0x177d, 0x11ab, 0x17cb, 0x1dbf, 0x1c36, 0x1d0f, 0x1db7,
]);

/** Which IOMMU the machine has, as far as its functions show it. */
export function iommuOf(functions: readonly { classCode: number | null; vendor: number | null }[]): IommuKind {
  const host = functions.find((fn) => fn.classCode === 0x0600) ?? functions[0];
  if (functions.some((fn) => fn.classCode === 0x0806 && AMD_VI.has(fn.vendor ?? 0))) return 'amd-vi';
  const vendor = host?.vendor ?? 0;
  return VTD.has(vendor) ? 'intel-vtd' : AMD_VI.has(vendor) ? 'amd-vi' : SMMU.has(vendor) ? 'smmu' : 'unknown';
}

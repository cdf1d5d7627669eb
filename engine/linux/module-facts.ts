/** Modules this kernel knows: sizes as /proc/modules of the recorded kernel shows them, and who uses whom. */
import { lookUp } from '../hardware/lookup';

export interface ModuleFacts {
  readonly size: number;
  readonly uses: readonly string[];
}

const TABLE: Readonly<Record<string, ModuleFacts>> = {
  vfio: { size: 61440, uses: [] },
  vfio_iommu_type1: { size: 45056, uses: ['vfio'] },
  irqbypass: { size: 12288, uses: [] },
  vfio_pci_core: { size: 94208, uses: ['vfio', 'irqbypass'] },
  vfio_pci: { size: 16384, uses: ['vfio_pci_core', 'vfio'] },
  pci_stub: { size: 12288, uses: [] },
  iommufd: { size: 131072, uses: [] },
  virtio_iommu: { size: 28672, uses: [] },
  nvme: { size: 65536, uses: ['nvme_core'] },
  nvme_core: { size: 217088, uses: [] },
  e1000e: { size: 344064, uses: [] },
  e1000: { size: 180224, uses: [] },
  igb: { size: 319488, uses: [] },
  igc: { size: 233472, uses: [] },
  ixgbe: { size: 454656, uses: [] },
  i40e: { size: 610304, uses: [] },
  ice: { size: 1204224, uses: [] },
  r8169: { size: 118784, uses: [] },
  mlx5_core: { size: 2482176, uses: [] },
  ahci: { size: 49152, uses: ['libahci'] },
  libahci: { size: 61440, uses: [] },
  xhci_pci: { size: 24576, uses: ['xhci_hcd'] },
  xhci_hcd: { size: 372736, uses: [] },
  ehci_pci: { size: 16384, uses: [] },
  uhci_hcd: { size: 65536, uses: [] },
  snd_hda_intel: { size: 61440, uses: [] },
  nouveau: { size: 3330048, uses: [] },
  amdgpu: { size: 14041088, uses: [] },
  i915: { size: 4268032, uses: [] },
  i2c_i801: { size: 36864, uses: [] },
  lpc_ich: { size: 28672, uses: [] },
  '8139too': { size: 53248, uses: [] },
  snd_intel8x0: { size: 57344, uses: [] },
  pci_pf_stub: { size: 12288, uses: [] },
  shpchp: { size: 49152, uses: [] },
  kvm: { size: 1359872, uses: ['irqbypass'] },
  kvm_intel: { size: 413696, uses: ['kvm'] },
};

/** Null: there is no such module. */
export const moduleFacts = (name: string): ModuleFacts | null => lookUp(TABLE, name) ?? null;

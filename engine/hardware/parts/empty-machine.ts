/** A machine in which nothing stands yet, with a kernel that has what the lab needs. */
import type { MachineDescription } from '../description';

export const EMPTY_MACHINE: MachineDescription = {
  format: 'vfiolab-machine/1',
  name: 'untitled',
  about: 'An empty machine',
  source: 'built',
  booted: false,
  iommu: 'intel-vtd',
  kernel: {
    release: '6.12.0',
    build: 'debian',
    cmdline: 'intel_iommu=on',
    modules: ['vfio', 'vfio_iommu_type1', 'vfio-pci', 'pci-stub'],
    moduleOptions: {},
    drivers: ['vfio-pci', 'pci-stub', 'pcieport', 'serial'],
  },
  functions: [],
  recordedGroups: null,
  unknown: [],
};

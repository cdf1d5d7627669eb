import { ERRNO } from '../../errno';
import { EXTENSION } from '../../uapi/vfio';
import type { BackendInstance, IommuBackend } from './backend';

/** Devices without an IOMMU: nothing is mapped, nothing is protected (vfio-core.md 10). */
export const noiommuBackend: IommuBackend = {
  name: 'noiommu',
  noiommu: true,
  supports: (extension, { parameters }) =>
    parameters.enableUnsafeNoiommuMode && extension === EXTENSION.NOIOMMU_IOMMU ? 1 : 0,
  open(_type, process, { why, parameters }) {
    if (!process.capabilities.has('CAP_SYS_RAWIO')) {
      return why.refuse(
        ERRNO.EPERM,
        'vfio.noiommu.capability',
        `Process ${process.pid} lacks CAP_SYS_RAWIO.`,
        'Run as root: without an IOMMU the device reaches all memory.',
      );
    }
    const instance: BackendInstance = {
      name: 'noiommu',
      checkExtension: (extension) =>
        parameters.enableUnsafeNoiommuMode && extension === EXTENSION.NOIOMMU_IOMMU ? 1 : 0,
      ioctl: () => -ERRNO.ENOTTY,
      attach: () => 0,
      detach: () => {},
      release: () => {},
    };
    return instance;
  },
};

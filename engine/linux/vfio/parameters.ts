/** Module parameters that VFIO reads, in force at once when sysfs changes them (vfio-core.md 8). */
export interface VfioParameters {
  /** vfio: bind devices that have no IOMMU group. */
  enableUnsafeNoiommuMode: boolean;
  /** vfio_iommu_type1: attach without interrupt remapping. */
  allowUnsafeInterrupts: boolean;
  /** vfio_iommu_type1: pin and map page by page. */
  disableHugepages: boolean;
  /** vfio_iommu_type1: mappings a container may hold; read when the back end is opened. */
  dmaEntryLimit: number;
  /** iommufd: bind without interrupt remapping. */
  iommufdAllowUnsafeInterrupts: boolean;
}

export const defaultVfioParameters = (): VfioParameters => ({
  enableUnsafeNoiommuMode: false,
  allowUnsafeInterrupts: false,
  disableHugepages: false,
  dmaEntryLimit: 65535,
  iommufdAllowUnsafeInterrupts: false,
});

/** Parts of VFIO that are built in. */
export interface VfioFeatures {
  /** CONFIG_VFIO_NOIOMMU. */
  readonly noiommu: boolean;
  /** CONFIG_VFIO_DEVICE_CDEV. */
  readonly cdev: boolean;
  /** CONFIG_VFIO_CONTAINER. */
  readonly container: boolean;
}

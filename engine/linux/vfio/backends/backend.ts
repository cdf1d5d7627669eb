import type { IommuGroup } from '../../iommu/group';
import type { KernelLog } from '../../log';
import type { Process } from '../../process/process';
import type { WhyLog } from '../../why';
import type { IommuServices } from '../iommu';
import type { VfioParameters } from '../parameters';

export interface BackendContext {
  readonly iommu: IommuServices;
  readonly log: KernelLog;
  readonly why: WhyLog;
  readonly parameters: VfioParameters;
}

/** A way to give a container an IOMMU (`struct vfio_iommu_driver_ops`). A new one is one file and a registration. */
export interface IommuBackend {
  readonly name: string;
  /** Serves groups without an IOMMU, and only those. */
  readonly noiommu: boolean;
  /** VFIO_CHECK_EXTENSION where no back end is set: > 0 also means that SET_IOMMU may ask for this type. */
  supports(extension: number, context: BackendContext): number;
  /** What SET_IOMMU opens; a negative errno where it may not. */
  open(type: number, process: Process, context: BackendContext): BackendInstance | number;
}

/** A back end in use by one container. */
export interface BackendInstance {
  readonly name: string;
  checkExtension(extension: number): number;
  ioctl(process: Process, request: number, arg: bigint): number;
  /** 0 or a negative errno; on failure everything is as before. */
  attach(group: IommuGroup): number;
  detach(group: IommuGroup): void;
  release(): void;
}

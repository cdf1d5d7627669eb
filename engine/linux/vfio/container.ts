import { ERRNO } from '../errno';
import type { OpenFile } from '../process/files';
import type { Process } from '../process/process';
import { EXTENSION, VFIO } from '../uapi/vfio';
import type { BackendContext, BackendInstance, IommuBackend } from './backends/backend';
import type { VfioGroup } from './group';

/** The IOMMU context of a user: groups share its mappings (`struct vfio_container`). */
export class VfioContainer implements OpenFile {
  readonly kind = 'vfio-container';
  readonly link = '/dev/vfio/vfio';
  readonly flags = 2;
  /** Newest first, as the kernel keeps them. */
  readonly groups: VfioGroup[] = [];
  backend: BackendInstance | null = null;
  noiommu = false;
  private readonly registry: readonly IommuBackend[];
  private readonly context: BackendContext;

  /** `registry`: newest registered first. */
  constructor(registry: readonly IommuBackend[], context: BackendContext) {
    this.registry = registry;
    this.context = context;
  }

  ioctl(process: Process, request: number, arg: bigint): number {
    switch (request) {
      case VFIO.GET_API_VERSION:
        return 0;
      case VFIO.CHECK_EXTENSION:
        return this.checkExtension(Number(arg));
      case VFIO.SET_IOMMU:
        return this.setIommu(process, Number(arg));
    }
    if (this.backend === null) {
      return this.context.why.refuse(
        ERRNO.EINVAL,
        'vfio.container.backend',
        'The container has no IOMMU type yet.',
        'Add a group (VFIO_GROUP_SET_CONTAINER), then VFIO_SET_IOMMU.',
      );
    }
    return this.backend.ioctl(process, request, arg);
  }

  /** VFIO_GROUP_SET_CONTAINER with this container (vfio-core.md 4.3). */
  attach(group: VfioGroup, process: Process): number {
    const { why, iommu } = this.context;
    if (group.noiommu && !process.capabilities.has('CAP_SYS_RAWIO')) return group.refuseNoiommu(process);
    if (this.groups.length > 0 && this.noiommu !== group.noiommu) {
      return why.refuse(
        ERRNO.EPERM,
        'vfio.container.mixed',
        `The container holds ${this.noiommu ? 'no-IOMMU' : 'IOMMU'} groups; group ${group.name} is of the other kind.`,
        'Use a container of its own.',
      );
    }
    const iommuGroup = group.iommuGroup!;
    if (!group.noiommu) {
      const claimed = iommu.claimDmaOwner(iommuGroup, group);
      if (claimed < 0) return claimed;
    }
    if (this.backend !== null) {
      const attached = this.backend.attach(iommuGroup);
      if (attached < 0) {
        if (!group.noiommu) iommu.releaseDmaOwner(iommuGroup);
        return attached;
      }
    }
    this.noiommu = group.noiommu;
    this.groups.unshift(group);
    return 0;
  }

  /** The group leaves; the last one takes the back end and every mapping with it. */
  detach(group: VfioGroup): void {
    const iommuGroup = group.iommuGroup!;
    this.backend?.detach(iommuGroup);
    if (!group.noiommu) this.context.iommu.releaseDmaOwner(iommuGroup);
    this.groups.splice(this.groups.indexOf(group), 1);
    if (this.groups.length === 0) {
      this.backend?.release();
      this.backend = null;
    }
  }

  private fits(backend: IommuBackend): boolean {
    return backend.noiommu === this.noiommu;
  }

  private checkExtension(extension: number): number {
    if (this.backend !== null) return this.backend.checkExtension(extension);
    for (const backend of this.registry) {
      if (this.groups.length > 0 && !this.fits(backend)) continue;
      const answer = backend.supports(extension, this.context);
      if (answer > 0) return answer;
    }
    return 0;
  }

  private setIommu(process: Process, type: number): number {
    const { why } = this.context;
    if (this.groups.length === 0) {
      return why.refuse(
        ERRNO.EINVAL,
        'vfio.container.groups',
        'The container has no group.',
        'VFIO_GROUP_SET_CONTAINER comes first.',
      );
    }
    if (this.backend !== null) {
      return why.refuse(
        ERRNO.EINVAL,
        'vfio.container.set',
        `The container has the IOMMU type ${this.backend.name} already.`,
        'It is kept until the last group leaves the container.',
      );
    }
    let error = 0;
    for (const backend of this.registry) {
      if (!this.fits(backend) || backend.supports(type, this.context) <= 0) continue;
      const instance = backend.open(type, process, this.context);
      if (typeof instance === 'number') {
        error = instance;
        continue;
      }
      error = this.attachAll(instance);
      if (error === 0) {
        this.backend = instance;
        return 0;
      }
      instance.release();
    }
    if (error < 0) return error;
    return why.refuse(
      ERRNO.ENODEV,
      'vfio.container.type',
      `No IOMMU back end serves type ${type}.`,
      `Types here: ${this.types().join(', ') || 'none'}.`,
    );
  }

  private types(): string[] {
    return Object.entries(EXTENSION)
      .filter(([name]) => name.endsWith('_IOMMU') && name !== 'DMA_CC_IOMMU')
      .filter(([, type]) => this.registry.some((b) => this.fits(b) && b.supports(type, this.context) > 0))
      .map(([name, type]) => `${type} (${name})`);
  }

  private attachAll(instance: BackendInstance): number {
    const done: VfioGroup[] = [];
    for (const group of this.groups) {
      const error = instance.attach(group.iommuGroup!);
      if (error < 0) {
        for (const attached of done.reverse()) instance.detach(attached.iommuGroup!);
        return error;
      }
      done.push(group);
    }
    return 0;
  }
}

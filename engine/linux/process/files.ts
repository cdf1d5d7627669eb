import type { Process } from './process';

/**
 * An open file description (the kernel's `struct file`): shared by dup and fork, released with its last descriptor.
 *
 * Every operation returns a value ≥ 0, or a negative errno. A missing operation means what Linux answers for it:
 * read/write EINVAL, ioctl ENOTTY, mmap ENODEV, poll always ready.
 */
export interface OpenFile {
  /** What a person and other subsystems may ask it for: `vfio-container`, `vfio-group`, `vfio-device`, `eventfd`, `iommufd`, `file`, … */
  readonly kind: string;
  /** Text behind `/proc/<pid>/fd/N`: a path or `anon_inode:[eventfd]`. */
  readonly link: string;
  /** Flags of the open; left out: read and write. */
  readonly flags?: number;
  read?(process: Process, into: Uint8Array, offset: number | null): number | PendingCall;
  write?(process: Process, data: Uint8Array, offset: number | null): number | PendingCall;
  ioctl?(process: Process, request: number, arg: bigint): number | PendingCall;
  mmap?(process: Process, mapping: MmapRequest): MappedRegion | number;
  /** Ready events as POLLIN | POLLOUT | … */
  poll?(): number;
  /** The last descriptor and the last mapping are gone. */
  release?(): void;
}

/** A call that sleeps in the kernel: completes later, during another input. */
export interface PendingCall {
  readonly pending: true;
  /** Set when the call has returned: its value or negative errno. */
  result: number | null;
}

export interface MmapRequest {
  readonly offset: number;
  readonly length: number;
  readonly read: boolean;
  readonly write: boolean;
  readonly shared: boolean;
}

/** Device memory mapped into a process. An access returns null where the CPU would take SIGBUS. */
export interface MappedRegion {
  readonly length: number;
  /** Bus address of its first byte, where DMA between devices may reach it; left out: it cannot be mapped for DMA. */
  readonly physical?: number;
  read(offset: number, width: 1 | 2 | 4 | 8): bigint | null;
  write(offset: number, width: 1 | 2 | 4 | 8, value: bigint): true | null;
  unmapped?(): void;
}

/** Which system calls read or write config space as a user of VFIO, or as root through sysfs. */
import type { Kernel } from '../linux/kernel';
import type { TracedOperation } from '../linux/uapi/operation';
import { REGION_INDEX, REGION_SHIFT } from '../linux/uapi/vfio';
import { VfioDeviceFile } from '../linux/vfio/device';
import { fromHex } from '../shell/calls/hex';

/** Where the config region stands in a device's file. */
export const VFIO_CONFIG_OFFSET = BigInt(REGION_INDEX.CONFIG) << BigInt(REGION_SHIFT);

const CONFIG_SIZE = 0x1000n;

export interface ConfigCall {
  readonly device: string;
  readonly as: 'user' | 'root';
  readonly offset: number;
  readonly size: number;
  /** What is written; null for a read. */
  readonly data: Uint8Array | null;
}

const SYSFS_CONFIG = /^\/sys\/bus\/pci\/devices\/([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])\/config$/;

/** The access to config space that a call makes; null for any other call. */
export function configCallOf(kernel: Kernel, pid: number, operation: TracedOperation): ConfigCall | null {
  if (operation.op === 'syswrite') {
    const device = operation.hex === undefined ? undefined : SYSFS_CONFIG.exec(operation.path)?.[1];
    if (device === undefined) return null;
    const data = fromHex(operation.hex!);
    return { device, as: 'root', offset: operation.offset ?? 0, size: data.length, data };
  }
  if ((operation.op !== 'pwrite' && operation.op !== 'pread') || typeof operation.fd !== 'number') return null;
  if (!/^(?:0x[0-9a-f]+|\d+)$/i.test(String(operation.offset))) return null;
  const offset = BigInt(operation.offset) - VFIO_CONFIG_OFFSET;
  if (offset < 0n || offset >= CONFIG_SIZE) return null;
  const file = kernel.processes.get(pid)?.files.get(operation.fd);
  if (!(file instanceof VfioDeviceFile)) return null;
  const data = operation.op === 'pwrite' ? fromHex(operation.hex) : null;
  const size = operation.op === 'pwrite' ? operation.hex.length >> 1 : operation.size;
  return { device: file.device.device.name, as: 'user', offset: Number(offset), size, data };
}

/** The function, offset and bytes of a user's write; null for any other call. */
export function configWriteOf(
  kernel: Kernel,
  pid: number,
  operation: TracedOperation,
): { device: string; offset: number; data: Uint8Array } | null {
  const call = configCallOf(kernel, pid, operation);
  return call?.as === 'user' && call.data !== null
    ? { device: call.device, offset: call.offset, data: call.data }
    : null;
}

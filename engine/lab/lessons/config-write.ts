/** Which system calls are a user's writes to config space. */
import type { Kernel } from '../../linux/kernel';
import type { TracedOperation } from '../../linux/uapi/operation';
import { REGION_INDEX, REGION_SHIFT } from '../../linux/uapi/vfio';
import { VfioDeviceFile } from '../../linux/vfio/device';
import { fromHex } from '../../shell/calls/hex';

/** Where the config region stands in a device's file. */
export const VFIO_CONFIG_OFFSET = BigInt(REGION_INDEX.CONFIG) << BigInt(REGION_SHIFT);

const CONFIG_SIZE = 0x1000n;

/** The function, offset and bytes of a `pwrite` into the config region of a VFIO device; null for any other call. */
export function configWriteOf(
  kernel: Kernel,
  pid: number,
  operation: TracedOperation,
): { device: string; offset: number; data: Uint8Array } | null {
  if (operation.op !== 'pwrite' || typeof operation.fd !== 'number') return null;
  const offset = BigInt(operation.offset) - VFIO_CONFIG_OFFSET;
  if (offset < 0n || offset >= CONFIG_SIZE) return null;
  const file = kernel.processes.get(pid)?.files.get(operation.fd);
  if (!(file instanceof VfioDeviceFile)) return null;
  return { device: file.device.device.name, offset: Number(offset), data: fromHex(operation.hex) };
}

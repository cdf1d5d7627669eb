/** Which function an input is about, told before it is applied. */
import type { Kernel } from '../../linux/kernel';
import type { TracedOperation } from '../../linux/uapi/operation';
import { VfioDeviceFile } from '../../linux/vfio/device';
import type { Input } from '../input';

const ADDRESS = /[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]/;

function ofCall(kernel: Kernel, pid: number, operation: TracedOperation): string | null {
  if ('fd' in operation && typeof operation.fd === 'number') {
    const file = kernel.processes.get(pid)?.files.get(operation.fd);
    if (file instanceof VfioDeviceFile) return file.device.device.name;
    if (operation.op === 'ioctl' && typeof operation.arg === 'string') return ADDRESS.exec(operation.arg)?.[0] ?? null;
    return null;
  }
  if (operation.op === 'syswrite') return ADDRESS.exec(`${operation.path} ${operation.text ?? ''}`)?.[0] ?? null;
  return 'path' in operation ? (ADDRESS.exec(operation.path)?.[0] ?? null) : null;
}

/** Its address, or null where it is about none or about several. */
export function subjectOf(kernel: Kernel, input: Input): string | null {
  switch (input.kind) {
    case 'call':
      return ofCall(kernel, input.pid, input.operation);
    case 'stimulus':
      return 'device' in input.stimulus ? input.stimulus.device : null;
    case 'edit':
      return 'address' in input.edit ? input.edit.address : null;
    default:
      return null;
  }
}

import { ERRNO } from '../errno';
import type { Process } from './process';

/** `ioctl`s that the kernel answers for every open file before the file's own handler (fs/ioctl, `do_vfs_ioctl`). */
const FIONCLEX = 0x5450;
const FIOCLEX = 0x5451;
const FIONBIO = 0x5421;
const FIOASYNC = 0x5452;

/**
 * Their answer; null for any other request. Nothing has to be remembered: calls here never sleep in a read, and there
 * is no exec that would close a descriptor. No file of the lab sends SIGIO.
 */
export function commonRequest(process: Process, request: number, arg: bigint): number | null {
  switch (request) {
    case FIOCLEX:
    case FIONCLEX:
      return 0;
    case FIONBIO:
    case FIOASYNC: {
      const on = new Uint8Array(4);
      if (!process.memory.copyFrom(arg, on)) return -ERRNO.EFAULT;
      return request === FIOASYNC && on.some((byte) => byte !== 0) ? -ERRNO.ENOTTY : 0;
    }
    default:
      return null;
  }
}

import { ERRNO } from '../../errno';
import type { Process } from '../../process/process';
import { MAX_BITMAP_SIZE } from './dirty';
import type { Type1State } from './state';

const HEADER = 24;
const MINIMUM = 16;
const FLAG_PGSIZES = 1;
const FLAG_CAPS = 2;

const CAP_IOVA_RANGE = 1;
const CAP_MIGRATION = 2;
const CAP_DMA_AVAILABLE = 3;

/** The capability chain as it follows the header: migration, entries left, usable ranges (type1.md 2). */
function capabilities(state: Type1State): Uint8Array {
  const count = state.ranges.length;
  const bytes = new Uint8Array(48 + (count > 0 ? 16 + 16 * count : 0));
  const view = new DataView(bytes.buffer);
  const capability = (at: number, id: number, next: number): void => {
    view.setUint16(at, id, true);
    view.setUint16(at + 2, 1, true);
    view.setUint32(at + 4, next, true);
  };
  capability(0, CAP_MIGRATION, HEADER + 32);
  view.setBigUint64(16, BigInt(state.pageSize), true);
  view.setBigUint64(24, MAX_BITMAP_SIZE, true);
  capability(32, CAP_DMA_AVAILABLE, count > 0 ? HEADER + 48 : 0);
  view.setUint32(40, state.available, true);
  if (count > 0) {
    capability(48, CAP_IOVA_RANGE, 0);
    view.setUint32(56, count, true);
    state.ranges.forEach(({ start, end }, i) => {
      view.setBigUint64(64 + 16 * i, start, true);
      view.setBigUint64(72 + 16 * i, end, true);
    });
  }
  return bytes;
}

/** VFIO_IOMMU_GET_INFO. */
export function getInfo(state: Type1State, process: Process, arg: bigint): number {
  const bytes = new Uint8Array(HEADER);
  const view = new DataView(bytes.buffer);
  if (!process.memory.copyFrom(arg, bytes.subarray(0, MINIMUM))) return -ERRNO.EFAULT;
  const argsz = view.getUint32(0, true);
  if (argsz < MINIMUM) {
    return state.context.why.refuse(
      ERRNO.EINVAL,
      'type1.info.arguments',
      `argsz is ${argsz}; the least is ${MINIMUM}.`,
    );
  }
  const chain = capabilities(state);
  view.setUint32(4, FLAG_PGSIZES | FLAG_CAPS, true);
  view.setBigUint64(8, state.pageSizes, true);
  if (argsz < HEADER + chain.length) view.setUint32(0, HEADER + chain.length, true);
  else {
    if (!process.memory.copyTo(arg + BigInt(HEADER), chain)) return -ERRNO.EFAULT;
    view.setUint32(16, HEADER, true);
  }
  return process.memory.copyTo(arg, bytes.subarray(0, Math.min(argsz, HEADER))) ? 0 : -ERRNO.EFAULT;
}

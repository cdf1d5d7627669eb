import { ERRNO } from '../errno';
import type { Process } from '../process/process';
import { EXTENSION, VFIO } from '../uapi/vfio';
import type { IommufdContext } from './context';
import type { Ioas } from './ioas';
import { protOf } from './ioas';
import { mapUser, noCompatibility, unmapRange } from './requests';
import { readStruct, UserStruct } from './user';

const MAP_SIZE = 32;
const MAP_READ = 1;
const MAP_WRITE = 2;
const UNMAP_SIZE = 24;
const UNMAP_ALL = 2;
const INFO_MINIMUM = 16;
const INFO_SIZE = 24;
const INFO_FLAGS = 3;
const CAP_IOVA_RANGE = 1;
const CAP_DMA_AVAILABLE = 3;

/** The container's requests, answered by an iommufd (iommufd.md 11). `noiommu`: no-IOMMU mode is built in. */
export function containerRequest(
  context: IommufdContext,
  process: Process,
  request: number,
  arg: bigint,
  noiommu: boolean,
): number {
  switch (request) {
    case VFIO.GET_API_VERSION:
      return 0;
    case VFIO.CHECK_EXTENSION:
      return checkExtension(context, Number(arg), noiommu);
    case VFIO.SET_IOMMU:
      return setIommu(context, process, Number(arg), noiommu);
    case VFIO.IOMMU_GET_INFO:
      return getInfo(context, process, arg);
    case VFIO.IOMMU_MAP_DMA:
      return mapDma(context, process, arg);
    case VFIO.IOMMU_UNMAP_DMA:
      return unmapDma(context, process, arg);
    default:
      return -ERRNO.ENOTTY;
  }
}

function checkExtension(context: IommufdContext, extension: number, noiommu: boolean): number {
  switch (extension) {
    case EXTENSION.TYPE1_IOMMU:
    case EXTENSION.TYPE1v2_IOMMU:
    case EXTENSION.UNMAP_ALL:
      return context.noiommu ? 0 : 1;
    case EXTENSION.NOIOMMU_IOMMU:
      return noiommu ? 1 : 0;
    case EXTENSION.DMA_CC_IOMMU: {
      const ioas = context.compatIoas;
      if (ioas === null) return noCompatibility(context);
      return context.tablesOf(ioas).every((hwpt) => hwpt.enforcesCoherency) ? 1 : 0;
    }
    default:
      return 0;
  }
}

function setIommu(context: IommufdContext, process: Process, type: number, noiommu: boolean): number {
  if (noiommu && type === EXTENSION.NOIOMMU_IOMMU && context.noiommu) {
    if (process.capabilities.has('CAP_SYS_RAWIO')) return 0;
    return context.why.refuse(ERRNO.EPERM, 'vfio.noiommu.capability', `Process ${process.pid} lacks CAP_SYS_RAWIO.`);
  }
  if ((type !== EXTENSION.TYPE1_IOMMU && type !== EXTENSION.TYPE1v2_IOMMU) || context.noiommu) {
    return context.why.refuse(
      ERRNO.EINVAL,
      'iommufd.compat.type',
      `An iommufd does not serve IOMMU type ${type}.`,
      'Use TYPE1v2 (3) or TYPE1 (1).',
    );
  }
  if (context.compatIoas === null) return noCompatibility(context);
  return type === EXTENSION.TYPE1_IOMMU ? context.compatIoas.disableLargePages() : 0;
}

function mapDma(context: IommufdContext, process: Process, arg: bigint): number {
  const struct = readStruct(process, arg, MAP_SIZE);
  if (struct === null) return -ERRNO.EFAULT;
  const flags = struct.u32(4);
  if (struct.u32(0) < MAP_SIZE || flags & ~(MAP_READ | MAP_WRITE)) {
    return context.why.refuse(
      ERRNO.EINVAL,
      'iommufd.compat.map',
      `argsz is ${struct.u32(0)}, flags are 0x${flags.toString(16)}.`,
    );
  }
  const ioas = context.compatIoas;
  if (ioas === null) return noCompatibility(context);
  return mapUser(context, process, ioas, {
    address: struct.u64(8),
    length: struct.u64(24),
    iova: struct.u64(16),
    prot: protOf((flags & MAP_READ) !== 0, (flags & MAP_WRITE) !== 0),
  }).error;
}

function unmapDma(context: IommufdContext, process: Process, arg: bigint): number {
  const struct = readStruct(process, arg, UNMAP_SIZE);
  if (struct === null) return -ERRNO.EFAULT;
  const flags = struct.u32(4);
  const iova = struct.u64(8);
  const size = struct.u64(16);
  if (struct.u32(0) < UNMAP_SIZE || flags & ~UNMAP_ALL) {
    return context.why.refuse(
      ERRNO.EINVAL,
      'iommufd.compat.unmap',
      `argsz is ${struct.u32(0)}, flags are 0x${flags.toString(16)}.`,
    );
  }
  const ioas = context.compatIoas;
  if (ioas === null) return noCompatibility(context);
  let outcome = { error: 0, removed: 0n };
  if (flags & UNMAP_ALL) {
    if (iova !== 0n || size !== 0n) {
      return context.why.refuse(ERRNO.EINVAL, 'iommufd.compat.unmap', 'With ALL, iova and size must be 0.');
    }
    outcome.removed = ioas.unmapAll();
  } else {
    const cut = ioas.largePages ? 0 : cutEnds(ioas, iova, size);
    if (cut < 0) return cut;
    outcome = unmapRange(context, ioas, iova, size);
  }
  struct.set64(16, outcome.removed);
  return process.memory.copyTo(arg, struct.bytes) ? outcome.error : -ERRNO.EFAULT;
}

/** Type 1 may take a part: borders are made at both ends of the range first. */
function cutEnds(ioas: Ioas, iova: bigint, size: bigint): number {
  const last = BigInt.asUintN(64, iova + size - 1n);
  const error = ioas.cutBehind(last);
  return error < 0 || iova === 0n ? error : ioas.cutBehind(iova - 1n);
}

/** VFIO_IOMMU_GET_INFO: entries left first, then the usable ranges; what fits is written. */
function getInfo(context: IommufdContext, process: Process, arg: bigint): number {
  const struct = new UserStruct(INFO_SIZE);
  if (!process.memory.copyFrom(arg, struct.bytes.subarray(0, INFO_MINIMUM))) return -ERRNO.EFAULT;
  const argsz = struct.u32(0);
  if (argsz < INFO_MINIMUM) {
    return context.why.refuse(ERRNO.EINVAL, 'iommufd.compat.info', `argsz is ${argsz}; the least is ${INFO_MINIMUM}.`);
  }
  const ioas = context.compatIoas;
  if (ioas === null) return noCompatibility(context);
  const ranges = ioas.usable();
  const total = INFO_SIZE + 32 + 16 * ranges.length;
  const available = new UserStruct(16);
  available.view.setUint16(0, CAP_DMA_AVAILABLE, true);
  available.view.setUint16(2, 1, true);
  available.set32(4, argsz >= total ? INFO_SIZE + 16 : 0);
  available.set32(8, 0xffffffff);
  const list = new UserStruct(16 + 16 * ranges.length);
  list.view.setUint16(0, CAP_IOVA_RANGE, true);
  list.view.setUint16(2, 1, true);
  list.set32(8, ranges.length);
  ranges.forEach(({ start, last }, i) => {
    list.set64(16 + 16 * i, start);
    list.set64(24 + 16 * i, last);
  });
  const room = Math.max(0, argsz - INFO_SIZE);
  if (room >= 12 && !process.memory.copyTo(arg + BigInt(INFO_SIZE), available.bytes.subarray(0, 12)))
    return -ERRNO.EFAULT;
  const rangesRoom = room - 16;
  if (rangesRoom >= 16) {
    const fit = Math.min(list.bytes.length, 16 + Math.floor((rangesRoom - 16) / 16) * 16);
    if (!process.memory.copyTo(arg + BigInt(INFO_SIZE + 16), list.bytes.subarray(0, fit))) return -ERRNO.EFAULT;
  }
  struct.set32(0, total);
  struct.set32(4, INFO_FLAGS);
  struct.set64(8, ioas.pageSizes);
  struct.set32(16, argsz >= total ? INFO_SIZE : 0);
  return process.memory.copyTo(arg, struct.bytes.subarray(0, Math.min(argsz, INFO_SIZE))) ? 0 : -ERRNO.EFAULT;
}

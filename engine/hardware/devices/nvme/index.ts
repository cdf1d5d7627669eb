/** How drives are made from registers. */
import type { StrapValues } from '../../parts/straps';
import type { PciFunction } from '../../pci/function';
import { NvmeDevice } from './controller';
import { BLOCK, REG } from './registers';

const CLASS = 0x010802;
const MSIX = 0x11;
const MSI = 0x05;
const MIB = 2 ** 20;
const MOST_QUEUES = 65;
/** Capacity of a drive that nobody gave one. */
const USUAL_CAPACITY = 1024;

/** Where in BAR 0 the doorbells have to end: at the MSI-X structures, or at the end of the BAR. */
function doorbellEnd({ config }: PciFunction, size: number): number {
  const at = config.findCapability(MSIX);
  if (at === 0) return size;
  const places = [config.read(at + 4, 4), config.read(at + 8, 4)].filter((word) => (word & 7) === 0);
  return Math.min(size, ...places.map((word) => (word & ~7) >>> 0));
}

/** A function with the programming interface of NVM Express and room for its registers. */
export const isNvme = (fn: PciFunction, sizes: readonly number[]): boolean =>
  fn.config.read(8, 4) >>> 8 === CLASS && doorbellEnd(fn, sizes[0] ?? 0) >= REG.DOORBELLS + 16;

function vectorsOf({ config }: PciFunction): number {
  const msix = config.findCapability(MSIX);
  if (msix !== 0) return (config.read(msix + 2, 2) & 0x7ff) + 1;
  const msi = config.findCapability(MSI);
  return msi === 0 ? 1 : 1 << ((config.read(msi + 2, 2) >>> 1) & 7);
}

export function makeNvme(fn: PciFunction, sizes: readonly number[], straps: StrapValues): NvmeDevice {
  const capacity = typeof straps['capacity'] === 'number' ? straps['capacity'] : USUAL_CAPACITY;
  const serial = typeof straps['serial'] === 'number' ? straps['serial'] : 1;
  const room = Math.floor((doorbellEnd(fn, sizes[0] ?? 0) - REG.DOORBELLS) / 8);
  return new NvmeDevice(fn, sizes, {
    serial: `LAB${String(serial).padStart(8, '0')}`,
    model: 'VFIO Lab drive',
    blocks: (capacity * MIB) / BLOCK,
    vectors: vectorsOf(fn),
    doorbells: Math.min(MOST_QUEUES, room),
  });
}

import type { FunctionDescription } from '../description';
import type { StrapValues } from '../parts/straps';
import type { PciFunction } from '../pci/function';
import type { BarDevice } from './bar-device';
import { EduDevice } from './edu';
import { isNic, makeNic } from './nic';
import { RecordedDevice } from './recorded';

/** A kind of device that the lab can let act. */
interface ModelEntry {
  /** What a built function's description names it by. */
  readonly name: string;
  /** Whether a function that only its registers describe is such a device, with BARs in which its registers fit. */
  readonly fits: (fn: PciFunction, sizes: readonly number[]) => boolean;
  readonly make: (fn: PciFunction, sizes: readonly number[], straps: StrapValues) => BarDevice;
}

/** Vendor ID in the low half, device ID in the high one. */
const isId = (fn: PciFunction, vendor: number, device: number): boolean =>
  fn.config.read(0, 4) === ((device << 16) | vendor) >>> 0;

const MODELS: readonly ModelEntry[] = [
  {
    name: 'edu',
    fits: (fn, sizes) => isId(fn, 0x1234, 0x11e8) && sizes[0] === 0x100000,
    make: (fn, sizes) => new EduDevice(fn, sizes),
  },
  { name: 'lab-nic', fits: isNic, make: makeNic },
];

const BY_NAME: ReadonlyMap<string, ModelEntry> = new Map(MODELS.map((entry) => [entry.name, entry]));

/**
 * The model of a function: the one its description names; without a name, the one that its registers tell. What no
 * model fits is memory behind its BARs. `sizes[n]`: length of region n.
 */
export function createModel(
  fn: PciFunction,
  sizes: readonly number[],
  described: Pick<FunctionDescription, 'model' | 'part'> = { model: null },
): BarDevice {
  const named = described.model === null ? undefined : BY_NAME.get(described.model);
  const entry = named ?? (described.part ? undefined : MODELS.find((one) => one.fits(fn, sizes)));
  return entry === undefined ? new RecordedDevice(fn, sizes) : entry.make(fn, sizes, described.part?.straps ?? {});
}

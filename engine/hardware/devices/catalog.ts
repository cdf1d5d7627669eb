import type { FunctionDescription } from '../description';
import type { StrapValues } from '../parts/straps';
import type { PciFunction } from '../pci/function';
import { Ac97Device, isAc97 } from './ac97';
import type { BarDevice } from './bar-device';
import { E1000eDevice, isE1000e } from './e1000e';
import { EduDevice, isEdu } from './edu';
import { GpuDevice } from './gpu';
import { IvshmemDevice, isIvshmem } from './ivshmem';
import { isNic, makeNic } from './nic';
import { isNvme, makeNvme } from './nvme';
import { isTestDevice, TestDevice } from './pci-testdev';
import { RecordedDevice } from './recorded';
import { isRtl8139, Rtl8139Device } from './rtl8139';
import { isSerial, SerialDevice } from './serial';
import { isXhci, XhciDevice } from './xhci/xhci';

/** A kind of device that the lab can let act. */
interface ModelEntry {
  /** What a built function's description names it by. */
  readonly name: string;
  /** Whether a function that only its registers describe is such a device, with BARs in which its registers fit. */
  readonly fits: (fn: PciFunction, sizes: readonly number[]) => boolean;
  readonly make: (fn: PciFunction, sizes: readonly number[], straps: StrapValues) => BarDevice;
}

/** Only functions that are built in the lab have the model. */
const never = (): boolean => false;

function numberIn(straps: StrapValues, key: string, otherwise: number): number {
  const value = straps[key];
  return typeof value === 'number' ? value : otherwise;
}

const MODELS: readonly ModelEntry[] = [
  { name: 'edu', fits: isEdu, make: (fn, sizes) => new EduDevice(fn, sizes) },
  { name: 'lab-nic', fits: isNic, make: makeNic },
  { name: 'nvme', fits: isNvme, make: makeNvme },
  {
    name: 'e1000e',
    fits: isE1000e,
    make: (fn, sizes, straps) => new E1000eDevice(fn, sizes, numberIn(straps, 'serial', 1)),
  },
  { name: 'gpu', fits: never, make: (fn, sizes) => new GpuDevice(fn, sizes) },
  { name: 'xhci', fits: isXhci, make: (fn, sizes) => new XhciDevice(fn, sizes) },
  {
    name: 'ivshmem',
    fits: isIvshmem,
    make: (fn, sizes, straps) => {
      const channel = numberIn(straps, 'channel', 0);
      const peer = numberIn(straps, 'peer', 0);
      return new IvshmemDevice(fn, sizes, { channel: channel === 0 ? null : `shared memory ${channel}`, peer });
    },
  },
  { name: 'pci-testdev', fits: isTestDevice, make: (fn, sizes) => new TestDevice(fn, sizes) },
  { name: 'serial', fits: isSerial, make: (fn, sizes) => new SerialDevice(fn, sizes) },
  { name: 'rtl8139', fits: isRtl8139, make: (fn, sizes) => new Rtl8139Device(fn, sizes) },
  { name: 'ac97', fits: isAc97, make: (fn, sizes) => new Ac97Device(fn, sizes) },
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

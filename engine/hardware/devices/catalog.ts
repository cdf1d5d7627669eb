import type { PciFunction } from '../pci/function';
import type { BarDevice } from './bar-device';
import type { DeviceEnvironment } from './environment';
import { EduDevice } from './edu';
import { RecordedDevice } from './recorded';

type Maker = (fn: PciFunction, sizes: readonly number[]) => BarDevice;

/** Models by the IDs of what they stand for: device ID in the high half, vendor ID in the low one. */
const BY_ID: ReadonlyMap<number, Maker> = new Map([[0x11e81234, (fn, sizes) => new EduDevice(fn, sizes)]]);

/** The model of a function: one that acts where there is one, else memory behind the BARs. */
export function createModel(fn: PciFunction, sizes: readonly number[]): BarDevice {
  const make = BY_ID.get(fn.config.read(0, 4));
  return make === undefined ? new RecordedDevice(fn, sizes) : make(fn, sizes);
}

/** Connects the models that act with the machine around them. */
export function connectDevices(functions: Iterable<PciFunction>, environment: DeviceEnvironment): void {
  for (const fn of functions) {
    if (!BY_ID.has(fn.config.read(0, 4))) continue;
    if (fn.model instanceof EduDevice) fn.model.connect(environment);
  }
}

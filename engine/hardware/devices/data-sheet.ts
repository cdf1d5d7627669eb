/** Registers of a device as its data sheet lists them: for documentation, and for programs that name them. */
import type { PciFunction } from '../pci/function';

/** `ro` read-only, `rw` read and write, `wo` write-only, `w1c` a one clears, `rc` reading clears. */
export type RegisterAccess = 'ro' | 'rw' | 'wo' | 'w1c' | 'rc';

export interface DeviceField {
  readonly name: string;
  /** Bit numbers, both inclusive. */
  readonly msb: number;
  readonly lsb: number;
  readonly about: string;
}

export interface DeviceRegister {
  readonly name: string;
  readonly region: number;
  readonly offset: number;
  readonly width: 1 | 2 | 4 | 8;
  readonly access: RegisterAccess;
  readonly about: string;
  readonly fields?: readonly DeviceField[];
  /** The register stands there so often, so many bytes apart; the name is followed by the number. */
  readonly repeat?: { readonly count: number; readonly stride: number };
}

/** A register of region 0. */
export const register = (
  name: string,
  offset: number,
  width: DeviceRegister['width'],
  access: RegisterAccess,
  about: string,
  more: Partial<DeviceRegister> = {},
): DeviceRegister => ({ name, region: 0, offset, width, access, about, ...more });

/** A model with a data sheet. */
export interface Documented {
  readonly registers: readonly DeviceRegister[];
}

const isDocumented = (model: object | null): model is Documented => model !== null && 'registers' in model;

/** Every register by its own name, repeated ones with their number. */
export function registersOf(fn: PciFunction): DeviceRegister[] {
  const { model } = fn;
  if (!isDocumented(model)) return [];
  return model.registers.flatMap(({ repeat, ...one }) => {
    if (repeat === undefined) return [one];
    return Array.from({ length: repeat.count }, (_, n) => ({
      ...one,
      name: `${one.name}${n}`,
      offset: one.offset + n * repeat.stride,
    }));
  });
}

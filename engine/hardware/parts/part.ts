/**
 * The contract of a part: something that a person puts into a machine. A part is data and one pure function; what it
 * makes becomes functions of the machine's description (`assemble.ts`), whose registers are those of power-on.
 */
import type { BusKind } from '../fabric/decode';
import type { Registers } from './registers';
import type { Strap, StrapValues } from './straps';

/**
 * Where a part can stand: a bus by its kind (`root`: a root bus, `link`: the far end of a root or downstream port's link,
 * `switch`: the bus inside a switch, `shared`: a conventional bus), or beside the other root buses of the `machine`.
 */
export type Place = BusKind | 'machine';

export type PartKind = 'root-complex' | 'port' | 'switch' | 'bridge' | 'device';

/** One function of a part. */
export interface PartFunction {
  /**
   * Device number. Below a link 0; on the part's own buses as it says; at the place itself it counts from the device
   * number that the part is given there.
   */
  readonly device: number;
  readonly function: number;
  /** Index, in the part's list, of the bridge it is below; null: it stands at the place itself. */
  readonly above: number | null;
  readonly registers: Registers;
  /** Name of the device model behind it (`hardware/devices/catalog.ts`); null: registers, and memory behind the BARs. */
  readonly model: string | null;
  /** Facts that no register tells and that firmware describes: `externalFacing`. */
  readonly firmware?: Readonly<Record<string, string | number>>;
}

export interface Part {
  /** Stays the same for ever: documents hold it. */
  readonly id: string;
  readonly title: string;
  /** One or two sentences for the palette and the form. */
  readonly about: string;
  /** Name of an icon of the visual specification, without `i-`. */
  readonly icon: string;
  readonly kind: PartKind;
  /** The first one is where it goes when a person names no place. */
  readonly places: readonly Place[];
  readonly straps: readonly Strap[];
  /**
   * The functions in order, what stands above first. `straps` are complete and checked (`checkStraps`). Bridges pass
   * nothing yet; addresses, bus numbers and everything that firmware or Linux writes are zero.
   */
  make(straps: StrapValues, place: Place): readonly PartFunction[];
}

/** Standard capabilities at power-on (PCI 3.0 6.7, PM 1.2, PCIe 7.5.2 and 7.7.1–7.7.2). */
import {
  AF,
  MSI,
  MSI_64,
  MSI_64_MASKABLE,
  MSI_MASKABLE,
  MSIX,
  POWER_MANAGEMENT,
  SECURE,
  SSVID,
  VPD,
} from '../../pci/layout/standard';
import type { Capability } from '../registers';
import { standard } from '../registers';

export interface Placed {
  /** Offset in the config space; left out: the next free place. */
  readonly at?: number;
}

const placeOf = ({ at }: Placed): { at?: number } => (at === undefined ? {} : { at });

export type PowerState = 'D0' | 'D1' | 'D2' | 'D3hot' | 'D3cold';

export interface PowerManagementOptions extends Placed {
  /** States from which the function can signal PME#. */
  readonly pmeFrom?: readonly PowerState[];
  readonly d1?: boolean;
  readonly d2?: boolean;
  /** The registers survive D3hot (No_Soft_Reset). */
  readonly keepsState?: boolean;
}

export function powerManagement(options: PowerManagementOptions = {}): Capability {
  const { pmeFrom = [], d1 = false, d2 = false, keepsState = true } = options;
  const flags = { Version: 3, D1: d1, D2: d2, ...Object.fromEntries(pmeFrom.map((state) => [`PME ${state}`, true])) };
  return standard(POWER_MANAGEMENT, { Flags: flags, Status: { NoSoftRst: keepsState } }, placeOf(options));
}

export interface MsiOptions extends Placed {
  /** Messages offered: 1, 2, 4, … 32. */
  readonly vectors?: number;
  readonly wide?: boolean;
  /** Per-vector masking. */
  readonly maskable?: boolean;
}

export function msi(options: MsiOptions = {}): Capability {
  const { vectors = 1, wide = true, maskable = false } = options;
  const capable = Math.log2(vectors);
  if (!Number.isInteger(capable) || capable > 5) throw new Error(`MSI cannot offer ${vectors} messages`);
  const layout = maskable ? (wide ? MSI_64_MASKABLE : MSI_MASKABLE) : wide ? MSI_64 : MSI;
  const control = { Capable: capable, '64bit': wide, Maskable: maskable };
  return standard(layout, { Control: control }, placeOf(options));
}

export interface MsixOptions extends Placed {
  /** 1–2048. */
  readonly vectors: number;
  /** BAR and offset of the table, a multiple of 8. */
  readonly table: readonly [bar: number, offset: number];
  /** BAR and offset of the pending bits. */
  readonly pending: readonly [bar: number, offset: number];
}

export function msix(options: MsixOptions): Capability {
  const place = ([bar, offset]: readonly [number, number]) => ({ BAR: bar, offset: offset / 8 });
  const registers = {
    Control: { TableSize: options.vectors - 1 },
    'Vector table': place(options.table),
    PBA: place(options.pending),
  };
  return standard(MSIX, registers, placeOf(options));
}

/** Subsystem IDs of a bridge. */
export const subsystemId = (vendor: number, device: number, options: Placed = {}): Capability =>
  standard(SSVID, { SubVendor: vendor, SubDevice: device }, placeOf(options));

/** Advanced Features of a conventional function: function-level reset without PCI Express. */
export const advancedFeatures = (options: Placed & { readonly flr?: boolean } = {}): Capability =>
  standard(AF, { Length: 6, AFCap: { TP: options.flr ?? true, FLR: options.flr ?? true } }, placeOf(options));

export const vitalProductData = (options: Placed = {}): Capability => standard(VPD, {}, placeOf(options));

/** The secure device block by which an AMD IOMMU is found (AMD IOMMU 3.3): unit registers at `base`. */
export const amdIommuBlock = (base: bigint, options: Placed = {}): Capability =>
  standard(SECURE, { Header: 0x190b, Base: base | 1n }, placeOf(options));

/**
 * A machine as plain data: what an importer produces, the topology editor changes, a document stores and
 * `buildMachine` turns into silicon. Hex strings are lower case without prefix, two digits a byte.
 */
import type { StrapValues } from './parts/straps';

export interface MachineDescription {
  format: 'vfiolab-machine/1';
  name: string;
  about: string;
  /** `recorded`: oracle snapshot; `lspci`, `sysfs`: a dump; `built`: made in the lab. */
  source: 'recorded' | 'lspci' | 'sysfs' | 'built';
  /** True for imported machines: Linux had enumerated them already, so registers are taken as they stand. */
  booted: boolean;
  iommu: IommuKind;
  /** What the source tells about the IOMMU unit itself; left out: interrupt remapping, 39-bit addresses. */
  iommuUnit?: IommuUnit;
  /** What firmware's table says of the units (DMAR, IVRS); left out: the source does not show it. */
  iommuTable?: IommuTable;
  kernel: KernelDescription;
  functions: FunctionDescription[];
  /** Groups the source recorded (group number → addresses); null when it recorded none. */
  recordedGroups: Record<string, RecordedGroup> | null;
  /**
   * Functions of a machine with recorded groups whose group was not recorded, or no longer holds since the machine was
   * changed: the grouping rule places them.
   */
  regrouped?: string[];
  /** What the source did not show, in words fit for the screen. */
  unknown: UnknownFact[];
}

export type IommuKind = 'intel-vtd' | 'amd-vi' | 'virtio-iommu' | 'smmu' | 'none' | 'unknown';

export interface IommuUnit {
  interruptRemapping: boolean;
  /** Guest-address width in bits. */
  addressBits: number;
  /** VT-d scalable mode is offered. */
  scalableMode: boolean;
  cachingMode: boolean;
  /** VT-d can make all DMA snoop the caches; left out: yes. */
  snoopControl?: boolean;
  /** VT-d can pass requests through untranslated (ECAP.PT); left out: yes. */
  passThrough?: boolean;
  /** Interrupt remapping takes x2APIC destinations; left out: yes. */
  x2apic?: boolean;
  /** The unit knows its requesters by their bus number at power-on: what is below a bridge is not translated. */
  busZeroOnly?: boolean;
  /** Software sees no event of the unit: its log never shows an end (QEMU's AMD unit). */
  hidesEvents?: boolean;
}

export interface IommuTable {
  /** In the order of the table. */
  units: {
    segment: number;
    /** It also serves all of the segment that no unit names (INCLUDE_PCI_ALL). */
    rest: boolean;
    scope: IommuScope[];
  }[];
  /** Ranges that functions have to reach at their own addresses (RMRR, IVMD), numbers as `0x…` text, both ends included. */
  reserved: { start: string; end: string; scope: IommuScope[] }[];
}

/** A function, a bridge with everything below it, or requester IDs of one segment, both ends included. */
export type IommuScope = { at: string } | { from: string; to: string };

export interface KernelDescription {
  release: string;
  /** Which optional parts are built in: Debian's kernel has neither iommufd nor no-IOMMU mode. */
  build: 'debian' | 'iommufd' | 'ifdcompat';
  cmdline: string;
  /** Modules loaded, in order, and their options (`vfio-pci` → `ids=1234:11e8 nointxmask=1`). */
  modules: string[];
  moduleOptions: Record<string, string>;
  /** PCI drivers registered on the bus. */
  drivers: string[];
}

export interface RecordedGroup {
  devices: string[];
  /** Null also where another command line makes other types. */
  type: string | null;
  /** `[start, end, kind]`, numbers as `0x…` text. */
  reserved: [string, string, string][];
}

export interface FunctionDescription {
  address: string;
  /** Address of the bridge above; null on a root bus. */
  parent: string | null;
  /** False where the source does not show which bridge is above: `parent` is a guess, or null. */
  parentKnown?: false;
  rootBus: string;
  /** 256 or 4096 bytes. */
  config: string;
  /** Mask of the bits that the source showed; null: all of them. */
  known: string | null;
  /** Write masks; null: unknown, derived from the header and capability tables. */
  writable: string | null;
  writeOneToClear: string | null;
  /** Byte ranges `[from, to)` about which the two masks say nothing: those are derived from the tables. */
  notProbed?: [number, number][];
  /** Rows of sysfs `resource`: `[start, end, flags]` as `0x…` text; null: derived from the BARs. */
  resources: [string, string, string][] | null;
  driver: string | null;
  /** Text names, when the source gave only these. */
  className: string | null;
  deviceName: string | null;
  irq: number | null;
  numaNode: number;
  /** sysfs `reset_method` as recorded (`flr bus`), '' for none, null when the source does not say. */
  resetMethod: string | null;
  physicalFunction: string | null;
  sriov: { totalVfs: number; numVfs: number } | null;
  /** Device model of the catalogue behind a built function; null: registers only. */
  model: string | null;
  /** The part of the library that the function belongs to; left out: it was not built in the lab. */
  part?: PartOrigin;
  /** What a person calls it. */
  label?: string;
  /** The address that the dump gave it, where an edit has given it another one since. */
  recordedAt?: string;
  /** Attributes that a recording shows and no register tells (dmaMaskBits, msiBus, …). */
  attributes: Record<string, string | number | null>;
}

/** Where a built function comes from, so that its straps can be changed and the whole part moved. */
export interface PartOrigin {
  /** Id in the catalogue of parts. */
  id: string;
  /** Functions of the same number belong to one part of the machine. */
  instance: number;
  /** Which of the part's functions it is. */
  index: number;
  straps: StrapValues;
}

export interface UnknownFact {
  /** Address of the function, or null for the whole machine. */
  function: string | null;
  /** `acs`, `capabilities`, `config`, `parent`, `device-id`, … */
  what: string;
  /** Why it is unknown: `not run as root`, `line 210 is cut`. */
  why: string;
}

/** A unit of which the source tells nothing: interrupt remapping, 39-bit addresses on VT-d. */
export function unitOf({ iommu, iommuUnit }: Pick<MachineDescription, 'iommu' | 'iommuUnit'>): IommuUnit {
  return (
    iommuUnit ?? {
      interruptRemapping: iommu !== 'virtio-iommu' && iommu !== 'none',
      addressBits: iommu === 'intel-vtd' ? 39 : 64,
      scalableMode: false,
      cachingMode: false,
    }
  );
}

/** Capability registers of a VT-d unit (VT-d 11.4.2, 11.4.3; iommu-hardware 3.3). */
import type { IommuUnit as UnitDescription } from '../../description';

/** What software and the unit itself read from the two registers. */
export interface VtdCapabilities {
  readonly cap: bigint;
  readonly ecap: bigint;
  /** Domain ids: 2^(4 + 2 ND). */
  readonly domains: number;
  readonly cachingMode: boolean;
  /** Levels that tables may have. */
  readonly levels: ReadonlySet<number>;
  /** Bits of an address that the unit takes. */
  readonly maximumWidth: number;
  /** log2 of superpages in pages, by level; 0: none at this level. */
  readonly superpages: readonly number[];
  readonly pageSelective: boolean;
  /** Largest log2 of pages that one invalidation covers. */
  readonly maximumMask: number;
  readonly faultRegisters: number;
  /** Offset of the first fault register. */
  readonly faultOffset: number;
  readonly snoopControl: boolean;
  readonly passThrough: boolean;
  readonly deviceTlb: boolean;
  readonly extendedInterrupts: boolean;
  readonly interruptRemapping: boolean;
}

const bits = (value: bigint, msb: number, lsb: number): number =>
  Number((value >> BigInt(lsb)) & ((1n << BigInt(msb - lsb + 1)) - 1n));

export function readCapabilities(cap: bigint, ecap: bigint): VtdCapabilities {
  const widths = bits(cap, 12, 8);
  const large = bits(cap, 37, 34);
  return {
    cap,
    ecap,
    domains: 2 ** (4 + 2 * bits(cap, 2, 0)),
    cachingMode: bits(cap, 7, 7) === 1,
    levels: new Set([2, 3, 4, 5].filter((levels) => widths & (1 << (levels - 2)))),
    maximumWidth: bits(cap, 21, 16) + 1,
    superpages: [0, 0, large & 1 ? 9 : 0, large & 2 ? 18 : 0, 0, 0],
    pageSelective: bits(cap, 39, 39) === 1,
    maximumMask: bits(cap, 53, 48),
    faultRegisters: bits(cap, 47, 40) + 1,
    faultOffset: bits(cap, 33, 24) * 16,
    snoopControl: bits(ecap, 7, 7) === 1,
    passThrough: bits(ecap, 6, 6) === 1,
    deviceTlb: bits(ecap, 2, 2) === 1,
    extendedInterrupts: bits(ecap, 4, 4) === 1,
    interruptRemapping: bits(ecap, 3, 3) === 1,
  };
}

/** 65536 domains, 2 MiB and 1 GiB pages, page-selective invalidation, one fault register. */
export function capabilityRegister({ addressBits, cachingMode }: UnitDescription): bigint {
  const DOMAINS = 6n;
  const CACHING_MODE = cachingMode ? 1n << 7n : 0n;
  const ADDRESS_WIDTHS = (1n << 9n) | (addressBits >= 48 ? 1n << 10n : 0n) | (addressBits >= 57 ? 1n << 11n : 0n);
  const MAXIMUM_WIDTH = BigInt(addressBits - 1) << 16n;
  const FAULT_RECORDING_OFFSET = 0x22n << 24n;
  const LARGE_PAGES = 3n << 34n;
  const PAGE_SELECTIVE_INVALIDATION = 1n << 39n;
  const MAXIMUM_ADDRESS_MASK = 18n << 48n;
  const DRAIN = 3n << 54n;
  return (
    DOMAINS |
    CACHING_MODE |
    ADDRESS_WIDTHS |
    MAXIMUM_WIDTH |
    FAULT_RECORDING_OFFSET |
    LARGE_PAGES |
    PAGE_SELECTIVE_INVALIDATION |
    MAXIMUM_ADDRESS_MASK |
    DRAIN
  );
}

export function extendedCapabilityRegister(unit: UnitDescription): bigint {
  const { interruptRemapping, scalableMode } = unit;
  const QUEUED_INVALIDATION = 1n << 1n;
  const EXTENDED_INTERRUPTS = interruptRemapping && (unit.x2apic ?? true) ? 1n << 4n : 0n;
  const PASS_THROUGH = 1n << 6n;
  const SNOOP_CONTROL = (unit.snoopControl ?? true) ? 1n << 7n : 0n;
  const IOTLB_OFFSET = 0xfn << 8n;
  const INTERRUPT_REMAPPING = (1n << 3n) | (0xfn << 20n);
  const SUPERVISOR = 1n << 31n;
  const SCALABLE = (1n << 43n) | (1n << 46n) | SUPERVISOR;
  return (
    QUEUED_INVALIDATION |
    EXTENDED_INTERRUPTS |
    PASS_THROUGH |
    SNOOP_CONTROL |
    IOTLB_OFFSET |
    (interruptRemapping ? INTERRUPT_REMAPPING : 0n) |
    (scalableMode ? SCALABLE : 0n)
  );
}

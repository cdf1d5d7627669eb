/** Local APICs, as far as message interrupts reach them (xAPIC and x2APIC destinations). */

/** Instead of a vector: the interrupt was posted, and nobody needs to be told. */
export const NO_VECTOR = -1;

/** An interrupt on its way to the CPUs. Records are reused. */
export interface InterruptMessage {
  /** 0–255, or `NO_VECTOR`. */
  vector: number;
  /** APIC id, or a set of CPUs when `logical`. */
  destination: number;
  logical: boolean;
  /** 0 fixed, 1 lowest priority, 2 SMI, 4 NMI, 5 INIT, 7 ExtINT. */
  delivery: number;
  level: boolean;
}

export const newMessage = (): InterruptMessage => ({
  vector: 0,
  destination: 0,
  logical: false,
  delivery: 0,
  level: false,
});

export const DELIVERY = { FIXED: 0, LOWEST: 1, SMI: 2, NMI: 4, INIT: 5, EXTINT: 7 } as const;

export const DELIVERY_NAMES: Readonly<Record<number, string>> = {
  0: 'fixed',
  1: 'lowest priority',
  2: 'SMI',
  4: 'NMI',
  5: 'INIT',
  7: 'ExtINT',
};

/** A message in compatibility format: address bits 19:12 and 3:2, the data (Intel SDM 11.11). */
export function readCompatible(addressLow: number, data: number, into: InterruptMessage): InterruptMessage {
  into.vector = data & 0xff;
  into.destination = (addressLow >>> 12) & 0xff;
  into.logical = (addressLow & 0x4) !== 0;
  into.delivery = (data >>> 8) & 7;
  into.level = (data & 0x8000) !== 0;
  return into;
}

const LOWEST_VECTOR = 16;
const ALL = 0xff;
const ALL_WIDE = 0xffffffff;
const CLUSTER_CPUS = 16;
const FLAT_CPUS = 8;

/**
 * First CPU that takes the interrupt, its number being its APIC id; -1: none does. Sets of CPUs are flat in xAPIC mode
 * (one bit each, 8 CPUs) and clusters of 16 in x2APIC mode.
 */
export function cpuOf({ destination, logical, vector, delivery }: InterruptMessage, x2apic: boolean): number {
  if (vector < LOWEST_VECTOR && (delivery === DELIVERY.FIXED || delivery === DELIVERY.LOWEST)) return -1;
  if (destination === (x2apic ? ALL_WIDE : ALL)) return 0;
  if (!logical) return destination;
  const cluster = x2apic ? destination >>> 16 : 0;
  const set = destination & (x2apic ? 0xffff : 0xff);
  const first = Math.clz32(set & -set) ^ 31;
  return set === 0 ? -1 : cluster * (x2apic ? CLUSTER_CPUS : FLAT_CPUS) + first;
}

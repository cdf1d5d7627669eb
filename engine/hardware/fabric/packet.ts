/** Packets as data (PCIe 2.2). */

/** The AT field of a memory request (PCIe 10.2.1): only endpoints with an address-translation cache set it. */
export type AddressType = 'untranslated' | 'translation-request' | 'translated';

export interface MemoryPacket {
  readonly kind: 'memory-read' | 'memory-write';
  readonly address: bigint;
  /** Bytes; at most 4096. */
  readonly length: number;
  readonly addressType: AddressType;
  /** 16-bit requester ID in the header; left out: the sender's own. */
  readonly requester?: number;
  /** Attribute of the request that the completion repeats. */
  readonly relaxedOrdering?: boolean;
}

/** A configuration request; only the host sends these. */
export interface ConfigPacket {
  readonly kind: 'config-read' | 'config-write';
  readonly segment: number;
  readonly bus: number;
  /** Device 7:3, function 2:0. */
  readonly devfn: number;
  /** Byte offset, 0–4095. */
  readonly register: number;
}

/** Messages that functions send: errors and power events travel to the root, an INTx level one hop at a time. */
export interface MessagePacket {
  readonly kind: 'message';
  readonly code: 'ERR_COR' | 'ERR_NONFATAL' | 'ERR_FATAL' | 'PM_PME' | 'INTx' | 'vendor-defined';
}

export type Packet = MemoryPacket | ConfigPacket | MessagePacket;

/** Writes and messages are posted: nobody answers. */
export const isPosted = (packet: Packet): boolean => packet.kind === 'memory-write' || packet.kind === 'message';

const FORMAT_4_DWORDS = 0x20000000;
const FORMAT_WITH_DATA = 0x40000000;
const ADDRESS_TYPES: Readonly<Record<AddressType, number>> = {
  untranslated: 0,
  'translation-request': 1,
  translated: 2,
};

/** The header's four double words as AER logs them (PCIe 2.2.7): tag 0, all bytes enabled. */
export function memoryHeader(packet: MemoryPacket, requester: number): readonly [number, number, number, number] {
  const wide = packet.address > 0xffffffffn;
  const dwords = Math.ceil(packet.length / 4) & 0x3ff;
  const first =
    (wide ? FORMAT_4_DWORDS : 0) |
    (packet.kind === 'memory-write' ? FORMAT_WITH_DATA : 0) |
    (packet.relaxedOrdering ? 0x2000 : 0) |
    (ADDRESS_TYPES[packet.addressType] << 10) |
    dwords;
  const low = Number(packet.address & 0xfffffffcn);
  const enables = packet.length > 4 ? 0xff : 0x0f;
  const second = ((requester << 16) | enables) >>> 0;
  return wide ? [first, second, Number(packet.address >> 32n), low] : [first, second, low, 0];
}

/** A message-signalled interrupt read as an x86 machine reads it (SDM 3A 11.11; VT-d 5.1.2.2 and 5.1.5). */

export type MessageFact =
  | { kind: 'remappable'; handle: number; subhandle: number | null }
  | { kind: 'direct'; destination: number; vector: number; delivery: number; level: boolean }
  /** Not in the range that the root complex takes for interrupts: a write to memory. */
  | { kind: 'memory' };

/** @param address 64 bits as hex digits @param data 32 bits */
export function messageOf(address: bigint, data: number): MessageFact {
  if (address >> 20n !== 0xfeen) return { kind: 'memory' };
  const low = Number(address & 0xfffffn);
  if ((low & 0x10) !== 0) {
    const handle = ((low >> 5) & 0x7fff) | ((low & 4) << 13);
    return { kind: 'remappable', handle, subhandle: (low & 8) !== 0 ? data & 0xffff : null };
  }
  return {
    kind: 'direct',
    destination: (low >> 12) & 0xff,
    vector: data & 0xff,
    delivery: (data >> 8) & 7,
    level: (data & 0x8000) !== 0,
  };
}

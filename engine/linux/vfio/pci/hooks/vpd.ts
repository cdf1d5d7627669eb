import type { FilterState, Width } from '../filter';

const ADDRESS = 2;
const FLAG_BYTE = 3;
const DATA = 4;
const FLAG = 0x8000;

/** Writing the flag byte of the VPD address starts a transfer; it toggles the flag when it succeeds (8.8). */
export function writeVpd(filter: FilterState, at: number, offset: number, width: Width, value: number): number {
  filter.store(at, width, value);
  if (offset > FLAG_BYTE || offset + width <= FLAG_BYTE) return 0;
  const start = at - offset;
  const word = filter.shadowWord(start + ADDRESS);
  const address = word & 0x7fff;
  if (word & FLAG) {
    const data = (filter.shadowWord(start + DATA) | (filter.shadowWord(start + DATA + 2) << 16)) >>> 0;
    if (filter.host.writeVpd(address, data)) filter.setShadow(start + ADDRESS, 2, address);
    return 0;
  }
  const data = filter.host.readVpd(address);
  if (data !== null) {
    filter.setShadow(start + DATA, 4, data);
    filter.setShadow(start + ADDRESS, 2, address | FLAG);
  }
  return 0;
}

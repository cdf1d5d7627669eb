import type { PciFunction } from '../pci/function';

const BLOCK = 512;
const STRUCTURE = 0x1c;

/**
 * The smallest valid expansion ROM image (PCI Firmware 3.0, 5.1.1) of a function: header, PCI data structure naming
 * it, code type x86, last image. Stands for an image that a dump does not hold.
 */
export function romImage(fn: PciFunction): Uint8Array {
  const image = new Uint8Array(BLOCK);
  const put = (at: number, ...bytes: number[]): void => image.set(bytes, at);
  const word = (value: number): [number, number] => [value & 0xff, value >>> 8];
  put(0, 0x55, 0xaa, 1);
  put(0x18, ...word(STRUCTURE));
  put(STRUCTURE, ...[...'PCIR'].map((c) => c.charCodeAt(0)));
  put(STRUCTURE + 4, ...word(fn.config.read(0, 2)), ...word(fn.config.read(2, 2)));
  put(STRUCTURE + 0x0a, ...word(0x18));
  put(STRUCTURE + 0x0d, fn.config.read(9, 1), fn.config.read(0x0a, 1), fn.config.read(0x0b, 1));
  put(STRUCTURE + 0x10, ...word(1));
  put(STRUCTURE + 0x15, 0x80);
  return image;
}

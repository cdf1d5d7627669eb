import type { PciFunction } from '../pci/function';

const BLOCK = 512;
const STRUCTURE = 0x1c;

const X86 = 0x00;
const EFI = 0x03;
const LAST_IMAGE = 0x80;

/**
 * The smallest valid expansion ROM image (PCI Firmware 3.0, 5.1.1) of a function: header, PCI data structure naming
 * it, code type x86, last image. Stands for an image that a dump does not hold.
 */
export const romImage = (fn: PciFunction): Uint8Array => image(fn, X86, true);

/** Two of them, as graphics cards have: for x86, then for EFI. */
export function romImages(fn: PciFunction): Uint8Array {
  const both = new Uint8Array(2 * BLOCK);
  both.set(image(fn, X86, false));
  both.set(image(fn, EFI, true), BLOCK);
  return both;
}

function image(fn: PciFunction, codeType: number, last: boolean): Uint8Array {
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
  put(STRUCTURE + 0x14, codeType, last ? LAST_IMAGE : 0);
  return image;
}

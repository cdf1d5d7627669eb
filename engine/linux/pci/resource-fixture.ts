/** Hand-made functions with BARs and windows, for tests of resources. */
import { parseAddress } from '../../hardware/pci/address';
import { ConfigSpace } from '../../hardware/pci/config-space';
import { PciFunction } from '../../hardware/pci/function';

export const KIB = 1024;
export const MIB = 1024 * KIB;

export interface Windows {
  io: [number, number] | null;
  memory: [number, number];
  prefetch: [number, number];
}

/** Bits of a BAR of this size that take values. */
function decode(space: ConfigSpace, at: number, size: number, type: number): void {
  const mask = (type & 1 ? 0xffff : 0xffffffff) & ~(size - 1) & (type & 1 ? ~3 : ~0xf);
  for (let byte = 0; byte < 4; byte++) space.writable[at + byte] = (mask >>> (8 * byte)) & 0xff;
  if (type & 4) space.writable.fill(0xff, at + 4, at + 8);
  space.set(at, 4, type);
}

/** `sizes`: of BARs 0–5 and the ROM, in bytes; `types`: low bits of each BAR. */
export function make(
  name: string,
  parent: PciFunction | null,
  sizes: readonly number[],
  options: { bus?: [number, number]; windows?: Windows; types?: readonly number[]; virtual?: [number, number] } = {},
): PciFunction {
  const space = new ConfigSpace(4096);
  space.set(0, 4, 0x56781234);
  const bridge = options.bus !== undefined;
  space.set(0x08, 4, bridge ? 0x06040000 : 0x02000000);
  sizes.slice(0, 6).forEach((size, bar) => {
    if (size > 0) decode(space, 0x10 + bar * 4, size, options.types?.[bar] ?? 0);
  });
  if (sizes[6]) {
    decode(space, 0x30, sizes[6], 0);
    space.writable[0x30]! |= 1;
  }
  if (options.bus) {
    space.writable.fill(0xff, 0x18, 0x1b);
    space.writable.fill(0xf0, 0x1c, 0x1e);
    for (const at of [0x20, 0x22, 0x24, 0x26]) space.writable.set([0xf0, 0xff], at);
    space.writable.fill(0xff, 0x28, 0x34);
    space.set(0x0e, 1, 1);
    space.set(0x18, 1, parseAddress(name)!.bus);
    space.set(0x19, 1, options.bus[0]);
    space.set(0x1a, 1, options.bus[1]);
    const { io, memory, prefetch } = options.windows!;
    space.set(0x1c, 1, io ? ((io[0] >> 8) & 0xf0) | 1 : 0xf1);
    space.set(0x1d, 1, io ? ((io[1] >> 8) & 0xf0) | 1 : 0x01);
    space.set(0x20, 2, (memory[0] >>> 16) & 0xfff0);
    space.set(0x22, 2, (memory[1] >>> 16) & 0xfff0);
    space.set(0x24, 2, ((prefetch[0] >>> 16) & 0xfff0) | 1);
    space.set(0x26, 2, ((prefetch[1] >>> 16) & 0xfff0) | 1);
  }
  if (options.virtual) {
    space.set(0x100, 4, 0x00010010);
    space.set(0x10e, 2, options.virtual[0]);
    decode(space, 0x124, options.virtual[1], 0x4);
  }
  return new PciFunction(parseAddress(name)!, space, parent, 'pci0000:00');
}

/** Memory and prefetchable windows of one size, somewhere. */
export const windows = (size: number, io: [number, number] | null): Windows => ({
  io,
  memory: [0xf000_0000, 0xf000_0000 + size - 1],
  prefetch: [0xe000_0000, 0xe000_0000 + size - 1],
});

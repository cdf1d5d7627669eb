/** Where a function sits: segment (Linux: domain) 0–0xfffff, bus 0–255, device 0–31, function 0–7. */
export interface PciAddress {
  readonly segment: number;
  readonly bus: number;
  readonly device: number;
  readonly function: number;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** `0000:01:00.0`; a segment above 0xffff takes five digits (VMD), as Linux prints it. */
export const formatAddress = (a: PciAddress): string =>
  `${hex(a.segment, 4)}:${hex(a.bus, 2)}:${hex(a.device, 2)}.${a.function}`;

const ADDRESS = /^(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([01][0-9a-f])\.([0-7])$/i;

/** Reads `dddd:bb:dd.f` or `bb:dd.f` (segment 0). Null when the text is no address. */
export function parseAddress(text: string): PciAddress | null {
  const match = ADDRESS.exec(text);
  if (!match) return null;
  return {
    segment: parseInt(match[1] ?? '0', 16),
    bus: parseInt(match[2]!, 16),
    device: parseInt(match[3]!, 16),
    function: parseInt(match[4]!, 16),
  };
}

/** Device and function in one byte, as in the kernel's `devfn`. */
export const devfn = (a: PciAddress): number => (a.device << 3) | a.function;

/** The 16-bit requester ID a function puts on its packets (PCIe 2.2.6.2). */
export const requesterId = (a: PciAddress): number => (a.bus << 8) | devfn(a);

export const compareAddresses = (a: PciAddress, b: PciAddress): number =>
  a.segment - b.segment || requesterId(a) - requesterId(b);

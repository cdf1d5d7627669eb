/** Functions that vfio-pci refuses (Intel QuickAssist, DSA, IAX): their VFs or PFs cannot be given away safely. */
const DENYLIST: ReadonlySet<number> = new Set([0x19e2, 0x19e3, 0x37c8, 0x37c9, 0x0435, 0x0443, 0x0b25, 0x0cfe]);

/** Functions whose INTx cannot be masked: XL710/X710 family and X550. */
const BROKEN_INTX: ReadonlySet<number> = new Set([
  0x1572, 0x1574, 0x1580, 0x1581, 0x1583, 0x1584, 0x1585, 0x1586, 0x1587, 0x1588, 0x1589, 0x158a, 0x158b, 0x37d0,
  0x37d1, 0x37d2, 0x1563,
]);

const INTEL = 0x8086;

export const denied = (vendor: number, device: number): boolean => vendor === INTEL && DENYLIST.has(device);
export const brokenIntx = (vendor: number, device: number): boolean => vendor === INTEL && BROKEN_INTX.has(device);

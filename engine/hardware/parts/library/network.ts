/** Network controllers that are on the market. */
import { advancedErrorReporting, deviceSerialNumber, express, msi, msix, powerManagement } from '../capabilities';
import { linkOf, linkStraps, serialOf, serialStrap } from '../common-straps';
import type { Part } from '../part';
import { buildRegisters } from '../registers';
import { functionOf } from './device';

const KIB = 1024;

/** Intel 82574L: the registers' places are those of the data sheet (9.1), the BARs those that QEMU's model has. */
export const e1000e: Part = {
  id: 'e1000e',
  title: 'Intel 82574L network controller',
  about: 'A gigabit controller with INTx, MSI and five MSI-X vectors; Linux has the driver e1000e for it.',
  icon: 'nic',
  kind: 'device',
  places: ['link'],
  straps: [...linkStraps('2.5 GT/s', 1), serialStrap],
  make(values) {
    const registers = buildRegisters(
      {
        vendor: 0x8086,
        device: 0x10d3,
        class: 0x020000,
        subsystem: [0x8086, 0xa01f],
        pin: 1,
        bars: [
          { index: 0, kind: 'mem32', size: 128 * KIB },
          { index: 1, kind: 'mem32', size: 128 * KIB },
          { index: 2, kind: 'io', size: 32 },
          { index: 3, kind: 'mem32', size: 16 * KIB },
        ],
        rom: 256 * KIB,
      },
      [
        powerManagement({ pmeFrom: ['D0', 'D3hot'], keepsState: false, at: 0xc8 }),
        msi({ at: 0xd0 }),
        express({ type: 'endpoint', version: 1, link: linkOf(values), at: 0xe0, extendedTags: false }),
        msix({ vectors: 5, table: [3, 0], pending: [3, 0x2000], at: 0xa0 }),
        advancedErrorReporting({ at: 0x100 }),
        deviceSerialNumber(serialOf(values)),
      ],
    );
    return [functionOf(registers, 'e1000e')];
  },
};

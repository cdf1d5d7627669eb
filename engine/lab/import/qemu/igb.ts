/** `igb` of QEMU 8.0 and later, which the recorded machines do not have: Intel's 82576, by its data sheet (9.3 to 9.6). */
import {
  advancedErrorReporting,
  alternativeRoutingId,
  express,
  msi,
  msix,
  powerManagement,
  singleRootIov,
} from '../../../hardware/parts/capabilities';
import type { Bar, VirtualFunctions } from '../../../hardware/parts/registers';
import { buildRegisters } from '../../../hardware/parts/registers';
import { resourceRows } from '../../../hardware/parts/assemble';
import type { DeviceRegisters } from './devices';

const KIB = 1024;
const INTEL = 0x8086;
const PHYSICAL = 0x10c9;
const VIRTUAL = 0x10ca;
const QEMU_SUBSYSTEM = [0x1af4, 0x1100] as const;

const BARS: readonly Bar[] = [
  { index: 0, kind: 'mem32', size: 128 * KIB },
  { index: 1, kind: 'mem32', size: 128 * KIB },
  { index: 2, kind: 'io', size: 32 },
  { index: 3, kind: 'mem32', size: 16 * KIB },
];

const VIRTUAL_FUNCTIONS: VirtualFunctions = {
  total: 8,
  offset: 0x80,
  stride: 2,
  device: VIRTUAL,
  bars: [
    { index: 0, kind: 'pref64', size: 16 * KIB },
    { index: 3, kind: 'pref64', size: 16 * KIB },
  ],
};

export function igb(): DeviceRegisters {
  const { bytes, header } = buildRegisters(
    {
      vendor: INTEL,
      device: PHYSICAL,
      revision: 1,
      class: 0x020000,
      subsystem: QEMU_SUBSYSTEM,
      pin: 1,
      bars: BARS,
      virtualFunctions: VIRTUAL_FUNCTIONS,
    },
    [
      powerManagement({ at: 0x40 }),
      msi({ vectors: 1, wide: true, maskable: true, at: 0x50 }),
      msix({ vectors: 10, table: [3, 0], pending: [3, 0x2000], at: 0x70 }),
      express({ type: 'endpoint', functionLevelReset: true, at: 0xa0 }),
      advancedErrorReporting({ at: 0x100 }),
      alternativeRoutingId(0, { at: 0x150 }),
      singleRootIov(VIRTUAL_FUNCTIONS, { at: 0x160 }),
    ],
  );
  const regions = resourceRows(header).flatMap(([start, end, flags], row) =>
    BigInt(flags) === 0n ? [] : [{ row, size: Number(BigInt(end) - BigInt(start) + 1n), flags }],
  );
  return { bytes, writable: null, writeOneToClear: null, notProbed: [], regions, totalVfs: VIRTUAL_FUNCTIONS.total };
}

/** Storage. */
import { deviceSerialNumber, msi, msix } from '../capabilities';
import { choice, functionLevelReset, linkStraps, number, serialOf, serialStrap } from '../common-straps';
import type { Part } from '../part';
import { buildRegisters } from '../registers';
import { choiceOf, flagOf, numberOf } from '../straps';
import { expressOf, functionOf, usual } from './device';

const KIB = 1024;
/** Behind the doorbells of 256 queue pairs. */
const TABLE = 0x2000;
const PENDING = 0x3000;

const MAKERS = {
  samsung: { vendor: 0x144d, device: 0xa80a, subsystem: [0x144d, 0xa801] },
  generic: { vendor: 0x1b36, device: 0x0010, subsystem: [0x1af4, 0x1100] },
} as const;

export const nvme: Part = {
  id: 'nvme',
  title: 'NVMe drive',
  about:
    'A solid state drive with an admin queue, input/output queues and a vector for each; it keeps what is written.',
  icon: 'nvme',
  kind: 'device',
  places: ['link', 'root'],
  straps: [
    choice('maker', 'Maker', 'Whose drive it is.', [
      ['samsung', 'Samsung 980 PRO'],
      ['generic', 'QEMU'],
    ]),
    number('vectors', 'MSI-X vectors', 'Entries of the MSI-X table; as many queues can have their own.', {
      min: 1,
      max: 128,
      default: 17,
    }),
    number('capacity', 'Capacity in MiB', 'Size of namespace 1. Only blocks that were written take memory.', {
      min: 1,
      max: 2 ** 22,
      default: 1024,
    }),
    functionLevelReset(true),
    ...linkStraps('16 GT/s', 4),
    serialStrap,
  ],
  make(values, place) {
    const registers = buildRegisters(
      {
        ...MAKERS[choiceOf<keyof typeof MAKERS>(values, 'maker')],
        class: 0x010802,
        pin: 1,
        bars: [{ index: 0, kind: 'mem64', size: 16 * KIB }],
      },
      [
        ...usual(place),
        msi({ vectors: 32 }),
        expressOf(values, place, { flr: flagOf(values, 'flr') }),
        msix({ vectors: numberOf(values, 'vectors'), table: [0, TABLE], pending: [0, PENDING] }),
        deviceSerialNumber(serialOf(values)),
      ],
    );
    return [functionOf(registers, 'nvme')];
  },
};

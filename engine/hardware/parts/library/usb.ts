/** USB. */
import { msi, msix } from '../capabilities';
import { linkStraps, number } from '../common-straps';
import type { Part } from '../part';
import { buildRegisters } from '../registers';
import { numberOf } from '../straps';
import { expressOf, functionOf, usual } from './device';

const KIB = 1024;

/** Renesas uPD720201: MSI-X structures behind the runtime registers. */
export const xhci: Part = {
  id: 'xhci',
  title: 'USB controller (xHCI)',
  about: 'A USB 3 host controller with a keyboard on its first port; a key press arrives as an event in its ring.',
  icon: 'usb',
  kind: 'device',
  places: ['link', 'root'],
  straps: [
    number('vectors', 'MSI-X vectors', 'Entries of the MSI-X table, one an interrupter.', {
      min: 1,
      max: 8,
      default: 8,
    }),
    ...linkStraps('5 GT/s', 1),
  ],
  make(values, place) {
    const registers = buildRegisters(
      {
        vendor: 0x1912,
        device: 0x0014,
        revision: 0x03,
        class: 0x0c0330,
        subsystem: [0x1912, 0x0014],
        pin: 1,
        bars: [{ index: 0, kind: 'mem64', size: 8 * KIB }],
      },
      [
        ...usual(place),
        msi({ vectors: 8 }),
        msix({ vectors: numberOf(values, 'vectors'), table: [0, 0x1000], pending: [0, 0x1080] }),
        expressOf(values, place),
      ],
    );
    return [functionOf(registers, 'xhci')];
  },
};

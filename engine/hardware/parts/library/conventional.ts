/** Conventional PCI devices: no PCI Express capability, an interrupt pin shared with the neighbours. */
import { powerManagement } from '../capabilities';
import type { Part } from '../part';
import type { Header } from '../registers';
import { buildRegisters } from '../registers';
import { functionOf } from './device';

/** Fast back-to-back, medium DEVSEL. */
const STATUS = 0x0280;

interface Card {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly icon: string;
  readonly header: Header;
  readonly model: string | null;
}

const conventional = (card: Card): Part => ({
  id: card.id,
  title: card.title,
  about: card.about,
  icon: card.icon,
  kind: 'device',
  places: ['shared', 'root'],
  straps: [],
  make: () => [
    functionOf(
      buildRegisters({ status: STATUS, pin: 1, ...card.header }, [
        powerManagement({ pmeFrom: ['D3hot'], d1: true, d2: true, keepsState: false }),
      ]),
      card.model,
    ),
  ],
});

export const pciSound = conventional({
  id: 'pci-sound',
  title: "PCI sound card (AC'97)",
  about: 'A conventional sound card: two I/O BARs and an interrupt pin that it shares with the others on its bus.',
  icon: 'audio',
  model: 'ac97',
  header: {
    vendor: 0x8086,
    device: 0x2415,
    revision: 0x01,
    class: 0x040100,
    subsystem: [0x8086, 0x0000],
    bars: [
      { index: 0, kind: 'io', size: 256 },
      { index: 1, kind: 'io', size: 64 },
    ],
  },
});

export const pciNetwork = conventional({
  id: 'pci-network',
  title: 'PCI network card (RTL8139)',
  about: 'A conventional network card with registers in an I/O and a memory BAR.',
  icon: 'nic',
  model: 'rtl8139',
  header: {
    vendor: 0x10ec,
    device: 0x8139,
    revision: 0x20,
    class: 0x020000,
    subsystem: [0x10ec, 0x8139],
    bars: [
      { index: 0, kind: 'io', size: 256 },
      { index: 1, kind: 'mem32', size: 256 },
    ],
  },
});

export const pciSerial = conventional({
  id: 'pci-serial',
  title: 'PCI serial port (16550A)',
  about: 'A conventional serial port: eight I/O ports and an interrupt pin.',
  icon: 'pci-slot',
  model: 'serial',
  header: {
    vendor: 0x1b36,
    device: 0x0002,
    revision: 0x01,
    class: 0x070002,
    subsystem: [0x1af4, 0x1100],
    bars: [{ index: 0, kind: 'io', size: 8 }],
  },
});

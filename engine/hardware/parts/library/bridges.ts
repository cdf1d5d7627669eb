/** Bridges to conventional PCI: everything behind one shares the bridge's requester ID. */
import { express, msi, powerManagement, subsystemId } from '../capabilities';
import { choice, flag, linkOf, linkStraps } from '../common-straps';
import type { Part } from '../part';
import type { Header } from '../registers';
import { buildRegisters } from '../registers';
import { choiceOf, flagOf } from '../straps';

/** 66 MHz, fast back-to-back, medium DEVSEL: what conventional parts of that time report. */
const CONVENTIONAL_STATUS = 0x02a0;

const CHIPS = {
  xio2001: { vendor: 0x104c, device: 0x8240, revision: 0x00 },
  pex8112: { vendor: 0x10b5, device: 0x8112, revision: 0xaa },
} as const;

export const expressToPci: Part = {
  id: 'pcie-to-pci-bridge',
  title: 'PCIe-to-PCI bridge',
  about: 'Puts a conventional bus at the end of a link. The devices there cannot be told apart: one requester ID.',
  icon: 'bridge',
  kind: 'bridge',
  places: ['link'],
  straps: [
    choice('chip', 'Chip', 'Whose bridge it is.', [
      ['xio2001', 'XIO2001'],
      ['pex8112', 'PEX8112'],
    ]),
    ...linkStraps('2.5 GT/s', 1),
  ],
  make(straps) {
    const chip = CHIPS[choiceOf<keyof typeof CHIPS>(straps, 'chip')];
    const registers = buildRegisters(
      { ...chip, class: 0x060400, bridge: true },
      [
        powerManagement({ pmeFrom: ['D0', 'D3hot', 'D3cold'] }),
        msi({ vectors: 16 }),
        express({ type: 'pcie-to-pci-bridge', link: linkOf(straps), maxPayload: 512, extendedTags: false }),
        subsystemId(chip.vendor, chip.device),
      ],
      4096,
    );
    return [{ device: 0, function: 0, above: null, model: null, registers }];
  },
};

/** The chip that leads to PCI when its straps say "forward"; here they say "reverse". */
const PEX8111: Header = { vendor: 0x10b5, device: 0x8111, revision: 0x21, class: 0x060400, bridge: true };

export const pciToExpress: Part = {
  id: 'pci-to-pcie-bridge',
  title: 'PCI-to-PCIe bridge',
  about: 'A link on a conventional bus: an express device behind it is one of that bus, with its one requester ID.',
  icon: 'bridge',
  kind: 'bridge',
  places: ['shared', 'root'],
  straps: [...linkStraps('2.5 GT/s', 1)],
  make(straps) {
    const registers = buildRegisters(
      { ...PEX8111, status: CONVENTIONAL_STATUS },
      [
        powerManagement({ pmeFrom: ['D0', 'D3hot', 'D3cold'] }),
        msi({ vectors: 1 }),
        express({ type: 'pci-to-pcie-bridge', link: linkOf(straps), extendedTags: false }),
      ],
      4096,
    );
    return [{ device: 0, function: 0, above: null, model: null, registers }];
  },
};

const HINT_HB4: Header = { vendor: 0x3388, device: 0x0022, revision: 0x11, class: 0x060400, bridge: true };

export const pciToPci: Part = {
  id: 'pci-bridge',
  title: 'PCI-to-PCI bridge',
  about: 'A conventional bridge: one more bus with conventional devices, behind one requester ID.',
  icon: 'bridge',
  kind: 'bridge',
  places: ['shared', 'root'],
  straps: [
    flag(
      'subtractive',
      'Subtractive decoding',
      'Claims what nobody else on its bus does, as bridges in chipsets do.',
      false,
    ),
  ],
  make(straps) {
    const subtractive = flagOf(straps, 'subtractive');
    const registers = buildRegisters(
      { ...HINT_HB4, class: subtractive ? 0x060401 : 0x060400, status: CONVENTIONAL_STATUS },
      [powerManagement({ pmeFrom: ['D0', 'D3hot'] })],
    );
    return [{ device: 0, function: 0, above: null, model: null, registers }];
  },
};

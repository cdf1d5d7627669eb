/** Switches: an upstream port, the bus inside, and the downstream ports on it. */
import type { AcsService, LinkSpeed } from '../capabilities';
import {
  accessControl,
  advancedErrorReporting,
  deviceSerialNumber,
  express,
  msi,
  powerManagement,
  subsystemId,
} from '../capabilities';
import { acsOf, acsStrap, flag, ISOLATING, linkOf, linkStraps, number, serialOf, serialStrap } from '../common-straps';
import type { Part, PartFunction } from '../part';
import { buildRegisters } from '../registers';
import type { StrapValues } from '../straps';
import { flagOf, numberOf } from '../straps';

interface Chip {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly vendor: number;
  readonly device: number;
  readonly revision: number;
  readonly speed: LinkSpeed;
  readonly width: 1 | 4 | 8;
  readonly ports: { readonly min: number; readonly max: number; readonly default: number };
  readonly acs: readonly AcsService[];
}

const AWAKE = ['D0', 'D3hot', 'D3cold'] as const;

function switchPart(chip: Chip): Part {
  return {
    id: chip.id,
    title: chip.title,
    about: chip.about,
    icon: 'switch',
    kind: 'switch',
    places: ['link'],
    straps: [
      number('ports', 'Downstream ports', 'How many links it has below.', chip.ports),
      ...linkStraps(chip.speed, chip.width),
      acsStrap(chip.acs),
      flag('hotPlug', 'Hot-plug slots', 'Cards below may come and go while the machine runs.', false),
      flag('aer', 'Error reporting', 'Has Advanced Error Reporting.', true),
      serialStrap,
    ],
    make: (straps) => [
      upstream(chip, straps),
      ...Array.from({ length: numberOf(straps, 'ports') }, (_, i) => downstream(chip, straps, i)),
    ],
  };
}

function port(
  chip: Chip,
  straps: StrapValues,
  type: 'upstream-port' | 'downstream-port',
  index: number,
): PartFunction['registers'] {
  const down = type === 'downstream-port';
  const { vendor, device, revision } = chip;
  const hotPlug = flagOf(straps, 'hotPlug');
  const acs = down ? acsOf(straps) : [];
  return buildRegisters({ vendor, device, revision, class: 0x060400, bridge: true, pin: down ? 1 : 0 }, [
    powerManagement({ pmeFrom: AWAKE, at: 0x40 }),
    msi({ vectors: 4, maskable: true }),
    express({
      type,
      link: linkOf(straps, index),
      slot: down ? { number: index, hotPlug, surprise: hotPlug, controls: hotPlug } : null,
      at: 0x68,
    }),
    subsystemId(vendor, device),
    deviceSerialNumber(serialOf(straps)),
    ...(flagOf(straps, 'aer') ? [advancedErrorReporting()] : []),
    ...(acs.length > 0 ? [accessControl(acs)] : []),
  ]);
}

const upstream = (chip: Chip, straps: StrapValues): PartFunction => ({
  device: 0,
  function: 0,
  above: null,
  model: null,
  registers: port(chip, straps, 'upstream-port', 0),
});

const downstream = (chip: Chip, straps: StrapValues, index: number): PartFunction => ({
  device: index + 1,
  function: 0,
  above: 0,
  model: null,
  registers: port(chip, straps, 'downstream-port', index + 1),
});

export const isolatingSwitch = switchPart({
  id: 'switch-acs',
  title: 'Switch with ACS',
  about:
    'A server-class switch whose downstream ports redirect peer-to-peer requests: what is below them is separated.',
  vendor: 0x10b5,
  device: 0x8747,
  revision: 0xca,
  speed: '8 GT/s',
  width: 8,
  ports: { min: 1, max: 31, default: 4 },
  acs: ISOLATING,
});

export const plainSwitch = switchPart({
  id: 'switch-plain',
  title: 'Switch without ACS',
  about: 'A desktop-class switch: requests between its ports never leave it, and no IOMMU sees them.',
  vendor: 0x1b21,
  device: 0x1184,
  revision: 0x00,
  speed: '5 GT/s',
  width: 1,
  ports: { min: 1, max: 31, default: 4 },
  acs: [],
});

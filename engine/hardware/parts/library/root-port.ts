/** Root ports: the links of a root complex. */
import { accessControl, advancedErrorReporting, express, msi, powerManagement, subsystemId } from '../capabilities';
import { acsOf, acsStrap, choice, flag, ISOLATING, linkOf, linkStraps, slotOf, slotStraps } from '../common-straps';
import type { Part, PartFunction } from '../part';
import { buildRegisters } from '../registers';
import { choiceOf, flagOf } from '../straps';

const MODELS = {
  intel: { vendor: 0x8086, device: 0x2030, revision: 0x04 },
  amd: { vendor: 0x1022, device: 0x1483, revision: 0x00 },
  generic: { vendor: 0x1b36, device: 0x000c, revision: 0x00 },
} as const;

const AWAKE = ['D0', 'D3hot', 'D3cold'] as const;

export const rootPort: Part = {
  id: 'root-port',
  title: 'Root port',
  about: 'One link of the root complex: a device, a switch or a bridge goes below it.',
  icon: 'root-port',
  kind: 'port',
  places: ['root'],
  straps: [
    ...linkStraps('16 GT/s', 16),
    ...slotStraps,
    acsStrap(ISOLATING),
    flag('ari', 'ARI forwarding', 'A device below may have more than eight functions.', true),
    flag('aer', 'Error reporting', 'Has Advanced Error Reporting, which collects the errors from below.', true),
    flag(
      'external',
      'External-facing',
      'Leads out of the case, as Thunderbolt ports do: nothing below is trusted.',
      false,
    ),
    choice('maker', 'Maker', 'Whose root port it is.', [
      ['intel', 'Intel'],
      ['amd', 'AMD'],
      ['generic', 'QEMU'],
    ]),
  ],
  make(straps) {
    const ids = MODELS[choiceOf<keyof typeof MODELS>(straps, 'maker')];
    const acs = acsOf(straps);
    const registers = buildRegisters(
      { ...ids, class: 0x060400, bridge: true, pin: 1 },
      [
        express({
          type: 'root-port',
          link: linkOf(straps),
          slot: slotOf(straps),
          ariForwarding: flagOf(straps, 'ari'),
          at: 0x40,
        }),
        msi(),
        subsystemId(ids.vendor, ids.device),
        powerManagement({ pmeFrom: AWAKE }),
        ...(flagOf(straps, 'aer') ? [advancedErrorReporting({ root: { message: 0 } })] : []),
        ...(acs.length > 0 ? [accessControl(acs)] : []),
      ],
      4096,
    );
    const firmware: PartFunction['firmware'] = flagOf(straps, 'external') ? { externalFacing: 1 } : {};
    return [{ device: 0, function: 0, above: null, model: null, registers, firmware }];
  },
};

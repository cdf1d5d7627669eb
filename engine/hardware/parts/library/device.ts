/** What ordinary PCI Express devices of the library have in common. */
import type { Capability } from '../registers';
import {
  accessControl,
  addressTranslation,
  advancedErrorReporting,
  express,
  latencyTolerance,
  pageRequest,
  powerManagement,
  processAddressSpaces,
} from '../capabilities';
import { acsOf, endpointType, flag, linkOf } from '../common-straps';
import type { PartFunction, Place } from '../part';
import type { Registers } from '../registers';
import type { Strap, StrapValues } from '../straps';
import { flagOf } from '../straps';

/** The function at the place itself. */
export const functionOf = (
  registers: Registers,
  model: string | null,
  number = 0,
  more: Partial<PartFunction> = {},
): PartFunction => ({ device: 0, function: number, above: null, registers, model, ...more });

export const translationStraps: readonly Strap[] = [
  flag('ats', 'Address translation (ATS)', 'Caches translations of the IOMMU by itself.', false),
  flag('pri', 'Page requests (PRI)', 'Asks for pages that are not there; only with ATS.', false),
  flag('pasid', 'Address spaces (PASID)', 'Tags requests with an address space; only with ATS.', false),
];

/** ATS, PRI and PASID by their straps. */
export function translationCapabilities(straps: StrapValues): Capability[] {
  if (!flagOf(straps, 'ats')) return [];
  const list = [addressTranslation({ queueDepth: 0 })];
  if (flagOf(straps, 'pri')) list.push(pageRequest());
  if (flagOf(straps, 'pasid')) list.push(processAddressSpaces());
  return list;
}

/** The link end of a device, or none where it is part of the root complex. */
export const expressOf = (
  straps: StrapValues,
  place: Place,
  options: { flr?: boolean; legacy?: boolean; at?: number; maxPayload?: number } = {},
): Capability => {
  const type = endpointType(place);
  const integrated = type === 'integrated-endpoint';
  return express({
    type: options.legacy && !integrated ? 'legacy-endpoint' : type,
    functionLevelReset: options.flr ?? false,
    ...(integrated ? {} : { link: linkOf(straps) }),
    ...(options.at === undefined ? {} : { at: options.at }),
    ...(options.maxPayload === undefined ? {} : { maxPayload: options.maxPayload }),
  });
};

/** Power management and the usual extended capabilities; a function on a root bus has no link to tolerate latency on. */
export const usual = (place: Place, options: { keepsState?: boolean } = {}): Capability[] => [
  powerManagement({ pmeFrom: ['D0', 'D3hot'], keepsState: options.keepsState ?? true }),
  advancedErrorReporting(),
  ...(place === 'root' ? [] : [latencyTolerance()]),
];

/** ACS of a function among several of one device. */
export function deviceAcs(straps: StrapValues): Capability[] {
  const services = acsOf(straps);
  return services.length > 0 ? [accessControl(services)] : [];
}

/** Access Control Services as Linux judges them (PCIe 6.12, 7.7.11; spec iommu-groups 3). */
import { PortType } from '../../hardware/pci/function';
import { hidesCapabilities } from '../../hardware/pci/shown';
import type { QuirkContext } from './acs-quirks';
import { acsQuirkVerdict, mayBeListedFunction, mayBeListedPort } from './acs-quirks';
import type { PciDevice } from './device';

export const ACS = { SV: 0x01, TB: 0x02, RR: 0x04, CR: 0x08, UF: 0x10, EC: 0x20, DT: 0x40 } as const;

/** What grouping asks of every hop: source validation, both redirects, upstream forwarding. */
export const ISOLATION = ACS.SV | ACS.RR | ACS.CR | ACS.UF;

export const ACS_CAPABILITY = 0x000d;

const NAMES: readonly (readonly [number, string])[] = [
  [ACS.SV, 'SV'],
  [ACS.TB, 'TB'],
  [ACS.RR, 'RR'],
  [ACS.CR, 'CR'],
  [ACS.UF, 'UF'],
  [ACS.EC, 'EC'],
  [ACS.DT, 'DT'],
];

export const acsNames = (bits: number): string[] => NAMES.filter(([bit]) => bits & bit).map(([, name]) => name);

/** Settings of the kernel that change the judgement. */
export interface AcsSettings extends QuirkContext {
  /** `pcie_acs_override=` of the well-known patch; null without it. */
  readonly override: AcsOverride | null;
  /**
   * Linux turned on what every ACS capability offers: an IOMMU is on and no option takes bits away. A capability whose
   * bits the dump does not show then isolates.
   */
  readonly enabledByLinux: boolean;
  /** What is taken where the dump does not show it. */
  readonly assume: 'isolated' | 'open';
}

export interface AcsOverride {
  readonly downstream: boolean;
  readonly multifunction: boolean;
  /** `vendor << 16 | device`. */
  readonly ids: readonly number[];
}

/** The answer to "is this function isolated?", and what decided it. */
export interface AcsVerdict {
  readonly isolated: boolean;
  readonly rule:
    | 'quirk'
    | 'conventional'
    | 'bridge-type'
    | 'single-function'
    | 'other-type'
    | 'no-capability'
    | 'register'
    | 'override'
    | 'unknown';
  /** Required bits that the register offers and that are off. */
  readonly missing: number;
  readonly detail: string;
  /** False when the dump did not show what the answer rests on. */
  readonly known: boolean;
}

const verdict = (
  isolated: boolean,
  rule: AcsVerdict['rule'],
  detail: string,
  missing = 0,
  known = true,
): AcsVerdict => ({ isolated, rule, missing, detail, known });

/** The patch has room for no more. */
const OVERRIDE_SLOTS = 16;

/** `downstream,multifunction,id:8086:1234`: the setting, null where nothing of it is, and what the log says. */
export function parseAcsOverride(cmdline: string): { override: AcsOverride | null; lines: string[] } {
  const lines: string[] = [];
  const ids: number[] = [];
  let [downstream, multifunction] = [false, false];
  for (const [, list] of cmdline.matchAll(/(?:^|\s)pcie_acs_override=(\S+)/g)) {
    for (const entry of list!.split(',')) {
      if (entry === 'downstream') downstream = true;
      else if (entry === 'multifunction') multifunction = true;
      else if (entry.startsWith('id:')) {
        const id = /^id:([0-9a-f]{4}):([0-9a-f]{4})$/i.exec(entry);
        if (id === null) lines.push('PCIe ACS invalid ID');
        else if (ids.length >= OVERRIDE_SLOTS - 1) lines.push(`Out of PCIe ACS override slots (${OVERRIDE_SLOTS})`);
        else ids.push(((parseInt(id[1]!, 16) << 16) | parseInt(id[2]!, 16)) >>> 0);
      }
    }
  }
  if (!downstream && !multifunction && ids.length === 0) return { override: null, lines };
  lines.push('Warning: PCIe ACS overrides enabled; This may allow non-IOMMU protected peer-to-peer DMA');
  return { override: { downstream, multifunction, ids }, lines };
}

function overrideVerdict(device: PciDevice, override: AcsOverride, type: number, capability: number): boolean {
  if (capability !== 0) return false;
  const id = ((device.vendor << 16) | device.device) >>> 0;
  if (override.ids.includes(id)) return true;
  if (type === PortType.RootPort || type === PortType.DownstreamPort) return override.downstream;
  const single = new Set<number>([
    PortType.Endpoint,
    PortType.LegacyEndpoint,
    PortType.UpstreamPort,
    PortType.IntegratedEndpoint,
  ]);
  return override.multifunction && single.has(type) && device.multifunction;
}

/** Whether the dump shows the function's extended capabilities at all. */
function extendedKnown(device: PciDevice): boolean {
  const { config } = device;
  // A list in words shows where it goes on, but not always the version of its first entry.
  return config.known === null || (config.size > 256 && config.isKnown(0x103, 1));
}

const unknown = (settings: AcsSettings, detail: string): AcsVerdict =>
  verdict(settings.assume === 'isolated', 'unknown', detail, 0, false);

function registerTest(device: PciDevice, required: number, type: string, settings: AcsSettings): AcsVerdict {
  const { config } = device;
  const at = config.findExtendedCapability(ACS_CAPABILITY);
  if (at === 0) {
    if (!extendedKnown(device)) return unknown(settings, `${type}: the dump does not show whether it has ACS`);
    return verdict(false, 'no-capability', `${type} without an ACS capability`);
  }
  if (!config.isKnown(at + 4, 4)) {
    return settings.enabledByLinux
      ? verdict(true, 'register', `${type}: it has ACS, and Linux turns on what the capability offers`)
      : unknown(settings, `${type}: it has ACS, but the dump does not show which bits are on`);
  }
  const offered = config.read(at + 4, 2);
  const control = config.read(at + 6, 2);
  const asked = required & (offered | ACS.EC);
  const missing = asked & ~control;
  if (missing !== 0) return verdict(false, 'register', `${type}: ACS ${acsNames(missing).join(' ')} off`, missing);
  const on = acsNames(asked);
  return verdict(
    true,
    'register',
    on.length > 0 ? `${type}: ACS ${on.join(' ')} on` : `${type}: ACS offers nothing to turn on`,
  );
}

const TYPE_NAMES: Readonly<Record<number, string>> = {
  [PortType.Endpoint]: 'endpoint',
  [PortType.LegacyEndpoint]: 'legacy endpoint',
  [PortType.RootPort]: 'root port',
  [PortType.UpstreamPort]: 'upstream port',
  [PortType.DownstreamPort]: 'downstream port',
  [PortType.PcieToPciBridge]: 'PCIe-to-PCI bridge',
  [PortType.PciToPcieBridge]: 'PCI-to-PCIe bridge',
  [PortType.IntegratedEndpoint]: 'integrated endpoint',
  [PortType.EventCollector]: 'event collector',
};

/** True when the dump does not show which capabilities the function has, and the kernel's log not that it has none. */
export const capabilitiesHidden = (device: PciDevice): boolean =>
  device.attributes['conventionalPci'] !== 1 && device.portType === null && hidesCapabilities(device.config);

/** Is the function isolated for the required bits? (decision table, spec 3.4; quirks first) */
export function acsVerdict(device: PciDevice, settings: AcsSettings, required: number = ISOLATION): AcsVerdict {
  const quirk = acsQuirkVerdict(device, required, settings);
  if (quirk) return verdict(quirk.isolated, 'quirk', quirk.name);
  const type = device.portType;
  if (type === null) {
    if (capabilitiesHidden(device)) return unknown(settings, 'the dump does not show its capabilities');
    if (device.multifunction && mayBeListedFunction(device)) {
      return unknown(settings, 'the dump does not show which of several devices it is, and one of them isolates');
    }
    return verdict(false, 'conventional', 'conventional PCI function');
  }
  const capability = device.config.findExtendedCapability(ACS_CAPABILITY);
  if (settings.override && overrideVerdict(device, settings.override, type, capability)) {
    return verdict(true, 'override', 'pcie_acs_override says so; the hardware does nothing');
  }
  const name = TYPE_NAMES[type] ?? `type ${type}`;
  switch (type) {
    case PortType.PciToPcieBridge:
    case PortType.PcieToPciBridge:
    case PortType.EventCollector:
      return verdict(false, 'bridge-type', `${name}: never isolated`);
    case PortType.RootPort:
    case PortType.DownstreamPort: {
      const shown = registerTest(device, required, name, settings);
      if (shown.isolated || !shown.known || !mayBeListedPort(device)) return shown;
      return unknown(
        settings,
        `${shown.detail}; the dump does not show which port it is, and some isolate all the same`,
      );
    }
    case PortType.Endpoint:
    case PortType.LegacyEndpoint:
    case PortType.UpstreamPort:
    case PortType.IntegratedEndpoint:
      if (device.multifunction) {
        const shown = registerTest(device, required, `${name}, one of several functions`, settings);
        if (shown.isolated || !shown.known || !mayBeListedFunction(device)) return shown;
        return unknown(
          settings,
          `${shown.detail}; the dump does not show which of several devices it is, and one of them isolates`,
        );
      }
      return verdict(true, 'single-function', `${name} with a single function`);
    default:
      return verdict(true, 'other-type', name);
  }
}

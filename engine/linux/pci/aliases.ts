/** Requester-ID aliases: which other ids a function's packets may carry (spec iommu-groups 2). */
import { devfn, requesterId } from '../../hardware/pci/address';
import { PCIE_LIKE_BRIDGES } from '../../hardware/fabric/requester';
import { PortType } from '../../hardware/pci/function';
import type { PciDevice } from './device';

type AliasRule =
  | { readonly kind: 'function'; readonly number: number }
  | { readonly kind: 'devfns'; readonly list: readonly number[] };

interface AliasQuirk {
  readonly vendor: number;
  readonly devices: readonly number[];
  readonly subsystems?: readonly number[];
  readonly alias: AliasRule;
}

const slots = Array.from({ length: 32 }, (_, slot) => slot);
const ALL_DEVFNS = Array.from({ length: 256 }, (_, id) => id);

/** Functions that send with ids of others (spec 2.2). Switchtec ones keep theirs in a BAR, which no dump shows. */
const ALIAS_QUIRKS: readonly AliasQuirk[] = [
  { vendor: 0x1180, devices: [0xe832, 0xe476], alias: { kind: 'function', number: 0 } },
  { vendor: 0x6766, devices: [0x3d40, 0x3d41], alias: { kind: 'function', number: 0 } },
  {
    vendor: 0x1b4b,
    devices: [
      0x9120, 0x9123, 0x9125, 0x9128, 0x9130, 0x9170, 0x9172, 0x917a, 0x9182, 0x9183, 0x91a0, 0x9215, 0x9220, 0x9230,
      0x9235,
    ],
    alias: { kind: 'function', number: 1 },
  },
  { vendor: 0x1103, devices: [0x0642, 0x0645], alias: { kind: 'function', number: 1 } },
  { vendor: 0x197b, devices: [0x2392], alias: { kind: 'function', number: 1 } },
  { vendor: 0x1c28, devices: [0x0122], alias: { kind: 'function', number: 1 } },
  {
    vendor: 0x9005,
    devices: [0x0285],
    subsystems: [0x02bb9005, 0x02bc9005],
    alias: { kind: 'devfns', list: [0x01 << 3] },
  },
  {
    vendor: 0x8086,
    devices: [0x2260, 0x2264],
    alias: { kind: 'devfns', list: [0x10 << 3, 0x11 << 3, (0x12 << 3) | 3] },
  },
  {
    vendor: 0x8086,
    devices: [0x2954, 0x2955, 0x2956, 0x2958, 0x2959, 0x295a],
    alias: { kind: 'devfns', list: slots.flatMap((slot) => [0, 1, 2, 3, 4].map((fn) => (slot << 3) | fn)) },
  },
  { vendor: 0x10b5, devices: [0x87b0, 0x87b1], alias: { kind: 'devfns', list: ALL_DEVFNS } },
];

/** Bridges at which translation begins: the walk ends below them. */
const TRANSLATION_ROOTS: ReadonlySet<number> = new Set([0x14e49000, 0x14e49084]);

const idOf = (device: PciDevice): number => ((device.vendor << 16) | device.device) >>> 0;

const QUIRKS_OF_VENDOR = new Map<number, AliasQuirk[]>();
for (const quirk of ALIAS_QUIRKS) {
  QUIRKS_OF_VENDOR.set(quirk.vendor, [...(QUIRKS_OF_VENDOR.get(quirk.vendor) ?? []), quirk]);
}
const NO_DEVFNS: readonly number[] = [];

/** devfns on the function's own bus that it also sends with, ascending. */
export function aliasDevfns(device: PciDevice): readonly number[] {
  const quirks = QUIRKS_OF_VENDOR.get(device.vendor);
  if (quirks === undefined || device.isVirtual) return NO_DEVFNS;
  const own = devfn(device.function.address);
  const out = new Set<number>();
  for (const quirk of quirks) {
    if (!quirk.devices.includes(device.device)) continue;
    if (quirk.subsystems && !quirk.subsystems.includes(device.config.read(0x2c, 4))) continue;
    if (quirk.alias.kind === 'function') out.add((own & ~7) | quirk.alias.number);
    else for (const id of quirk.alias.list) out.add(id);
  }
  out.delete(own);
  return [...out].sort((a, b) => a - b);
}

const portType = (device: PciDevice): number | null => device.portType;

export function isTranslationRoot(bridge: PciDevice): boolean {
  return TRANSLATION_ROOTS.has(idOf(bridge));
}

function behavesLikePcieBridge(bridge: PciDevice): boolean {
  if (!PCIE_LIKE_BRIDGES.has(idOf(bridge)) || !bridge.function.isBridge || portType(bridge) !== null) return false;
  const above = bridge.parent;
  if (above === null) return false;
  const type = portType(above);
  return type !== null && type !== PortType.PcieToPciBridge;
}

/** What a bridge does to the requester id of packets from below: the alias it gives, or null when ids pass. */
export function bridgeAlias(bridge: PciDevice): { requester: number; takesOver: 'secondary' | 'own' } | null {
  const secondary = bridge.config.read(0x19, 1) << 8;
  const own = requesterId(bridge.function.address);
  switch (portType(bridge)) {
    case PortType.RootPort:
    case PortType.UpstreamPort:
    case PortType.DownstreamPort:
      return null;
    case PortType.PcieToPciBridge:
      return { requester: secondary, takesOver: 'secondary' };
    case PortType.PciToPcieBridge:
      return { requester: own, takesOver: 'own' };
    case null:
      return behavesLikePcieBridge(bridge)
        ? { requester: secondary, takesOver: 'secondary' }
        : { requester: own, takesOver: 'own' };
    default:
      return null;
  }
}

const VMD_DEVICES: ReadonlySet<number> = new Set([
  0x201d, 0x28c0, 0x467f, 0x4c3d, 0xa77f, 0x7d0b, 0xad0b, 0x9a0b, 0xb60b, 0xb06f,
]);

/** `device << 16 | vendor`, as the registers read. */
export const isVmdId = (id: number): boolean => (id & 0xffff) === 0x8086 && VMD_DEVICES.has(id >>> 16);

/** An Intel Volume Management Device: what is in its own domain sends with its requester id. */
export const isVmdEndpoint = (device: PciDevice): boolean =>
  device.vendor === 0x8086 && device.class >>> 16 !== 0x06 && VMD_DEVICES.has(device.device);

/** Domains from this number on belong to VMD endpoints, in the order in which those were probed. */
export const FIRST_VMD_DOMAIN = 0x10000;

export interface AliasVisit {
  readonly device: PciDevice;
  readonly requester: number;
  /** Why this id: a quirk of the function, the bridge that takes over, or the VMD endpoint. */
  readonly because: 'quirk' | 'bridge' | 'vmd';
}

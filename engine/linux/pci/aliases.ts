/** Requester-ID aliases: which other ids a function's packets may carry (spec iommu-groups 2). */
import { devfn, requesterId } from '../../hardware/pci/address';
import { PCIE_LIKE_BRIDGES } from '../../hardware/fabric/requester';
import { PortType } from '../../hardware/pci/function';
import type { PciDevice } from './device';

/** devfns of the function's own bus: one, or several in a row. */
interface AliasRange {
  readonly from: number;
  readonly count: number;
}

interface AliasQuirk {
  readonly vendor: number;
  readonly devices: readonly number[];
  readonly subsystems?: readonly number[];
  /** 24-bit class without the interface; left out: any. */
  readonly classCode?: number;
  /** Said before the aliases. */
  readonly note?: string;
  readonly aliases: (device: PciDevice) => readonly AliasRange[];
}

const single = (from: number): AliasRange => ({ from, count: 1 });
const slots = Array.from({ length: 32 }, (_, slot) => slot);
const ALL_DEVFNS = 256;

/** Another function of its slot; none for that function itself. */
const functionOfSlot =
  (number: number) =>
  (device: PciDevice): AliasRange[] => {
    const own = devfn(device.function.address);
    return (own & 7) === number ? [] : [single((own & ~7) | number)];
  };

const always = (ranges: readonly AliasRange[]) => (): readonly AliasRange[] => ranges;

/** devfns of a table in the device's registers, which firmware's or the dump's attribute names: `01.0 1f.7`. */
function proxyIds({ attributes }: PciDevice): AliasRange[] {
  const text = attributes['proxyIds'];
  if (typeof text !== 'string') return [];
  const entries = [...text.matchAll(/\b([01][0-9a-f])\.([0-7])\b/g)];
  return entries.map(([, slot, number]) => single((parseInt(slot!, 16) << 3) | Number(number)));
}

const BRIDGE_OTHER = 0x0680;
const SWITCHTEC_NOTE = 'Setting Switchtec proxy ID aliases';
const lanes = (base: number, sizes: readonly number[]): number[] => sizes.map((size) => base + size);

const SWITCHTEC: readonly number[] = [
  ...[0x8530, 0x8540, 0x8550, 0x8560, 0x8570].flatMap((base) => lanes(base, [1, 2, 3, 4, 5, 6])),
  ...[0x4000, 0x4100, 0x4200].flatMap((base) => lanes(base, [0x00, 0x84, 0x68, 0x52, 0x36, 0x28])),
  ...[0x4300, 0x4400, 0x4500].flatMap((base) => lanes(base, [0x52, 0x36, 0x28])),
  ...[0x5000, 0x5100, 0x5200, 0x5300, 0x5400, 0x5500].flatMap((base) =>
    lanes(base, [0x00, 0x84, 0x68, 0x52, 0x36, 0x28]),
  ),
];

/** Functions that send with ids of others (spec 2.2). Those of Switchtec are in a BAR, which no dump shows. */
const ALIAS_QUIRKS: readonly AliasQuirk[] = [
  { vendor: 0x1180, devices: [0xe832, 0xe476], aliases: functionOfSlot(0) },
  { vendor: 0x6766, devices: [0x3d40, 0x3d41], aliases: functionOfSlot(0) },
  {
    vendor: 0x1b4b,
    devices: [
      0x9120, 0x9123, 0x9125, 0x9128, 0x9130, 0x9170, 0x9172, 0x917a, 0x9182, 0x9183, 0x91a0, 0x9215, 0x9220, 0x9230,
      0x9235,
    ],
    aliases: functionOfSlot(1),
  },
  { vendor: 0x1103, devices: [0x0642, 0x0645], aliases: functionOfSlot(1) },
  { vendor: 0x197b, devices: [0x2392], aliases: functionOfSlot(1) },
  { vendor: 0x1c28, devices: [0x0122], aliases: functionOfSlot(1) },
  {
    vendor: 0x9005,
    devices: [0x0285],
    subsystems: [0x02bb9005, 0x02bc9005],
    aliases: always([single(0x01 << 3)]),
  },
  {
    vendor: 0x8086,
    devices: [0x2260, 0x2264],
    aliases: always([0x10 << 3, 0x11 << 3, (0x12 << 3) | 3].map(single)),
  },
  {
    vendor: 0x8086,
    devices: [0x2954, 0x2955, 0x2956, 0x2958, 0x2959, 0x295a],
    aliases: always(slots.map((slot) => ({ from: slot << 3, count: 5 }))),
  },
  {
    vendor: 0x10b5,
    devices: [0x87b0, 0x87b1],
    note: 'Setting PLX NTB proxy ID aliases',
    aliases: always([{ from: 0, count: ALL_DEVFNS }]),
  },
  { vendor: 0x11f8, devices: SWITCHTEC, classCode: BRIDGE_OTHER, note: SWITCHTEC_NOTE, aliases: proxyIds },
  {
    vendor: 0x1055,
    devices: [0x1001, 0x1002, 0x1003, 0x1004, 0x1005, 0x1006, 0x1008],
    classCode: BRIDGE_OTHER,
    note: SWITCHTEC_NOTE,
    aliases: proxyIds,
  },
];

/** Bridges at which translation begins: the walk ends below them. */
const TRANSLATION_ROOTS: ReadonlySet<number> = new Set([0x14e49000, 0x14e49084]);

const idOf = (device: PciDevice): number => ((device.vendor << 16) | device.device) >>> 0;

const QUIRKS_OF_VENDOR = new Map<number, AliasQuirk[]>();
for (const quirk of ALIAS_QUIRKS) {
  QUIRKS_OF_VENDOR.set(quirk.vendor, [...(QUIRKS_OF_VENDOR.get(quirk.vendor) ?? []), quirk]);
}
const NOTHING: readonly never[] = [];

function quirksOf(device: PciDevice): readonly AliasQuirk[] {
  const quirks = device.isVirtual ? undefined : QUIRKS_OF_VENDOR.get(device.vendor);
  if (quirks === undefined) return NOTHING;
  return quirks.filter(
    ({ devices, subsystems, classCode }) =>
      devices.includes(device.device) &&
      (subsystems?.includes(device.config.read(0x2c, 4)) ?? true) &&
      (classCode === undefined || device.class >>> 8 === classCode),
  );
}

/** devfns on the function's own bus that it also sends with, ascending. */
export function aliasDevfns(device: PciDevice): readonly number[] {
  const quirks = quirksOf(device);
  if (quirks.length === 0) return NOTHING;
  const out = new Set<number>();
  for (const { aliases } of quirks) {
    for (const { from, count } of aliases(device)) for (let id = from; id < from + count; id++) out.add(id);
  }
  out.delete(devfn(device.function.address));
  return [...out].sort((a, b) => a - b);
}

const devfnText = (id: number): string => `${(id >>> 3).toString(16).padStart(2, '0')}.${id & 7}`;

/** What the log says of a function's aliases when it is found. */
export function aliasLines(device: PciDevice): string[] {
  return quirksOf(device).flatMap(({ note, aliases }) => [
    ...(note === undefined ? [] : [note]),
    ...aliases(device).map(({ from, count }) =>
      count === 1
        ? `Enabling fixed DMA alias to ${devfnText(from)}`
        : `Enabling fixed DMA alias for devfn range from ${devfnText(from)} to ${devfnText(from + count - 1)}`,
    ),
  ]);
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

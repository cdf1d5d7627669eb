/** The PCI Express capability of every kind of function and port, at power-on (PCIe 7.5.3). */
import { EXPRESS } from '../../pci/layout/express';
import type { Capability, RegisterContents } from '../registers';
import { standard } from '../registers';
import type { Placed } from './standard';

const PORT_TYPES = {
  endpoint: 0x0,
  'legacy-endpoint': 0x1,
  'root-port': 0x4,
  'upstream-port': 0x5,
  'downstream-port': 0x6,
  'pcie-to-pci-bridge': 0x7,
  'pci-to-pcie-bridge': 0x8,
  'integrated-endpoint': 0x9,
  'event-collector': 0xa,
} as const;

export type ExpressType = keyof typeof PORT_TYPES;

/** Highest link speed, as lspci writes it. */
export const LINK_SPEEDS = ['2.5 GT/s', '5 GT/s', '8 GT/s', '16 GT/s', '32 GT/s', '64 GT/s'] as const;
export type LinkSpeed = (typeof LINK_SPEEDS)[number];

export const LINK_WIDTHS = [1, 2, 4, 8, 16, 32] as const;

export interface Link {
  readonly speed: LinkSpeed;
  /** Lanes. */
  readonly width: number;
  readonly port?: number;
}

export interface Slot {
  /** Physical slot number, 1–8191. */
  readonly number: number;
  readonly hotPlug?: boolean;
  readonly surprise?: boolean;
  /** Attention button, power controller and both indicators. */
  readonly controls?: boolean;
  /** Watts, up to 239. */
  readonly powerLimit?: number;
}

export interface ExpressOptions extends Placed {
  readonly type: ExpressType;
  /** Version 1 ends before the second set of registers; version 2 is the rule since PCIe 2.0. */
  readonly version?: 1 | 2;
  /** Left out: the function has no link of its own (integrated, event collector). */
  readonly link?: Link;
  readonly slot?: Slot | null;
  readonly functionLevelReset?: boolean;
  /** ARI forwarding of a port. */
  readonly ariForwarding?: boolean;
  readonly extendedTags?: boolean;
  readonly latencyTolerance?: boolean;
  /** Largest payload: 128, 256, 512, … bytes. */
  readonly maxPayload?: number;
  /** Vector on which a port reports hot-plug, power management events and link changes. */
  readonly message?: number;
}

const isPort = (type: ExpressType): boolean => type === 'root-port' || type === 'downstream-port';

/** Device Control at power-on: relaxed ordering and no snoop allowed, read requests of 512 bytes (PCIe 7.5.3.4). */
const DEVICE_CONTROL = { RlxdOrd: true, NoSnoop: true, MaxReadReq: 2 };

function slotRegisters(slot: Slot): Record<string, RegisterContents> {
  const { hotPlug = false, surprise = false, controls = false, powerLimit = 75 } = slot;
  const control = { AttnBtn: controls, PwrCtrl: controls, AttnInd: controls, PwrInd: controls };
  return {
    SltCap: {
      ...control,
      Surprise: surprise,
      HotPlug: hotPlug,
      PowerLimit: powerLimit,
      NoCompl: !controls,
      Slot: slot.number,
    },
    // Indicators off; the power controller starts with the slot on.
    SltCtl: controls ? { AttnInd: 3, PwrInd: 1 } : 0,
  };
}

function linkRegisters(type: ExpressType, link: Link, hotPlug: boolean): Record<string, RegisterContents> {
  const speed = LINK_SPEEDS.indexOf(link.speed) + 1;
  const port = isPort(type);
  // Ports above 5 GT/s and hot-plug ports report when the link is up (PCIe 7.5.3.6).
  const reports = port && (speed > 2 || hotPlug);
  return {
    LnkCap: {
      Speed: speed,
      Width: link.width,
      ASPM: 2,
      L1: 4,
      Surprise: port && hotPlug,
      LLActRep: reports,
      BwNot: port,
      ASPMOptComp: true,
      Port: link.port ?? 0,
    },
    LnkSta: { SlotClk: true },
  };
}

/** Registers that version 2 added. */
function secondSet(options: ExpressOptions): Record<string, RegisterContents> {
  const { type, link, ariForwarding = true, latencyTolerance: ltr = false } = options;
  const speed = link ? LINK_SPEEDS.indexOf(link.speed) + 1 : 0;
  return {
    DevCap2: { 'Completion Timeout': 0xf, TimeoutDis: true, ARIFwd: isPort(type) && ariForwarding, LTR: ltr },
    ...(link ? { LnkCap2: { Speeds: (1 << speed) - 1 }, LnkCtl2: { 'Target Link Speed': speed } } : {}),
  };
}

const FIRST_VERSION_LENGTH = 0x14;

export function express(options: ExpressOptions): Capability {
  const { type, version = 2, link, slot = null, message = 0, functionLevelReset = false } = options;
  const endpoint = type === 'endpoint' || type === 'legacy-endpoint';
  const root = type === 'root-port' || type === 'event-collector';
  return standard(
    EXPRESS,
    {
      Flags: { Version: version, Type: PORT_TYPES[type], Slot: slot !== null, MSI: message },
      DevCap: {
        MaxPayload: Math.log2((options.maxPayload ?? 256) / 128),
        ExtTag: options.extendedTags ?? true,
        'Latency L0s': endpoint ? 2 : 0,
        L1: endpoint ? 3 : 0,
        RBE: true,
        FLReset: functionLevelReset,
      },
      DevCtl: DEVICE_CONTROL,
      ...(link ? linkRegisters(type, link, slot?.hotPlug === true) : {}),
      ...(slot ? slotRegisters(slot) : {}),
      ...(root ? { RootCap: { CRSVisible: true } } : {}),
      ...(version === 2 ? secondSet(options) : {}),
    },
    {
      ...(options.at === undefined ? {} : { at: options.at }),
      ...(version === 1 ? { length: FIRST_VERSION_LENGTH } : {}),
    },
  );
}

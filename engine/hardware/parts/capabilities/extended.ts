/** Extended capabilities at power-on (PCIe 7.7–7.9, ATS 10.5). */
import { ACS, AER, ARI, ATS, DSN, L1PM, LTR, PASID, PRI, REBAR, SRIOV, VC } from '../../pci/layout/extended';
import type { Capability, VirtualFunctions } from '../registers';
import { BAR_BITS, extended } from '../registers';
import type { Placed } from './standard';

const placeOf = ({ at }: Placed): { at?: number } => (at === undefined ? {} : { at });

/** Errors that stop the link or lose data are fatal at power-on (PCIe 7.8.4.4). */
const FATAL = { DLP: true, SDES: true, FCP: true, RxOF: true, MalfTLP: true, UncorrIntErr: true };

export interface AerOptions extends Placed {
  /** Root port or event collector: with the registers that collect errors. Number of the message that tells of them. */
  readonly root?: { readonly message: number };
}

/** Advisory errors and internal ones are masked at power-on. */
export const advancedErrorReporting = (options: AerOptions = {}): Capability =>
  extended(
    AER,
    2,
    {
      UEMsk: { UncorrIntErr: true },
      UESvrt: FATAL,
      CEMsk: { AdvNonFatalErr: true, CorrIntErr: true, HeaderOF: true },
      AERCap: { ECRCGenCap: true, ECRCChkCap: true },
      ...(options.root ? { RootSta: { IntMsg: options.root.message } } : {}),
    },
    placeOf(options),
  );

/** The services by their abbreviations, as lspci prints them. */
export const ACS_SERVICES = [
  'SrcValid',
  'TransBlk',
  'ReqRedir',
  'CmpltRedir',
  'UpstreamFwd',
  'EgressCtrl',
  'DirectTrans',
] as const;
export type AcsService = (typeof ACS_SERVICES)[number];

const EGRESS_BITS = 32;

/** Access Control Services that the function implements; all are off at power-on. */
export function accessControl(services: readonly AcsService[], options: Placed = {}): Capability {
  const egress = services.includes('EgressCtrl');
  const flags = Object.fromEntries(services.map((service) => [service, true]));
  const length = egress ? 8 + EGRESS_BITS / 8 : 8;
  return extended(
    ACS,
    1,
    { ACSCap: { ...flags, EgressSize: egress ? EGRESS_BITS : 0 } },
    { ...placeOf(options), length },
  );
}

/** `next`: number of the device's next function, 0 for the last. */
export const alternativeRoutingId = (next: number, options: Placed = {}): Capability =>
  extended(ARI, 1, { ARICap: { 'Next Function': next } }, placeOf(options));

/** Vital: the number is made from the part, not random. */
export const deviceSerialNumber = (serial: bigint, options: Placed = {}): Capability =>
  extended(DSN, 1, { Serial: serial }, placeOf(options));

const PAGES_4K_TO_4M = 0x553;
const PAGE_4K = 0x1;
const FIRST_VIRTUAL_BAR = 0x24;

/** `dependency`: number of the physical function that must be enabled first; its own. */
export const singleRootIov = (
  { total, offset, stride, device, bars }: VirtualFunctions,
  options: Placed & { readonly dependency?: number } = {},
): Capability =>
  extended(
    SRIOV,
    1,
    {
      'Initial VFs': total,
      'Total VFs': total,
      'Function Dependency Link': options.dependency ?? 0,
      'VF offset': offset,
      stride,
      'Device ID': device,
      'Supported Page Size': PAGES_4K_TO_4M,
      'System Page Size': PAGE_4K,
    },
    { ...placeOf(options), raw: bars.map(({ index, kind }) => [FIRST_VIRTUAL_BAR + 4 * index, 4, BAR_BITS[kind]]) },
  );

export const addressTranslation = (options: Placed & { readonly queueDepth?: number } = {}): Capability =>
  extended(
    ATS,
    1,
    { ATSCap: { 'Invalidate Queue Depth': options.queueDepth ?? 0, 'Page Aligned': true } },
    placeOf(options),
  );

export const pageRequest = (options: Placed & { readonly capacity?: number } = {}): Capability =>
  extended(
    PRI,
    1,
    { PRISta: { Stopped: true }, 'Page Request Capacity': options.capacity ?? 32 },
    { ...placeOf(options), length: 0x10 },
  );

/** `bits`: width of a process address space ID. */
export const processAddressSpaces = (options: Placed & { readonly bits?: number } = {}): Capability =>
  extended(PASID, 1, { PASIDCap: { 'Max PASID Width': options.bits ?? 20 } }, placeOf(options));

const MIB = 2 ** 20;

/** One BAR that can have any of `sizes` (bytes, powers of two from 1 MiB to 128 TiB); it starts with `size`. */
export function resizableBar(bar: number, sizes: readonly number[], size: number, options: Placed = {}): Capability {
  const supported = sizes.reduce((bits, one) => bits + 2 ** Math.log2(one / MIB), 0);
  return extended(
    REBAR,
    1,
    { Cap0: { Sizes: supported }, Ctl0: { BAR: bar, Number: 1, Size: Math.log2(size / MIB) } },
    placeOf(options),
  );
}

export const latencyTolerance = (options: Placed = {}): Capability => extended(LTR, 1, {}, placeOf(options));

export const virtualChannel = (options: Placed = {}): Capability =>
  extended(VC, 1, { VC0Cap: { Fixed: true }, VC0Ctrl: { 'TC/VC': 0xff, Enable: true } }, placeOf(options));

export const linkPowerSubstates = (options: Placed = {}): Capability =>
  extended(
    L1PM,
    1,
    {
      L1SubCap: {
        'PCI-PM_L1.2': true,
        'PCI-PM_L1.1': true,
        'ASPM_L1.2': true,
        'ASPM_L1.1': true,
        L1_PM_Substates: true,
        PortCommonModeRestoreTime: 60,
        PowerOnValue: 5,
      },
    },
    placeOf(options),
  );

/** Names of errors as Linux has them, and how often a function had each: /sys/…/aer_dev_*, aer_rootport_total_* (pci-linux.md 8.4). */
import type { PciDevice } from './device';

export type Severity = 'correctable' | 'nonfatal' | 'fatal';

/** Bits of the correctable status register with their names, in the order of the files. */
export const CORRECTABLE: readonly (readonly [bit: number, name: string])[] = [
  [0, 'RxErr'],
  [6, 'BadTLP'],
  [7, 'BadDLLP'],
  [8, 'Rollover'],
  [12, 'Timeout'],
  [13, 'NonFatalErr'],
  [14, 'CorrIntErr'],
  [15, 'HeaderOF'],
];

export const UNCORRECTABLE: readonly (readonly [bit: number, name: string])[] = [
  [0, 'Undefined'],
  [4, 'DLP'],
  [5, 'SDES'],
  [12, 'TLP'],
  [13, 'FCP'],
  [14, 'CmpltTO'],
  [15, 'CmpltAbrt'],
  [16, 'UnxCmplt'],
  [17, 'RxOF'],
  [18, 'MalfTLP'],
  [19, 'ECRC'],
  [20, 'UnsupReq'],
  [21, 'ACSViol'],
  [22, 'UncorrIntErr'],
  [23, 'BlockedTLP'],
  [24, 'AtomicOpBlocked'],
  [25, 'TLPBlockedErr'],
  [26, 'PoisonTLPBlocked'],
  [27, 'DMWrReqBlocked'],
  [28, 'IDECheck'],
  [29, 'MisIDETLP'],
  [30, 'PCRC_CHECK'],
  [31, 'TLPXlatBlocked'],
];

export const namesOf = (severity: Severity): typeof CORRECTABLE =>
  severity === 'correctable' ? CORRECTABLE : UNCORRECTABLE;

const TOTALS: Readonly<Record<Severity, string>> = {
  correctable: 'TOTAL_ERR_COR',
  nonfatal: 'TOTAL_ERR_NONFATAL',
  fatal: 'TOTAL_ERR_FATAL',
};

/** What was counted for one function since it was found. */
class Counters {
  readonly bits: Readonly<Record<Severity, Uint32Array>> = {
    correctable: new Uint32Array(32),
    nonfatal: new Uint32Array(32),
    fatal: new Uint32Array(32),
  };
  readonly totals: Record<Severity, number> = { correctable: 0, nonfatal: 0, fatal: 0 };
  /** Messages that reached the root port. */
  readonly received: Record<Severity, number> = { correctable: 0, nonfatal: 0, fatal: 0 };
}

const counted = new WeakMap<PciDevice, Counters>();

function countersOf(device: PciDevice): Counters {
  const known = counted.get(device) ?? new Counters();
  counted.set(device, known);
  return known;
}

/** `status`: unmasked bits. */
export function countErrors(device: PciDevice, severity: Severity, status: number): void {
  const counters = countersOf(device);
  counters.totals[severity]++;
  for (let bit = 0; bit < 32; bit++) if ((status >>> bit) & 1) counters.bits[severity][bit]!++;
}

export const countReceived = (root: PciDevice, severity: Severity): void => void countersOf(root).received[severity]++;

export function deviceCounters(device: PciDevice, severity: Severity): string {
  const counters = counted.get(device);
  const lines = namesOf(severity).map(([bit, name]) => `${name} ${counters?.bits[severity][bit] ?? 0}`);
  return [...lines, `${TOTALS[severity]} ${counters?.totals[severity] ?? 0}`, ''].join('\n');
}

export const rootCounter = (root: PciDevice, severity: Severity): string =>
  `${counted.get(root)?.received[severity] ?? 0}\n`;

import type { Clock } from '../clock';
import type { KernelLog } from '../log';

const TOKENS = 10;
const INTERVAL = 5_000_000_000n;
const ERROR = 3;
const WARNING = 4;

const REASONS: Readonly<Record<number, string>> = {
  0x05: 'PTE Write access is not set',
  0x06: 'PTE Read access is not set',
  0x22: 'Present field in the IRTE entry is clear',
  0x25: 'Blocked a compatibility format interrupt request',
  0x26: 'Blocked an interrupt request due to source-id verification failure',
};

const hex = (value: number | bigint, digits: number): string => value.toString(16).padStart(digits, '0');

/** `01:00.0`, as the DMAR driver writes a requester ID. */
const source = (requester: number): string =>
  `${hex(requester >>> 8, 2)}:${hex((requester >>> 3) & 0x1f, 2)}.${requester & 7}`;

/** The VT-d fault lines of the kernel log, with their common budget (iommu-hardware 3.8). */
export class DmarFaults {
  private readonly log: KernelLog;
  private readonly clock: Clock;
  private begin: bigint | null = null;
  private used = 0;
  private missed = 0;

  constructor(log: KernelLog, clock: Clock) {
    this.log = log;
    this.clock = clock;
  }

  dma(requester: number, address: bigint, write: boolean): void {
    const page = `0x${(address & ~0xfffn).toString(16)}`;
    const kind = write ? 'DMA Write' : 'DMA Read';
    this.record(`[${kind} NO_PASID] Request device [${source(requester)}] fault addr ${page}`, write ? 0x05 : 0x06);
  }

  interrupt(requester: number, index: number, reason: number): void {
    this.record(`[INTR-REMAP] Request device [${source(requester)}] fault index 0x${index.toString(16)}`, reason);
  }

  private record(text: string, reason: number): void {
    if (this.mayPrint()) this.log.print(ERROR, 'DMAR: DRHD: handling fault status reg 2');
    if (this.mayPrint()) this.log.print(ERROR, `DMAR: ${text} [fault reason 0x${hex(reason, 2)}] ${REASONS[reason]}`);
    this.mayPrint();
  }

  private mayPrint(): boolean {
    const { now } = this.clock;
    if (this.begin === null || now > this.begin + INTERVAL) {
      if (this.missed > 0) this.log.print(WARNING, `dmar_fault: ${this.missed} callbacks suppressed`);
      this.begin = now;
      this.used = 0;
      this.missed = 0;
    }
    if (this.used < TOKENS) {
      this.used++;
      return true;
    }
    this.missed++;
    return false;
  }
}

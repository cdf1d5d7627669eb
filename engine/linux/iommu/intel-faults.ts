/** What Linux writes about the faults of VT-d units (dmar_fault; iommu-hardware 3.8). */
import { REG } from '../../hardware/iommu/vtd/layout';
import type { VtdUnit } from '../../hardware/iommu/vtd/unit';
import type { Clock } from '../clock';
import type { KernelLog } from '../log';
import { RateLimit } from '../rate-limit';

const ERROR = 3;
const PPF = 0x2;
const CLEARED = 0x1 | 0x2 | 0x80;
const FAULT = 0x8000_0000;
const READ = 0x4000_0000;
const RECORD = 16;

/** The kernel's own words for the reasons. */
const DMA_REASONS: readonly string[] = [
  'Software',
  'Present bit in root entry is clear',
  'Present bit in context entry is clear',
  'Invalid context entry',
  'Access beyond MGAW',
  'PTE Write access is not set',
  'PTE Read access is not set',
  'Next page table ptr is invalid',
  'Root table address invalid',
  'Context table ptr is invalid',
  'non-zero reserved fields in RTP',
  'non-zero reserved fields in CTP',
  'non-zero reserved fields in PTE',
  'PCE for translation request specifies blocking',
];
const FIRST_INTERRUPT_REASON = 0x20;
const INTERRUPT_REASONS: readonly string[] = [
  'Detected reserved fields in the decoded interrupt-remapped request',
  'Interrupt index exceeded the interrupt-remapping table size',
  'Present field in the IRTE entry is clear',
  'Error accessing interrupt-remapping table pointed by IRTA_REG',
  'Detected reserved fields in the IRTE entry',
  'Blocked a compatibility format interrupt request',
  'Blocked an interrupt request due to source-id verification failure',
];

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** `01:00.0`, as the DMAR driver writes a requester ID. */
const source = (requester: number): string =>
  `${hex(requester >>> 8, 2)}:${hex((requester >>> 3) & 0x1f, 2)}.${requester & 7}`;

export class VtdFaultLog {
  private readonly log: KernelLog;
  /** One budget for all units. */
  private readonly limit: RateLimit;

  constructor(log: KernelLog, clock: Clock) {
    this.log = log;
    this.limit = new RateLimit(log, clock, 'dmar_fault');
  }

  /** The interrupt of a unit: every record is read, told as far as the budget allows, and cleared. */
  handle(unit: VtdUnit): void {
    const status = unit.read(REG.FSTS);
    if (status === 0) return;
    if (this.limit.mayPrint()) this.log.print(ERROR, `DMAR: DRHD: handling fault status reg ${status.toString(16)}`);
    if (!(status & PPF)) return;
    const { faultOffset, faultRegisters } = unit.capabilities;
    for (let record = (status >>> 8) & 0xff; ; record = (record + 1) % faultRegisters) {
      const at = faultOffset + record * RECORD;
      const quiet = !this.limit.mayPrint();
      const last = unit.read(at + 12);
      if (!(last & FAULT)) break;
      const words = [unit.read(at), unit.read(at + 4), unit.read(at + 8)] as const;
      unit.write(at + 12, FAULT);
      if (!quiet) this.log.print(ERROR, `DMAR: ${describe(words, last)}`);
    }
    unit.write(REG.FSTS, CLEARED);
  }
}

function describe([low, high, requester]: readonly [number, number, number], last: number): string {
  const reason = last & 0xff;
  const device = `Request device [${source(requester & 0xffff)}]`;
  const code = `[fault reason 0x${hex(reason, 2)}]`;
  const interrupt = INTERRUPT_REASONS[reason - FIRST_INTERRUPT_REASON];
  if (interrupt !== undefined) {
    return `[INTR-REMAP] ${device} fault index 0x${(high >>> 16).toString(16)} ${code} ${interrupt}`;
  }
  const address = (BigInt(high) << 32n) | BigInt((low & 0xfffff000) >>> 0);
  const kind = last & READ ? 'DMA Read' : 'DMA Write';
  return `[${kind} NO_PASID] ${device} fault addr 0x${address.toString(16)} ${code} ${DMA_REASONS[reason] ?? 'Unknown'}`;
}

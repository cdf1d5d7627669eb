/** Memory that Linux keeps for what firmware's tables describe, so that no driver of the function gets it. */
import type { PciDevice } from './device';

interface Holder {
  readonly vendor: number;
  readonly device: number;
  /** As `/proc/iomem` names it. */
  readonly holder: string;
}

/** QEMU's store for error records: the ACPI table ERST names its registers and its memory (ACPI 18.5). */
const HELD: readonly Holder[] = [{ vendor: 0x1b36, device: 0x0012, holder: 'APEI ERST' }];

/** Who holds all BARs of the function in firmware's name; null for nearly all functions. */
export const heldByFirmware = ({ vendor, device }: PciDevice): string | null =>
  HELD.find((row) => row.vendor === vendor && row.device === device)?.holder ?? null;

/** A machine for other programs: snapshot, hex dump for `lspci -F`, archive of `/sys`. */
import type { MachineDescription } from '../../hardware/description';
import { writeTar } from '../import/tar';
import { exportHexDump } from './hex-dump';
import { exportSnapshot } from './snapshot';
import { exportSysfs } from './sysfs';

export { exportHexDump } from './hex-dump';
export { exportSnapshot } from './snapshot';
export { exportSysfs } from './sysfs';

export type ExportFormat = 'snapshot' | 'hex-dump' | 'sysfs';

/** The file's bytes. */
export function exportMachine(machine: MachineDescription, format: ExportFormat): Uint8Array {
  if (format === 'sysfs') return writeTar(exportSysfs(machine));
  return new TextEncoder().encode(format === 'snapshot' ? exportSnapshot(machine) : exportHexDump(machine));
}

/** An error that a function finds in itself or on its link, from its registers to the root port's interrupt (PCIe 6.2). */
import type { Interrupts } from '../interrupts';
import type { HardwareMachine } from '../machine';
import { AER as LAYOUT } from '../pci/layout/extended';
import { registerOf } from '../pci/layout/types';
import type { PciFunction } from '../pci/function';
import { applyMarks, ErrorRecord } from './errors';

const AER = 0x0001;
const ROOT_COMMAND = 0x2c;
const ROOT_STATUS = 0x30;
const CORRECTABLE = 0x1;
const NON_FATAL = 0x20;
const FATAL = 0x40;
/** Enable bits of Root Error Command by the status bits they are for. */
const ENABLES: readonly (readonly [status: number, enable: number])[] = [
  [CORRECTABLE, 0x1],
  [NON_FATAL, 0x2],
  [FATAL, 0x4],
];

const bitOf = (register: string, name: string): number | null =>
  registerOf(LAYOUT, register).fields.find((field) => field.name === name)?.lsb ?? null;

/** `error`: its abbreviation in the AER registers. False when there is no such error. */
export function injectError(machine: HardwareMachine, fn: PciFunction, error: string, interrupts: Interrupts): boolean {
  const record = new ErrorRecord(machine);
  const correctable = bitOf('CESta', error);
  const uncorrectable = bitOf('UESta', error);
  if (correctable !== null) record.correctable(fn, correctable);
  else if (uncorrectable !== null) record.uncorrectable(fn, uncorrectable, true, null);
  else return false;
  applyMarks(machine, record.marks);
  for (const { endedAt } of record.messages) {
    const root = endedAt === null ? undefined : machine.functions.get(endedAt);
    if (root !== undefined) tellRoot(root, interrupts);
  }
  return true;
}

/** The root port interrupts for each kind of error message that its Root Error Command lets through. */
function tellRoot(root: PciFunction, interrupts: Interrupts): void {
  const at = root.config.findExtendedCapability(AER);
  if (at === 0) return;
  const status = root.config.read(at + ROOT_STATUS, 4);
  const command = root.config.read(at + ROOT_COMMAND, 4);
  if (ENABLES.some(([bit, enable]) => status & bit && command & enable)) interrupts.raiseVector(root, status >>> 27);
}

/** A machine as `lspci -xxxx` prints it, which `lspci -F` reads. */
import type { MachineDescription } from '../../hardware/description';
import { compareAddresses, parseAddress } from '../../hardware/pci/address';
import { fromHex } from '../../shell/calls/hex';
import { Names } from '../../shell/programs/lspci/names';
import { pciIds } from '../../shell/pci-ids';
import { idsOf } from './identity';

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/**
 * Registers only: what the kernel knows beyond them (sizes, drivers, groups) has no place in this format. The registers
 * of a virtual function read all ones where its ids are; they stand here as the kernel shows them, as in a real dump.
 */
export function exportHexDump(machine: MachineDescription): string {
  const names = new Names(pciIds(), 2);
  const sorted = [...machine.functions].sort((a, b) =>
    compareAddresses(parseAddress(a.address)!, parseAddress(b.address)!),
  );
  const domains = sorted.some((fn) => !fn.address.startsWith('0000:'));
  const blocks = sorted.map((fn) => {
    const ids = idsOf(fn, machine);
    const bytes = fromHex(fn.config);
    const address = domains ? fn.address : fn.address.slice(5);
    const revision = ids.revision ? ` (rev ${hex(ids.revision, 2)})` : '';
    const lines = [
      `${address} ${names.className(ids.classCode >> 8)}: ${names.device(ids.vendor, ids.device)}${revision}`,
    ];
    for (let at = 0; at < bytes.length; at += 16) {
      const row = [...bytes.subarray(at, at + 16)].map((byte) => hex(byte, 2)).join(' ');
      lines.push(`${hex(at, 2)}: ${row}`);
    }
    return `${lines.join('\n')}\n\n`;
  });
  return blocks.join('');
}

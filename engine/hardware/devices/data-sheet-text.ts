/** A device's registers as Markdown tables. */
import type { DeviceRegister, RegisterAccess } from './data-sheet';

const hex = (value: bigint | number, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;

const ACCESS: Readonly<Record<RegisterAccess, string>> = {
  ro: 'read',
  rw: 'read, write',
  wo: 'write',
  w1c: 'read, ones clear',
  rc: 'read clears',
};

/** Columns padded to the same width, as the house's formatter has them. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(3, title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function offsetText({ offset, repeat }: DeviceRegister): string {
  return repeat === undefined ? hex(offset, 4) : `${hex(offset, 4)} + ${hex(repeat.stride, 1)}·n`;
}

const nameText = ({ name, repeat }: DeviceRegister): string =>
  repeat === undefined ? name : `${name}n (n = 0–${repeat.count - 1})`;

const bitText = (msb: number, lsb: number): string => (msb === lsb ? `${lsb}` : `${msb}:${lsb}`);

/**
 * One table of all registers, then one of the fields of each register that has some. `read` brings what a register
 * holds after a reset.
 */
export function registerTables(
  registers: readonly DeviceRegister[],
  read: (register: DeviceRegister) => bigint | number,
): string {
  const all = table(
    ['Offset', 'Register', 'Access', 'Reset', 'What it is'],
    registers.map((one) => [
      offsetText(one),
      nameText(one),
      ACCESS[one.access],
      one.access === 'wo' ? '–' : hex(read(one), 1),
      one.about,
    ]),
  );
  const fields = registers
    .filter((one) => one.fields !== undefined)
    .map(
      (one) =>
        `**${one.name}**\n\n${table(
          ['Bits', 'Field', 'What it is'],
          one.fields!.map(({ msb, lsb, name, about }) => [bitText(msb, lsb), name, about]),
        )}`,
    );
  return [all, ...fields].join('\n\n');
}

/** Looking at an open device, writing its registers, and resetting it or its bus. */
import { CONFIG_REGION, IRQS, REGIONS, UsageError, bigEndian, hex, littleEndian } from './session';
import type { Session } from './session';

/** Room for the rows of a bus with 256 functions. */
const HOT_RESET_ARGSZ = 4096;

export async function info(session: Session, args: readonly string[]): Promise<void> {
  const { address, fd } = session.device(args[0]);
  const answer = await session.step(
    { op: 'ioctl', fd, request: 'VFIO_DEVICE_GET_INFO', arg: { argsz: 20 } },
    'the device was not asked',
  );
  const flags = session.field(answer, 'flags');
  const words = [flags & 1n && 'RESET', flags & 2n && 'PCI'].filter(Boolean);
  const rows = [
    `${address}: ${words.join('|')}, ${session.field(answer, 'num_regions')} regions, ${session.field(answer, 'num_irqs')} interrupt kinds`,
  ];
  for (let index = 0; index < Number(session.field(answer, 'num_regions')); index++) {
    const result = await session.attempt({
      op: 'ioctl',
      fd,
      request: 'VFIO_DEVICE_GET_REGION_INFO',
      arg: { argsz: 32, index },
    });
    if (result.errno !== undefined || session.field(result, 'size') === 0n) continue;
    const bits = session.field(result, 'flags');
    const access = `${bits & 1n ? 'r' : '-'}${bits & 2n ? 'w' : '-'}${bits & 4n ? 'm' : '-'}`;
    rows.push(
      `  region ${index} ${(REGIONS[index] ?? '').padEnd(14)} ${access} size ${hex(session.field(result, 'size'))} offset ${hex(session.field(result, 'offset'))}`,
    );
  }
  for (let index = 0; index < Number(session.field(answer, 'num_irqs')); index++) {
    const result = await session.attempt({
      op: 'ioctl',
      fd,
      request: 'VFIO_DEVICE_GET_IRQ_INFO',
      arg: { argsz: 16, index },
    });
    if (result.errno !== undefined || session.field(result, 'count') === 0n) continue;
    const bits = session.field(result, 'flags');
    const traits = [
      bits & 1n && 'eventfd',
      bits & 2n && 'maskable',
      bits & 4n && 'automasked',
      bits & 8n && 'noresize',
    ].filter(Boolean);
    rows.push(
      `  irq ${index} ${(IRQS[index] ?? '').padEnd(6)} ${session.field(result, 'count')} (${traits.join(', ')})`,
    );
  }
  await session.say(rows.join('\n'));
}

/** Header registers by name: offset and width. */
const REGISTERS: Readonly<Record<string, readonly [number, number]>> = {
  VENDOR_ID: [0, 2],
  DEVICE_ID: [2, 2],
  COMMAND: [4, 2],
  STATUS: [6, 2],
  REVISION: [8, 1],
  CLASS_PROG: [9, 1],
  CLASS_DEVICE: [10, 2],
  CACHE_LINE_SIZE: [12, 1],
  LATENCY_TIMER: [13, 1],
  HEADER_TYPE: [14, 1],
  BIST: [15, 1],
  BASE_ADDRESS_0: [16, 4],
  BASE_ADDRESS_1: [20, 4],
  BASE_ADDRESS_2: [24, 4],
  BASE_ADDRESS_3: [28, 4],
  BASE_ADDRESS_4: [32, 4],
  BASE_ADDRESS_5: [36, 4],
  CARDBUS_CIS: [40, 4],
  SUBSYSTEM_VENDOR_ID: [44, 2],
  SUBSYSTEM_ID: [46, 2],
  ROM_ADDRESS: [48, 4],
  CAPABILITY_LIST: [52, 1],
  INTERRUPT_LINE: [60, 1],
  INTERRUPT_PIN: [61, 1],
  MIN_GNT: [62, 1],
  MAX_LAT: [63, 1],
};

/** `0x04.w`, `COMMAND`, `10.l`: numbers without 0x are hexadecimal, as setpci has them. */
function register(text: string): [number, number] {
  const match = /^(?:(0x)?([0-9a-f]+)|(\w+))(?:\.([bwl]))?$/i.exec(text);
  const named = REGISTERS[text.replace(/\.[bwlBWL]$/, '').toUpperCase()];
  const width = match?.[4] ? { b: 1, w: 2, l: 4 }[match[4].toLowerCase()]! : null;
  if (named) return [named[0], width ?? named[1]];
  if (!match || match[3] !== undefined)
    throw new UsageError(`${text} is no register: an offset such as 0x04.w, or a name such as COMMAND`);
  return [parseInt(match[2]!, 16), width ?? 4];
}

export async function config(session: Session, args: readonly string[]): Promise<void> {
  const { fd } = session.device(args[0]);
  const words = args.slice(1);
  if (words.length === 0) throw new UsageError('a register is missing');
  const { offset } = await session.region(fd, CONFIG_REGION);
  for (const word of words) {
    const [name = '', value] = word.split('=');
    const [at, width] = register(name);
    const where = hex(offset + BigInt(at));
    if (value !== undefined) {
      if (!/^(0x)?[0-9a-f]+$/i.test(value)) throw new UsageError(`${value} is no hexadecimal number`);
      const bytes = littleEndian(BigInt(`0x${value.replace(/^0x/i, '')}`), width);
      const fate = session.explain(['write', args[0]!, at.toString(16), bytes]);
      await session.step({ op: 'pwrite', fd, offset: where, hex: bytes }, `${name} was not written`);
      for (const line of fate) await session.say(line);
    }
    const read = await session.step({ op: 'pread', fd, offset: where, size: width }, `${name} was not read`);
    await session.say(`${name} = ${bigEndian(read.hex ?? '')}`);
  }
}

export async function region(session: Session, args: readonly string[]): Promise<void> {
  const { fd } = session.device(args[0]);
  const index = Number(args[1]);
  if (!Number.isInteger(index) || index < 0) throw new UsageError('a region number is missing');
  const found = await session.region(fd, index);
  if (args[2] === undefined) {
    return session.say(
      `region ${index} (${REGIONS[index] ?? ''}): size ${hex(found.size)}, offset ${hex(found.offset)}`,
    );
  }
  const where = hex(found.offset + BigInt(args[2]));
  const value = args[3]?.startsWith('=') ? args[3].slice(1) : null;
  if (value !== null) {
    const digits = value.replace(/^0x/i, '');
    const width = digits.length <= 2 ? 1 : digits.length <= 4 ? 2 : digits.length <= 8 ? 4 : 8;
    await session.step(
      { op: 'pwrite', fd, offset: where, hex: littleEndian(BigInt(`0x${digits}`), width) },
      'the region was not written',
    );
    return;
  }
  const size = Number(args[3] ?? 4);
  const read = await session.step({ op: 'pread', fd, offset: where, size }, 'the region was not read');
  const bytes = (read.hex ?? '').match(/../g) ?? [];
  for (let at = 0; at < bytes.length; at += 16) {
    await session.say(`${(Number(args[2]) + at).toString(16).padStart(6, '0')}: ${bytes.slice(at, at + 16).join(' ')}`);
  }
}

/** Names who shares the bus or slot, then resets it with every group that this shell holds as proof. */
export async function hotReset(session: Session, args: readonly string[]): Promise<void> {
  const { address, fd } = session.device(args[0]);
  const answer = await session.step(
    { op: 'ioctl', fd, request: 'VFIO_DEVICE_GET_PCI_HOT_RESET_INFO', arg: { argsz: HOT_RESET_ARGSZ } },
    `nobody knows what a reset of ${address} would reach`,
  );
  const { devices = [] } = answer.arg as {
    devices?: { group_id?: number; devid?: number; segment: number; bus: number; devfn: number }[];
  };
  await session.say('The reset reaches:');
  for (const { group_id, devid, segment, bus, devfn } of devices) {
    const digits = (value: number, width: number): string => value.toString(16).padStart(width, '0');
    const name = `${digits(segment, 4)}:${digits(bus, 2)}:${digits(devfn >> 3, 2)}.${devfn & 7}`;
    await session.say(`  ${name}  ${devid === undefined ? `group ${group_id}` : `device ${devid} of the iommufd`}`);
  }
  const fds = [...session.client.groups.values()];
  await session.step(
    { op: 'ioctl', fd, request: 'VFIO_DEVICE_PCI_HOT_RESET', arg: { flags: 0, count: fds.length, group_fds: fds } },
    `${address} was not reset`,
  );
  await session.say('All of them were reset.');
}

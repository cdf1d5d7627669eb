/** The lab's step-by-step VFIO client. Its descriptors belong to the shell, so each command goes on from the last. */
import { straceLine } from '../calls/strace';
import { strerror } from '../errors';
import type { Answer, Operation } from '../../linux/uapi/operation';
import { encode } from '../streams';
import type { Program, ProgramContext } from './program';
import { print } from './support/output';
import { fullAddress } from './support/address';

const REGIONS = ['BAR 0', 'BAR 1', 'BAR 2', 'BAR 3', 'BAR 4', 'BAR 5', 'expansion ROM', 'config space', 'VGA'];
const IRQS = ['INTx', 'MSI', 'MSI-X', 'ERR', 'REQ'];
const IRQ_WORDS: Readonly<Record<string, number>> = { intx: 0, msi: 1, msix: 2, 'msi-x': 2, err: 3, req: 4 };
const CONFIG_REGION = 7;
const TYPE1V2 = 3;

/** Room for the rows of a bus with 256 functions. */
const HOT_RESET_ARGSZ = 4096;

const DATA_NONE = 1;
const DATA_EVENTFD = 4;
const ACTIONS: Readonly<Record<string, number>> = { mask: 1 << 3, unmask: 1 << 4, trigger: 1 << 5 };
const MAP_READ_WRITE = 3;
/** FIXED_IOVA, WRITEABLE and READABLE. */
const IOAS_MAP_FIXED_READ_WRITE = 7;

interface EventSource {
  fd: number;
  device: string;
  index: number;
  vector: number;
  total: number;
}

interface Client {
  container: number | null;
  iommuSet: boolean;
  /** Group number → descriptor. */
  groups: Map<string, number>;
  /** `group`: null for a device that was opened through its own file. */
  devices: Map<string, { fd: number; group: string | null }>;
  /** /dev/iommu and the address space that devices opened through their own files share. */
  iommufd: { fd: number; ioas: number } | null;
  events: EventSource[];
  maps: { iova: bigint; size: bigint; name: string }[];
  buffers: number;
}

const clients = new WeakMap<object, Client>();

/** A step that was refused ends the command. */
class Refused extends Error {}

class UsageError extends Error {}

class Session {
  readonly client: Client;
  readonly context: ProgramContext;

  constructor(context: ProgramContext) {
    this.context = context;
    const key = context.system.process ?? context.system;
    let client = clients.get(key);
    if (!client || !this.alive(client)) {
      client = {
        container: null,
        iommuSet: false,
        groups: new Map(),
        devices: new Map(),
        iommufd: null,
        events: [],
        maps: [],
        buffers: 0,
      };
      clients.set(key, client);
    }
    this.client = client;
  }

  /** Whether the descriptors are still what they were: a reboot or an undo closes them. */
  private alive(client: Client): boolean {
    const link = (fd: number): string => {
      try {
        return this.context.files.readlink(`/proc/${this.context.system.pid}/fd/${fd}`);
      } catch {
        return '';
      }
    };
    for (const [group, fd] of client.groups) if (!link(fd).endsWith(`/${group}`)) return false;
    if (client.iommufd !== null && !link(client.iommufd.fd).endsWith('iommu')) return false;
    return client.container === null || link(client.container).includes('vfio');
  }

  async say(text: string): Promise<void> {
    await print(this.context, `${text}\n`);
  }

  /** What the lab can explain beside the call's own answer; nothing on a machine without a lab. */
  explain(subject: readonly string[]): string[] {
    return this.context.system.explain?.(subject) ?? [];
  }

  /** Makes a call and shows it as strace does. */
  async attempt(operation: Operation): Promise<Answer> {
    const answer = this.context.system.call(operation);
    const line = straceLine(operation, answer);
    await this.say(this.context.isTerminal(1) ? `\x1b[90m${line}\x1b[0m` : line);
    return answer;
  }

  /** As `attempt`; a refusal ends the command with its reason. */
  async step(operation: Operation, purpose: string): Promise<Answer> {
    const before = this.context.system.why?.() ?? null;
    const answer = await this.attempt(operation);
    if (answer.errno === undefined) return answer;
    const why = this.context.system.why?.() ?? null;
    const reason =
      why && why !== before ? `\n  ${why.found}${why.remedy === null ? '' : `\n  Remedy: ${why.remedy}`}` : '';
    throw new Refused(`${purpose}: ${strerror(answer.errno)}${reason}`);
  }

  field(answer: Answer, name: string): bigint {
    const value = (answer.arg as Record<string, unknown> | undefined)?.[name];
    return typeof value === 'number' || typeof value === 'string' ? BigInt(value) : 0n;
  }

  device(text: string | undefined): { address: string; fd: number } {
    if (text === undefined) throw new UsageError('an address is missing');
    const address = fullAddress(text);
    const device = this.client.devices.get(address);
    if (!device) throw new Refused(`${address} is not attached here: vfio attach ${text}`);
    return { address, fd: device.fd };
  }

  async region(fd: number, index: number): Promise<{ flags: bigint; size: bigint; offset: bigint }> {
    const answer = await this.step(
      { op: 'ioctl', fd, request: 'VFIO_DEVICE_GET_REGION_INFO', arg: { argsz: 32, index } },
      `region ${index}`,
    );
    return {
      flags: this.field(answer, 'flags'),
      size: this.field(answer, 'size'),
      offset: this.field(answer, 'offset'),
    };
  }
}

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

const HELP = `vfio: drive a PCI function from user space, one system call at a time

  vfio attach ADDRESS            container, group, IOMMU, device: the way in
                                 --token UUID: the secret that a physical function shares with its
                                 virtual ones; --iommufd: /dev/iommu and the device's own file instead
  vfio status                    what this shell holds
  vfio info ADDRESS              regions and interrupts of the device
  vfio cfg ADDRESS REG[=VALUE]   config space as the user sees it: REG is an offset (0x04.w) or a name (COMMAND)
  vfio region ADDRESS N [OFFSET [SIZE | =VALUE]]
                                 read or write a region through its descriptor
  vfio irq ADDRESS msix 0-3 [--watch [-v]]
                                 an eventfd for each vector; also msi, intx, err, req; then
                                 mask, unmask, trigger N, drop N (its eventfd), or off (all)
  vfio irq watch [-v]            print each interrupt as it arrives, at any program (Ctrl-C ends it);
                                 -v: and its way from the device to the eventfd
  vfio map IOVA SIZE             memory of this process for the device's DMA
  vfio unmap IOVA SIZE
  vfio reset ADDRESS             reset of this function alone
  vfio hotreset ADDRESS          reset of its whole bus or slot: who is on it, and then the reset
  vfio detach [ADDRESS]          close what is open

A function must be bound to vfio-pci first, and so must all of its group that a host driver holds:
  driverctl set-override 0000:01:00.0 vfio-pci
Each step prints its system call. After a refusal, \`why' tells which check said no.
`;

interface AttachOptions {
  readonly text: string;
  readonly token: string | null;
  readonly iommufd: boolean;
}

function attachOptions(args: readonly string[]): AttachOptions {
  let text: string | undefined;
  let token: string | null = null;
  let iommufd = false;
  for (let at = 0; at < args.length; at++) {
    const word = args[at]!;
    if (word === '--iommufd') iommufd = true;
    else if (word === '--token') {
      token = args[++at] ?? null;
      if (token === null) throw new UsageError('--token needs a UUID');
    } else if (word.startsWith('-')) throw new UsageError(`${word} is no option of attach`);
    else text ??= word;
  }
  if (text === undefined) throw new UsageError('an address is missing');
  return { text, token, iommufd };
}

async function attach(session: Session, args: readonly string[]): Promise<void> {
  const { client, context } = session;
  const { text, token, iommufd } = attachOptions(args);
  const address = fullAddress(text);
  const { files } = context;
  if (!files.tryStat(`/sys/bus/pci/devices/${address}`)) throw new Refused(`there is no function ${address}`);
  if (client.devices.has(address)) return session.say(`${address} is attached already.`);
  if (iommufd) return attachByCdev(session, address);
  const link = files.tryLstat(`/sys/bus/pci/devices/${address}/iommu_group`);
  if (!link) throw new Refused(`${address} is in no IOMMU group: no IOMMU translates its DMA`);
  const group = files.readlink(`/sys/bus/pci/devices/${address}/iommu_group`).split('/').at(-1)!;
  if (client.container === null) {
    const opened = await session.step(
      { op: 'open', path: '/dev/vfio/vfio', flags: 'O_RDWR' },
      'the container was not opened',
    );
    client.container = opened.fd!;
    client.iommuSet = false;
    await session.step(
      { op: 'ioctl', fd: client.container, request: 'VFIO_GET_API_VERSION' },
      'the API version was not read',
    );
    await session.step(
      { op: 'ioctl', fd: client.container, request: 'VFIO_CHECK_EXTENSION', arg: TYPE1V2 },
      'type1v2 was not found',
    );
  }
  let fd = client.groups.get(group);
  if (fd === undefined) {
    const node = files.tryStat(`/dev/vfio/noiommu-${group}`) ? `/dev/vfio/noiommu-${group}` : `/dev/vfio/${group}`;
    if (!files.tryStat(node)) await session.say(`No ${node}: no function of group ${group} is bound to vfio-pci.`);
    const opened = await session.step({ op: 'open', path: node, flags: 'O_RDWR' }, `group ${group} was not opened`);
    fd = opened.fd!;
    try {
      const status = await session.step(
        { op: 'ioctl', fd, request: 'VFIO_GROUP_GET_STATUS', arg: { argsz: 8 } },
        'the group status was not read',
      );
      if ((session.field(status, 'flags') & 1n) === 0n)
        await session.say(`Group ${group} is not viable: a function in it is bound to a host driver.`);
      await session.step(
        { op: 'ioctl', fd, request: 'VFIO_GROUP_SET_CONTAINER', arg: client.container },
        `group ${group} was not attached`,
      );
    } catch (error) {
      await session.attempt({ op: 'close', fd });
      throw error;
    }
    client.groups.set(group, fd);
  }
  if (!client.iommuSet) {
    await session.step(
      { op: 'ioctl', fd: client.container, request: 'VFIO_SET_IOMMU', arg: TYPE1V2 },
      'the type1v2 IOMMU was not set',
    );
    client.iommuSet = true;
  }
  const device = await session.step(
    {
      op: 'ioctl',
      fd,
      request: 'VFIO_GROUP_GET_DEVICE_FD',
      arg: token === null ? address : `${address} vf_token=${token}`,
      as: `vfio-${address}`,
    },
    `${address} was not opened`,
  );
  client.devices.set(address, { fd: device.fd!, group });
  await session.say(
    `${address} is attached: container ${client.container}, group ${group} on ${fd}, device on ${device.fd}.`,
  );
}

/** iommufd's way in: the device's own file, bound to an iommufd, attached to an address space. */
async function attachByCdev(session: Session, address: string): Promise<void> {
  const { client, context } = session;
  const folder = `/sys/bus/pci/devices/${address}/vfio-dev`;
  const name = context.files.tryStat(folder) ? context.files.list(folder)[0] : undefined;
  if (name === undefined) throw new Refused(`${address} has no file in /dev/vfio/devices: it is not bound to vfio-pci`);
  if (client.iommufd === null) {
    const opened = await session.step({ op: 'open', path: '/dev/iommu', flags: 'O_RDWR' }, '/dev/iommu was not opened');
    const fd = opened.fd!;
    const space = await session.step(
      { op: 'ioctl', fd, request: 'IOMMU_IOAS_ALLOC', arg: {} },
      'no address space was made',
    );
    client.iommufd = { fd, ioas: Number(session.field(space, 'out_ioas_id')) };
  }
  const { fd: iommufd, ioas } = client.iommufd;
  const device = await session.step(
    { op: 'open', path: `/dev/vfio/devices/${name}`, flags: 'O_RDWR' },
    `${address} was not opened`,
  );
  const fd = device.fd!;
  try {
    await session.step(
      { op: 'ioctl', fd, request: 'VFIO_DEVICE_BIND_IOMMUFD', arg: { iommufd } },
      `${address} was not bound to the iommufd`,
    );
    await session.step(
      { op: 'ioctl', fd, request: 'VFIO_DEVICE_ATTACH_IOMMUFD_PT', arg: { pt_id: ioas } },
      `${address} was not attached to address space ${ioas}`,
    );
  } catch (error) {
    await session.attempt({ op: 'close', fd });
    throw error;
  }
  client.devices.set(address, { fd, group: null });
  await session.say(`${address} is attached: iommufd ${iommufd}, address space ${ioas}, device on ${fd}.`);
}

async function status(session: Session): Promise<void> {
  const { client } = session;
  if (client.container === null && client.iommufd === null)
    return session.say('Nothing is attached. Begin with: vfio attach ADDRESS');
  if (client.container !== null)
    await session.say(`container  fd ${client.container}${client.iommuSet ? '  type1v2' : '  no IOMMU set'}`);
  if (client.iommufd !== null)
    await session.say(`iommufd    fd ${client.iommufd.fd}  address space ${client.iommufd.ioas}`);
  for (const [group, fd] of client.groups) await session.say(`group ${group}  fd ${fd}`);
  for (const [address, { fd, group }] of client.devices)
    await session.say(`device     fd ${fd}  ${address}${group === null ? '' : `  (group ${group})`}`);
  for (const map of client.maps) await session.say(`mapped     ${hex(map.iova)}-${hex(map.iova + map.size - 1n)}`);
  for (const event of client.events) {
    await session.say(
      `eventfd    fd ${event.fd}  ${event.device} ${IRQS[event.index]} ${event.vector}  ${event.total} so far`,
    );
  }
}

async function info(session: Session, args: readonly string[]): Promise<void> {
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

const littleEndian = (value: bigint, width: number): string =>
  Array.from({ length: width }, (_, i) => ((value >> BigInt(8 * i)) & 0xffn).toString(16).padStart(2, '0')).join('');

const bigEndian = (bytes: string): string => (bytes.match(/../g) ?? []).reverse().join('');

async function config(session: Session, args: readonly string[]): Promise<void> {
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

async function region(session: Session, args: readonly string[]): Promise<void> {
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

function range(text: string | undefined): [number, number] {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text ?? '0');
  if (!match) throw new UsageError(`${text} is no vector and no range`);
  return [Number(match[1]), Number(match[2] ?? match[1])];
}

async function interrupts(session: Session, args: readonly string[]): Promise<void> {
  const { client } = session;
  const verbose = args.includes('-v');
  if (args[0] === 'watch') return watchEvents(session, { verbose });
  const { address, fd } = session.device(args[0]);
  const index = IRQ_WORDS[args[1]?.toLowerCase() ?? ''];
  if (index === undefined) throw new UsageError('say msix, msi, intx, err or req');
  const name = IRQS[index]!;
  const [verb, operand] = args.slice(2).filter((arg) => arg !== '-v');
  const isOf = (event: EventSource, from: number, to: number): boolean =>
    event.device === address && event.index === index && event.vector >= from && event.vector <= to;
  const setIrqs = (flags: number, start: number, count: number, more: object = {}): Operation => ({
    op: 'ioctl',
    fd,
    request: 'VFIO_DEVICE_SET_IRQS',
    arg: { flags, index, start, count, ...more },
  });
  if (verb === 'off') {
    await session.step(setIrqs(DATA_NONE | ACTIONS['trigger']!, 0, 0), `${name} was not switched off`);
    await closeEvents(session, (event) => event.device === address && event.index === index);
    return;
  }
  if (verb === 'drop') {
    const [from, to] = range(operand);
    const fds = Array.from({ length: to - from + 1 }, () => -1);
    const flags = DATA_EVENTFD | ACTIONS['trigger']!;
    await session.step(setIrqs(flags, from, fds.length, { fds }), `${name} ${from} was not dropped`);
    await closeEvents(session, (event) => isOf(event, from, to));
    return;
  }
  if (verb !== undefined && ACTIONS[verb] !== undefined) {
    const [from, to] = range(operand);
    await session.step(setIrqs(DATA_NONE | ACTIONS[verb], from, to - from + 1), `${name} ${verb} was refused`);
    return;
  }
  const watching = args.includes('--watch');
  const [from, to] = range(verb === '--watch' ? undefined : verb);
  const fresh: EventSource[] = [];
  for (let vector = from; vector <= to; vector++) {
    const opened = await session.step({ op: 'eventfd' }, 'no eventfd was made');
    fresh.push({ fd: opened.fd!, device: address, index, vector, total: 0 });
  }
  try {
    await session.step(
      setIrqs(DATA_EVENTFD | ACTIONS['trigger']!, from, to - from + 1, { fds: fresh.map((event) => event.fd) }),
      `${name} was not enabled`,
    );
  } catch (error) {
    for (const event of fresh) await session.attempt({ op: 'close', fd: event.fd });
    throw error;
  }
  await closeEvents(session, (event) => isOf(event, from, to));
  client.events.push(...fresh);
  await session.say(
    `${name} ${from === to ? from : `${from}-${to}`} of ${address}: each vector wakes its eventfd. vfio irq watch shows arrivals.`,
  );
  if (index === 1 || index === 2) await hintBusMaster(session, args[0]!, fd);
  if (watching) await watchEvents(session, { verbose });
}

/** A message interrupt is a memory write of the device, which needs COMMAND.BusMaster. */
async function hintBusMaster(session: Session, name: string, fd: number): Promise<void> {
  const { offset } = await session.region(fd, CONFIG_REGION);
  const command = await session.attempt({ op: 'pread', fd, offset: hex(offset + 4n), size: 2 });
  const value = parseInt(bigEndian(command.hex ?? '0000'), 16);
  if ((value & 4) === 0) {
    await session.say(`Bus mastering is off, so the device cannot send it: vfio cfg ${name} COMMAND=${hex(value | 6)}`);
  }
}

async function closeEvents(session: Session, which: (event: EventSource) => boolean): Promise<void> {
  for (const event of session.client.events.filter(which)) await session.attempt({ op: 'close', fd: event.fd });
  session.client.events = session.client.events.filter((event) => !which(event));
}

const sinceBoot = (ms: number): string => `[${(ms / 1000).toFixed(6).padStart(12)}]`;

const sourceName = (device: string, index: number, vector: number): string =>
  `${device} ${IRQS[index]}${index === 1 || index === 2 ? ` vector ${vector}` : ''}`;

/** Prints each arrival until the program is stopped: on eventfds of this shell, and on those of other programs. */
async function watchEvents(session: Session, options: { verbose: boolean }): Promise<void> {
  const { client, context } = session;
  const { system } = context;
  const others = system.arrivals !== undefined;
  if (client.events.length === 0 && !others) throw new Refused('no eventfd is waiting: vfio irq ADDRESS msix 0-3');
  let { next } = system.arrivals?.(Number.MAX_SAFE_INTEGER) ?? { next: 0 };
  await session.say(
    `Watching ${client.events.length} eventfds of this shell${others ? ', and those of other programs' : ''}. Ctrl-C ends it.`,
  );
  for (;;) {
    for (const event of client.events) {
      if ((system.call({ op: 'poll', fd: event.fd, ms: 0 }).revents ?? 0) === 0) continue;
      const answer = system.call({ op: 'evread', fd: event.fd });
      const count = answer.count ?? 0;
      if (count === 0) continue;
      event.total += count;
      const source = sourceName(event.device, event.index, event.vector);
      await session.say(
        `${sinceBoot(system.now?.().monotonic ?? 0)} ${source}: ${count} arrived on eventfd ${event.fd} (${event.total} in all)`,
      );
    }
    const seen = system.arrivals?.(next) ?? { next, list: [] };
    next = seen.next;
    for (const arrival of seen.list) {
      const source = sourceName(arrival.device, IRQ_WORDS[arrival.kind]!, arrival.vector);
      const lost = arrival.hops.at(-1)?.ok === false;
      if (arrival.pid !== null && arrival.pid !== system.pid)
        await session.say(`${sinceBoot(arrival.time)} ${source}: arrived at ${arrival.reader}`);
      else if (lost && options.verbose) await session.say(`${sinceBoot(arrival.time)} ${source}: did not arrive`);
      if (!options.verbose) continue;
      for (const hop of arrival.hops)
        await session.say(`    ${hop.ok ? ' ' : '!'} ${hop.step.padEnd(12)} ${hop.detail}`);
    }
    await system.wait();
    context.signal.throwIfAborted();
  }
}

async function map(session: Session, args: readonly string[], undo: boolean): Promise<void> {
  const { client } = session;
  if (args.length < 2) throw new UsageError('say IOVA and SIZE');
  const { iommufd } = client;
  if (client.container === null && iommufd === null)
    throw new Refused('there is no container and no iommufd: vfio attach ADDRESS');
  const [iova, size] = [BigInt(args[0]!), BigInt(args[1]!)];
  if (undo) {
    await session.step(
      iommufd
        ? {
            op: 'ioctl',
            fd: iommufd.fd,
            request: 'IOMMU_IOAS_UNMAP',
            arg: { ioas_id: iommufd.ioas, iova: hex(iova), length: hex(size) },
          }
        : {
            op: 'ioctl',
            fd: client.container!,
            request: 'VFIO_IOMMU_UNMAP_DMA',
            arg: { flags: 0, iova: hex(iova), size: hex(size) },
          },
      'nothing was unmapped',
    );
    client.maps = client.maps.filter((one) => one.iova < iova || one.iova + one.size > iova + size);
    return;
  }
  client.buffers += 1;
  const name = `vfiobuffer${client.buffers}`;
  const memory = await session.step({ op: 'alloc', as: name, size: hex(size) }, 'no memory');
  await session.step(
    iommufd
      ? {
          op: 'ioctl',
          fd: iommufd.fd,
          request: 'IOMMU_IOAS_MAP',
          arg: {
            flags: IOAS_MAP_FIXED_READ_WRITE,
            ioas_id: iommufd.ioas,
            user_va: memory.address ?? name,
            length: hex(size),
            iova: hex(iova),
          },
        }
      : {
          op: 'ioctl',
          fd: client.container!,
          request: 'VFIO_IOMMU_MAP_DMA',
          arg: { flags: MAP_READ_WRITE, vaddr: memory.address ?? name, iova: hex(iova), size: hex(size) },
        },
    'the memory was not mapped',
  );
  client.maps.push({ iova, size, name });
}

async function detach(session: Session, args: readonly string[]): Promise<void> {
  const { client } = session;
  const wanted = args[0] === undefined ? [...client.devices.keys()] : [session.device(args[0]).address];
  for (const address of wanted) {
    const device = client.devices.get(address)!;
    await session.attempt({ op: 'close', fd: device.fd });
    client.devices.delete(address);
    await closeEvents(session, (event) => event.device === address);
    const { group } = device;
    if (group === null || [...client.devices.values()].some((other) => other.group === group)) continue;
    await session.attempt({ op: 'close', fd: client.groups.get(group)! });
    client.groups.delete(group);
  }
  if (client.iommufd !== null && ![...client.devices.values()].some(({ group }) => group === null)) {
    await session.attempt({ op: 'close', fd: client.iommufd.fd });
    client.iommufd = null;
    client.maps = [];
  }
  if (client.groups.size > 0 || client.container === null) return;
  await session.attempt({ op: 'close', fd: client.container });
  client.container = null;
  client.iommuSet = false;
  client.maps = [];
}

/** Names who shares the bus or slot, then resets it with every group that this shell holds as proof. */
async function hotReset(session: Session, args: readonly string[]): Promise<void> {
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

async function dispatch(session: Session, command: string, args: readonly string[]): Promise<void> {
  switch (command) {
    case 'attach':
      return attach(session, args);
    case 'status':
      return status(session);
    case 'info':
      return info(session, args);
    case 'cfg':
      return config(session, args);
    case 'region':
      return region(session, args);
    case 'irq':
      return interrupts(session, args);
    case 'map':
    case 'unmap':
      return map(session, args, command === 'unmap');
    case 'reset': {
      const { address, fd } = session.device(args[0]);
      await session.step({ op: 'ioctl', fd, request: 'VFIO_DEVICE_RESET' }, `${address} was not reset`);
      return;
    }
    case 'hotreset':
      return hotReset(session, args);
    case 'detach':
      return detach(session, args);
    default:
      throw new UsageError(`${command} is no command`);
  }
}

export const vfio: Program = async (context) => {
  const [command, ...args] = context.args;
  const session = new Session(context);
  if (command === undefined || command === 'help' || command === '--help' || command === '-h') {
    await print(context, HELP);
    if (command === undefined) await status(session);
    return 0;
  }
  try {
    await dispatch(session, command, args);
    return 0;
  } catch (error) {
    if (error instanceof Refused) {
      await context.stderr.write(encode(`vfio: ${error.message}\n`));
      return 1;
    }
    if (error instanceof UsageError || error instanceof SyntaxError) {
      await context.stderr.write(encode(`vfio: ${error.message}\nTry 'vfio help'.\n`));
      return 2;
    }
    throw error;
  }
};

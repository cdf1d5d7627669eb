/** What the client's shell holds when a command begins, and how the client makes a call and shows it. */
import type { Answer, Operation } from '../../../linux/uapi/operation';
import { straceLine } from '../../calls/strace';
import { strerror } from '../../errors';
import type { HeldByProcess } from '../../user-space';
import type { ProgramContext } from '../program';
import { fullAddress } from '../support/address';
import { print } from '../support/output';

export const TYPE1V2 = 3;

export interface EventSource {
  fd: number;
  device: string;
  index: number;
  vector: number;
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
  maps: { iova: bigint; size: bigint }[];
}

/** The shell's descriptors tell what it holds; nothing is remembered that an undo could make untrue. */
function clientOf(held: HeldByProcess | undefined): Client {
  return {
    container: held?.container?.fd ?? null,
    iommuSet: held?.container?.iommuSet ?? false,
    groups: new Map(held?.groups.map(({ name, fd }) => [name, fd])),
    devices: new Map(held?.devices.map(({ address, fd, group }) => [address, { fd, group }])),
    iommufd: held?.iommufd ? { ...held.iommufd } : null,
    events: [...(held?.events ?? [])],
    maps: [...(held?.maps ?? [])],
  };
}

/** A step that was refused ends the command. */
export class Refused extends Error {}

export class UsageError extends Error {}

export const REGIONS = ['BAR 0', 'BAR 1', 'BAR 2', 'BAR 3', 'BAR 4', 'BAR 5', 'expansion ROM', 'config space', 'VGA'];

export const IRQS = ['INTx', 'MSI', 'MSI-X', 'ERR', 'REQ'];

export const CONFIG_REGION = 7;

export class Session {
  readonly client: Client;
  readonly context: ProgramContext;

  constructor(context: ProgramContext) {
    this.context = context;
    this.client = clientOf(context.system.held?.());
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

export const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

export const littleEndian = (value: bigint, width: number): string =>
  Array.from({ length: width }, (_, i) => ((value >> BigInt(8 * i)) & 0xffn).toString(16).padStart(2, '0')).join('');

export const bigEndian = (bytes: string): string => (bytes.match(/../g) ?? []).reverse().join('');

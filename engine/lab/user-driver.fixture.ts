/** A driver in user space for tests: binds a function to vfio-pci and works on it by the system calls a C program makes. */
import type { Answer, IoctlArgument, Operation } from '../linux/uapi/operation';
import { REGION_INDEX, REGION_SHIFT, SET_IRQS } from '../linux/uapi/vfio';
import type { Machine } from './machine';

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

/** Little-endian bytes as hex text. */
export function littleEndian(value: number | bigint, width: number): string {
  let text = '';
  for (let i = 0, rest = BigInt(value); i < width; i++, rest >>= 8n) {
    text += Number(rest & 0xffn)
      .toString(16)
      .padStart(2, '0');
  }
  return text;
}

const numberIn = (text: string): number => parseInt((text.match(/../g) ?? []).reverse().join('') || '0', 16);

const REGION = 1n << BigInt(REGION_SHIFT);
const COMMAND = 0x04;

let lastPid = 2000;

export class UserDriver {
  readonly machine: Machine;
  readonly address: string;
  readonly pid: number;
  readonly group: string;
  private readonly device: string;
  private readonly eventfds: string[] = [];

  /** `sharing`: a driver whose process and container this one is in too. */
  constructor(machine: Machine, address: string, sharing?: UserDriver) {
    this.machine = machine;
    this.address = address;
    this.device = `device-${address}`;
    this.pid = sharing?.pid ?? ++lastPid;
    if (!sharing) machine.apply({ kind: 'spawn', pid: this.pid, parent: 1, name: 'driver', uid: 0 });
    const path = `/sys/bus/pci/devices/${address}`;
    const group = this.call({ op: 'readlink', path: `${path}/iommu_group` })
      .target!.split('/')
      .at(-1)!;
    this.vacate(group);
    this.call({ op: 'syswrite', path: `${path}/driver_override`, text: 'vfio-pci' });
    this.call({ op: 'syswrite', path: '/sys/bus/pci/drivers_probe', text: address });
    if (!sharing) this.call({ op: 'open', path: '/dev/vfio/vfio', flags: 'O_RDWR', as: 'container' });
    if (sharing?.group !== group) {
      this.call({ op: 'open', path: `/dev/vfio/${group}`, flags: 'O_RDWR', as: `group-${group}` });
      this.ioctl(`group-${group}`, 'VFIO_GROUP_SET_CONTAINER', 'container');
    }
    if (!sharing) this.ioctl('container', 'VFIO_SET_IOMMU', 3);
    this.group = group;
    this.call({
      op: 'ioctl',
      fd: `group-${group}`,
      request: 'VFIO_GROUP_GET_DEVICE_FD',
      arg: address,
      as: this.device,
    });
  }

  /** Takes the host's drivers off the members of a group. */
  private vacate(group: string): void {
    const { names } = this.call({ op: 'ls', path: `/sys/kernel/iommu_groups/${group}/devices` });
    for (const name of names!) {
      const driver = this.attempt({ op: 'readlink', path: `/sys/bus/pci/devices/${name}/driver` }).target;
      if (driver === undefined || /\/(vfio-pci|pcieport)$/.test(driver)) continue;
      this.call({ op: 'syswrite', path: `/sys/bus/pci/devices/${name}/driver/unbind`, text: name });
    }
  }

  attempt(operation: Operation): Answer {
    const outcome = this.machine.apply({ kind: 'call', pid: this.pid, operation });
    if (outcome.error !== null) throw new Error(outcome.error);
    return outcome.answer!;
  }

  call(operation: Operation): Answer {
    const answer = this.attempt(operation);
    if (answer.errno !== undefined) throw new Error(`${JSON.stringify(operation)}: ${answer.errno}`);
    return answer;
  }

  ioctl(fd: string, request: string, arg: IoctlArgument): Answer {
    return this.call({ op: 'ioctl', fd, request, arg });
  }

  // ---- the device

  read(bar: number, offset: number, width: 1 | 2 | 4 | 8 = 4): number {
    const at = hex(BigInt(bar) * REGION + BigInt(offset));
    return numberIn(this.call({ op: 'pread', fd: this.device, offset: at, size: width }).hex!);
  }

  write(bar: number, offset: number, value: number | bigint, width: 1 | 2 | 4 | 8 = 4): void {
    const at = hex(BigInt(bar) * REGION + BigInt(offset));
    this.call({ op: 'pwrite', fd: this.device, offset: at, hex: littleEndian(value, width) });
  }

  readConfig(offset: number, width: 1 | 2 | 4): number {
    return this.read(REGION_INDEX.CONFIG, offset, width);
  }

  writeConfig(offset: number, value: number, width: 1 | 2 | 4): void {
    this.write(REGION_INDEX.CONFIG, offset, value, width);
  }

  /** Memory decoding and bus mastering. */
  enable(): void {
    this.writeConfig(COMMAND, this.readConfig(COMMAND, 2) | 0x7, 2);
  }

  reset(): void {
    this.call({ op: 'ioctl', fd: this.device, request: 'VFIO_DEVICE_RESET' });
  }

  // ---- memory

  /** Memory of the process that the device reaches at `iova`. */
  map(name: string, iova: number | bigint, size: number, flags = 3): Mapped {
    this.call({ op: 'alloc', as: name, size });
    this.ioctl('container', 'VFIO_IOMMU_MAP_DMA', { flags, vaddr: name, iova: hex(iova), size: hex(size) });
    return new Mapped(this, name, BigInt(iova));
  }

  // ---- interrupts

  /** Eventfds for vectors 0…count-1. */
  interrupts(index: 0 | 1 | 2 | 3, count: number): void {
    const fds = Array.from({ length: count }, (_, vector) => {
      const name = `event-${this.address}-${index}-${vector}`;
      this.eventfds[vector] = name;
      this.call({ op: 'eventfd', as: name });
      return name;
    });
    const flags = SET_IRQS.DATA_EVENTFD | SET_IRQS.ACTION_TRIGGER;
    this.ioctl(this.device, 'VFIO_DEVICE_SET_IRQS', { flags, index, start: 0, count, fds });
  }

  unmask(index: 0 | 1 | 2): void {
    const flags = SET_IRQS.DATA_NONE | SET_IRQS.ACTION_UNMASK;
    this.ioctl(this.device, 'VFIO_DEVICE_SET_IRQS', { flags, index, start: 0, count: 1 });
  }

  /** How often vector `vector` was signalled since the last look. */
  signalled(vector: number): number {
    const answer = this.attempt({ op: 'evread', fd: this.eventfds[vector]! });
    return answer.errno === 'EAGAIN' ? 0 : answer.count!;
  }

  wait(ms: number): void {
    this.call({ op: 'wait', ms });
  }
}

/** A mapped piece of the process's memory. */
export class Mapped {
  readonly iova: bigint;
  private readonly driver: UserDriver;
  private readonly name: string;

  constructor(driver: UserDriver, name: string, iova: bigint) {
    this.driver = driver;
    this.name = name;
    this.iova = iova;
  }

  write(offset: number, bytesInHex: string): void {
    this.driver.call({ op: 'poke', at: `${this.name}+${hex(offset)}`, hex: bytesInHex });
  }

  put(offset: number, value: number | bigint, width: number): void {
    this.write(offset, littleEndian(value, width));
  }

  /** Hex text. */
  read(offset: number, size: number): string {
    return this.driver.call({ op: 'peek', at: `${this.name}+${hex(offset)}`, size }).hex!;
  }

  get(offset: number, width: number): number {
    return numberIn(this.read(offset, width));
  }
}

/** Message writes of functions on their way to the CPUs: the fabric, interrupt remapping, the local APICs. */
import { NO_VECTOR, cpuOf, newMessage, readCompatible } from './apic';
import type { InterruptMessage } from './apic';
import type { Dma } from './dma';
import type { InterruptPath } from './interrupts';
import { INTERRUPTS_FROM, INTERRUPTS_TO } from './iommu/iommu';
import { PAGE_SIZE } from './memory';
import type { PciFunction } from './pci/function';
import type { Sender, Senders } from './senders';
import { OUTCOME } from './transactions';
import type { Outcome, TransactionLog } from './transactions';

const MESSAGE = 2;
const SIZE = 4;

/** What becomes of a message that is for no interrupt address, or does not get through. */
const ASTRAY: Readonly<Record<Outcome, string>> = {
  memory: 'the write goes to memory: this is no interrupt address',
  peer: 'the write goes to another function: this is no interrupt address',
  interrupt: 'the write is taken for another interrupt',
  fault: 'the write goes to memory, and the IOMMU stops it',
  unsupported: 'nobody takes the write',
  aborted: 'a port on the way refuses the write',
  silent: 'the function cannot send',
};

export interface MessageServices {
  readonly senders: Senders;
  readonly log: TransactionLog;
  readonly dma: Dma;
  now(): bigint;
  state(): number;
}

export class Messages {
  /** An interrupt came to a CPU; fills the rest of its path. */
  onInterrupt: ((cpu: number, message: InterruptMessage, path: InterruptPath) => void) | null = null;
  /** APIC ids have 32 bits. */
  x2apic = false;
  private readonly services: MessageServices;
  private readonly message = newMessage();

  constructor(services: MessageServices) {
    this.services = services;
  }

  /** A message leaves a function; `path` has its address and data. */
  send(fn: PciFunction, path: InterruptPath): void {
    const sender = this.services.senders.of(fn);
    const { addressLow, addressHigh } = path;
    const forCpus = addressHigh === 0 && addressLow >= INTERRUPTS_FROM && addressLow <= INTERRUPTS_TO;
    if (forCpus && sender.route.toCpus(addressLow)) this.arrive(sender, sender.route.requester, path);
    else this.sendAstray(sender, path);
  }

  private sendAstray({ fn }: Sender, path: InterruptPath): void {
    const { dma } = this.services;
    const data = new Uint8Array(SIZE);
    new DataView(data.buffer).setUint32(0, path.data, true);
    dma.write(fn, (BigInt(path.addressHigh) << 32n) | BigInt(path.addressLow), data);
    path.time = this.services.now();
    path.stop('message', ASTRAY[dma.outcome]);
  }

  /** A message at the root complex. */
  arrive(sender: Sender, requester: number, path: InterruptPath): void {
    const { message } = this;
    const { log, now, state } = this.services;
    const { unit } = sender;
    const { addressLow, data } = path;
    path.requester = requester;
    path.time = now();
    let reason = 0;
    if (unit !== null && unit.remapping) {
      if (!unit.remap(requester, addressLow, data, message)) reason = unit.reason;
      path.remapIndex = unit.remapIndex;
    } else readCompatible(addressLow, data, message);
    const page = Math.floor(addressLow / PAGE_SIZE);
    const outcome = reason === 0 ? OUTCOME.interrupt : OUTCOME.fault;
    const time = Number(path.time);
    log.add(
      MESSAGE,
      sender.number,
      requester,
      page,
      addressLow % PAGE_SIZE,
      data,
      outcome,
      -1,
      -1,
      reason,
      time,
      state(),
    );
    if (reason !== 0) path.stop('remapping', unit!.reasonText(reason));
    else this.deliver(message, path);
  }

  /** An interrupt of the platform itself, such as the fault event of an IOMMU: nothing remaps it. */
  raise(addressLow: number, data: number, path: InterruptPath): void {
    path.time = this.services.now();
    this.deliver(readCompatible(addressLow, data, this.message), path);
  }

  deliver(message: InterruptMessage, path: InterruptPath): void {
    path.reached = 'remapping';
    if (message.vector === NO_VECTOR) return;
    const cpu = cpuOf(message, this.x2apic);
    if (cpu < 0) path.stop('vector', `no CPU takes vector ${message.vector} at destination ${message.destination}`);
    else if (this.onInterrupt === null) path.stop('vector', 'no CPU runs');
    else this.onInterrupt(cpu, message, path);
  }
}

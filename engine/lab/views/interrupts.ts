import type { InterruptPath } from '../../hardware/interrupts';
import { msixTableOf } from '../../hardware/devices/bar-device';
import type { Kernel } from '../../linux/kernel';
import type { PciDevice } from '../../linux/pci/device';
import { vfioPciOf } from '../holdings';
import type { ArrivalView, InterruptsView, VectorView } from './types';

const COMMAND = 0x04;
const INTX_DISABLE = 0x400;
const STATUS = 0x06;
const INTX_STATUS = 0x8;
const MSI = 0x05;
const MSIX = 0x11;
const EXPRESS = 0x10;

const hex8 = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');

interface Offered {
  intx: number;
  msi: number;
  msix: number;
  err: number;
  req: number;
}

export function offeredBy(device: PciDevice): Offered {
  const { config } = device;
  const msi = config.findCapability(MSI);
  const msix = config.findCapability(MSIX);
  return {
    intx: config.read(0x3d, 1) === 0 || device.isVirtual ? 0 : 1,
    msi: msi === 0 ? 0 : 1 << ((config.read(msi + 2, 2) >>> 1) & 7),
    msix: msix === 0 ? 0 : (config.read(msix + 2, 2) & 0x7ff) + 1,
    err: config.findCapability(EXPRESS) === 0 ? 0 : 1,
    req: 1,
  };
}

export function activeKind(device: PciDevice, kernel: Kernel): InterruptsView['active'] {
  const open = vfioPciOf(kernel, device.name)?.interrupts;
  if (open) return open.irqType;
  const { config } = device;
  const msix = config.findCapability(MSIX);
  if (msix !== 0 && config.read(msix + 2, 2) & 0x8000) return 'msix';
  const msi = config.findCapability(MSI);
  return msi !== 0 && config.read(msi + 2, 2) & 1 ? 'msi' : 'none';
}

export const secondsText = (time: bigint): string => (Number(time / 1000n) / 1e6).toFixed(6);

export function arrivalView(path: InterruptPath): ArrivalView {
  return {
    sequence: path.sequence,
    time: secondsText(path.time),
    address: path.device,
    kind: path.kind,
    vector: path.vector,
    count: path.count,
    path: path.hops.map((hop) => ({ ...hop })),
  };
}

/** Rows shown of a table; a device may have 2048 entries. */
const VECTOR_ROWS = 256;

function vectorRow(kernel: Kernel, device: PciDevice, kind: 'intx' | 'msi' | 'msix', index: number): VectorView {
  const open = vfioPciOf(kernel, device.name)?.interrupts ?? null;
  const reader = open && open.irqType === kind ? open.reader(index) : null;
  const on = activeKind(device, kernel) === kind;
  const registers = messageRegisters(device, kind, index);
  const count = deliveries(kernel, device, kind, index);
  const masked = kind === 'intx' ? intxMasked(kernel, device) : (registers?.masked ?? false);
  const pending = kind === 'intx' ? intxPending(device) : (registers?.pending ?? false);
  const last = lastLoss(kernel, device.name, kind, index);
  let state: VectorView['state'] = 'off';
  if (on && reader) state = masked ? 'masked' : count > 0 ? 'delivered' : 'armed';
  if (pending && kind !== 'intx') state = 'pending';
  else if (last && !last.delivered && last.reached !== 'table-entry') state = 'lost';
  return {
    index,
    addressHigh: registers ? hex8(registers.addressHigh) : null,
    addressLow: registers ? hex8(registers.addressLow) : null,
    data: registers ? hex8(registers.data) : null,
    masked,
    pending,
    eventfd: reader ? reader.reader : null,
    count,
    state,
    reason: last && !last.delivered ? last.lost : null,
  };
}

/** By vfio-pci while INTx is on, until its user unmasks it; else by DisINTx in the command register. */
function intxMasked(kernel: Kernel, device: PciDevice): boolean {
  const line = vfioPciOf(kernel, device.name)?.interrupts?.intx;
  return line?.active ? line.masked : (device.config.read(COMMAND, 2) & INTX_DISABLE) !== 0;
}

/** Interrupt Status: the function asserts its pin (PCI 3.0, 6.2.3). */
const intxPending = (device: PciDevice): boolean => (device.config.read(STATUS, 2) & INTX_STATUS) !== 0;

/** Interrupts that Linux took from a vector since it was set up. */
function deliveries(kernel: Kernel, device: PciDevice, kind: 'intx' | 'msi' | 'msix', index: number): number {
  if (kind === 'intx') return kernel.irqs.line(device.irq)?.count ?? 0;
  const messages = kernel.irqs.messagesOf(device);
  return messages?.kind === kind ? (messages.line(index)?.count ?? 0) : 0;
}

/** The newest interrupt of the vector, when it was lost; a later delivery forgets it. */
function lastLoss(kernel: Kernel, address: string, kind: string, vector: number): InterruptPath | null {
  let last: InterruptPath | null = null;
  for (const path of kernel.interrupts.log.recent()) {
    if (path.device === address && path.kind === kind && path.vector === vector) last = path;
  }
  return last && !last.delivered ? last : null;
}

interface MessageRegisters {
  addressHigh: number;
  addressLow: number;
  data: number;
  masked: boolean;
  pending: boolean;
}

export function messageRegisters(
  device: PciDevice,
  kind: 'intx' | 'msi' | 'msix',
  index: number,
): MessageRegisters | null {
  const { config } = device;
  if (kind === 'msix') {
    const table = msixTableOf(device.function);
    if (!table) return null;
    return {
      addressHigh: table.addressHigh(index),
      addressLow: table.addressLow(index),
      data: table.data(index),
      masked: table.masked(index),
      pending: table.isPending(index),
    };
  }
  const at = kind === 'msi' ? config.findCapability(MSI) : 0;
  if (at === 0) return null;
  const control = config.read(at + 2, 2);
  const wide = (control & 0x80) !== 0;
  const maskAt = at + (wide ? 0x10 : 0x0c);
  const maskable = (control & 0x100) !== 0;
  return {
    addressHigh: wide ? config.read(at + 8, 4) : 0,
    addressLow: config.read(at + 4, 4),
    data: config.read(at + (wide ? 12 : 8), 2) | index,
    masked: maskable && ((config.read(maskAt, 4) >>> index) & 1) === 1,
    pending: maskable && ((config.read(maskAt + 4, 4) >>> index) & 1) === 1,
  };
}

/** The last that arrived and the last that did not, of each vector, oldest first: a storm is no more to tell than one. */
function arrivalsOf(kernel: Kernel, device: PciDevice): ArrivalView[] {
  const last = new Map<string, InterruptPath>();
  for (const path of kernel.interrupts.log.recent()) {
    if (path.device === device.name) last.set(`${path.kind}/${path.vector}/${path.delivered}`, path);
  }
  return [...last.values()].sort((a, b) => a.sequence - b.sequence).map(arrivalView);
}

export function interruptsView(kernel: Kernel, device: PciDevice): InterruptsView {
  const offered = offeredBy(device);
  const active = activeKind(device, kernel);
  const shown = active === 'none' ? (offered.msix > 0 ? 'msix' : offered.msi > 0 ? 'msi' : 'intx') : active;
  const rows = Math.min(offered[shown], VECTOR_ROWS);
  return {
    address: device.name,
    active,
    offered,
    vectors: Array.from({ length: rows }, (_, index) => vectorRow(kernel, device, shown, index)),
    arrivals: arrivalsOf(kernel, device),
  };
}

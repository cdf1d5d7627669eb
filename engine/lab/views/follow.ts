/** Requests and messages followed hop by hop for the screen, and the last ones that functions sent. */
import { DELIVERY_NAMES, NO_VECTOR } from '../../hardware/apic';
import type { InterruptMessage } from '../../hardware/apic';
import type { WalkStep } from '../../hardware/iommu/iommu';
import type { DecodedField } from '../../hardware/iommu/layout';
import type { Transaction } from '../../hardware/transactions';
import {
  configLines,
  dmaLines,
  followConfig,
  followDma,
  followMessage,
  messageLines,
  requesterText,
  rightsText,
  sizeText,
} from '../../linux/iommu/follow';
import type { DmaWay } from '../../linux/iommu/follow';
import type { Kernel } from '../../linux/kernel';
import type { PciDevice } from '../../linux/pci/device';
import { secondsText } from './interrupts';
import type {
  ConfigWayView,
  MessageView,
  TransactionView,
  TransactionWayView,
  TransactionsView,
  WalkStepView,
  WalkView,
} from './types';

const hex = (value: number | bigint, digits = 1): string => `0x${value.toString(16).padStart(digits, '0')}`;

export const fieldView = ({ name, msb, lsb, value, about, meaning }: DecodedField): WalkStepView['fields'][number] => ({
  name,
  bits: msb === lsb ? String(msb) : `${msb}:${lsb}`,
  value: hex(value),
  about,
  meaning,
});

const stepView = ({ table, address, index, entry, fields, meaning, ok }: WalkStep): WalkStepView => ({
  table,
  address: address === null ? null : hex(address),
  index: index === null ? null : hex(index),
  entry,
  fields: fields.map(fieldView),
  meaning,
  ok,
});

const OUTCOMES = { memory: 'memory', function: 'peer', interrupt: 'interrupt' } as const;

function outcomeOf({ walk, path }: DmaWay): WalkView['outcome'] {
  if (walk?.outcome === 'blocked') return 'blocked';
  const { kind } = path.ending;
  return kind === 'memory' || kind === 'function' || kind === 'interrupt' ? OUTCOMES[kind] : 'refused';
}

function physicalOf({ path, walk }: DmaWay): string | null {
  if (walk?.physical != null) return hex(walk.physical);
  return path.ending.kind === 'memory' ? hex(path.ending.address) : null;
}

export function walkView(kernel: Kernel, device: PciDevice, iova: bigint, write: boolean): WalkView {
  const way = followDma(kernel, device, iova, write);
  const { path, walk, unit, place } = way;
  const translated = walk?.outcome === 'translated';
  return {
    address: device.name,
    iova: hex(iova),
    write,
    requester: requesterText(path.requester),
    unit,
    hops: path.hops.map((hop) => ({ ...hop })),
    steps: (walk?.steps ?? []).map(stepView),
    outcome: outcomeOf(way),
    translated,
    physical: physicalOf(way),
    place,
    pageSize: translated ? sizeText(walk.sizeBits) : null,
    rights: translated ? rightsText(walk.rights) : null,
    domain: walk?.domain ?? null,
    reason: walk?.reasonText ?? null,
    cached: walk?.cached ? { physical: hex(walk.cached.physical), rights: rightsText(walk.cached.rights) } : null,
    lines: dmaLines(way),
  };
}

export function interruptText(interrupt: InterruptMessage): { vector: number; cpu: number; delivery: string } | null {
  const { vector, destination, delivery } = interrupt;
  if (vector === NO_VECTOR) return null;
  return { vector, cpu: destination, delivery: DELIVERY_NAMES[delivery] ?? String(delivery) };
}

export function messageView(kernel: Kernel, device: PciDevice, address: bigint, data: number): MessageView {
  const way = followMessage(kernel, device, address, data);
  const { path, walk, unit, interrupt } = way;
  const arrives = path.ending.kind === 'interrupt';
  return {
    address: device.name,
    requester: requesterText(path.requester),
    messageAddress: hex(address, 8),
    data: hex(data, 8),
    unit,
    hops: path.hops.map((hop) => ({ ...hop })),
    steps: (walk?.steps ?? []).map(stepView),
    index: walk?.index ?? null,
    outcome: !arrives ? 'astray' : interrupt === null ? 'blocked' : 'interrupt',
    interrupt: interrupt === null ? null : interruptText(interrupt),
    reason: walk?.reasonText ?? null,
    lines: messageLines(way),
  };
}

export function configWayView(kernel: Kernel, device: PciDevice, register: number): ConfigWayView {
  const path = followConfig(kernel, device, register);
  return {
    address: device.name,
    register: hex(register, 3),
    hops: path.hops.map((hop) => ({ ...hop })),
    completion: path.completion.map((hop) => ({ ...hop })),
    arrives: path.ending.kind === 'function',
    lines: configLines(device, register, path),
  };
}

// ---- the last transactions

function transactionView(kernel: Kernel, one: Transaction): TransactionView {
  const { sender, kind, reason, physical } = one;
  const segment = kernel.pci.devices.get(sender)?.function.address.segment ?? 0;
  const unit = kernel.platform.units.unit(segment);
  return {
    sequence: one.sequence,
    time: secondsText(BigInt(one.time)),
    address: sender,
    requester: requesterText(one.requester),
    kind,
    to: hex(one.address),
    length: one.length,
    outcome: one.outcome,
    physical: physical === null ? null : hex(physical),
    peer: one.target,
    reason: reason === 0 || unit === null ? null : unit.reasonText(reason),
    current: one.current,
  };
}

/** The newest of one function, or of all, newest first. */
export function transactionsView(kernel: Kernel, address: string | null, limit: number): TransactionsView {
  const { log, state } = kernel.platform;
  const entries: TransactionView[] = [];
  for (const one of log.recent(state)) {
    if (entries.length === limit) break;
    if (address === null || one.sender === address || one.target === address)
      entries.push(transactionView(kernel, one));
  }
  return { total: log.total, entries };
}

export function transactionWayView(kernel: Kernel, sequence: number): TransactionWayView | null {
  const { log, state } = kernel.platform;
  const one = log.get(sequence, state);
  if (one === null) return null;
  const device = kernel.pci.devices.get(one.sender);
  const message = device !== undefined && one.kind === 'message';
  return {
    transaction: transactionView(kernel, one),
    walk: device !== undefined && !message ? walkView(kernel, device, one.address, one.kind === 'write') : null,
    message: message ? messageView(kernel, device, one.address, one.length) : null,
  };
}

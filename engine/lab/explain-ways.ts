/** The ways of requests and messages for the terminal's `why`: what the Inspector shows, as lines. */
import type { Kernel } from '../linux/kernel';
import type { PciDevice } from '../linux/pci/device';
import { configWayView, messageView, transactionWayView, transactionsView, walkView } from './views/follow';
import { iommuView } from './views/iommu';
import type { IommuFunctionView, TransactionView } from './views/types';

const LAST = 20;
const MOST_LISTED = 4096;
const ADDRESS = 2n ** 64n;
const WORD = 2n ** 32n;

function numberBelow(text: string | undefined, end: bigint): bigint | null {
  if (text === undefined || !/^(0x[0-9a-f]+|\d+)$/i.test(text)) return null;
  const value = BigInt(text);
  return value < end ? value : null;
}

/** `01:00.0` or `0000:01:00.0`. */
export function deviceNamed(kernel: Kernel, text: string | undefined): PciDevice | null {
  if (text === undefined) return null;
  return kernel.pci.devices.get(text) ?? kernel.pci.devices.get(`0000:${text}`) ?? null;
}

type Explainer = (kernel: Kernel, words: readonly string[]) => string[] | null;

const dma: Explainer = (kernel, [name, at, direction, ...more]) => {
  const device = deviceNamed(kernel, name);
  const address = numberBelow(at, ADDRESS);
  const write = direction === 'write';
  if (!device || address === null || more.length > 0 || !(write || direction === 'read' || direction === undefined)) {
    return null;
  }
  return walkView(kernel, device, address, write).lines;
};

const msi: Explainer = (kernel, [name, to, value, ...more]) => {
  const device = deviceNamed(kernel, name);
  const address = numberBelow(to, ADDRESS);
  const data = numberBelow(value ?? '0', WORD);
  if (!device || address === null || data === null || more.length > 0) return null;
  return messageView(kernel, device, address, Number(data)).lines;
};

const config: Explainer = (kernel, [name, at, ...more]) => {
  const device = deviceNamed(kernel, name);
  const register = numberBelow(at, 4096n);
  if (!device || register === null || more.length > 0) return null;
  return configWayView(kernel, device, Number(register)).lines;
};

const KINDS = { read: 'reads', write: 'writes', message: 'message' } as const;

function transactionLine(one: TransactionView): string {
  const { sequence, time, address, kind, to, length, outcome, physical, peer, reason } = one;
  const what = kind === 'message' ? `0x${length.toString(16)} to ${to}` : `${length} bytes at ${to}`;
  const where = peer !== null ? ` ${peer} offset ${physical}` : physical !== null ? ` ${physical}` : '';
  return `${`#${sequence}`.padEnd(6)} ${time.padStart(12)}  ${address} ${KINDS[kind]} ${what}: ${outcome}${where}${reason === null ? '' : ` (${reason})`}`;
}

const transactions: Explainer = (kernel, words) => {
  const last = words.at(-1);
  const count = last !== undefined && /^\d{1,4}$/.test(last) ? Number(last) : LAST;
  const [name, ...more] = last !== undefined && /^\d{1,4}$/.test(last) ? words.slice(0, -1) : words;
  const device = deviceNamed(kernel, name);
  if (more.length > 0 || (name !== undefined && device === null)) return null;
  const { total, entries } = transactionsView(kernel, device?.name ?? null, Math.min(count, MOST_LISTED));
  const head = `${total} transactions since power-on; the last ${Math.min(total, MOST_LISTED)} are kept.`;
  return [head, ...[...entries].reverse().map(transactionLine)];
};

const transaction: Explainer = (kernel, [number, ...more]) => {
  const sequence = numberBelow(number?.replace(/^#/, ''), ADDRESS);
  if (sequence === null || more.length > 0) return null;
  const way = transactionWayView(kernel, Number(sequence));
  if (way === null) return [`Transaction ${sequence} is not kept: the last ${MOST_LISTED} are.`];
  const lines = (way.walk ?? way.message)?.lines ?? ['Its function is no longer in the machine.'];
  const now = way.transaction.current
    ? 'Nothing that its way rests on has changed since:'
    : 'Registers or tables have changed since; now its way would be:';
  return [transactionLine(way.transaction), now, ...lines];
};

const iommu: Explainer = (kernel, [name, ...more]) => {
  const device = deviceNamed(kernel, name);
  return device === null || more.length > 0 ? null : iommuLines(iommuView(kernel, device));
};

function iommuLines(view: IommuFunctionView): string[] {
  const { address, unit, requesters, group, domain, vectors, faults, faultTotal } = view;
  if (unit === null) return [`No IOMMU unit has ${address} in its scope: its requests are as it sends them.`];
  const { iotlb } = unit;
  const on = (flag: boolean): string => (flag ? 'on' : 'off');
  const lines = [
    `${unit.name ?? 'A unit'} (${unit.kind}): translation ${on(unit.translating)}, interrupt remapping ${on(unit.remapping)}`,
    `  IOTLB: ${iotlb.used} of ${iotlb.capacity} used, ${iotlb.hits} hits, ${iotlb.misses} misses, ${iotlb.forgotten} forgotten`,
    `${address} sends as ${requesters.join(', ')}${view.silent === null ? '' : `, but now it may not: ${view.silent}`}`,
  ];
  if (domain !== null) {
    const id = domain.id === null ? '' : `, number ${domain.id}`;
    const root = domain.root === null ? '' : `, ${domain.levels} levels from ${domain.root}`;
    lines.push(`Group ${group} is on a domain of type ${domain.type}${id}${root}: ${domain.mapped} mappings`);
    for (const { iova, size, physical, rights, place } of domain.mappings) {
      lines.push(`  ${iova} ${size} → ${physical}, ${rights}: ${place}`);
    }
    for (const { iova, size, physical, rights } of domain.cachedPages) {
      lines.push(`  IOTLB: ${iova} ${size} → ${physical}, ${rights}`);
    }
  }
  for (const { vector, messageAddress, data, index, interrupt, reason } of vectors) {
    const entry = index === null ? 'not remapped' : `entry ${index}`;
    const end = interrupt === null ? `blocked: ${reason}` : `vector ${interrupt.vector} of CPU ${interrupt.cpu}`;
    lines.push(`  vector ${vector} writes ${data} to ${messageAddress}: ${entry}, ${end}`);
  }
  if (faultTotal > 0) lines.push(`${faultTotal} faults, the newest first:`);
  for (const { time, kind, at, write, code, reason } of faults) {
    const what = kind === 'interrupt' ? `interrupt index ${at}` : `${write ? 'write to' : 'read of'} ${at}`;
    lines.push(`  ${time} ${what}: ${code} ${reason}`);
  }
  return lines;
}

/** What `why` can follow, by its first word. */
export const WAYS: ReadonlyMap<string, Explainer> = new Map([
  ['dma', dma],
  ['msi', msi],
  ['config', config],
  ['transactions', transactions],
  ['transaction', transaction],
  ['iommu', iommu],
]);

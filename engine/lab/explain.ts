/** Explanations for the terminal's `why`: the same data that the window shows. */
import type { Kernel } from '../linux/kernel';
import type { PciDevice } from '../linux/pci/device';
import { explainReach, reachLines } from '../linux/iommu/reach';
import { explainPair, explanationLines } from '../linux/iommu/separate';
import type { WriteExplanation } from '../linux/vfio/pci/explain';
import { explainWrite } from '../linux/vfio/pci/explain';
import { previewFilter } from '../linux/vfio/pci/preview';
import { fromHex } from '../shell/calls/hex';
import { WAYS, deviceNamed } from './explain-ways';
import { vfioPciOf } from './holdings';

/**
 * What a vfio user's config write would do, by the filter in force while the function is open, or by the one that
 * opening it would give. Changes nothing.
 */
export function explainConfigWrite(
  kernel: Kernel,
  device: PciDevice,
  offset: number,
  data: Uint8Array,
): WriteExplanation {
  const filter = vfioPciOf(kernel, device.name)?.filter ?? previewFilter(device);
  return explainWrite(filter, offset, data);
}

const FATES: Readonly<Record<string, string>> = {
  shadow: 'kept in the shadow',
  hardware: 'passed to hardware',
  dropped: 'dropped',
  'written-back': 'written back unchanged',
};

const hex3 = (value: number): string => value.toString(16).padStart(3, '0');

/** One line a run of bits, then what the write does beside storing them. */
export function writeLines(explanation: WriteExplanation): string[] {
  if (explanation.refused !== null) return [`refused: ${explanation.refused}`];
  return [
    ...explanation.bits.map(({ offset, msb, lsb, fate, rule }) => {
      const bits = msb === lsb ? `bit ${msb}` : `bits ${msb}-${lsb}`;
      return `  ${hex3(offset)} ${bits.padEnd(9)} ${(FATES[fate] ?? fate).padEnd(23)} ${rule}`;
    }),
    ...explanation.effects.map((effect) => `  then: ${effect}`),
  ];
}

/** Whole bytes of hex text, low byte first; null for anything else. */
export const bytesOfHex = (text: string): Uint8Array | null =>
  /^(?:[0-9a-f]{2})+$/i.test(text) ? fromHex(text) : null;

/**
 * `why 01:00.0`, `why 01:00.0 01:00.1`, `why write 01:00.0 004 0604` (offset in hex, bytes in memory order), or a way
 * (`why dma 01:00.0 0x1000`); null when the words name nothing that can be explained.
 */
export function explainSubject(kernel: Kernel, subject: readonly string[]): string[] | null {
  if (subject[0] === 'write') {
    const device = deviceNamed(kernel, subject[1]);
    const data = bytesOfHex(subject[3] ?? '');
    const offset = parseInt(subject[2] ?? '', 16);
    if (!device || !data || Number.isNaN(offset)) return null;
    return writeLines(explainConfigWrite(kernel, device, offset, data));
  }
  const way = WAYS.get(subject[0] ?? '');
  if (way !== undefined) return way(kernel, subject.slice(1));
  if (subject[0] === 'reach') return explainWay(kernel, subject.slice(1));
  const devices = subject.map((word) => deviceNamed(kernel, word));
  const [first, second] = devices;
  if (subject.length === 1 && first) {
    const group = kernel.iommu.groupOf(first);
    const decision = kernel.iommu.decisionOf(first);
    if (!group || !decision) return [`${first.name} is in no IOMMU group.`];
    return [
      `${first.name} is in group ${group.id} with ${group.devices.length - 1} other functions:`,
      ...decision.steps.map((step) => `  ${step.decided ? '*' : '-'} ${step.text}`),
    ];
  }
  if (subject.length === 2 && first && second) return explanationLines(explainPair(kernel.iommu, first, second));
  return null;
}

function explainWay(kernel: Kernel, ends: readonly string[]): string[] | null {
  const [from, to] = ends.map((word) => deviceNamed(kernel, word));
  if (ends.length !== 2 || !from || !to || from === to) return null;
  return reachLines(explainReach(kernel, from, to));
}

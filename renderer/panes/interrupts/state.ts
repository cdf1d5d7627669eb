/** How the state of a vector looks: colour and shape, beside its word. */
import type { VectorView } from '../../bridge';

export const STATE_COLOURS: Record<VectorView['state'], string> = {
  off: 'idle',
  armed: 'deliver',
  delivered: 'deliver',
  pending: 'pend',
  masked: 'mask',
  lost: 'lost',
};

/** SET_IRQS index of a kind: VFIO_PCI_INTX_IRQ_INDEX, …_MSI_…, …_MSIX_…. */
export const IRQ_INDEX = { intx: 0, msi: 1, msix: 2 } as const;
export type IrqKind = keyof typeof IRQ_INDEX;

/** Vectors whose count rose or state changed between two views. */
export function changedVectors(before: readonly VectorView[], after: readonly VectorView[]): number[] {
  const old = new Map(before.map((v) => [v.index, v]));
  return after.flatMap((v) => {
    const was = old.get(v.index);
    return was && (was.count !== v.count || was.state !== v.state) ? [v.index] : [];
  });
}

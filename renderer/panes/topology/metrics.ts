/** Measures of the drawing for each fold of the window. */
import type { Fold } from '../../dock/layout';
import type { Metrics } from './layout';

type Base = Omit<Metrics, 'width' | 'height'>;

const BASES: Record<Fold, Base> = {
  wide: {
    pitch: 37,
    top: 20,
    left: 30,
    gap: 70,
    port: 112,
    plainPort: 92,
    endpointMin: 280,
    endpointMax: 620,
    tag: 52,
    foldVirtualFrom: 9,
  },
  normal: {
    pitch: 29,
    top: 12,
    left: 10,
    gap: 24,
    port: 112,
    plainPort: 92,
    endpointMin: 236,
    endpointMax: 560,
    tag: 52,
    foldVirtualFrom: 9,
  },
  small: {
    pitch: 28,
    top: 12,
    left: 8,
    gap: 16,
    port: 80,
    plainPort: 80,
    endpointMin: 148,
    endpointMax: 360,
    tag: 46,
    foldVirtualFrom: 2,
  },
};

/** `tight` is for trees too deep for the canvas: ports without lamps and short links. */
export function metricsFor(fold: Fold, tight: boolean, width: number, height: number): Metrics {
  const base = tight
    ? { ...BASES.small, pitch: BASES[fold].pitch, foldVirtualFrom: BASES[fold].foldVirtualFrom }
    : BASES[fold];
  return { ...base, width, height };
}

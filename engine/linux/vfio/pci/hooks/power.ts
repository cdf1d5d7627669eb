import type { FilterState, Width } from '../filter';

const CONTROL = 4;
const D3HOT = 3;

/** The state bits of PMCSR are a request to the host; it may refuse in silence (vfio-pci-config.md 8.4). */
export function writePower(filter: FilterState, at: number, offset: number, width: Width, value: number): number {
  filter.store(at, width, value);
  if (offset !== CONTROL) return 0;
  const state = value & 3;
  if (state === D3HOT) filter.host.revokeMappings();
  filter.host.setPowerState(state);
  return 0;
}

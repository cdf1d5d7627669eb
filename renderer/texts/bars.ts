/** Regions of a function. */

export const bars = {
  indexTip: (n: number) => `VFIO region index ${n}`,
  name: 'Region',
  kind: 'Kind',
  start: 'Start',
  size: 'Size',
  flags: 'Flags',
  mapped: 'Mapped by',
  pref: 'pref',
  none: 'not implemented',
  prefetchable: 'prefetchable',
  caption: 'Regions of the vfio device',
  empty: 'This function has no region.',
} as const;

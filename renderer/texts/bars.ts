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

export const sizing = {
  title: 'How large is it?',
  about: 'Software sizes a BAR by writing ones and reading which of them stay. Each step here is a real access.',
  which: 'BAR to size',
  run: 'Size it',
  steps: 'Accesses',
  through: {
    user: 'through the descriptor of its process',
    root: 'as root through sysfs, as setpci does: no process has it open',
  },
  decodeOff: 'decoding off',
  decodeOn: 'decoding on again',
  keep: 'read, to keep it',
  write: 'write ones',
  read: 'read back',
  back: 'write it back',
  kinds: { io: 'I/O ports', mem32: 'memory below 4 GiB', mem64: '64-bit memory' },
  size: (size: string, kind: string) => `${size} of ${kind}.`,
  absent: 'No bit stayed: this BAR is not implemented.',
  how: (mask: string, size: string) =>
    `Without the bits that tell its kind, ${mask} stayed; inverted and plus one that is 0x${size}.`,
  prefetchable: 'Bit 3 says prefetchable.',
  seen: {
    user: 'The device never saw these writes: vfio-pci keeps BARs in the shadow and answers as the device would.',
    root: 'The device itself answered. Its decoding was off meanwhile, so that it does not answer at the address that ones make.',
  },
} as const;

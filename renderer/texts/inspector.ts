/** Inspector: its tabs, the overview, why two functions share a group. */

export const inspector = {
  tabs: { overview: 'Overview', config: 'Config space', bars: 'BARs', interrupts: 'Interrupts', iommu: 'IOMMU' },
  emptyTitle: 'Nothing is selected',
  empty: 'Select a function in the topology to see what it is, why it is in its group and who drives it.',
  gone: 'This function is no longer in the machine.',
} as const;

export const overview = {
  identity: 'Identity',
  group: 'IOMMU group',
  noGroup: 'In no group: the kernel found no IOMMU for it.',
  members: 'Members',
  whyTitle: 'Why in this group',
  driver: 'Driver',
  noDriver: 'No driver is bound.',
  boundTo: 'Bound to',
  override: (name: string) => `driver_override is ${name}`,
  bindTo: (driver: string) => `Bind to ${driver}`,
  unbind: 'Unbind',
  giveBack: 'Give back to the host',
  attach: (id: number) => `Attach group ${id}`,
  detach: (id: number) => `Detach group ${id}`,
  choose: 'Choose a container',
  heldBy: (who: string, pid: number) => `Attached to a container of ${who} (${pid}).`,
  unknown: 'Unknown',
  reset: 'Reset the function',
  culprit: (short: string, driver: string) => `${short} still belongs to ${driver}.`,
  unknownWhat: {
    capabilities: 'Capabilities',
    acs: 'ACS',
    'device-id': 'Device ID',
    config: 'Config space',
    parent: 'Parent',
  } as Record<string, string>,
  culpritWhy: 'The kernel lends a group only when no host driver is left in it.',
} as const;

export const pair = {
  with: 'Compare with',
  label: (short: string) => `Compare ${short} with`,
  nothing: 'no other function',
  sameGroup: 'In the same group',
  others: 'In other groups',
  together: (a: string, b: string, group: number) => `${a} and ${b} share group ${group}.`,
  apart: (a: string, first: number, b: string, second: number) => `${a} is in group ${first}, ${b} in group ${second}.`,
  noGroup: (short: string) => `${short} is in no group.`,
  noSteps: 'No step was taken for it.',
  joins: (short: string) => ` → joins ${short}`,
  unknown: 'The dump hides registers that this rests on.',
  separate: 'What would separate them',
  goTo: (short: string) => `Go to ${short}`,
  copy: 'Copy as text',
  typed: (a: string, b: string) => `why ${a} ${b}`,
} as const;

export const remedy = {
  bind: (short: string) => `Bind ${short} to vfio-pci`,
  unbind: (short: string) => `Unbind ${short}`,
  bindAndAttach: (list: string) => `Bind ${list} to vfio-pci and attach`,
  detachFirst: (id: number) => `Detach group ${id}`,
  and: ' and ',
} as const;

/** The first steps. */

export const steps = {
  title: 'What to do first',
  progress: (done: number, all: number) => `${done} / ${all}`,
  dismiss: 'Hide the first steps',
  names: {
    open: 'Open a machine',
    look: 'Look at a group',
    bind: 'Bind a function to vfio-pci',
    attach: 'Attach its group to a container',
    fire: 'Fire a vector and see it arrive',
  },
  hints: {
    open: 'A sample is open. Yours: drop a dump anywhere, or take Open.',
    look: 'An outline is an IOMMU group, the smallest set that Linux hands out. Select a function in one.',
    bind: 'Select an endpoint and press B. All endpoints of the group need it.',
    attach: 'Drag the tag at the right end of the outline onto Containers, or press A.',
    fire: 'Inspector, Interrupts: enable vectors, then Fire.',
  },
  doneTitle: 'That was the whole way.',
  done: 'From the dump to the eventfd. Everything you did is in the Timeline and can be undone.',
  keys: 'Three keys to keep',
  anything: 'anything',
  undo: 'undo',
  panes: 'next pane',
} as const;

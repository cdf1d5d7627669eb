/** Where panes stand and how they move. */

export const dock = {
  tabs: 'Panes in this place',
  grip: (pane: string) => `${pane}: drag to another place, double click to fill the window`,
  menu: (pane: string) => `Place of ${pane}`,
  maximise: 'Fill the window',
  restore: 'Back to its place',
  moveTo: 'Move to',
  areas: { left: 'Left', centre: 'Centre', dock: 'Below the centre', right: 'Right', strip: 'Along the bottom' },
  close: 'Close',
  reset: 'Standard layout',
  nothingTitle: 'All panes are closed',
} as const;

/** Keys of single panes, as the sheet of keys lists them. */
import { T } from '../texts';

export const LOCAL_KEYS: readonly { title: string; keys: { keys: string; does: string }[] }[] = [
  {
    title: T.pane.topology,
    keys: [
      { keys: '← → ↑ ↓', does: 'Parent, first child, next in the drawing' },
      { keys: 'Space / Enter', does: 'Select / inspect' },
      { keys: 'W', does: 'Why is it in this group' },
      { keys: 'B / U', does: 'Bind vfio-pci / unbind' },
      { keys: 'G / A', does: 'Select the whole group / attach it' },
      { keys: 'T', does: 'Fire a vector' },
      { keys: 'L', does: 'ACS lamps' },
      { keys: 'F + - 0', does: 'Fit, zoom, 100 %' },
      { keys: '/', does: 'Next function by name' },
      { keys: 'Del', does: 'Remove the function' },
    ],
  },
  {
    title: T.inspector.tabs.config,
    keys: [
      { keys: '← → ↑ ↓', does: 'Byte; with Ctrl a dword' },
      { keys: 'Enter / Esc', does: 'Edit, write / give up' },
      { keys: 'V', does: 'User view, hardware, difference' },
    ],
  },
  { title: T.pane.containers, keys: [{ keys: 'Del', does: 'Detach the group' }] },
  { title: T.pane.timeline, keys: [{ keys: 'Alt ← / Alt →', does: 'One step back / on' }] },
];

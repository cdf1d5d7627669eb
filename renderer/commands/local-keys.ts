/** Keys of single panes, as the sheet of keys lists them. */
import { T } from '../texts';

const K = T.keys;

export const LOCAL_KEYS: readonly { title: string; keys: { keys: string; does: string }[] }[] = [
  {
    title: T.pane.topology,
    keys: [
      { keys: '← → ↑ ↓', does: K.moves },
      { keys: 'Space / Enter', does: K.select },
      { keys: 'W', does: K.why },
      { keys: 'B / U', does: K.bind },
      { keys: 'G / A', does: K.group },
      { keys: 'T', does: K.fire },
      { keys: 'Insert / E', does: K.build },
      { keys: 'M', does: K.move },
      { keys: 'Ctrl C X V D', does: K.copies },
      { keys: 'Shift W', does: K.whatIf },
      { keys: 'Shift ← / →', does: K.folds },
      { keys: 'Shift ↑ ↓ / Shift Space', does: K.more },
      { keys: 'Ctrl A', does: K.pickAll },
      { keys: 'S', does: K.marquee },
      { keys: 'M, then C / Shift W', does: K.carried },
      { keys: 'Ctrl drag', does: K.dragCopy },
      { keys: 'L / R', does: K.acs },
      { keys: 'F + - 0', does: K.zoom },
      { keys: '/', does: K.next },
      { keys: 'Del', does: K.remove },
    ],
  },
  { title: T.inspector.tabs.overview, keys: [{ keys: 'W', does: K.why }] },
  {
    title: T.inspector.tabs.config,
    keys: [
      { keys: '← → ↑ ↓', does: K.bytes },
      { keys: 'Enter / Esc', does: K.edit },
      { keys: 'V', does: K.view },
      { keys: '[ / ]', does: K.accesses },
    ],
  },
  {
    title: T.pane.containers,
    keys: [
      { keys: 'M', does: K.carry },
      { keys: 'N', does: K.map },
      { keys: 'Del', does: K.detach },
      { keys: 'Shift F10', does: K.nodeMenu },
      { keys: 'C / S', does: K.copyProcess },
    ],
  },
  {
    title: T.pane.terminal,
    keys: [
      { keys: 'F6', does: K.leave },
      { keys: 'Ctrl Shift C / V', does: K.copyPaste },
      { keys: 'F2 / Del', does: K.renameTab },
    ],
  },
  {
    title: T.pane.timeline,
    keys: [
      { keys: 'Alt ← / Alt →', does: K.step },
      { keys: '← / →', does: K.step },
      { keys: 'PgUp / PgDn', does: K.gesture },
      { keys: 'Space', does: K.run },
      { keys: 'Home / End', does: K.present },
      { keys: '+ - 0', does: K.part },
    ],
  },
];

/** Undo, redo, and moving through time. */
import { useActions } from '../../stores/actions';
import { useFrame } from '../../stores/frame';
import { useMachine } from '../../stores/machine';
import { usePast } from '../../stores/past';
import { T } from '../../texts';
import { commandsOf, type Command } from '../command';

export function editCommands(): Command[] {
  const actions = useActions();
  const frame = useFrame();
  const past = usePast();
  const document = useMachine().machine?.document;
  const { list, add } = commandsOf(T.command.groups.edit);
  const undo = document?.undo ?? null;
  const redo = document?.redo ?? null;
  add('undo', undo === null ? T.command.undo : T.undo.tip(undo), () => void actions.undo(), {
    icon: 'undo',
    keys: 'Ctrl Z',
    off: undo === null ? T.undo.nothing : null,
  });
  add('redo', redo === null ? T.command.redo : T.redo.tip(redo), () => void actions.redo(), {
    icon: 'redo',
    keys: 'Ctrl Shift Z',
    off: redo === null ? T.redo.nothing : null,
  });
  const present = past.past === null ? T.command.atPresent : null;
  add('back', T.timeline.back, () => void past.step(-1), {
    icon: 'step-back',
    keys: 'Alt ←',
    off: past.position === 0 ? T.command.atStart : null,
  });
  add('forward', T.timeline.forward, () => void past.step(1), { icon: 'step-fwd', keys: 'Alt →', off: present });
  const play = past.playing ? T.timeline.stop : T.timeline.play;
  add('play', play, () => void past.toggle(), { icon: past.playing ? 'pause' : 'play' });
  add('present', T.past.toLive, () => void past.go(null), { icon: 'timeline', off: present });
  add('continue', T.past.continueHere, () => void past.continueHere(), { icon: 'split', off: present });
  add('palette', T.command.find, () => frame.find(), { icon: 'search', keys: 'Ctrl K' });
  return list;
}

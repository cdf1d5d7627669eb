/** The machine as a whole, and the function that is selected. */
import { useActions } from '../../stores/actions';
import { useFrame } from '../../stores/frame';
import { useSelection } from '../../stores/selection';
import { T } from '../../texts';
import { short } from '../../ui/address';
import { commandsOf, type Command } from '../command';
import { functionCommands } from '../functions';

const SECOND_MS = 1000;

export function machineCommands(): Command[] {
  const actions = useActions();
  const frame = useFrame();
  const { list, add } = commandsOf(T.command.groups.machine);
  add('reboot', T.command.reboot, () => void actions.perform({ kind: 'reboot', cmdline: null }), { icon: 'reset' });
  add('cmdline', T.command.cmdline, () => (frame.overlay = 'cmdline'), { icon: 'terminal' });
  add('wait', T.command.wait, () => void actions.perform({ kind: 'wait', ms: SECOND_MS }), { icon: 'play' });
  return list;
}

/** What can be done with the selected function. */
export function selectedCommands(): Command[] {
  const { address } = useSelection();
  if (address === null) return [];
  return functionCommands(address).map(({ id, label, icon, keys, off, run }) => ({
    id: `function-${id}`,
    title: `${label.replace(/…$/, '')}: ${short(address)}`,
    group: T.command.groups.function,
    icon,
    keys,
    off,
    run,
  }));
}

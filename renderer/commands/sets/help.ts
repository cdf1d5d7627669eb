/** Finding one's way. */
import { useFrame } from '../../stores/frame';
import { useSteps } from '../../stores/steps';
import { T } from '../../texts';
import { commandsOf, type Command } from '../command';

export function helpCommands(): Command[] {
  const frame = useFrame();
  const steps = useSteps();
  const { list, add } = commandsOf(T.command.groups.help);
  add('start-page', T.command.startPage, () => (frame.startPage = true), { icon: 'lesson' });
  add('first-steps', T.command.firstSteps, () => steps.show(), { icon: 'lesson' });
  add('keys', T.command.keys, () => (frame.overlay = 'keys'), { icon: 'info', keys: '?' });
  add('about', T.command.about, () => (frame.overlay = 'about'), { icon: 'info' });
  return list;
}

/** Terminals and the logs beside them. */
import { useDock } from '../../stores/dock';
import { useSettings } from '../../stores/settings';
import { useTerminals } from '../../stores/terminals';
import { T } from '../../texts';
import { commandsOf, type Command } from '../command';

export function terminalCommands(): Command[] {
  const dock = useDock();
  const settings = useSettings();
  const terminals = useTerminals();
  const { list, add } = commandsOf(T.command.groups.terminal, 'terminal');
  const shown = (run: () => void) => (): void => {
    dock.showTerminal('terminal');
    run();
  };
  const { title, active } = terminals;
  add('terminal', T.command.terminal, shown(terminals.add), { keys: 'Ctrl Shift Enter' });
  add(
    'close-terminal',
    T.command.closeTerminal(title),
    shown(() => terminals.close(active)),
    {
      icon: 'close',
      keys: 'Ctrl Shift W',
    },
  );
  add(
    'rename-terminal',
    T.command.renameTerminal(title),
    shown(() => (terminals.renaming = active)),
  );
  add(
    'find-terminal',
    T.command.findInTerminal,
    shown(() => (terminals.finding = active)),
    {
      icon: 'search',
      keys: 'Ctrl Shift F',
    },
  );
  add(
    'next-terminal',
    T.command.nextTerminal,
    shown(() => terminals.step(1)),
    {
      icon: 'chev-r',
      keys: 'Ctrl PageDown',
    },
  );
  add(
    'previous-terminal',
    T.command.previousTerminal,
    shown(() => terminals.step(-1)),
    {
      icon: 'chev-r',
      keys: 'Ctrl PageUp',
    },
  );
  add('calls', T.command.calls, () => dock.showTerminal('calls'), { icon: 'process' });
  add('log', T.command.log, () => dock.showTerminal('log'), { icon: 'process' });
  const { screenReader } = settings.now;
  add('screen-reader', T.command.screenReader, () => settings.change({ screenReader: !screenReader }), {
    checked: screenReader,
  });
  return list;
}

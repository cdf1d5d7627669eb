/** What can be done with one function: the same list for the context menu, the keys and the palette. */
import { lab } from '../bridge';
import { useActions } from '../stores/actions';
import { useBuild } from '../stores/build';
import { useDock } from '../stores/dock';
import { useFrame } from '../stores/frame';
import { useMachine } from '../stores/machine';
import { useMessages } from '../stores/messages';
import { useSelection } from '../stores/selection';
import { useTopology } from '../stores/topology';
import { useWhatIf } from '../stores/what-if';
import { T } from '../texts';

export interface FunctionCommand {
  id:
    | 'inspect'
    | 'bind'
    | 'unbind'
    | 'attach'
    | 'detach'
    | 'fire'
    | 'happen'
    | 'dma'
    | 'why'
    | 'what-if'
    | 'edit'
    | 'add-below'
    | 'move'
    | 'copy-parts'
    | 'duplicate'
    | 'copy'
    | 'remove';
  label: string;
  icon: string;
  keys: string;
  /** Why it cannot be done now; null when it can. */
  off: string | null;
  danger?: boolean;
  run: () => void;
}

export function functionCommands(address: string): FunctionCommand[] {
  const machine = useMachine();
  const actions = useActions();
  const dock = useDock();
  const frame = useFrame();
  const selection = useSelection();
  const messages = useMessages();
  const build = useBuild();
  const topology = useTopology();
  const whatIf = useWhatIf();
  const fn = machine.functions.get(address);
  const group = machine.groupOf(address);
  const missing = fn ? null : T.menu.noFunction;
  const show = (tab: typeof selection.tab): void => {
    selection.select(address);
    selection.tab = tab;
    void dock.focus('inspector');
  };
  const commands: FunctionCommand[] = [
    {
      id: 'inspect',
      label: T.menu.inspect,
      icon: 'inspect',
      keys: 'Enter',
      off: missing,
      run: () => show(selection.tab),
    },
    {
      id: 'bind',
      label: T.menu.bind,
      icon: 'bind',
      keys: 'B',
      off: missing ?? (fn?.driver === 'vfio-pci' ? T.menu.already : null),
      run: () => void actions.perform({ kind: 'bind', address, driver: 'vfio-pci' }),
    },
    {
      id: 'unbind',
      label: T.menu.unbind,
      icon: 'unlink',
      keys: 'U',
      off: missing ?? (fn?.driver === null ? T.menu.noDriver : null),
      run: () => void actions.perform({ kind: 'unbind', address }),
    },
    group?.owned
      ? {
          id: 'detach',
          label: T.menu.detach,
          icon: 'unlink',
          keys: '',
          off: null,
          run: () => void actions.perform({ kind: 'detach', group: group.id }),
        }
      : {
          id: 'attach',
          label: T.menu.attach,
          icon: 'container',
          keys: 'A',
          off: missing ?? (group ? (group.hasEndpoint ? null : T.menu.portsOnly) : T.menu.noGroup),
          run: () => group && frame.attach(group.id),
        },
    {
      id: 'fire',
      label: T.menu.fire,
      icon: 'eventfd',
      keys: 'T',
      off: missing ?? (fn?.isBridge ? T.menu.isBridge : null),
      run: () => show('interrupts'),
    },
    {
      id: 'happen',
      label: T.menu.happen,
      icon: 'power',
      keys: 'H',
      off: missing,
      run: () => frame.stimulate(address),
    },
    {
      id: 'dma',
      label: T.menu.dma,
      icon: 'dma',
      keys: 'D',
      off: missing,
      run: () => show('iommu'),
    },
    {
      id: 'why',
      label: group ? T.menu.why(group.id) : T.menu.whyAny,
      icon: 'info',
      keys: 'W',
      off: missing ?? (group ? null : T.menu.noGroup),
      run: () => {
        const others = group?.members.filter((m) => m !== address) ?? [];
        selection.ask(address, others.find((m) => machine.functions.get(m)?.isBridge === false) ?? others[0] ?? null);
        void dock.focus('inspector');
      },
    },
    {
      id: 'what-if',
      label: T.build.whatIf,
      icon: 'split',
      keys: 'Shift W',
      off: missing ?? (fn?.acs ? null : T.build.noAcs),
      run: () => void whatIf.begin(address),
    },
    {
      id: 'edit',
      label: T.build.edit,
      icon: 'settings',
      keys: 'E',
      off: missing,
      run: () => {
        selection.topologyTab = 'fabric';
        topology.editing = address;
      },
    },
    {
      id: 'add-below',
      label: T.build.addBelow,
      icon: 'plus',
      keys: 'Insert',
      off: missing,
      run: () => (topology.adding = { near: address }),
    },
    {
      id: 'move',
      label: T.build.move,
      icon: 'link',
      keys: 'M',
      off: missing,
      run: () => build.move(address),
    },
    {
      id: 'copy-parts',
      label: T.build.copy,
      icon: 'copy',
      keys: 'Ctrl C',
      off: missing,
      run: () => build.copy(address),
    },
    {
      id: 'duplicate',
      label: T.build.duplicate,
      icon: 'copy',
      keys: 'Ctrl D',
      off: missing,
      run: () => build.duplicate(address),
    },
    {
      id: 'copy',
      label: T.menu.copyAddress,
      icon: 'copy',
      keys: '',
      off: null,
      run: () => {
        lab().copy(address);
        messages.say(T.terminal.copied);
      },
    },
    {
      id: 'remove',
      label: T.menu.remove,
      icon: 'close',
      keys: 'Del',
      off: missing,
      danger: true,
      run: () => build.remove(address),
    },
  ];
  return commands;
}

const KEYS: Readonly<Record<string, FunctionCommand['id']>> = {
  b: 'bind',
  u: 'unbind',
  a: 'attach',
  t: 'fire',
  d: 'dma',
  h: 'happen',
  w: 'why',
  e: 'edit',
  m: 'move',
  Delete: 'remove',
  Enter: 'inspect',
};

/** Runs the command of a key on a function; says why not when it cannot. True when the key had a meaning. */
export function runFunctionKey(key: string, address: string): boolean {
  const id = KEYS[key.length === 1 ? key.toLowerCase() : key];
  if (!id) return false;
  const command = functionCommands(address).find((c) => c.id === id || (id === 'attach' && c.id === 'detach'));
  if (!command) return false;
  if (command.id === 'detach') {
    useMessages().say(T.menu.alreadyAttached);
    return true;
  }
  if (command.off === null) command.run();
  else
    useMessages().show({ kind: 'info', what: `${command.label}: ${command.off}.`, why: null, remedy: null, next: [] });
  return true;
}

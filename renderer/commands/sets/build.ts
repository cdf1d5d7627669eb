/** Building and looking at the topology: parts by name, copies, folds, what is drawn over it. */
import { useBuild } from '../../stores/build';
import { useClipboard } from '../../stores/clipboard';
import { useDock } from '../../stores/dock';
import { useMachine } from '../../stores/machine';
import { useRules } from '../../stores/rules';
import { useSelection } from '../../stores/selection';
import { useTopology } from '../../stores/topology';
import { useWhatIf } from '../../stores/what-if';
import { T } from '../../texts';
import { busOf } from '../../ui/address';
import { commandsOf, type Command } from '../command';

/** Keys of everything that can be folded. */
function foldKeys(): string[] {
  const keys = new Set<string>();
  for (const fn of useMachine().topology?.functions ?? []) {
    if (fn.isBridge && fn.parent === null) keys.add(`below:${fn.key}`);
    if (fn.physicalFunction !== null) keys.add(`virtual:${fn.physicalFunction}`);
    if (fn.parent !== null) continue;
    keys.add(`root:${busOf(fn.address)}`);
    keys.add(`integrated:${busOf(fn.address)}`);
  }
  return [...keys];
}

export function buildCommands(): Command[] {
  const build = useBuild();
  const clipboard = useClipboard();
  const dock = useDock();
  const machine = useMachine();
  const selection = useSelection();
  const topology = useTopology();
  const whatIf = useWhatIf();
  const rules = useRules();
  const B = T.build;
  /** The drawing comes into view before something is done in it. */
  const there = (run: () => void) => (): void => {
    selection.topologyTab = 'fabric';
    void dock.focus('topology').then(run);
  };
  const { list: doings, add: does } = commandsOf(T.command.groups.machine);
  const addPart = there(() => (topology.adding = { near: selection.address }));
  does('machine-add', `${B.add}…`, addPart, { icon: 'plus', keys: B.addKeys });
  for (const part of build.parts) {
    const run = there(() => build.add(part));
    does(`part-${part.id}`, B.addNamed(part.title), run, { icon: part.icon });
  }
  const paste = there(() => build.paste());
  does('machine-paste', B.paste, paste, { icon: 'copy', off: clipboard.copied ? null : B.nothingToPaste });
  const ask = there(() => void whatIf.begin(selection.address));
  does('machine-what-if', B.whatIf, ask, { icon: 'split', keys: 'Shift W' });
  does(
    'machine-rules',
    T.rules.command,
    there(() => rules.begin()),
    { icon: 'group' },
  );
  does('machine-changes', B.changes, () => (topology.changesShown = true), {
    icon: 'group',
    off: (machine.topology?.changes.list.length ?? 0) > 0 ? null : B.noChanges,
  });
  const { list: views, add: shows } = commandsOf(T.command.groups.view, 'eye');
  const { reach, minimap, palette, marquee } = topology;
  shows('topology-reach', B.reach, () => (topology.reach = !reach), { keys: 'R', checked: reach });
  shows('topology-marquee', T.topology.marquee, () => (topology.marquee = !marquee), { keys: 'S', checked: marquee });
  shows('topology-map', B.minimap, () => (topology.minimap = !minimap), { checked: minimap });
  shows('topology-parts', B.palette, () => (topology.palette = !palette), { checked: palette });
  shows('topology-collapse', B.collapse, () => topology.setFolds(foldKeys(), false), { icon: 'chev-r' });
  shows('topology-expand', B.expand, () => topology.setFolds(foldKeys(), true), { icon: 'chev-d' });
  shows('topology-in', B.zoomIn, () => topology.ask('in'), { icon: 'plus', keys: '+' });
  shows('topology-out', B.zoomOut, () => topology.ask('out'), { icon: 'fit', keys: '-' });
  return [...doings, ...views];
}

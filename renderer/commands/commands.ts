/** Every command of the window by name: for the palette, the keys and the native menu. */
import { computed, type ComputedRef } from 'vue';
import { AREAS, PANE_NAMES, type PaneName } from '../dock/layout';
import { PANES } from '../dock/panes';
import { useActions } from '../stores/actions';
import { useDock } from '../stores/dock';
import { useDocuments } from '../stores/documents';
import { useFrame } from '../stores/frame';
import { useMachine } from '../stores/machine';
import { usePast } from '../stores/past';
import { useSelection } from '../stores/selection';
import { useSteps } from '../stores/steps';
import { useTerminals } from '../stores/terminals';
import { useTopologyCommands } from '../stores/topology-commands';
import { T } from '../texts';
import { short } from '../ui/address';
import { functionCommands } from './functions';
import { lessonCommands } from './lessons';
import { stepPane } from './panes';

export interface Command {
  id: string;
  title: string;
  group: string;
  icon: string;
  keys: string;
  /** Why it cannot be run now. */
  off: string | null;
  run: () => void;
}

export function useCommands(): ComputedRef<Command[]> {
  const machine = useMachine();
  const actions = useActions();
  const documents = useDocuments();
  const dock = useDock();
  const frame = useFrame();
  const past = usePast();
  const selection = useSelection();
  const steps = useSteps();
  const terminals = useTerminals();
  const topology = useTopologyCommands();
  const G = T.command.groups;

  return computed(() => {
    const list: Command[] = [];
    const add = (
      id: string,
      title: string,
      group: string,
      icon: string,
      keys: string,
      run: () => void,
      off: string | null = null,
    ): void => {
      list.push({ id, title, group, icon, keys, run, off });
    };
    if (selection.address !== null) {
      for (const c of functionCommands(selection.address))
        add(
          `function-${c.id}`,
          `${c.label.replace(/…$/, '')}: ${short(selection.address)}`,
          G.function,
          c.icon,
          c.keys,
          c.run,
          c.off,
        );
    }
    const doc = machine.machine?.document;
    add(
      'undo',
      doc?.undo ? T.undo.tip(doc.undo) : T.command.undo,
      G.edit,
      'undo',
      'Ctrl Z',
      () => void actions.undo(),
      doc?.undo ? null : T.undo.nothing,
    );
    add(
      'redo',
      doc?.redo ? T.redo.tip(doc.redo) : T.command.redo,
      G.edit,
      'redo',
      'Ctrl Shift Z',
      () => void actions.redo(),
      doc?.redo ? null : T.redo.nothing,
    );
    const inPast = past.past !== null;
    add(
      'back',
      T.timeline.back,
      G.edit,
      'step-back',
      'Alt ←',
      () => void past.step(-1),
      past.position === 0 ? T.command.atStart : null,
    );
    add(
      'forward',
      T.timeline.forward,
      G.edit,
      'step-fwd',
      'Alt →',
      () => void past.step(1),
      inPast ? null : T.command.atPresent,
    );
    add('play', past.playing ? T.timeline.stop : T.timeline.play, G.edit, 'play', '', () => void past.toggle());
    add(
      'present',
      T.past.toLive,
      G.edit,
      'timeline',
      '',
      () => void past.go(null),
      inPast ? null : T.command.atPresent,
    );
    add(
      'continue',
      T.past.continueHere,
      G.edit,
      'split',
      '',
      () => void past.continueHere(),
      inPast ? null : T.command.atPresent,
    );
    add('open', T.command.open, G.file, 'dump', 'Ctrl O', () => void documents.open());
    add('paste', T.command.paste, G.file, 'terminal', '', () => (frame.overlay = 'paste'));
    add('collect-script', T.command.collect, G.file, 'export', '', () => (frame.overlay = 'collect'));
    for (const sample of documents.samples)
      add(
        `sample-${sample.id}`,
        T.command.openSample(sample.title),
        G.file,
        'root-complex',
        '',
        () => void documents.openSample(sample.id),
      );
    add('save', T.command.save, G.file, 'export', 'Ctrl S', () => void documents.save(false));
    add('save-as', T.command.saveAs, G.file, 'export', 'Ctrl Shift S', () => void documents.save(true));
    add('new', T.command.newMachine, G.file, 'plus', '', () => void documents.newMachine());
    for (const pane of PANE_NAMES) {
      const { icon, keys } = PANES[pane];
      add(`pane-${pane}`, T.command.goTo(T.pane[pane]), G.view, icon, keys, () => goTo(pane));
    }
    const { current } = dock;
    const name = T.pane[current];
    add('maximise', T.command.maximise(name), G.view, 'fit', 'Ctrl Shift M', () => dock.toggleMaximised(current));
    for (const area of AREAS)
      add(`move-${area}`, T.command.moveTo(name, T.dock.areas[area]), G.view, 'split', '', () =>
        dock.moveTo(current, area),
      );
    add('close-pane', T.command.closePane(name), G.view, 'close', '', () => dock.close(current));
    add('reset-layout', T.dock.reset, G.view, 'reset', '', () => dock.reset());
    add('next-pane', T.command.nextPane, G.view, 'chev-r', 'F6', () => stepPane(1));
    add('previous-pane', T.command.previousPane, G.view, 'chev-r', 'Shift F6', () => stepPane(-1));
    add('fabric', T.command.fabric, G.view, 'root-complex', '', () => (selection.topologyTab = 'fabric'));
    add('table', T.command.table, G.view, 'page-table', '', () => (selection.topologyTab = 'table'));
    add('acs', T.command.acs, G.view, 'eye', 'L', () => (topology.lamps = !topology.lamps));
    add('fit', T.command.fit, G.view, 'fit', 'F', () => topology.fitWanted++);
    add('terminal', T.command.terminal, G.view, 'terminal', '', () => {
      dock.showTerminal('terminal');
      terminals.add();
    });
    add('calls', T.terminal.calls, G.view, 'process', '', () => dock.showTerminal('calls'));
    add('log', T.terminal.log, G.view, 'process', '', () => dock.showTerminal('log'));
    add('theme', T.command.theme, G.view, 'theme', 'Ctrl Shift T', () => frame.cycleTheme());
    add('comfortable', T.command.comfortable, G.view, 'settings', '', () => (frame.comfortable = !frame.comfortable));
    list.push(...lessonCommands());
    add('palette', T.command.find, G.help, 'search', 'Ctrl K', () => frame.find());
    add('keys', T.command.keys, G.help, 'info', '?', () => (frame.overlay = 'keys'));
    add('first-steps', T.command.firstSteps, G.help, 'lesson', '', () => steps.show());
    add('about', T.command.about, G.help, 'info', '', () => (frame.overlay = 'about'));
    return list;
  });

  function goTo(pane: PaneName): void {
    if (pane === 'interrupts' && frame.fold === 'small') {
      selection.tab = 'interrupts';
      void dock.focus('inspector');
    } else void dock.focus(pane);
  }
}

/** Panes and where they stand, the topology's picture, theme and size. */
import { lab, type Theme } from '../../bridge';
import { AREAS, PANE_NAMES, type PaneName } from '../../dock/layout';
import { PANES } from '../../dock/panes';
import { useDock } from '../../stores/dock';
import { useFrame } from '../../stores/frame';
import { useSelection } from '../../stores/selection';
import { useSettings, ZOOMS } from '../../stores/settings';
import { useTopology } from '../../stores/topology';
import { T } from '../../texts';
import { commandsOf, type Command } from '../command';
import { stepPane } from '../panes';

export const THEMES: readonly Theme[] = ['system', 'light', 'dark', 'hc'];

export function viewCommands(): Command[] {
  const dock = useDock();
  const frame = useFrame();
  const selection = useSelection();
  const settings = useSettings();
  const topology = useTopology();
  const { list, add } = commandsOf(T.command.groups.view);
  const goTo = (pane: PaneName): void => {
    if (pane === 'interrupts' && frame.fold === 'small' && dock.isOpen('inspector')) {
      selection.tab = 'interrupts';
      void dock.focus('inspector');
    } else void dock.focus(pane);
  };
  for (const pane of PANE_NAMES) {
    const { icon, keys } = PANES[pane];
    add(`pane-${pane}`, T.command.goTo(T.pane[pane]), () => goTo(pane), { icon, keys });
  }
  const { current } = dock;
  const name = T.pane[current];
  add('maximise', T.command.maximise(name), () => dock.toggleMaximised(current), {
    icon: 'fit',
    keys: 'Ctrl Shift M',
    checked: dock.maximised !== null,
  });
  for (const area of AREAS) {
    const run = (): void => dock.moveTo(current, area);
    add(`move-${area}`, T.command.moveTo(name, T.dock.areas[area]), run, { icon: 'split' });
  }
  add('close-pane', T.command.closePane(name), () => dock.close(current), { icon: 'close' });
  add('next-pane', T.command.nextPane, () => stepPane(1), { keys: 'F6' });
  add('previous-pane', T.command.previousPane, () => stepPane(-1), { keys: 'Shift F6' });
  add('reset-layout', T.dock.reset, () => dock.reset(), { icon: 'reset' });
  for (const { name: kept, layout } of settings.now.namedLayouts)
    add(`layout-${kept}`, T.dock.layout(kept), () => dock.use(layout), { icon: 'split' });
  add('layouts', T.dock.layouts, () => (frame.overlay = 'layouts'), { icon: 'settings' });
  add('fabric', T.command.fabric, () => (selection.topologyTab = 'fabric'), { icon: 'root-complex' });
  add('table', T.command.table, () => (selection.topologyTab = 'table'), { icon: 'page-table' });
  add('acs', T.command.acs, () => (topology.lamps = !topology.lamps), {
    icon: 'eye',
    keys: 'L',
    checked: topology.lamps,
  });
  add('fit', T.command.fit, () => topology.ask('fit'), { icon: 'fit', keys: 'F' });
  add('theme', T.command.theme, () => frame.cycleTheme(), { icon: 'theme', keys: 'Ctrl Shift T' });
  for (const theme of THEMES) {
    add(`theme-${theme}`, T.command.themeIs(T.bar.themes[theme]), () => settings.change({ theme }), {
      icon: 'theme',
      checked: settings.now.theme === theme,
    });
  }
  add('comfortable', T.command.comfortable, () => settings.change({ comfortable: !settings.now.comfortable }), {
    icon: 'settings',
    checked: settings.now.comfortable,
  });
  const reduced = settings.now.motion === 'reduced';
  add('motion', T.command.motion, () => settings.change({ motion: reduced ? 'system' : 'reduced' }), {
    icon: 'settings',
    checked: reduced,
  });
  const { zoom } = settings.now;
  add('zoom-in', T.command.zoomIn, () => settings.zoomBy(1), {
    icon: 'plus',
    keys: 'Ctrl +',
    off: zoom >= ZOOMS.at(-1)! ? T.command.largest : null,
  });
  add('zoom-out', T.command.zoomOut, () => settings.zoomBy(-1), {
    keys: 'Ctrl -',
    off: zoom <= ZOOMS[0]! ? T.command.smallest : null,
  });
  add('zoom-reset', T.command.zoomReset, () => settings.change({ zoom: 1 }), { keys: 'Ctrl 0' });
  add('full-screen', T.command.fullScreen, () => void lab().toggleFullScreen(), { keys: 'F11' });
  return list;
}

/** Keys of the drawing: a tree whose items are functions and folds. */
import { runFunctionKey } from '../../commands/functions';
import { useBuild } from '../../stores/build';
import { useFrame } from '../../stores/frame';
import { useMachine } from '../../stores/machine';
import { usePicked } from '../../stores/picked';
import { useSelection } from '../../stores/selection';
import { useTopology } from '../../stores/topology';
import { useWhatIf } from '../../stores/what-if';
import { neighbour, type Layout, type PlacedNode } from './layout';

export interface TreeHooks {
  layout: () => Layout | null;
  /** Key of the node that has the focus. */
  focused: (e: Event) => string | null;
  focus: (key: string) => void;
  toggle: (node: PlacedNode) => void;
  zoom: { fit: () => void; zoomIn: () => void; zoomOut: () => void; fullSize: () => void };
}

/** Handles a key; false when it has no meaning here. */
export function useTreeKeys(hooks: TreeHooks): (e: KeyboardEvent) => boolean {
  const build = useBuild();
  const frame = useFrame();
  const machine = useMachine();
  const picked = usePicked();
  const selection = useSelection();
  const topology = useTopology();
  const whatIf = useWhatIf();

  const go = (to: PlacedNode | null | undefined, extend: boolean): boolean => {
    if (!to) return true;
    hooks.focus(to.key);
    if (extend && to.fn && !picked.has(to.key)) picked.toggle(to.fn.address);
    return true;
  };
  /** Where the focus goes for a key that moves it. */
  function moved(e: KeyboardEvent, layout: Layout, node: PlacedNode): boolean {
    switch (e.key) {
      case 'ArrowDown':
        return go(neighbour(layout, node, 1), e.shiftKey);
      case 'ArrowUp':
        return go(neighbour(layout, node, -1), e.shiftKey);
      case 'ArrowLeft':
        if (node.fold?.open || (e.shiftKey && node.expanded)) hooks.toggle(node);
        else go(node.parentKey === null ? null : layout.byKey.get(node.parentKey), false);
        return true;
      case 'ArrowRight':
        if (node.fold && !node.fold.open) hooks.toggle(node);
        else if (e.shiftKey && node.expanded === false) hooks.toggle(node);
        else
          go(
            layout.nodes.find((one) => one.parentKey === node.key),
            false,
          );
        return true;
      case 'Home':
        return go(layout.nodes[0], false);
      case 'End':
        return go(layout.nodes.at(-1), false);
      default:
        return false;
    }
  }
  const views: Readonly<Record<string, () => void>> = {
    f: hooks.zoom.fit,
    '+': hooks.zoom.zoomIn,
    '=': hooks.zoom.zoomIn,
    '-': hooks.zoom.zoomOut,
    '0': hooks.zoom.fullSize,
    s: () => (topology.marquee = !topology.marquee),
    l: () => (topology.lamps = !topology.lamps),
    r: () => (topology.reach = !topology.reach),
    '/': () => frame.find(),
  };
  const clipboard: Readonly<Record<string, (address: string) => void>> = {
    c: build.copy,
    x: build.cut,
    d: build.duplicate,
  };
  /** Keys that do something with the function that has the focus. */
  function onFunction(e: KeyboardEvent, address: string): boolean {
    switch (e.key) {
      case ' ':
        if (e.shiftKey) picked.toggle(address);
        else picked.only(address);
        return true;
      case 'g':
      case 'G': {
        const group = machine.groupOf(address);
        if (group) {
          selection.selectGroup(group.id, address);
          picked.set(group.members);
        }
        return true;
      }
      case 'W':
        void whatIf.begin(address);
        return true;
      default:
        if (!picked.addresses.includes(address)) picked.only(address);
        return runFunctionKey(e.key, address);
    }
  }
  return (e) => {
    const layout = hooks.layout();
    const key = hooks.focused(e);
    const node = key === null ? undefined : layout?.byKey.get(key);
    const address = node?.fn?.address ?? null;
    if (e.altKey) return false;
    if (e.ctrlKey || e.metaKey) {
      const letter = e.key.toLowerCase();
      if (letter === 'a' && !e.shiftKey) {
        picked.set(machine.functions.keys(), selection.address ?? address);
        return true;
      }
      const run = e.shiftKey ? undefined : clipboard[letter];
      if (!run || address === null) return false;
      run(address);
      return true;
    }
    if (e.key === 'Insert') {
      topology.adding = { near: address };
      return true;
    }
    if (e.key === 'Escape' && topology.marquee) {
      topology.marquee = false;
      return true;
    }
    if (e.key === 'Escape' && topology.panel !== null) {
      topology.panel = null;
      return true;
    }
    if (e.key === 'Escape' && picked.addresses.length > 1 && selection.address !== null) {
      picked.only(selection.address);
      return true;
    }
    const view = e.shiftKey && e.key !== '+' ? undefined : views[e.key.toLowerCase()];
    if (view) {
      view();
      return true;
    }
    if (!layout || !node) return false;
    if (moved(e, layout, node)) return true;
    if (address !== null) return onFunction(e, address);
    if (e.key !== 'Enter' && e.key !== ' ') return false;
    hooks.toggle(node);
    return true;
  };
}

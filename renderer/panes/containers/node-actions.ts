/** What can be done with what the pane shows: the same list for the menu and the keys. */
import { lab, type Action, type TopologyFunction } from '../../bridge';
import { useActions } from '../../stores/actions';
import { useDock } from '../../stores/dock';
import { useDrag } from '../../stores/drag';
import { useHolders } from '../../stores/holders';
import { useMachine } from '../../stores/machine';
import { useMessages } from '../../stores/messages';
import { useSelection } from '../../stores/selection';
import { once } from '../../stores/live';
import { T } from '../../texts';
import { short } from '../../ui/address';
import type { NodeOf, TreeNode } from './tree';

export interface NodeAction {
  id: string;
  label: string;
  icon: string;
  keys?: string;
  /** Begins a part of the menu. */
  first?: boolean;
  danger?: boolean;
  run: () => void;
}

const MOST_OFFERED = 8;
const MOST_VECTORS = 8;
const A = T.containers.acts;
const C = T.containers;

export async function copyProcess(language: 'c' | 'shell', { pid, name }: NodeOf<'process'>): Promise<void> {
  lab().copy(await lab().programText(language, pid));
  useMessages().show({ kind: 'ok', what: C.copied[language](name, pid), why: null, remedy: null, next: [] });
}

/** Shows in the other panes what a node stands for. */
export function select(node: TreeNode): void {
  const machine = useMachine();
  const selection = useSelection();
  if (node.kind === 'device' || node.kind === 'bound' || node.kind === 'member') selection.select(node.address);
  else if (node.kind === 'group') {
    const group = machine.groups.get(node.id);
    const member = group?.members.find((m) => !machine.functions.get(m)?.isBridge);
    if (member) selection.select(member);
    selection.selectGroup(node.id, member);
  }
}

/** Groups that could be given to somebody now, those that will not be refused first. */
function lendable(): number[] {
  const { topology, functions } = useMachine();
  return (topology?.groups ?? [])
    .filter((g) => g.hasEndpoint && !g.owned && g.members.some((m) => functions.get(m)?.driver === 'vfio-pci'))
    .sort((a, b) => Number(a.culprit !== null) - Number(b.culprit !== null) || a.id - b.id)
    .slice(0, MOST_OFFERED)
    .map(({ id }) => id);
}

/** Functions that vfio-pci has and nobody holds. */
const unheld = (): TopologyFunction[] =>
  (useMachine().topology?.functions ?? [])
    .filter((fn) => fn.driver === 'vfio-pci' && fn.ownership !== 'process')
    .slice(0, MOST_OFFERED);

async function turnOn(address: string): Promise<void> {
  const view = await once('function', { address });
  const offered = view?.interrupts.offered;
  if (!offered) return;
  const index = offered.msix > 0 ? 2 : offered.msi > 0 ? 1 : 0;
  const count = Math.min(MOST_VECTORS, [offered.intx, offered.msi, offered.msix][index] ?? 1);
  await useActions().perform({ kind: 'enable-vectors', address, index, count });
}
async function turnOff(address: string): Promise<void> {
  const view = await once('function', { address });
  const index = { none: null, intx: 0, msi: 1, msix: 2 }[view?.interrupts.active ?? 'none'] as 0 | 1 | 2 | null;
  if (index === null)
    useMessages().show({ kind: 'info', what: A.vectorsOffAlready(short(address)), why: null, remedy: null, next: [] });
  else await useActions().perform({ kind: 'disable-vectors', address, index });
}

export function nodeActions(node: TreeNode): NodeAction[] {
  const actions = useActions();
  const machine = useMachine();
  const holders = useHolders();
  const drag = useDrag();
  const dock = useDock();
  const act = (
    id: string,
    label: string,
    icon: string,
    action: Action,
    more: Partial<NodeAction> = {},
  ): NodeAction => ({
    id,
    label,
    icon,
    run: () => void actions.perform(action),
    ...more,
  });
  const show: NodeAction = {
    id: 'show',
    label: A.show,
    icon: 'inspect',
    keys: 'Enter',
    run: () => {
      select(node);
      void dock.focus('inspector');
    },
  };
  const close = ({ pid, fd }: { pid: number; fd: number }): NodeAction =>
    act('close', A.close(fd), 'close', { kind: 'close', pid, fd }, { keys: 'Del', danger: true, first: true });
  const device = (address: string): NodeAction[] => [
    { id: 'vectors', label: A.vectors, icon: 'irq', first: true, run: () => void turnOn(address) },
    { id: 'vectors-off', label: A.vectorsOff, icon: 'irq', run: () => void turnOff(address) },
    act('reset', A.reset, 'reset', { kind: 'reset', address }),
  ];

  switch (node.kind) {
    case 'process': {
      const { pid } = node;
      return [
        act('open-container', A.openContainer, 'container', { kind: 'open-container', pid }),
        act('open-iommufd', A.openIommufd, 'iommu', { kind: 'open-iommufd', pid }),
        {
          id: 'c',
          label: C.calls.c,
          icon: 'copy',
          keys: 'C',
          first: true,
          run: () => void copyProcess('c', node),
        },
        { id: 'shell', label: C.calls.shell, icon: 'copy', keys: 'S', run: () => void copyProcess('shell', node) },
      ];
    }
    case 'container': {
      const { pid, fd } = node;
      const mappings = node.children?.find((child) => child.kind === 'mappings');
      return [
        ...lendable().map((group) =>
          act(`attach-${group}`, A.attach(group), 'link', { kind: 'attach', group, pid, containerFd: fd }),
        ),
        act(
          'type1v2',
          A.setIommu('type1v2'),
          'iommu',
          { kind: 'set-iommu', pid, fd, type: 'type1v2' },
          { first: true },
        ),
        act('type1', A.setIommu('type1'), 'iommu', { kind: 'set-iommu', pid, fd, type: 'type1' }),
        ...(mappings?.kind === 'mappings' ? [mapInto(mappings)] : []),
        close(node),
      ];
    }
    case 'iommufd': {
      const { pid, fd } = node;
      const mappings = node.children?.find((child) => child.kind === 'mappings');
      return [
        ...lendable().map((group) =>
          act(`attach-${group}`, A.attach(group), 'link', { kind: 'attach-iommufd', group, pid, fd }),
        ),
        act('ioas', A.allocIoas, 'page-table', { kind: 'alloc-ioas', pid, fd }, { first: true }),
        ...unheld().map(({ address }) =>
          act(`bind-${address}`, A.bindIommufd(short(address)), 'bind', { kind: 'bind-iommufd', address, pid, fd }),
        ),
        ...(mappings?.kind === 'mappings' ? [mapInto(mappings)] : []),
        close(node),
      ];
    }
    case 'shared':
      return [close(node)];
    case 'group':
      return [
        show,
        { id: 'pick-up', label: A.pickUp, icon: 'link', keys: 'M', run: () => drag.pickUp(node.id) },
        ...(node.children ?? []).flatMap((child) =>
          child.kind === 'member' && child.openable ? [openMember(child)] : [],
        ),
        node.held === null && node.fd !== null
          ? close({ pid: node.pid, fd: node.fd })
          : act(
              'detach',
              C.detach(node.id),
              'unlink',
              { kind: 'detach', group: node.id },
              { keys: 'Del', first: true },
            ),
      ];
    case 'device':
      return [show, ...device(node.address), close(node)];
    case 'member':
      return [show, ...(node.openable ? [openMember(node)] : [])];
    case 'bound': {
      const { address, pid, iommufd } = node;
      const own = machine.containers?.processes
        .find((process) => process.pid === pid)
        ?.iommufds.find(({ fd }) => fd === iommufd);
      const spaces = own?.spaces ?? [];
      const attach = [
        ...spaces.map(({ id }) =>
          act(`space-${id}`, A.attachSpace(id), 'link', { kind: 'attach-pt', address, pt: id }),
        ),
        ...(own?.tables ?? [])
          .filter(({ automatic }) => !automatic)
          .map(({ id }) => act(`table-${id}`, A.attachTable(id), 'link', { kind: 'attach-pt', address, pt: id })),
      ];
      return [
        show,
        ...attach,
        ...(node.space === null ? [] : [act('detach-pt', A.detachPt, 'unlink', { kind: 'detach-pt', address })]),
        ...spaces.map(({ id }) =>
          act(`hwpt-${id}`, A.allocHwpt(id), 'page-table', {
            kind: 'alloc-hwpt',
            pid,
            fd: iommufd,
            device: node.id,
            ioas: id,
          }),
        ),
        ...device(address),
        ...(node.fd === null ? [] : [close({ pid, fd: node.fd })]),
      ];
    }
    case 'table': {
      const { pid, iommufd, id } = node;
      return [
        act('destroy', A.destroy(id), 'close', { kind: 'destroy-object', pid, fd: iommufd, id }, { keys: 'Del' }),
      ];
    }
    case 'mappings': {
      const { pid, holder: fd, space } = node;
      const destroy =
        space === null
          ? []
          : [act('destroy', A.destroy(space), 'close', { kind: 'destroy-object', pid, fd, id: space })];
      return [mapInto(node), ...destroy];
    }
    case 'mapping': {
      const { pid, holder: fd, space: ioas, iova, size } = node;
      return [act('unmap', A.unmap, 'close', { kind: 'unmap', pid, fd, ioas, iova, size }, { keys: 'Del' })];
    }
    case 'descriptor':
      return [close(node)];
    case 'descriptors':
    case 'more':
      return [];
  }

  function mapInto(mappings: NodeOf<'mappings'>): NodeAction {
    return { id: 'map', label: A.map, icon: 'dma', keys: 'N', run: () => (holders.mapping = mappings) };
  }
  function openMember({ address, pid, group }: NodeOf<'member'>): NodeAction {
    return act(`open-${address}`, A.getDevice(short(address)), 'plus', { kind: 'get-device', address, pid, group });
  }
}

const KEYS: Readonly<Record<string, readonly string[]>> = {
  Delete: ['close', 'detach', 'unmap', 'destroy'],
  m: ['pick-up'],
  n: ['map'],
  c: ['c'],
  s: ['shell'],
};

/** Runs what a key means on a node. True when it meant something there. */
export function runNodeKey(e: KeyboardEvent, node: TreeNode): boolean {
  if (e.ctrlKey || e.metaKey || e.altKey) return false;
  const ids = KEYS[e.key.length === 1 ? e.key.toLowerCase() : e.key];
  const action = ids && nodeActions(node).find(({ id }) => ids.includes(id));
  if (!action) return false;
  action.run();
  return true;
}

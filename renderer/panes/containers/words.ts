/** Names of what the pane shows. */
import type { TopologyFunction } from '../../bridge';
import { T } from '../../texts';
import { short } from '../../ui/address';
import { countBelow, type NodeOf, type TreeNode } from './tree';

const C = T.containers;
const GROUPS: ReadonlySet<TreeNode['kind']> = new Set(['group']);
const DEVICES: ReadonlySet<TreeNode['kind']> = new Set(['device', 'bound', 'member']);

export const groupState = ({ id, viable, held }: NodeOf<'group'>): string =>
  held === null ? C.loose(id) : viable ? C.viable : C.notViable;

/** What a folded branch hides. */
export function hiddenBelow(node: TreeNode): string {
  if (node.kind === 'process') return C.folded.process(countBelow(node, GROUPS), countBelow(node, DEVICES));
  return C.folded.group(countBelow(node, DEVICES));
}

/** The whole name, for a screen reader. */
export function spoken(node: TreeNode, functionAt: (address: string) => TopologyFunction | undefined): string {
  const S = C.spoken;
  switch (node.kind) {
    case 'process':
      return S.process(node.name, node.pid);
    case 'container':
      return S.container(node.fd, node.backend ?? C.noBackend);
    case 'iommufd':
      return C.iommufd(node.fd);
    case 'shared':
      return S.shared(node.fd, node.holder);
    case 'group':
      return S.group(node.id, node.fd, groupState(node));
    case 'device':
      return S.device(node.fd, short(node.address), functionAt(node.address)?.name ?? '').replace(/, $/, '');
    case 'bound':
      return S.bound(short(node.address), C.bound(node.fd, node.space, node.table));
    case 'member': {
      const fn = functionAt(node.address);
      return S.member(short(node.address), fn?.driver ?? (fn ? T.ownership[fn.ownership] : ''));
    }
    case 'table':
      return C.table(node.id, node.space);
    case 'mappings': {
      const { mappings, mappedBytes } = node.mapped;
      return node.space === null ? S.mappings(mappings, mappedBytes) : S.space(node.space, mappings, mappedBytes);
    }
    case 'mapping':
      return S.mapping(node.iova, node.size, node.rights);
    case 'more':
      return C.more(node.count);
    case 'descriptors':
      return C.descriptors(node.count);
    case 'descriptor':
      return S.descriptor(node.fd, node.link);
  }
}

/** `0x100000 +0x2000 rw` */
export const rightsMark = (rights: string): string =>
  ({ read: 'r', write: 'w', 'read and write': 'rw' })[rights] ?? rights;

/** The Containers pane: what is open, where the person stands in it, what is under the pointer. Picture and list share it. */
import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import type { NodeOf, TreeNode } from '../panes/containers/tree';
import { branches, foldedKinds, isOpen, treeOf } from '../panes/containers/tree';
import { useMachine } from './machine';
import { useSettings } from './settings';

export const useHolders = defineStore('holders', () => {
  const machine = useMachine();
  const settings = useSettings();

  const membersOf = (group: number): { address: string; openable: boolean }[] =>
    (machine.groups.get(group)?.members ?? []).flatMap((address) => {
      const fn = machine.functions.get(address);
      return fn && !fn.isBridge ? [{ address, openable: fn.driver === 'vfio-pci' }] : [];
    });
  const tree = computed(() => (machine.containers ? treeOf(machine.containers, membersOf) : []));
  const folded = computed(() => foldedKinds(tree.value));
  /** Branches that a person has opened or folded. */
  const turned = shallowRef<ReadonlySet<string>>(new Set());
  const open = (node: TreeNode): boolean => isOpen(node, turned.value, folded.value);

  function toggle(key: string): void {
    const next = new Set(turned.value);
    if (!next.delete(key)) next.add(key);
    turned.value = next;
  }
  const expanded = computed(() => branches(tree.value).flatMap((node) => (open(node) ? [node.key] : [])));
  function setExpanded(keys: readonly string[]): void {
    const wanted = new Set(keys);
    const all = branches(tree.value);
    turned.value = new Set(
      all.filter((node) => wanted.has(node.key) === folded.value.has(node.kind)).map(({ key }) => key),
    );
  }

  /** Key of the node with the focus. */
  const current = ref<string | null>(null);
  /** Key of the node under the pointer. */
  const hovered = ref<string | null>(null);
  /** Where memory is about to be mapped. */
  const mapping = shallowRef<NodeOf<'mappings'> | null>(null);

  const as = computed(() => settings.now.containersAs);
  const show = (how: 'picture' | 'list'): void => settings.change({ containersAs: how });

  return { tree, open, toggle, expanded, setExpanded, current, hovered, mapping, as, show };
});

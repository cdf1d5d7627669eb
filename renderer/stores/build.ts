/** What a person does to build: the same doings for menu, keys and palette. */
import { defineStore } from 'pinia';
import { computed } from 'vue';
import type { PartView } from '../bridge';
import { T } from '../texts';
import { useActions } from './actions';
import { useCarry } from './carry';
import { removal, useClipboard } from './clipboard';
import { live } from './live';
import { useMachine } from './machine';
import { usePicked } from './picked';
import { useSelection } from './selection';
import { useTopology } from './topology';
import { useWhatIf } from './what-if';

export const useBuild = defineStore('build', () => {
  const actions = useActions();
  const carry = useCarry();
  const clipboard = useClipboard();
  const machine = useMachine();
  const picked = usePicked();
  const selection = useSelection();
  const topology = useTopology();
  const whatIf = useWhatIf();
  const all = live('parts', () => null);
  const parts = computed<readonly PartView[]>(() => all.value ?? []);

  /** The picked functions, and the one a command was called on. */
  function chosen(address: string | null = selection.address): string[] {
    if (address === null) return [];
    const { addresses } = picked;
    return addresses.includes(address) ? addresses : [address];
  }
  const add = (part: PartView, near: string | null = selection.address): void =>
    carry.pickUp(carry.loadOfPart(part.id, part.title, part.icon), near);
  const move = (address: string | null = selection.address): void => {
    const list = chosen(address);
    if (list.length > 0) carry.pickUp(carry.loadOfFunctions(list));
  };
  const copy = (address: string | null = selection.address): void => void clipboard.copy(chosen(address));
  const cut = (address: string | null = selection.address): void => void clipboard.cut(chosen(address));
  function paste(near: string | null = selection.address): void {
    if (clipboard.copied) carry.pickUp(carry.loadOfCopies(clipboard.copied), near);
  }
  /** A copy beside the original where there is room, else at the first place that has some. */
  const duplicate = (address: string | null = selection.address): void => {
    const addresses = chosen(address);
    if (addresses.length > 0) void carry.put(carry.loadOfFunctions(addresses, true), null, T.build.carryAnywhere);
  };
  const remove = (address: string | null = selection.address): void => {
    const list = chosen(address).filter((one) => machine.functions.has(one));
    if (list.length === 0) return;
    const edit = removal(list);
    if (topology.panel !== 'what-if') void actions.perform({ kind: 'edit', edit });
    else whatIf.tryEdit({ edit, title: carry.loadOfFunctions(list).title, where: T.build.takenOut });
  };
  return { parts, chosen, add, move, copy, cut, paste, duplicate, remove };
});

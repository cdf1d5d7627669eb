/** Something tried out beside the machine: other ACS bits, or functions elsewhere; and what would come of it. */
import { defineStore } from 'pinia';
import { computed, ref, shallowRef, watch } from 'vue';
import type { EditPreview, TopologyEdit, WhatIfView } from '../bridge';
import { useActions } from './actions';
import { live, once } from './live';
import { useMachine } from './machine';
import { useTopology } from './topology';

export type Side = 'before' | 'after';

/** An edit that is tried: what, and where to, in words. */
export interface TriedEdit {
  edit: TopologyEdit;
  title: string;
  where: string;
}

export const useWhatIf = defineStore('what-if', () => {
  const actions = useActions();
  const machine = useMachine();
  const topology = useTopology();
  /** ACS Control by address. Bits and edits are tried one kind at a time: an edit boots the machine, bits do not. */
  const wanted = shallowRef<ReadonlyMap<string, number>>(new Map());
  const edits = shallowRef<readonly TriedEdit[]>([]);
  const side = ref<Side>('after');
  const comparing = computed(() => topology.panel === 'what-if');
  const changes = computed(() => [...wanted.value].map(([address, control]) => ({ address, control })));
  const edit = computed<TopologyEdit>(() => {
    const all = edits.value.flatMap((one) => (one.edit.kind === 'several' ? one.edit.edits : [one.edit]));
    return all.length === 1 ? all[0]! : { kind: 'several', edits: all };
  });
  const bitsView = live('what-if', () =>
    comparing.value && edits.value.length === 0 ? { changes: changes.value } : undefined,
  );
  const editView = live('what-if-edit', () =>
    comparing.value && edits.value.length > 0 ? { edit: edit.value } : undefined,
  );
  // While the engine answers, the last preview stands: the list must not flicker with every change.
  const bits = shallowRef<WhatIfView | null>(null);
  const tried = shallowRef<EditPreview | null>(null);
  watch([bitsView, comparing, edits], ([next, open, list]) => {
    if (next !== null || !open || list.length > 0) bits.value = next;
  });
  watch([editView, comparing, edits], ([next, open, list]) => {
    if (next !== null || !open || list.length === 0) tried.value = next;
  });
  const shown = computed(() => tried.value ?? bits.value);
  const problem = computed(() => tried.value?.problem ?? null);
  const differs = computed(() =>
    tried.value !== null
      ? problem.value === null
      : (bits.value?.changes ?? []).some(({ before, after }) => before !== after),
  );

  /** Takes a function in with the bits that it has. */
  async function begin(address: string | null): Promise<void> {
    topology.panel = 'what-if';
    side.value = 'after';
    if (address === null || wanted.value.has(address)) return;
    const now = await once('editing', { address });
    if (now !== null && now.acs.offset !== 0) set(address, now.acs.control);
  }
  function set(address: string, control: number): void {
    edits.value = [];
    wanted.value = new Map(wanted.value).set(address, control);
  }
  function drop(address: string): void {
    const next = new Map(wanted.value);
    next.delete(address);
    wanted.value = next;
  }
  function tryEdit(one: TriedEdit): void {
    topology.panel = 'what-if';
    side.value = 'after';
    wanted.value = new Map();
    edits.value = [...edits.value.filter((other) => !isSameMove(other, one)), one];
  }
  /** What was tried elsewhere before is tried here now. */
  const isSameMove = (a: TriedEdit, b: TriedEdit): boolean =>
    a.edit.kind === 'move' && b.edit.kind === 'move' && a.edit.address === b.edit.address;
  function dropEdit(one: TriedEdit): void {
    edits.value = edits.value.filter((other) => other !== one);
  }
  function clear(): void {
    wanted.value = new Map();
    edits.value = [];
  }
  function end(): void {
    topology.panel = null;
    clear();
  }
  /** Makes the edits, in one step. */
  async function applyEdits(): Promise<void> {
    const wish = edit.value;
    end();
    await actions.perform({ kind: 'edit', edit: wish });
  }
  /** Writes the bits; with `rescan` the groups follow at once. */
  async function apply(rescan: boolean): Promise<void> {
    const now = bits.value;
    if (!now) return;
    const list = now.changes.map(({ address, after }) => ({ address, control: after }));
    const addresses = now.rescan;
    end();
    await actions.perform({ kind: 'set-acs', changes: list, ...(rescan && { rescan: addresses }) });
  }
  async function applyAtBoot(): Promise<void> {
    const cmdline = bits.value?.cmdline;
    if (cmdline === undefined) return;
    end();
    await actions.perform({ kind: 'reboot', cmdline });
  }
  watch(
    () => machine.machine?.name,
    () => comparing.value && end(),
  );
  watch(comparing, (open) => !open && clear());
  return {
    wanted,
    edits,
    side,
    bits,
    shown,
    problem,
    differs,
    begin,
    set,
    drop,
    tryEdit,
    dropEdit,
    end,
    applyEdits,
    apply,
    applyAtBoot,
  };
});

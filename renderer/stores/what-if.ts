/** Other ACS bits tried out beside the machine: what is chosen, and what would come of it. */
import { defineStore } from 'pinia';
import { computed, ref, shallowRef, watch } from 'vue';
import { useActions } from './actions';
import { live, once } from './live';
import { useMachine } from './machine';
import { useTopology } from './topology';

export type Side = 'before' | 'after';

export const useWhatIf = defineStore('what-if', () => {
  const actions = useActions();
  const machine = useMachine();
  const topology = useTopology();
  /** ACS Control by address. */
  const wanted = shallowRef<ReadonlyMap<string, number>>(new Map());
  const side = ref<Side>('after');
  const changes = computed(() => [...wanted.value].map(([address, control]) => ({ address, control })));
  const view = live('what-if', () => (topology.comparing ? { changes: changes.value } : undefined));
  // While the engine answers, the last preview stands: the list must not flicker with every bit.
  const shown = shallowRef(view.value);
  watch([view, () => topology.comparing], ([next, comparing]) => {
    if (next !== null || !comparing) shown.value = next;
  });
  const differs = computed(() => (shown.value?.changes ?? []).some(({ before, after }) => before !== after));

  /** Takes a function in with the bits that it has. */
  async function begin(address: string | null): Promise<void> {
    topology.comparing = true;
    side.value = 'after';
    if (address === null || wanted.value.has(address)) return;
    const now = await once('editing', { address });
    if (now !== null && now.acs.offset !== 0) set(address, now.acs.control);
  }
  function set(address: string, control: number): void {
    wanted.value = new Map(wanted.value).set(address, control);
  }
  function drop(address: string): void {
    const next = new Map(wanted.value);
    next.delete(address);
    wanted.value = next;
  }
  function end(): void {
    topology.comparing = false;
    wanted.value = new Map();
  }
  /** Writes the bits; with `rescan` the groups follow at once. */
  async function apply(rescan: boolean): Promise<void> {
    const now = shown.value;
    if (!now) return;
    const list = now.changes.map(({ address, after }) => ({ address, control: after }));
    const addresses = now.rescan;
    end();
    const result = await actions.perform({ kind: 'set-acs', changes: list });
    if (result.ok && rescan && addresses.length > 0) await actions.perform({ kind: 'rescan', addresses });
  }
  async function applyAtBoot(): Promise<void> {
    const cmdline = shown.value?.cmdline;
    if (cmdline === undefined) return;
    end();
    await actions.perform({ kind: 'reboot', cmdline });
  }
  watch(
    () => machine.machine?.name,
    () => topology.comparing && end(),
  );
  return { wanted, side, shown, differs, begin, set, drop, end, apply, applyAtBoot };
});

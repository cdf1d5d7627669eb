/** Sends actions to the engine and tells what came of them. */
import { defineStore } from 'pinia';
import { ref, shallowRef } from 'vue';
import { lab, type Action, type ActionResult } from '../bridge';
import { T } from '../texts';
import { short } from '../ui/address';
import { useDock } from './dock';
import { useMachine } from './machine';
import { useMessages, type Step } from './messages';
import { usePast } from './past';

export const useActions = defineStore('actions', () => {
  const machine = useMachine();
  const messages = useMessages();
  const dock = useDock();
  const past = usePast();
  /** The last action that made calls, while it is the present's. */
  const last = shallowRef<ActionResult | null>(null);
  const busy = ref(0);

  /** Performs an action. `quiet` keeps a success off the screen where its effect is in view anyway. */
  async function perform(action: Action, quiet = false): Promise<ActionResult> {
    if (past.past !== null) {
      past.asked = () => void perform(action, quiet);
      return { ok: false, message: T.past.readOnly, errno: null, why: null, calls: [] };
    }
    busy.value++;
    try {
      const result = await lab().act(action);
      if (result.calls.length > 0) last.value = result;
      report(action, result, quiet);
      return result;
    } finally {
      busy.value--;
    }
  }

  function report(action: Action, result: ActionResult, quiet: boolean): void {
    const about = subject(action);
    if (result.ok) messages.settle(about);
    if (result.ok && quiet) {
      messages.say(result.message);
      return;
    }
    const next = result.ok ? [] : remedies(action, result);
    if (result.calls.length > 0) next.push({ label: T.message.showCalls, run: () => dock.showTerminal('calls') });
    messages.show({
      kind: result.ok ? 'ok' : 'bad',
      what: result.message,
      why: result.why?.found ?? (result.edited?.notes.join(' ') || null),
      remedy: result.ok ? null : (result.why?.remedy ?? null),
      next,
      about,
      details: result.errno === null ? result.calls : [result.errno, ...result.calls],
    });
  }

  /** The group an action is about, else the function. */
  function subject(action: Action): string {
    if ('group' in action) return `group ${action.group}`;
    if (!('address' in action)) return action.kind;
    const group = machine.groupOf(action.address);
    return group ? `group ${group.id}` : action.address;
  }

  /** Buttons that really do what a refused action still lacks. */
  function remedies(action: Action, result: ActionResult): Step[] {
    if (action.kind === 'attach' || action.kind === 'attach-iommufd') return attachRemedies(action, result);
    if (result.errno === 'EBUSY' && 'address' in action) {
      const group = machine.groupOf(action.address);
      if (group?.owned) return [detachStep(group.id)];
    }
    return [];
  }
  const detachStep = (group: number): Step => ({
    label: T.remedy.detachFirst(group),
    run: () => void perform({ kind: 'detach', group }),
  });

  /** What a group lacks: nobody may have it yet, and all of it must be vfio-pci's. The first button does it and tries again. */
  function attachRemedies(action: Action & { group: number }, result: ActionResult): Step[] {
    if (result.errno === 'EBUSY') return [detachStep(action.group)];
    const wanting = unlent(action.group, result.errno === 'ENOENT');
    if (wanting.length === 0) return [];
    const list = wanting.map(short).join(T.remedy.and);
    const whole: Step = { label: T.remedy.bindAndAttach(list), run: () => void bindThen(wanting, action) };
    return [whole, ...viabilitySteps(action.group)];
  }
  /** Members that keep the group from being lent; `all`: also those without a driver, when vfio-pci has none of them. */
  const unlent = (group: number, all: boolean): string[] =>
    (machine.groups.get(group)?.members ?? []).filter((address) => {
      const fn = machine.functions.get(address);
      return fn && !fn.isBridge && (fn.ownership === 'host' || (all && fn.driver === null));
    });
  async function bindThen(addresses: readonly string[], then: Action): Promise<void> {
    for (const address of addresses)
      if (!(await perform({ kind: 'bind', address, driver: 'vfio-pci' }, true)).ok) return;
    await perform(then);
  }

  /** The ways to make a group viable: bind its culprit to vfio-pci, or unbind it. */
  function viabilitySteps(group: number): Step[] {
    const culprit = machine.groups.get(group)?.culprit;
    if (!culprit) return [];
    const { address } = culprit;
    return [
      { label: T.remedy.bind(short(address)), run: () => void perform({ kind: 'bind', address, driver: 'vfio-pci' }) },
      { label: T.remedy.unbind(short(address)), run: () => void perform({ kind: 'unbind', address }) },
    ];
  }

  async function undo(): Promise<void> {
    await step(machine.machine?.document.undo ?? null, T.undo.nothing, () => lab().undo());
  }
  async function redo(): Promise<void> {
    await step(machine.machine?.document.redo ?? null, T.redo.nothing, () => lab().redo());
  }
  async function step(name: string | null, nothing: string, run: () => Promise<ActionResult>): Promise<void> {
    if (past.past !== null) {
      past.asked = () => undefined;
      return;
    }
    if (name === null) {
      messages.say(nothing);
      return;
    }
    const result = await run();
    if (result.ok) last.value = null;
    if (result.ok) messages.say(result.message);
    else messages.show({ kind: 'bad', what: result.message, why: result.why?.found ?? null, remedy: null, next: [] });
  }

  return { last, busy, perform, undo, redo, viabilitySteps };
});

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
  const last = shallowRef<{ action: Action; result: ActionResult } | null>(null);
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
      last.value = { action, result };
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
    const next = result.ok ? [] : remedies(action);
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
  function remedies(action: Action): Step[] {
    if (action.kind !== 'attach') return [];
    return viabilitySteps(action.group);
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
    if (result.ok) messages.say(result.message);
    else messages.show({ kind: 'bad', what: result.message, why: result.why?.found ?? null, remedy: null, next: [] });
  }

  return { last, busy, perform, undo, redo, viabilitySteps };
});

import type { MachineDescription } from '../hardware/description';
import type { Stimulus } from '../hardware/devices/stimulus';
import type { TracedOperation } from '../linux/uapi/operation';

export type { Stimulus } from '../hardware/devices/stimulus';

/**
 * Everything that changes a machine. The list of inputs is the journal; a machine's state is the replay of its first
 * n inputs on the machine's description.
 */
export type Input =
  | { kind: 'call'; pid: number; operation: TracedOperation }
  | { kind: 'spawn'; pid: number; parent: number; name: string; uid: number }
  | { kind: 'exit'; pid: number }
  | { kind: 'stimulus'; stimulus: Stimulus }
  | { kind: 'time'; ms: number }
  | { kind: 'edit'; edit: TopologyEdit }
  | { kind: 'reboot'; cmdline: string | null }
  /** A learner's answer to a question of the lesson; the machine does not change by it. */
  | { kind: 'answer'; question: string; choice: number };

/** Changes of the silicon. Applied to the description; the machine then boots anew with the same kernel settings. */
export type TopologyEdit =
  | { kind: 'replace'; description: MachineDescription }
  | { kind: 'remove'; address: string }
  /** A hardware edit of config registers (the lab's own, not a driver's): an ACS control bit, a strap. */
  | { kind: 'config'; address: string; offset: number; hex: string };

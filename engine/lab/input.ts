import type { MachineDescription } from '../hardware/description';
import type { Stimulus } from '../hardware/devices/stimulus';
import type { TracedOperation } from '../linux/uapi/operation';

export type { Stimulus } from '../hardware/devices/stimulus';

/**
 * Everything that changes a machine. The list of inputs is the journal; a machine's state is the replay of its first
 * n inputs on the machine's description.
 */
export type Input = InputKind & {
  /**
   * What the machine read from programs' memory while it took this input (packed, `shell/c/tape.ts`): that memory is
   * no part of the machine, so a replay gets it from here.
   */
  reads?: string;
};

type InputKind =
  | { kind: 'call'; pid: number; operation: TracedOperation }
  /** What a program in C did, many calls and accesses to registers together (packed, `shell/c/batch.ts`). */
  | { kind: 'program'; pid: number; batch: string }
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

import type { FunctionDescription, IommuKind, MachineDescription } from '../hardware/description';
import type { Stimulus } from '../hardware/devices/stimulus';
import type { Place, StrapValue } from '../hardware/parts';
import type { AcsService } from '../hardware/parts/capabilities';
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

/** Where something goes: below a bridge, or on a root bus. */
export interface EditPlace {
  /** The bridge above; null: a root bus. */
  readonly parent: string | null;
  /** As sysfs spells it; left out: the first. */
  readonly rootBus?: string;
  /** Left out: the lowest free device number. */
  readonly device?: number;
  /** For a new root complex: where its root bus begins; left out: the first free place. */
  readonly root?: { readonly segment: number; readonly bus: number };
}

/** Functions that were copied, each with what is below it. Addresses are those at the time of copying. */
export interface Clip {
  readonly tops: readonly string[];
  /** Kind of the bus that each of the tops stood on. */
  readonly kinds: readonly Place[];
  readonly functions: readonly FunctionDescription[];
  /** Firmware and Linux had written into the registers. */
  readonly poweredOn: boolean;
}

/** Changes of the silicon. Applied to the description; the machine then boots anew with the same kernel settings. */
export type TopologyEdit =
  | { kind: 'replace'; description: MachineDescription }
  /** A part of the library (`hardware/parts`). Without a place: the first with room, and what is missing above it. */
  | { kind: 'add'; part: string; straps?: Readonly<Record<string, StrapValue>>; at: EditPlace | null }
  /** A device or part, with everything below it. */
  | { kind: 'move'; address: string; to: EditPlace }
  | { kind: 'copy'; addresses: readonly string[]; to: EditPlace | null }
  | { kind: 'paste'; clip: Clip; to: EditPlace | null }
  | { kind: 'remove'; address: string }
  | { kind: 'remove-root'; rootBus: string }
  /** Gives a root bus another segment and number. */
  | { kind: 'root'; rootBus: string; segment: number; bus: number }
  | { kind: 'straps'; address: string; straps: Readonly<Record<string, StrapValue>> }
  /** What the ACS capability offers; none: there is no capability. */
  | { kind: 'acs'; address: string; services: readonly AcsService[] }
  | { kind: 'facing'; address: string; external: boolean }
  /** What a person calls the function. The machine goes on running. */
  | { kind: 'label'; address: string; label: string }
  /** A hardware edit of config registers (the lab's own, not a driver's): an ACS control bit, a strap. */
  | { kind: 'config'; address: string; offset: number; hex: string }
  | { kind: 'iommu'; iommu: IommuKind }
  /** One after the other, with one boot at the end. Addresses are those before the first. */
  | { kind: 'several'; edits: readonly TopologyEdit[] };

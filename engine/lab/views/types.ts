/**
 * Views: plain data for the screen, derived from the machine after every input. The renderer knows these types and
 * nothing else of the engine. Addresses are full (`0000:05:00.0`); the screen shortens them.
 */
import type { StimulusKind } from '../../hardware/devices/stimulus';
import type { WriteExplanation } from '../../linux/vfio/pci/explain';
import type { Refusal } from '../../linux/why';
import type { UnknownFact } from '../../hardware/description';
import type { Action } from '../action';

export interface MachineView {
  name: string;
  about: string;
  source: 'recorded' | 'lspci' | 'sysfs' | 'built';
  release: string;
  cmdline: string;
  /** `VT-d · IR on`, `AMD-Vi · IR on`, `no IOMMU`, … */
  iommu: string;
  functions: number;
  groups: number;
  /** Groups that cannot be given away now. */
  notViable: number[];
  unknown: UnknownFact[];
  /**
   * Functions whose group rests on registers that the dump did not show, and what is shown for them: the groups that
   * the dump recorded, or the rule with every unseen function taken as one that does not isolate. Null: all is known.
   */
  undecided: { functions: number; shown: 'recorded' | 'rule' } | null;
  /** How the predicted groups compare with the dump's own; null when it recorded none. */
  recorded: { equal: boolean; differing: string[] } | null;
  document: DocumentView;
}

export interface DocumentView {
  /** Shown in the title: file name without folder. */
  title: string;
  path: string | null;
  saved: boolean;
  /** Inputs in the journal, and how many of them are in force (less after undo). */
  inputs: number;
  undo: string | null;
  redo: string | null;
  /** While the screen shows the past: after which input, of how many, and which step that is. Null: the present. */
  past: { input: number; of: number; label: string | null } | null;
}

export type FunctionKind =
  | 'root-port'
  | 'switch-up'
  | 'switch-down'
  | 'bridge'
  | 'endpoint'
  | 'gpu'
  | 'audio'
  | 'nvme'
  | 'nic'
  | 'vf'
  | 'usb'
  | 'accel'
  | 'pci-slot';

/** `none` no driver, `host` a native driver, `vfio` vfio-pci, `blocked` claimed with blocking domain, `process` in use. */
export type Ownership = 'none' | 'host' | 'vfio' | 'blocked' | 'process' | 'faulted';

export type AcsLamp = 'on' | 'off' | 'absent' | 'unknown';

export interface TopologyFunction {
  address: string;
  parent: string | null;
  rootBus: string;
  kind: FunctionKind;
  isBridge: boolean;
  /** Short name for a node: `82574L Gigabit Network Connection`. */
  name: string;
  /** `8086:10d3`. */
  id: string;
  group: number | null;
  driver: string | null;
  ownership: Ownership;
  /** Name and pid of the process that holds it: `sh (1203)`. */
  owner: string | null;
  /** Source validation, request redirect, completion redirect, upstream forwarding; null on endpoints without ACS. */
  acs: { sv: AcsLamp; rr: AcsLamp; cr: AcsLamp; uf: AcsLamp } | null;
  /** Bus behind a bridge. */
  secondaryBus: number | null;
  /** The secondary bus is a conventional shared bus. */
  sharedBus: boolean;
  link: 'up' | 'degraded' | 'down' | null;
  physicalFunction: string | null;
}

export interface TopologyGroup {
  id: number;
  members: string[];
  viable: boolean;
  /** A container or iommufd holds it. */
  owned: boolean;
  type: string;
  /** A group with an endpoint can be given to a process. */
  hasEndpoint: boolean;
  /** Palette place 1–12, stable while the group lives; 0 for groups without an endpoint (grey). */
  place: number;
  /** Member that stands in the way, with its driver. */
  culprit: { address: string; driver: string } | null;
  /** Recorded group number of the same functions, when the dump had one. */
  recorded: string | null;
}

export interface TopologyView {
  roots: { name: string; bus: number; segment: number; label: string }[];
  functions: TopologyFunction[];
  groups: TopologyGroup[];
}

/** What the filter does with one bit: 4 bits would do; a letter keeps it readable in tests. */
export type BitClass =
  | 'raw' // no capability owns it: read and written raw
  | 'pass' // reaches hardware
  | 'virtual' // kept in the shadow
  | 'handler' // a handler acts on it
  | 'read-only' // hardware value, writes dropped
  | 'fixed' // shadow value, writes dropped
  | 'hidden'; // belongs to a capability that is out of the list

export interface ConfigField {
  /** Byte offset and bit range within the register (msb:lsb). */
  offset: number;
  width: number;
  msb: number;
  lsb: number;
  /** Title of the register that the field is a part of; absent where the field is all of it. */
  register?: string;
  name: string;
  user: string | null;
  hardware: string;
  class: BitClass;
  meaning: string | null;
}

export interface ConfigBlock {
  offset: number;
  size: number;
  name: string;
  /** Capability id; null for the header. */
  capability: number | null;
  extended: boolean;
  hidden: boolean;
  summary: string;
  fields: ConfigField[];
}

export interface ConfigView {
  address: string;
  size: number;
  /** Hex of what the hardware holds, and of what a vfio user reads (null while no process has it open: then `preview`). */
  hardware: string;
  user: string | null;
  /** The filter's view as a process would see it, computed without opening, when `user` is null and the function can be assigned. */
  preview: string | null;
  /** Hex mask of bits the dump showed; null: all. */
  known: string | null;
  /** One letter a bit, bit 7 first, per byte: r raw, p pass, v virtual, h handler, o read-only, f fixed, x hidden. */
  bits: string[];
  blocks: ConfigBlock[];
}

export interface RegionView {
  index: number;
  name: string;
  kind: 'mem32' | 'mem64' | 'io' | 'rom' | 'none';
  prefetchable: boolean;
  start: string;
  size: string;
  /** Flags of VFIO_DEVICE_GET_REGION_INFO in words: read, write, mmap, caps. */
  flags: string[];
  mapped: string[];
}

export interface VectorView {
  index: number;
  addressHigh: string | null;
  addressLow: string | null;
  data: string | null;
  masked: boolean;
  pending: boolean;
  eventfd: string | null;
  count: number;
  state: 'off' | 'armed' | 'delivered' | 'pending' | 'masked' | 'lost';
  /** The step that lost it. */
  reason: string | null;
}

export interface InterruptsView {
  address: string;
  active: 'none' | 'intx' | 'msi' | 'msix';
  /** Vectors each kind offers: 0 when absent. */
  offered: { intx: number; msi: number; msix: number; err: number; req: number };
  vectors: VectorView[];
  /** Newest last; at most 200. */
  arrivals: ArrivalView[];
}

export interface ArrivalView {
  sequence: number;
  time: string;
  address: string;
  kind: string;
  vector: number;
  count: number;
  /** Hops of this interrupt in order: device, table entry, MSI write, remapping entry, vector, eventfd. */
  path: { step: string; detail: string; ok: boolean }[];
}

export interface OverviewView {
  address: string;
  name: string;
  facts: { label: string; value: string; note: string | null }[];
  group: number | null;
  members: string[];
  /** Why this function is in this group: one line a hop, in the kernel's order. */
  why: { text: string; subject: string; decided: boolean }[];
  driver: string | null;
  driverOverride: string | null;
  /** Drivers that could be bound now. */
  drivers: string[];
  ownership: Ownership;
  unknown: UnknownFact[];
}

export interface FunctionView {
  overview: OverviewView;
  regions: RegionView[];
  interrupts: InterruptsView;
}

/** The way of one function into its group, through the functions it joined. */
export interface PairPath {
  address: string;
  group: number | null;
  steps: { subject: string; text: string; decided: boolean; joins: string | null }[];
}

export interface PairView {
  /** All of it as the terminal's `why A B` prints it. */
  lines: string[];
  sameGroup: boolean;
  /** False when the answer rests on registers that the dump did not show. */
  known: boolean;
  paths: [PairPath, PairPath];
  /** What would separate them; null when they are apart. */
  separate: string | null;
  /** How they could be separated: by ACS bits, by other hardware, by nothing; or it cannot be known. */
  separation: 'separate' | 'bits' | 'hardware' | 'nothing' | 'unknown';
}

export interface ContainersView {
  processes: {
    pid: number;
    name: string;
    uid: number;
    containers: {
      fd: number;
      backend: string | null;
      mappings: number;
      mappedBytes: string;
      groups: { id: number; fd: number | null; viable: boolean; devices: { address: string; fd: number }[] }[];
    }[];
    /** Groups opened but in no container. */
    looseGroups: { id: number; fd: number }[];
    fds: { fd: number; link: string }[];
  }[];
}

export interface CallsView {
  /** Newest last; what each input did, as `strace` prints it. */
  calls: CallLine[];
}

export interface CallLine {
  /** Number of the input. */
  sequence: number;
  pid: number;
  text: string;
  /** 'ok' or the errno name. */
  result: string;
  why: Refusal | null;
}

/** The session along virtual time or along its inputs, in as many columns as the screen has. */
export interface TimelineView {
  axis: 'time' | 'inputs';
  /** From the start to the last input, and the part that the columns divide: milliseconds, or inputs. */
  extent: [number, number];
  shown: [number, number];
  columns: number;
  /** Inputs of one kind that fall into one column. */
  inputs: {
    column: number;
    kind: 'call' | 'stimulus' | 'time' | 'edit';
    count: number;
    refused: number;
    /** Number of the last of them. */
    last: number;
    /** They are not in force: redo would bring them back. */
    later: boolean;
  }[];
  /** Interrupts by function and vector; of each column how many arrived, were held by a mask, were lost. */
  streams: {
    address: string;
    kind: 'intx' | 'msi' | 'msix';
    vector: number;
    total: number;
    cells: [column: number, delivered: number, held: number, lost: number][];
  }[];
  faults: [column: number, count: number][];
  /** Steps that end in the part that is shown, where they are few enough to be named. */
  steps: { column: number; label: string; inputs: [number, number]; refused: boolean }[];
  /** The input that the screen shows, those in force, and those with what redo would bring back. */
  position: number;
  inForce: number;
  length: number;
  /** The position on the axis. */
  at: number;
}

/** The steps of the document, and the ways that were left. */
export interface HistoryView {
  /** Steps from number `from` on, oldest first. */
  from: number;
  total: number;
  /** How many are in force. */
  done: number;
  steps: {
    label: string;
    /** Numbers of its first and last input, from 1. */
    inputs: [number, number];
    refused: boolean;
  }[];
  branch: { number: number; name: string | null };
  branches: {
    number: number;
    name: string | null;
    /** What to go to. */
    tip: number;
    steps: number;
    inputs: number;
    /** Its last step, and the step at which it leaves the way in force; null: the start. */
    last: string;
    fork: string | null;
  }[];
}

/** Accesses to the config space of a function by system calls, oldest first. */
export interface AccessesView {
  address: string;
  accesses: {
    /** Number of the input. */
    input: number;
    pid: number;
    process: string;
    as: 'user' | 'root';
    kind: 'read' | 'write';
    offset: number;
    size: number;
    /** Hex in memory order: what the writer saw before, wrote, and sees after; of a read, `after` is what it got. */
    before: string | null;
    wanted: string | null;
    after: string | null;
    /** 'ok' or the errno name. */
    result: string;
    /** Of the bits that a write wanted to change: how many changed, how many kept their value. */
    taken: number;
    dropped: number;
  }[];
  /** The one that was asked for, else the newest write; null without any. */
  detail: { input: number; call: string; why: Refusal | null; explanation: WriteExplanation | null } | null;
}

/** What reaches what without the IOMMU seeing it, by the tree and access control alone (gates of drivers open). */
export interface ReachView {
  pairs: {
    from: string;
    to: string;
    /** Addresses of the functions on the way, both ends among them. */
    path: string[];
    /** The two are in different groups: isolation that the groups promise is not there. */
    across: boolean;
    /** False where it rests on registers that the dump did not show. */
    known: boolean;
  }[];
  /** False when there are more pairs than are listed. */
  complete: boolean;
}

/** A part of a lesson's text. HTML comes from the lesson's Markdown alone: raw HTML in it stays text. */
export type LessonBlockView =
  | { kind: 'prose'; html: string }
  /** What a command prints on the lesson's machine. */
  | { kind: 'output'; command: string; text: string }
  | { kind: 'question'; id: string; ask: string; choices: { html: string; say: string | null }[] };

/** One part of how a step is done, as a person would do it. */
export type LessonSolutionView =
  /** Lines to type into a terminal. */
  | { kind: 'sh'; text: string }
  | { kind: 'act'; text: string; action: Action }
  | { kind: 'answer'; text: string; question: string; choice: number }
  | { kind: 'wait'; text: string; ms: number };

export interface LessonStepView {
  id: string;
  title: string;
  blocks: LessonBlockView[];
  /** `question`: the one among the blocks that it asks about. */
  checks: { id: string; html: string; question: string | null; holds: boolean }[];
  hints: string[];
  /** Advice for the wrong ways taken so far. */
  mistakes: string[];
  /** Inputs in the journal when it was passed; null: not yet. */
  passedAt: number | null;
  passedHtml: string | null;
  solution: LessonSolutionView[];
  /** For who presents it before others. */
  notesHtml: string | null;
}

export interface LessonView {
  id: string;
  title: string;
  about: string;
  minutes: number;
  sources: string[];
  intro: LessonBlockView[];
  /** Index of the step in work; the number of steps when the lesson is done. */
  current: number;
  steps: LessonStepView[];
  answers: { question: string; choice: number; right: boolean; tries: number }[];
}

export interface LessonsView {
  /** In the order of their folders; `number`: the digits that a folder's name begins with. */
  lessons: { id: string; number: string; title: string; about: string; minutes: number; steps: number }[];
  /** Folders that hold a lesson which cannot be read. */
  broken: { id: string; message: string }[];
}

/** Every view by name, with its parameters and its value. */
export interface Views {
  machine: { parameters: null; value: MachineView };
  topology: { parameters: null; value: TopologyView };
  function: { parameters: { address: string }; value: FunctionView | null };
  config: { parameters: { address: string }; value: ConfigView | null };
  pair: { parameters: { a: string; b: string }; value: PairView | null };
  containers: { parameters: null; value: ContainersView };
  calls: { parameters: null; value: CallsView };
  timeline: {
    parameters: {
      axis: 'time' | 'inputs';
      /** Part to show; null: all of it. */
      range: [number, number] | null;
      columns: number;
      /** Only what this function did and had done to it. */
      address: string | null;
    };
    value: TimelineView;
  };
  history: { parameters: { from: number; count: number }; value: HistoryView };
  accesses: { parameters: { address: string; chosen: number | null }; value: AccessesView };
  dmesg: { parameters: null; value: { lines: string[] } };
  reach: { parameters: null; value: ReachView };
  lesson: { parameters: null; value: LessonView | null };
  lessons: { parameters: null; value: LessonsView };
  /** What can happen to a function, for its menu; null when it is not there. */
  stimuli: { parameters: { address: string }; value: StimulusKind[] | null };
}

export type ViewName = keyof Views;

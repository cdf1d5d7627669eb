/**
 * Views: plain data for the screen, derived from the machine after every input. The renderer knows these types and
 * nothing else of the engine. Addresses are full (`0000:05:00.0`); the screen shortens them.
 */
import type {
  AcsChange,
  Carried,
  ClipView,
  EditPreview,
  EditingView,
  PartView,
  PlacesView,
  ReachView,
  RulesView,
  TopologyEdit,
  TopologyView,
  WhatIfView,
} from './topology-types';
import type { Ownership } from './topology-types';
import type { StimulusKind } from '../../hardware/devices/stimulus';
import type { WriteExplanation } from '../../linux/vfio/pci/explain';
import type { Refusal } from '../../linux/why';
import type { CompilerProblem } from '../../shell/c/diagnostics';
import type { UnknownFact } from '../../hardware/description';
import type { Action } from '../action';

export type * from './topology-types';

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
  /** Of each vector the last that arrived and the last that did not, newest last. */
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

/** What a device may reach: the first 64 mappings by address, with numbers as `0x…` text. */
export interface MappedView {
  mappings: number;
  /** `6 MiB`. */
  mappedBytes: string;
  first: { iova: string; size: string; rights: string }[];
  /** What can be mapped at all: first and last address; empty while nothing translates. */
  usable: { start: string; last: string }[];
}

/** Descriptors that lead to one container or iommufd have its `id`, in whichever process they are. */
export interface ContainersView {
  processes: {
    pid: number;
    name: string;
    uid: number;
    containers: (MappedView & {
      id: number;
      fd: number;
      backend: string | null;
      groups: { id: number; fd: number | null; viable: boolean; devices: { address: string; fd: number }[] }[];
    })[];
    /** Opens of /dev/iommu: their address spaces, and the devices bound to each. */
    iommufds: {
      id: number;
      fd: number;
      spaces: (MappedView & { id: number })[];
      /** Page tables; `automatic`: made by an attach, goes with its last device. */
      tables: { id: number; space: number; automatic: boolean }[];
      /**
       * `id`: its number in the iommufd. `space`, `table`: what it is attached to; null for none. `fd` is null once only
       * the binding is left.
       */
      devices: {
        id: number;
        address: string;
        group: number;
        fd: number | null;
        space: number | null;
        table: number | null;
      }[];
    }[];
    /** Devices held in no container and by no iommufd of the process. */
    looseDevices: { address: string; fd: number }[];
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
  /** DMA requests: how many arrived, came to another function, were stopped. */
  transfers: [column: number, arrived: number, atPeers: number, stopped: number][];
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

/** One look of hardware at a table entry. Numbers are `0x…` text. */
export interface WalkStepView {
  /** `root table`, `context table`, `device table`, `level 3 table`, `remapping table`, …, or what decided without one. */
  table: string;
  /** Physical address of the entry; null where no memory was read. */
  address: string | null;
  index: string | null;
  /** The whole entry, its highest half first; null where it could not be read. */
  entry: string | null;
  fields: { name: string; bits: string; value: string; about: string; meaning: string | null }[];
  /** What comes of it, as a sentence without a subject. */
  meaning: string;
  /** False for the step that stops the request. */
  ok: boolean;
}

export interface HopView {
  /** Address of the function, `root complex` or `IOMMU`. */
  at: string;
  decision: string;
  text: string;
}

/** What would become of an access of a function as things stand. */
export interface WalkView {
  address: string;
  iova: string;
  write: boolean;
  /** Requester ID at the root complex, `01:00.0`. */
  requester: string;
  /** `dmar0`, …; null: no unit has the function in its scope. */
  unit: string | null;
  hops: HopView[];
  /** Empty where the request does not come to a unit. */
  steps: WalkStepView[];
  /** `memory` and `peer`: it arrives; `interrupt`; `blocked` by the unit; `refused` on its way, or nobody takes it. */
  outcome: 'memory' | 'peer' | 'interrupt' | 'blocked' | 'refused';
  /** The unit translated it; false: it passed, or no unit saw it. */
  translated: boolean;
  physical: string | null;
  /** What is there: `memory of driver (2001), 0x7f… there`, `BAR 0 of …`. */
  place: string | null;
  /** Size of the page, `2 MiB`; null where nothing was translated. */
  pageSize: string | null;
  /** `read and write`; null where nothing was translated. */
  rights: string | null;
  /** Domain id that tags the translation. */
  domain: number | null;
  reason: string | null;
  /** What the IOTLB holds for the page now: used until the unit is told to forget it. */
  cached: { physical: string; rights: string } | null;
  /** All of it as the terminal's `why dma` prints it. */
  lines: string[];
}

/** What would become of a message of a function as things stand. */
export interface MessageView {
  address: string;
  requester: string;
  messageAddress: string;
  data: string;
  unit: string | null;
  hops: HopView[];
  steps: WalkStepView[];
  /** Index in the remapping table; null where nothing remaps it. */
  index: number | null;
  outcome: 'interrupt' | 'blocked' | 'astray';
  interrupt: { vector: number; cpu: number; delivery: string } | null;
  reason: string | null;
  /** All of it as the terminal's `why msi` prints it. */
  lines: string[];
}

/** The way of the host's read of a configuration register. */
export interface ConfigWayView {
  address: string;
  register: string;
  hops: HopView[];
  /** The answer's way. */
  completion: HopView[];
  arrives: boolean;
  /** All of it as the terminal's `why config` prints it. */
  lines: string[];
}

export interface TransactionView {
  sequence: number;
  /** Seconds of the machine's time. */
  time: string;
  /** The function that sent it. */
  address: string;
  requester: string;
  kind: 'read' | 'write' | 'message';
  /** As the function put it on its bus. */
  to: string;
  /** Bytes; of a message its data. */
  length: number;
  outcome: 'memory' | 'peer' | 'interrupt' | 'fault' | 'unsupported' | 'aborted' | 'silent';
  /** Where it got to: a physical address, or an offset into the peer's BAR. */
  physical: string | null;
  peer: string | null;
  /** Why the IOMMU stopped it. */
  reason: string | null;
  /** Registers and tables are as they were: following it now shows what happened then. */
  current: boolean;
}

export interface TransactionsView {
  /** Since power-on; the last 4096 are kept. */
  total: number;
  /** Newest first. */
  entries: TransactionView[];
}

/** One transaction followed: exactly what happened while `current`, else what would happen now. */
export interface TransactionWayView {
  transaction: TransactionView;
  walk: WalkView | null;
  message: MessageView | null;
}

export interface IommuFaultView {
  sequence: number;
  time: string;
  kind: 'dma' | 'interrupt';
  /** Of a DMA its address, of an interrupt the index in the remapping table. */
  at: string;
  write: boolean;
  /** The unit's number for the reason. */
  code: string;
  reason: string;
  /** False: the unit had no place for it, or was told not to record it. */
  recorded: boolean;
}

/** A message that stands in a function's registers, and the remapping entry that it names. */
export interface RemappedVectorView {
  vector: number;
  messageAddress: string;
  data: string;
  masked: boolean;
  /** Linux's interrupt number; null where it has given none. */
  irq: number | null;
  /** Index of the entry; null where nothing remaps it. */
  index: number | null;
  /** The entry as it stands in memory; null where none is read. */
  entry: string | null;
  /** What the CPUs would get; null where it would be blocked. */
  interrupt: { vector: number; cpu: number; delivery: string } | null;
  reason: string | null;
}

/** The unit in front of a function. */
export interface IommuUnitView {
  /** `dmar0`, `ivhd0`, …; null where Linux drives none. */
  name: string | null;
  kind: 'vt-d' | 'amd-vi' | 'ranges';
  segment: number;
  translating: boolean;
  remapping: boolean;
  registers: { name: string; offset: string; value: string; fields: WalkStepView['fields'] }[];
  iotlb: { used: number; capacity: number; hits: number; misses: number; forgotten: number };
  /** Remapping entries that the unit holds. */
  cachedInterrupts: number;
}

/** The address space that a function's requests are in. */
export interface IommuDomainView {
  /** `DMA`, `DMA-FQ`, `identity`, `blocked`, or `unmanaged`: VFIO's or iommufd's. */
  type: string;
  /** Number on its unit; null where it has none. */
  id: number | null;
  /** First page table: physical address, and depth; null where there is none. */
  root: string | null;
  levels: number | null;
  /** Table pages that have a place in memory. */
  tables: number;
  mapped: number;
  mappedBytes: string;
  /** The first 200, ascending. */
  mappings: { iova: string; size: string; bytes: string; physical: string; rights: string; place: string }[];
  /** Translations that the unit's IOTLB holds, and the first 64 of them by address. */
  cached: number;
  cachedPages: { iova: string; size: string; physical: string; rights: string }[];
}

/** What stands between one function and memory. */
export interface IommuFunctionView {
  address: string;
  /** Null: no unit has the function in its scope. */
  unit: IommuUnitView | null;
  /** Requester IDs under which its requests come, its own first. */
  requesters: string[];
  /** Whether it may send: bus mastering and power. */
  silent: string | null;
  group: number | null;
  members: string[];
  /** Null where it is in no group. */
  domain: IommuDomainView | null;
  vectors: RemappedVectorView[];
  /** Faults of its requesters, newest first, the last 50; `faultTotal` counts those that are kept. */
  faults: IommuFaultView[];
  faultTotal: number;
}

/** What the editor is asked to show, and what the compiler said last. */
export interface EditorView {
  /** The file that a program of the terminal asked to edit; each wish has a higher number. Null before the first. */
  wish: { number: number; path: string; line: number | null } | null;
  /** How often something was compiled. */
  compilations: number;
  /** What the last compilation said; empty when it said nothing. */
  problems: CompilerProblem[];
}

/** A file of the lab as text. */
export interface FileView {
  /** Null where it cannot be shown: `problem` says why. */
  text: string | null;
  problem: string | null;
  /** There is no such file. */
  missing: boolean;
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
  editor: { parameters: null; value: EditorView };
  file: { parameters: { path: string }; value: FileView };
  /** Files that a person may want to edit: texts in root's home directory, its samples, and /tmp. */
  editable: { parameters: null; value: { files: string[] } };
  dmesg: { parameters: null; value: { lines: string[] } };
  reach: { parameters: null; value: ReachView };
  walk: { parameters: { address: string; iova: string; write: boolean }; value: WalkView | null };
  message: { parameters: { address: string; to: string; data: number }; value: MessageView | null };
  'config-way': { parameters: { address: string; register: number }; value: ConfigWayView | null };
  /** `address`: of the sender or of the function that it came to; null: all. */
  transactions: { parameters: { address: string | null; limit: number }; value: TransactionsView };
  transaction: { parameters: { sequence: number }; value: TransactionWayView | null };
  /** Null when the function is not there. */
  iommu: { parameters: { address: string }; value: IommuFunctionView | null };
  /** What can be put into a machine. */
  parts: { parameters: null; value: PartView[] };
  /** Where something that is picked up could go. */
  places: { parameters: Carried; value: PlacesView };
  /** What can be changed about a function; null when it is not there. */
  editing: { parameters: { address: string }; value: EditingView | null };
  /** A copy of functions, for the clipboard. */
  clip: { parameters: { addresses: string[] }; value: ClipView };
  'what-if': { parameters: { changes: AcsChange[] }; value: WhatIfView };
  /** What would become of the machine by an edit that is only tried. */
  'what-if-edit': { parameters: { edit: TopologyEdit }; value: EditPreview };
  /** Names of grouping rules. `own`: the kernel's where it is left out or null. `other` null: only which rules there are. */
  rules: { parameters: { own?: string | null; other: string | null }; value: RulesView };
  lesson: { parameters: null; value: LessonView | null };
  lessons: { parameters: null; value: LessonsView };
  /** What can happen to a function, for its menu; null when it is not there. */
  stimuli: { parameters: { address: string }; value: StimulusKind[] | null };
}

export type ViewName = keyof Views;

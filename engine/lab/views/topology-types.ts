/** The topology on the screen: functions, groups, how the groups change, and what is needed to build. */
import type { Strap, StrapValue } from '../../hardware/parts';
import type { Clip } from '../input';

export type { Strap, StrapValue } from '../../hardware/parts';
export type { Clip, EditPlace, TopologyEdit } from '../input';

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
  /** Stays the same when the function gets another address. */
  key: string;
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
  /** `8 GT/s ×4`, or `8 GT/s ×4 of 16 GT/s ×16` where it runs below what it can. */
  linkText?: string;
  physicalFunction: string | null;
  /** Virtual functions of a physical one: on now, and possible. */
  virtual?: { on: number; of: number };
  /** What a person calls it. */
  label?: string;
  /** Id of the part it was built of. */
  part?: string;
  /** Leads out of the case; nothing below is trusted. */
  external?: true;
  /** The slot takes cards while the machine runs. */
  hotPlug?: true;
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
  /** Linux would group its members another way now: ACS changed since they were added. */
  stale?: true;
}

export interface TopologyView {
  /** `last`: the highest bus number that the root bus may use. */
  roots: { name: string; bus: number; last: number; segment: number; label: string }[];
  functions: TopologyFunction[];
  groups: TopologyGroup[];
  /** Functions that Linux would group another way if they were added again; the first of each subtree. Null: none. */
  stale: { rescan: string[] } | null;
  /** What became of the groups by the last change of them; `sequence` counts those changes. */
  changes: { sequence: number; list: GroupChange[] };
}

export interface GroupChange {
  kind: 'split' | 'merged' | 'mixed' | 'new' | 'gone' | 'grown' | 'shrunk' | 'renumbered';
  /** Group numbers before and after. */
  before: number[];
  after: number[];
  /** Functions it is about, by their present addresses. */
  members: string[];
  /** A whole sentence. */
  text: string;
  /** The step of the grouping rule that decided; null where there is nothing to say. */
  because: string | null;
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

// ---- building

export interface PartView {
  id: string;
  title: string;
  about: string;
  icon: string;
  kind: 'root-complex' | 'port' | 'switch' | 'bridge' | 'device';
  /** Where it can stand, in words. */
  where: string;
  straps: Strap[];
}

/** What is picked up: a part, functions of the machine, or a copy that came from elsewhere. */
export type Carried =
  | { kind: 'part'; part: string }
  /** `copy`: the functions stay, and copies of them go there. */
  | { kind: 'functions'; addresses: string[]; copy?: boolean }
  | { kind: 'copies'; title: string; places: string[]; count: number };

export interface PlacesView {
  /** Why it cannot be picked up at all; null when it can. */
  problem: string | null;
  targets: PlaceTarget[];
}

export interface PlaceTarget {
  /** Address of the bridge above; else the name of the root bus; `machine` for one more root bus. */
  key: string;
  parent: string | null;
  rootBus: string | null;
  /** Device number that it would get. */
  device: number | null;
  /** Why it cannot go there; null when it can. */
  problem: string | null;
}

export interface EditingView {
  address: string;
  title: string;
  /** The part that it belongs to, with its straps as they are; null for a function that was not built. */
  part: { id: string; title: string; about: string; straps: Strap[]; values: Record<string, StrapValue> } | null;
  /** What its ACS capability offers and what is on; `offset` 0: it has none. */
  acs: { offset: number; offered: number; control: number; known: boolean };
  /** Why it can have no ACS capability. */
  noAcs: string | null;
  external: boolean;
  /** Why it cannot face outwards: null when it can. */
  noExternal: string | null;
  label: string;
  virtual: { on: number; of: number } | null;
  /** Why it cannot be moved or copied, or be taken out. */
  noMove: string | null;
  noRemove: string | null;
  /** The address that the dump gave it, where that is another one. */
  recordedAt: string | null;
}

export interface ClipView {
  clip: Clip | null;
  problem: string | null;
  /** Where all of it can stand. */
  places: string[];
  title: string;
}

// ---- what if

export interface AcsChange {
  address: string;
  /** ACS Control, seven bits. */
  control: number;
}

/** A group that there would be, drawn over the machine as it is. */
export interface PreviewGroup {
  id: number;
  /** By their present addresses; what is not in the machine yet is left out. */
  members: string[];
  place: number;
  hasEndpoint: boolean;
}

/** A function whose group or reach would be another. */
export interface ChangedFunction {
  address: string;
  name: string;
  /** Null: in no group, or not in the machine. */
  before: number | null;
  after: number | null;
  /** Peers it reaches without the IOMMU seeing it. */
  reachBefore: number;
  reachAfter: number;
}

/** What would become of the machine by something that is tried. */
export interface Tried {
  /** The numbers that Linux would give. */
  groups: PreviewGroup[];
  /** What would become of the groups. */
  texts: GroupChange[];
  functions: ChangedFunction[];
  /** Pairs that reach each other past the IOMMU; null where the machine is too large to look at all. */
  reach: { before: number; after: number } | null;
}

export interface EditPreview extends Tried {
  /** Why the edit cannot be made; null when it can. */
  problem: string | null;
}

export interface WhatIfView extends Tried {
  /** Each change with what the register holds and offers now. */
  changes: { address: string; before: number; after: number; offered: number }[];
  /** Functions to remove and find again, so that the groups follow. */
  rescan: string[];
  /** As typed: one line a function. */
  setpci: string[];
  /** Command line that sets the bits at boot, and the option alone. */
  cmdline: string;
  option: string;
}

// ---- rules

/** The machine's functions grouped by two rules: the kernel's own, unless another one is named, and another. */
export interface RulesView {
  /** Every rule that there is. */
  rules: { name: string; title: string }[];
  /** The rule that the kernel groups by. */
  kernel: string;
  /** The rule that the other one is compared with. */
  own: string;
  /** The rule that is compared; the own one where that was not named. */
  other: string;
  /**
   * Groups by each, with the colours that they would have. A group that Linux has, too, keeps its number; the others
   * are numbered after those.
   */
  ownGroups: PreviewGroup[];
  groups: PreviewGroup[];
  differences: {
    /** From the groups by the own rule to those by the other. */
    kind: 'split' | 'merged' | 'mixed';
    functions: string[];
    own: string[][];
    other: string[][];
    /** Joins that one rule makes and the other does not. */
    reasons: {
      address: string;
      joins: string;
      /** Name of the rule that joins. */
      rule: string;
      /** Why it joins, and what the other rule says instead. */
      because: string;
      instead: string;
    }[];
  }[];
  /** Functions whose group by one of the rules rests on registers that the dump did not show. */
  undecided: string[];
}

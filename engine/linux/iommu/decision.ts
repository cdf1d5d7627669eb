/** How one function got its group, as data: the notes a rule takes on its way, worded only when somebody reads them. */
import { formatAddress } from '../../hardware/pci/address';
import type { AcsVerdict } from '../pci/acs';
import type { AliasVisit } from '../pci/aliases';
import type { PciDevice } from '../pci/device';

/**
 * `alias`: a requester ID under which it is seen. `path`: a hop towards the root. `same-bus-alias`, `slot`: a neighbour
 * it cannot be told apart from, or can reach unseen. `function-0`, `bus`, `bridge`: steps of other rules. `new`: a group
 * of its own. `recorded`: what the dump says.
 */
export type WhyRule =
  'alias' | 'path' | 'same-bus-alias' | 'slot' | 'function-0' | 'bus' | 'bridge' | 'new' | 'recorded';

/** One step of the decision, in the rule's order. */
export interface WhyStep {
  readonly rule: WhyRule;
  /** The function that the step is about. */
  readonly subject: string;
  readonly text: string;
  /** True for the step that settled it. */
  readonly decided: boolean;
  /** The port or function whose lack of ACS decided, with the bits that are off; for "what would separate them". */
  readonly verdict: AcsVerdict | null;
  /** The function whose group is joined. */
  readonly joins: string | null;
}

export interface GroupDecision {
  readonly device: PciDevice;
  /** The function whose group it joins; null for a group of its own. */
  readonly joins: PciDevice | null;
  readonly steps: readonly WhyStep[];
  /** False when a step rested on registers that the dump did not show. */
  readonly known: boolean;
}

interface Note {
  readonly rule: WhyRule;
  readonly subject: PciDevice;
  readonly text: () => string;
  readonly verdict: AcsVerdict | null;
  readonly joins: PciDevice | null;
}

const requesterText = (requester: number): string =>
  formatAddress({ segment: 0, bus: requester >>> 8, device: (requester >>> 3) & 31, function: requester & 7 }).slice(5);

function aliasText(visit: AliasVisit): string {
  const { name } = visit.device;
  const requester = requesterText(visit.requester);
  switch (visit.because) {
    case 'vmd':
      return `the VMD endpoint ${name} sends for every function of its domain`;
    case 'quirk':
      return `${name} also sends with requester ID ${requester} (known device behaviour)`;
    case 'bridge':
      return `${name} puts requester ID ${requester} on what comes from below`;
  }
}

/** Takes the notes of one decision. The last note is the one that settled it. */
export class Decision implements GroupDecision {
  readonly device: PciDevice;
  joins: PciDevice | null = null;
  known = true;
  private readonly notes: Note[] = [];
  private worded: readonly WhyStep[] | null = null;

  constructor(device: PciDevice) {
    this.device = device;
  }

  get steps(): readonly WhyStep[] {
    this.worded ??= this.notes.map((note, index) => ({
      rule: note.rule,
      subject: note.subject.name,
      text: note.text(),
      decided: index === this.notes.length - 1,
      verdict: note.verdict,
      joins: note.joins?.name ?? null,
    }));
    return this.worded;
  }

  note(
    rule: WhyRule,
    subject: PciDevice,
    verdict: AcsVerdict | null,
    joins: PciDevice | null,
    text: () => string,
  ): void {
    this.notes.push({ rule, subject, text, verdict, joins });
    if (verdict !== null) this.rests(verdict);
  }

  /** The decision rests on a verdict that gets no note of its own. */
  rests(verdict: AcsVerdict): void {
    if (!verdict.known) this.known = false;
  }

  alias(visit: AliasVisit, joins: PciDevice | null): void {
    this.note('alias', visit.device, null, joins, () => aliasText(visit));
  }

  /** Joins the group of a function that is in one. */
  join(device: PciDevice): GroupDecision {
    this.joins = device;
    return this;
  }

  /** A group of its own. */
  alone(text: string): GroupDecision {
    this.note('new', this.device, null, null, () => text);
    return this;
  }
}

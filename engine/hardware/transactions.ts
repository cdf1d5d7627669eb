/** The last requests of functions: compact facts only, so that nothing is slower when nobody looks. */
import type { PciFunction } from './pci/function';

const CAPACITY = 4096;
const MESSAGE = 2;

export const TRANSACTION_KINDS = ['read', 'write', 'message'] as const;
export type TransactionKind = (typeof TRANSACTION_KINDS)[number];

/**
 * What became of a request. `memory`: it got there; `peer`: to a register or memory of another function; `interrupt`;
 * `fault`: an IOMMU stopped it; `unsupported`: nobody took it; `aborted`: a port refused it (ACS); `silent`: the function
 * could not send.
 */
export const OUTCOMES = ['memory', 'peer', 'interrupt', 'fault', 'unsupported', 'aborted', 'silent'] as const;
export type Outcome = (typeof OUTCOMES)[number];
/** Their numbers in the log. */
export const OUTCOME = { memory: 0, peer: 1, interrupt: 2, fault: 3, unsupported: 4, aborted: 5, silent: 6 } as const;

/** Reads and writes of one function since power-on, by what became of them. */
export interface Tally {
  readonly sender: string;
  /** At memory, or at an interrupt address. */
  readonly arrived: number;
  readonly atPeers: number;
  readonly stopped: number;
}

export interface Transaction {
  readonly sequence: number;
  /** The machine's time in nanoseconds. */
  readonly time: number;
  /** Address of the function at that time. */
  readonly sender: string;
  /** Requester ID with which it came to the root complex. */
  readonly requester: number;
  readonly kind: TransactionKind;
  readonly address: bigint;
  /** Bytes; of a message its data. */
  readonly length: number;
  readonly outcome: Outcome;
  /** Physical address, or the address at the peer; null where it got nowhere. */
  readonly physical: bigint | null;
  /** The function that it came to. */
  readonly target: string | null;
  /** The IOMMU's number for the reason of a fault. */
  readonly reason: number;
  /** Whether nothing that its way rests on has changed since. */
  readonly current: boolean;
}

/** Place in a tally, by outcome. */
const TALLY_OF = Uint8Array.of(0, 1, 0, 2, 2, 2, 2);

/** Numbers for functions, so that a name fits into a typed array. */
class Names {
  private readonly numbers = new Map<string, number>();
  private readonly list: string[] = [];

  of(name: string): number {
    let number = this.numbers.get(name);
    if (number === undefined) {
      number = this.list.length;
      this.list.push(name);
      this.numbers.set(name, number);
    }
    return number;
  }

  name(number: number): string {
    return this.list[number]!;
  }

  get length(): number {
    return this.list.length;
  }
}

export class TransactionLog {
  static readonly capacity = CAPACITY;
  /** Requests since power-on. */
  total = 0;
  private readonly names = new Names();
  /** By number of the sender, three each, as in `Tally`. */
  private readonly tallies: number[] = [];
  private readonly kinds = new Uint8Array(CAPACITY);
  private readonly outcomes = new Uint8Array(CAPACITY);
  private readonly reasons = new Uint16Array(CAPACITY);
  private readonly requesters = new Uint16Array(CAPACITY);
  private readonly senders = new Int32Array(CAPACITY);
  private readonly targets = new Int32Array(CAPACITY);
  private readonly lengths = new Uint32Array(CAPACITY);
  private readonly pages = new Float64Array(CAPACITY);
  private readonly offsets = new Uint16Array(CAPACITY);
  private readonly physical = new Float64Array(CAPACITY);
  private readonly times = new Float64Array(CAPACITY);
  private readonly states = new Float64Array(CAPACITY);

  numberOf(fn: PciFunction): number {
    const number = this.names.of(fn.name);
    while (this.tallies.length < this.names.length * 3) this.tallies.push(0);
    return number;
  }

  /** What functions sent, message writes of MSI and MSI-X left out. */
  *tally(): IterableIterator<Tally> {
    const { names, tallies } = this;
    for (let number = 0; number < names.length; number++) {
      const at = number * 3;
      const [arrived, atPeers, stopped] = [tallies[at]!, tallies[at + 1]!, tallies[at + 2]!];
      if (arrived + atPeers + stopped > 0) yield { sender: names.name(number), arrived, atPeers, stopped };
    }
  }

  /**
   * `sender`, `target`: numbers of functions, target -1 for none; `page`, `offset`: the address; `physical`: -1 for
   * none; `state`: a number that grows with every change of what ways rest on.
   */
  add(
    kind: number,
    sender: number,
    requester: number,
    page: number,
    offset: number,
    length: number,
    outcome: number,
    physical: number,
    target: number,
    reason: number,
    time: number,
    state: number,
  ): void {
    if (kind !== MESSAGE) this.tallies[sender * 3 + TALLY_OF[outcome]!]!++;
    const at = this.total++ % CAPACITY;
    this.kinds[at] = kind;
    this.senders[at] = sender;
    this.requesters[at] = requester;
    this.pages[at] = page;
    this.offsets[at] = offset;
    this.lengths[at] = length;
    this.outcomes[at] = outcome;
    this.physical[at] = physical;
    this.targets[at] = target;
    this.reasons[at] = reason;
    this.times[at] = time;
    this.states[at] = state;
  }

  /** The transaction with this number, while it is kept; `state` as it is now. */
  get(sequence: number, state: number): Transaction | null {
    if (sequence < 0 || sequence >= this.total || sequence < this.total - CAPACITY) return null;
    const at = sequence % CAPACITY;
    const target = this.targets[at]!;
    const physical = this.physical[at]!;
    return {
      sequence,
      time: this.times[at]!,
      sender: this.names.name(this.senders[at]!),
      requester: this.requesters[at]!,
      kind: TRANSACTION_KINDS[this.kinds[at]!]!,
      address: (BigInt(this.pages[at]!) << 12n) | BigInt(this.offsets[at]!),
      length: this.lengths[at]!,
      outcome: OUTCOMES[this.outcomes[at]!]!,
      physical: physical < 0 ? null : BigInt(physical),
      target: target < 0 ? null : this.names.name(target),
      reason: this.reasons[at]!,
      current: this.states[at] === state,
    };
  }

  /** Newest first. */
  *recent(state: number): IterableIterator<Transaction> {
    for (let sequence = this.total - 1; sequence >= Math.max(0, this.total - CAPACITY); sequence--) {
      yield this.get(sequence, state)!;
    }
  }
}

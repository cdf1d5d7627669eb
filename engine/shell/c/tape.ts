/**
 * What a machine reads from programs' memory. That memory is no part of the machine, so each reading is kept with the
 * input during which it happened; a replay, which has no program, gets the same bytes in the same order.
 */
import type { PageContent } from '../../linux/process/pages';
import type { LinearMemory } from './abi';

export class Tape {
  private recorded: Uint8Array[] = [];
  private playing: Uint8Array | null = null;
  private at = 0;

  /** The next readings come from here. */
  play(bytes: Uint8Array): void {
    this.playing = bytes;
    this.at = 0;
  }

  /** Readings are recorded again. */
  stop(): void {
    this.playing = null;
  }

  /** What was read since the last time. */
  take(): readonly Uint8Array[] {
    const { recorded } = this;
    this.recorded = [];
    return recorded;
  }

  read(memory: LinearMemory | null, address: number, into: Uint8Array): void {
    if (this.playing !== null) {
      const part = this.playing.subarray(this.at, this.at + into.length);
      into.set(part);
      into.fill(0, part.length);
      this.at += into.length;
      return;
    }
    const source = memory?.bytes;
    if (source === undefined) into.fill(0);
    else into.set(source.subarray(address, address + into.length));
    this.recorded.push(into.slice());
  }
}

/** Memory of a program as the kernel's pages have it. `memory` is null where no program runs: in a replay. */
export class ProgramMemory implements PageContent {
  private readonly tape: Tape;
  private readonly memory: LinearMemory | null;
  private readonly start: number;

  constructor(tape: Tape, memory: LinearMemory | null, start: number) {
    this.tape = tape;
    this.memory = memory;
    this.start = start;
  }

  read(offset: number, into: Uint8Array): void {
    this.tape.read(this.memory, this.start + offset, into);
  }

  write(offset: number, data: Uint8Array): void {
    this.memory?.bytes.set(data, this.start + offset);
  }
}

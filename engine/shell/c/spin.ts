/**
 * Waiting for the other thread at a word that both share. A look costs nanoseconds, sleeping and being woken tens of
 * microseconds; but looking on the processor that the other one needs brings nothing. So the number of looks follows
 * what they brought.
 */
const FEWEST = 16;
/** After so many waits in vain all looks are tried once more: the other thread may have a processor of its own again. */
const RETRY = 64;

export class Spin {
  private readonly words: Int32Array;
  private readonly at: number;
  private readonly most: number;
  private looks: number;
  private vain = 0;

  constructor(words: Int32Array, at: number, most: number) {
    this.words = words;
    this.at = at;
    this.most = most;
    this.looks = most;
  }

  /** True once the word is no longer `value`; false when that takes longer than looking is worth. */
  passes(value: number): boolean {
    const { words, at, looks } = this;
    for (let i = 0; i < looks; i++) {
      if (Atomics.load(words, at) !== value) {
        if (looks < this.most) this.looks = Math.min(this.most, looks * 2);
        this.vain = 0;
        return true;
      }
    }
    this.looks = ++this.vain % RETRY === 0 ? this.most : Math.max(FEWEST, looks >> 1);
    return false;
  }

  /** The same, asleep for at most `ms` after the looks. */
  passesWithin(value: number, ms: number): boolean {
    return this.passes(value) || Atomics.wait(this.words, this.at, value, ms) !== 'timed-out';
  }
}

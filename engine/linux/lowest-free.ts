/** Numbers given out lowest first, as the kernel's ID allocators do; finding one takes constant time on average. */
export class LowestFree {
  private readonly used = new Set<number>();
  /** No number below is free. */
  private next: number;

  constructor(first = 0) {
    this.next = first;
  }

  /** The lowest free number, which is no longer free. */
  take(): number {
    while (this.used.has(this.next)) this.next++;
    this.used.add(this.next);
    return this.next++;
  }

  free(number: number): void {
    if (this.used.delete(number)) this.next = Math.min(this.next, number);
  }
}

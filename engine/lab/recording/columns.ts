/** Rows of two to six small numbers that only grow, without an object for each. */
export class Columns {
  private cells: Uint32Array;
  private readonly width: number;
  length = 0;

  constructor(width: number, room = 256) {
    this.width = width;
    this.cells = new Uint32Array(width * room);
  }

  push(a: number, b: number, c = 0, d = 0, e = 0, f = 0): void {
    const { width } = this;
    const at = this.length * width;
    if (at + width > this.cells.length) {
      const larger = new Uint32Array(this.cells.length * 2);
      larger.set(this.cells);
      this.cells = larger;
    }
    const { cells } = this;
    cells[at] = a;
    cells[at + 1] = b;
    if (width > 2) cells[at + 2] = c;
    if (width > 3) cells[at + 3] = d;
    if (width > 4) cells[at + 4] = e;
    if (width > 5) cells[at + 5] = f;
    this.length++;
  }

  at(row: number, column: number): number {
    return this.cells[row * this.width + column]!;
  }

  add(row: number, column: number, amount: number): void {
    this.cells[row * this.width + column]! += amount;
  }

  /** First row whose first column is `least` or more; rows ascend by it. */
  from(least: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.at(middle, 0) < least) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Lists of 32-bit integers that grow, for graphs too large for arrays of objects. */

/** Append only. */
export class IntList {
  #items = new Int32Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: number): void {
    if (this.#length === this.#items.length) {
      const larger = new Int32Array(2 * this.#items.length);
      larger.set(this.#items);
      this.#items = larger;
    }
    this.#items[this.#length++] = item;
  }

  /** The item at `index`, which is below the length. */
  at(index: number): number {
    return this.#items[index] as number;
  }

  /** A view of what was pushed, valid until the next push. */
  view(): Int32Array {
    return this.#items.subarray(0, this.#length);
  }
}

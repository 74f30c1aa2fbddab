/** Lists from which the search takes operations out and puts them back (Knuth, Dancing links, 2000). */

/** A doubly linked list of the numbers `at(0)` to `at(count - 1)`; what was removed is restored in the opposite order. */
export class Links {
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #sentinel: number;

  constructor(count: number, at: (i: number) => number) {
    this.#sentinel = count;
    this.#next = new Int32Array(count + 1);
    this.#previous = new Int32Array(count + 1);
    let last = count;
    for (let i = 0; i < count; i++) {
      const n = at(i);
      this.#next[last] = n;
      this.#previous[n] = last;
      last = n;
    }
    this.#next[last] = count;
    this.#previous[count] = last;
  }

  /** The first element, or the sentinel. */
  get first(): number {
    return this.#next[this.#sentinel] as number;
  }

  after(n: number): number {
    return this.#next[n] as number;
  }

  remove(n: number): void {
    this.#next[this.#previous[n] as number] = this.#next[n] as number;
    this.#previous[this.#next[n] as number] = this.#previous[n] as number;
  }

  restore(n: number): void {
    this.#next[this.#previous[n] as number] = n;
    this.#previous[this.#next[n] as number] = n;
  }
}

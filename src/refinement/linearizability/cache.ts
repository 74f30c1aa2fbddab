/**
 * The configurations that a search has been in (Lowe, Testing for linearizability, 2017, section 3), in rows of integers.
 * Of two that differ only in open operations used up, the one that used fewer can do all that the other can, so that one is
 * enough.
 */

/** Rows are found by `head`, which must be equal; `open` is a bit set of operations used up. */
export class ConfigurationCache {
  readonly #headWords: number;
  readonly #openWords: number;
  /** A row holds its head, its open words and the next row of the same head (-1: none). */
  readonly #width: number;
  #rows: Int32Array;
  #count = 0;
  /** Row numbers by hash of the head, open addressing; -1 is free. */
  #index: Int32Array;
  #heads = 0;

  constructor(headWords: number, openWords: number) {
    this.#headWords = headWords;
    this.#openWords = openWords;
    this.#width = headWords + openWords + 1;
    this.#rows = new Int32Array(this.#width * 64);
    this.#index = new Int32Array(128).fill(-1);
  }

  /** What the configurations take. */
  get bytes(): number {
    return 4 * (this.#count * this.#width + this.#index.length);
  }

  /** Adds a configuration; false where one is there that can do all that this one can. Copies both. */
  add(head: Int32Array, open: Int32Array): boolean {
    const at = this.#find(this.#index, head, 0);
    const first = this.#index[at] as number;
    for (let row = first; row >= 0; row = this.#next(row)) if (this.#usedNoMore(row, open)) return false;
    const row = this.#append(head, open, first);
    this.#index[at] = row;
    if (first < 0 && ++this.#heads * 2 > this.#index.length) this.#rehash();
    return true;
  }

  #next(row: number): number {
    return this.#rows[row * this.#width + this.#width - 1] as number;
  }

  /** Whether the configuration in `row` used up no open operation that is not in `open`. */
  #usedNoMore(row: number, open: Int32Array): boolean {
    const at = row * this.#width + this.#headWords;
    for (let i = 0; i < this.#openWords; i++) {
      if (((this.#rows[at + i] as number) & ~(open[i] as number)) !== 0) return false;
    }
    return true;
  }

  #append(head: Int32Array, open: Int32Array, next: number): number {
    const row = this.#count++;
    const at = row * this.#width;
    if (at + this.#width > this.#rows.length) {
      const larger = new Int32Array(this.#rows.length * 2);
      larger.set(this.#rows);
      this.#rows = larger;
    }
    this.#rows.set(head, at);
    this.#rows.set(open, at + this.#headWords);
    this.#rows[at + this.#width - 1] = next;
    return row;
  }

  /** Where in `index` the head that stands in `words` from `from` on is, or would be. */
  #find(index: Int32Array, words: Int32Array, from: number): number {
    let hash = 0x811c9dc5;
    for (let i = 0; i < this.#headWords; i++) hash = Math.imul(hash ^ (words[from + i] as number), 0x01000193);
    hash ^= hash >>> 15;
    hash = Math.imul(hash, 0x2c1b3c6d);
    const mask = index.length - 1;
    for (let at = (hash ^ (hash >>> 13)) & mask; ; at = (at + 1) & mask) {
      const row = index[at] as number;
      if (row < 0 || this.#sameHead(row, words, from)) return at;
    }
  }

  #sameHead(row: number, words: Int32Array, from: number): boolean {
    const at = row * this.#width;
    for (let i = 0; i < this.#headWords; i++) if (this.#rows[at + i] !== words[from + i]) return false;
    return true;
  }

  #rehash(): void {
    const larger = new Int32Array(this.#index.length * 2).fill(-1);
    // Only the newest row of a head stands in the index; it leads to the others.
    for (const row of this.#index) if (row >= 0) larger[this.#find(larger, this.#rows, row * this.#width)] = row;
    this.#index = larger;
  }
}

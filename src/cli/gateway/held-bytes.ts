/** What all connections of a gateway hold together, and its bound. */

/** Something that holds bytes, and can be made to let go of them. */
export interface Holder {
  /** Ends it; it holds nothing after the call. */
  evict(): void;
}

/** The sum over the connections of one gateway. Above its bound the connections that hold the most are ended, as Redis does by `maxmemory-clients`. */
export class HeldBytes {
  readonly #max: number;
  readonly #told = new Map<Holder, number>();
  #sum = 0;
  #evicting = false;

  /** `max`: bytes that all holders may hold together. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Bytes that are held, as far as was told. */
  get bytes(): number {
    return this.#sum;
  }

  /** Whether holders should begin nothing beyond what they have to. */
  get crowded(): boolean {
    return 2 * this.#sum >= this.#max;
  }

  /** Takes note of what `holder` holds now. Evictions follow once the code that runs now is through. */
  tell(holder: Holder, bytes: number): void {
    const before = this.#told.get(holder) ?? 0;
    if (bytes === before) return;
    this.#sum += bytes - before;
    if (bytes === 0) this.#told.delete(holder);
    else this.#told.set(holder, bytes);
    if (this.#sum <= this.#max || this.#evicting) return;
    this.#evicting = true;
    process.nextTick(this.#evict);
  }

  readonly #evict = (): void => {
    this.#evicting = false;
    while (this.#sum > this.#max) {
      let most = 0;
      let largest: Holder | undefined;
      for (const [holder, bytes] of this.#told) {
        if (bytes <= most) continue;
        most = bytes;
        largest = holder;
      }
      if (largest === undefined) return;
      largest.evict();
      this.tell(largest, 0);
    }
  };
}

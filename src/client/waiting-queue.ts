/** What was asked of a client and waits for a place in its session's window, first come, first served. */

/** What waits, and how long. */
export interface Expiring {
  readonly deadlineMs: number;
}

/** A queue in which each request waits until its deadline at most. */
export class WaitingQueue<R extends Expiring> {
  #items: R[] = [];
  #head = 0;

  get empty(): boolean {
    return this.#head === this.#items.length;
  }

  /** The first, which stays; `undefined` where none waits. */
  get first(): R | undefined {
    return this.#items[this.#head];
  }

  push(request: R): void {
    this.#items.push(request);
  }

  /** Puts `requests`, in their order, before all that wait. */
  putBack(requests: readonly R[]): void {
    if (requests.length === 0) return;
    this.#items = [...requests, ...this.#items.slice(this.#head)];
    this.#head = 0;
  }

  /** Takes the first; `undefined` where none waits. */
  shift(): R | undefined {
    const first = this.#items[this.#head];
    if (first === undefined) return undefined;
    this.#head++;
    // Moved now and then only, so that taking one costs the same however many wait.
    if (this.#head === this.#items.length || (this.#head > 1024 && this.#head * 2 > this.#items.length)) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return first;
  }

  /** Takes those out whose deadline has come; the caller's own. */
  takeExpired(nowMs: number): readonly R[] {
    const expired: R[] = [];
    const kept: R[] = [];
    for (let i = this.#head; i < this.#items.length; i++) {
      const request = this.#items[i] as R;
      (nowMs >= request.deadlineMs ? expired : kept).push(request);
    }
    this.#items = kept;
    this.#head = 0;
    return expired;
  }

  /** The first deadline; `Infinity` where none waits. */
  get deadlineMs(): number {
    let min = Infinity;
    for (let i = this.#head; i < this.#items.length; i++) min = Math.min(min, (this.#items[i] as R).deadlineMs);
    return min;
  }
}

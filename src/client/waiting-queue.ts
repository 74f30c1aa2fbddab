/** What was asked of a client and waits for a place in its session's window, first come, first served. */

/** What waits, and how long. */
export interface Expiring {
  readonly deadlineMs: number;
}

/** Places of requests that were taken which are kept for others. */
const emptyPlacesMax = 1024;

/** A queue in which each request waits until its deadline at most. */
export class WaitingQueue<R extends Expiring> {
  /** Those that wait stand from `#head` up to `#end`; `undefined` elsewhere. */
  #items: (R | undefined)[] = [];
  #head = 0;
  #end = 0;

  get empty(): boolean {
    return this.#head === this.#end;
  }

  /** The first, which stays; `undefined` where none waits. */
  get first(): R | undefined {
    return this.#items[this.#head];
  }

  push(request: R): void {
    this.#items[this.#end++] = request;
  }

  /** Puts `requests`, in their order, before all that wait. */
  putBack(requests: readonly R[]): void {
    if (requests.length === 0) return;
    this.#take([...requests, ...this.#waiting()]);
  }

  /** Takes the first; `undefined` where none waits. */
  shift(): R | undefined {
    const first = this.#items[this.#head];
    if (first === undefined) return undefined;
    this.#items[this.#head++] = undefined;
    // Mostly one comes and is taken at once: its place serves the next.
    if (this.#head === this.#end) {
      if (this.#end > emptyPlacesMax) this.#items = [];
      this.#head = 0;
      this.#end = 0;
    } else if (this.#head > emptyPlacesMax && this.#head * 2 > this.#end) {
      // Moved now and then only, so that taking one costs the same however many wait.
      this.#take(this.#waiting());
    }
    return first;
  }

  /** Takes those out whose deadline has come; the caller's own. */
  takeExpired(nowMs: number): readonly R[] {
    const expired: R[] = [];
    const kept: R[] = [];
    for (const request of this.#waiting()) (nowMs >= request.deadlineMs ? expired : kept).push(request);
    this.#take(kept);
    return expired;
  }

  /** The first deadline; `Infinity` where none waits. */
  get deadlineMs(): number {
    let min = Infinity;
    for (let i = this.#head; i < this.#end; i++) min = Math.min(min, (this.#items[i] as R).deadlineMs);
    return min;
  }

  #waiting(): R[] {
    return this.#items.slice(this.#head, this.#end) as R[];
  }

  /** Has these wait, and no others. */
  #take(requests: R[]): void {
    this.#items = requests;
    this.#head = 0;
    this.#end = requests.length;
  }
}

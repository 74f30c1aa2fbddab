/** Virtual time: events in the order of their time, and of their scheduling where times are equal. */

interface Event {
  readonly timeMs: number;
  readonly order: number;
  run: (() => void) | undefined;
}

const before = (a: Event, b: Event): boolean => a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.order < b.order);

/** A clock that only moves by running events. A binary heap. */
export class VirtualTime {
  #nowMs = 0;
  #scheduled = 0;
  readonly #heap: Event[] = [];

  /** Milliseconds since the start, with fractions. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Runs `run` at `timeMs`, or now if that has passed; the result cancels it. */
  at(timeMs: number, run: () => void): () => void {
    const event: Event = { timeMs: Math.max(timeMs, this.#nowMs), order: this.#scheduled++, run };
    this.#push(event);
    return () => {
      event.run = undefined;
    };
  }

  /** Runs `run` `delayMs` from now. */
  after(delayMs: number, run: () => void): () => void {
    return this.at(this.#nowMs + delayMs, run);
  }

  /** When the next event is; `Infinity` if there is none. */
  get nextMs(): number {
    while (this.#heap[0] !== undefined && this.#heap[0].run === undefined) this.#pop();
    return this.#heap[0]?.timeMs ?? Infinity;
  }

  /** Moves on to the next event and runs it; false if there is none. */
  runNext(): boolean {
    for (let event = this.#pop(); event !== undefined; event = this.#pop()) {
      if (event.run === undefined) continue;
      this.#nowMs = event.timeMs;
      event.run();
      return true;
    }
    return false;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(event);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (before(heap[parent] as Event, event)) break;
      heap[i] = heap[parent] as Event;
      i = parent;
    }
    heap[i] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Event, heap[child] as Event)) child++;
      if (before(last, heap[child] as Event)) break;
      heap[i] = heap[child] as Event;
      i = child;
    }
    heap[i] = last;
    return first;
  }
}

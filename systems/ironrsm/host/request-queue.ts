/** The proposer's queue: requests at absolute positions that never recur. */
import { add, successor } from '../../../src/spec/nat.js';
import type { Request } from '../messages.js';

/** Entries that may lie unused before the array is made short again. */
const unusedMax = 1024;

/** A first-in-first-out queue over an array with a moving head. */
export class RequestQueue {
  #first = 0;
  #next = 0;
  #items: Request[] = [];
  #head = 0;

  /** The position of the oldest request, or of the next one where the queue is empty. */
  get first(): number {
    return this.#first;
  }

  /** The position that the next request gets. */
  get next(): number {
    return this.#next;
  }

  get length(): number {
    return this.#next - this.#first;
  }

  /** The request at `position`, `undefined` where the queue has none. */
  at(position: number): Request | undefined {
    return position < this.#first || position >= this.#next
      ? undefined
      : this.#items[this.#head + position - this.#first];
  }

  /** Appends, and returns the request's position. */
  push(request: Request): number {
    const position = this.#next;
    this.#next = successor(position);
    this.#items.push(request);
    return position;
  }

  /** Removes the `count` oldest requests, at most as many as there are, and returns them in order in an array of the caller's own. */
  take(count: number): Request[] {
    const taken = this.#items.slice(this.#head, this.#head + count);
    this.#first = add(this.#first, taken.length);
    this.#head += taken.length;
    if (this.#first === this.#next) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head > unusedMax && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return taken;
  }
}

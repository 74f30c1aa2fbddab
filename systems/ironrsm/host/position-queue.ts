/** A queue whose items have absolute positions that never recur: the proposer's requests, and the sessions in the order of expiry. */
import { add, successor } from '../../../src/spec/nat.js';

/** Entries that may lie unused before the array is made short again. */
const unusedMax = 1024;

/** What others may look at. It holds the positions `first` to `next - 1`. */
export interface PositionedItems<A> {
  /** The position of the oldest item, or of the next one where there is none. */
  readonly first: number;
  /** The position that the next item gets. */
  readonly next: number;
  /** The item at `position`, `undefined` where there is none. */
  at(position: number): A | undefined;
}

/** A first-in-first-out queue over an array with a moving head. */
export class PositionQueue<A> implements PositionedItems<A> {
  #first: number;
  #next: number;
  #items: A[] = [];
  #head = 0;

  /** An empty queue whose first item will be at `first`. */
  constructor(first = 0) {
    this.#first = first;
    this.#next = first;
  }

  get first(): number {
    return this.#first;
  }

  get next(): number {
    return this.#next;
  }

  get length(): number {
    return this.#next - this.#first;
  }

  at(position: number): A | undefined {
    return position < this.#first || position >= this.#next
      ? undefined
      : this.#items[this.#head + position - this.#first];
  }

  /** Appends, and returns the item's position. */
  push(item: A): number {
    const position = this.#next;
    this.#next = successor(position);
    this.#items.push(item);
    return position;
  }

  /** Removes the oldest item; `undefined` where there is none. */
  shift(): A | undefined {
    if (this.#first === this.#next) return undefined;
    const item = this.#items[this.#head];
    this.#drop(1);
    return item;
  }

  /** Removes the `count` oldest items, at most as many as there are, and returns them in order in an array of the caller's own. */
  take(count: number): A[] {
    const taken = this.#items.slice(this.#head, this.#head + count);
    this.#drop(taken.length);
    return taken;
  }

  #drop(count: number): void {
    this.#first = add(this.#first, count);
    this.#head += count;
    if (this.#first === this.#next) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head > unusedMax && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
  }
}

/** The requests of a client that have no outcome yet: those of its session's window, and those that wait for a place in it. */
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { successor } from '../../../src/spec/nat.js';

/** A request without an outcome. */
export interface Pending {
  readonly id: number;
  readonly value: Uint8Array;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  /** 0 while it waits for a place in the window: it was never sent. */
  seqno: number;
  /** Whom it was sent to last; `undefined` for all replicas. */
  target: EndPoint | undefined;
  /** When it was sent first. */
  sentAtMs: number;
  retryAtMs: number;
  waitMs: number;
}

/** A request that was not sent yet. */
export const pendingOf = (id: number, value: Uint8Array, timeoutMs: number, deadlineMs: number): Pending => ({
  id,
  value,
  timeoutMs,
  deadlineMs,
  seqno: 0,
  target: undefined,
  sentAtMs: 0,
  retryAtMs: Infinity,
  waitMs: 0,
});

/** A session's outstanding requests, by seqno: a ring, since they lie between the floor and the floor plus the size. */
export class Window {
  readonly session: number;
  readonly #ring: (Pending | undefined)[];
  #floor = 1;
  #next = 1;

  /** Of the session with the id `session`, which executes seqnos below its floor plus `size` only. */
  constructor(session: number, size: number) {
    this.session = session;
    this.#ring = new Array<Pending | undefined>(size).fill(undefined);
  }

  /** The lowest seqno without an outcome; the next one to be used where all have theirs. */
  get floor(): number {
    return this.#floor;
  }

  /** The seqno that the next request gets. */
  get next(): number {
    return this.#next;
  }

  get full(): boolean {
    return this.#next - this.#floor >= this.#ring.length;
  }

  /** Gives `pending` the next seqno. Throws where the window is full. */
  add(pending: Pending): void {
    if (this.full) throw new Error('the window of the session is full');
    pending.seqno = this.#next;
    this.#ring[this.#next % this.#ring.length] = pending;
    this.#next = successor(this.#next);
  }

  /** The request that is outstanding under `seqno`. */
  get(seqno: number): Pending | undefined {
    if (seqno < this.#floor || seqno >= this.#next) return undefined;
    return this.#ring[seqno % this.#ring.length];
  }

  /** Takes a request of the window out of it; the floor rises over what has an outcome. */
  remove(pending: Pending): void {
    const { length } = this.#ring;
    this.#ring[pending.seqno % length] = undefined;
    while (this.#floor < this.#next && this.#ring[this.#floor % length] === undefined) this.#floor++;
  }

  /** What is outstanding, by seqno; an array of the caller's own. */
  all(): readonly Pending[] {
    const all: Pending[] = [];
    for (let seqno = this.#floor; seqno < this.#next; seqno++) {
      const pending = this.#ring[seqno % this.#ring.length];
      if (pending !== undefined) all.push(pending);
    }
    return all;
  }
}

/** Requests that wait for a place in the window, first come, first served. */
export class Waiting {
  #items: Pending[] = [];
  #head = 0;

  get empty(): boolean {
    return this.#head === this.#items.length;
  }

  push(pending: Pending): void {
    this.#items.push(pending);
  }

  /** Takes the first; `undefined` where there is none. */
  shift(): Pending | undefined {
    const first = this.#items[this.#head];
    if (first === undefined) return undefined;
    this.#head++;
    // Moved now and then only, so that taking one costs the same however many wait.
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return first;
  }

  /** Takes those out whose deadline has come; the caller's own. */
  takeExpired(nowMs: number): readonly Pending[] {
    const expired: Pending[] = [];
    const kept: Pending[] = [];
    for (let i = this.#head; i < this.#items.length; i++) {
      const pending = this.#items[i] as Pending;
      (nowMs >= pending.deadlineMs ? expired : kept).push(pending);
    }
    this.#items = kept;
    this.#head = 0;
    return expired;
  }

  /** The first deadline; `Infinity` where none waits. */
  get deadlineMs(): number {
    let min = Infinity;
    for (let i = this.#head; i < this.#items.length; i++) {
      min = Math.min(min, (this.#items[i] as Pending).deadlineMs);
    }
    return min;
  }
}

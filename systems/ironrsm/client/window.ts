/** The requests of a client that have no outcome yet: those of its session's window, and those that wait for a place in it. */
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { successor } from '../../../src/spec/nat.js';
import { joined } from '../messages.js';

/** What a caller asked for, without an outcome. */
export interface Operation {
  readonly id: number;
  readonly value: Uint8Array;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
}

/** A request without an outcome. */
export interface Pending {
  /** What it carries, in order. Those that were given up are no longer in `open`. */
  readonly operations: readonly Operation[];
  readonly value: Uint8Array;
  open: readonly Operation[];
  /** Of the first of `open` to be given up. */
  deadlineMs: number;
  seqno: number;
  /** Whom it was sent to last; `undefined` for all replicas. */
  target: EndPoint | undefined;
  /** When it was sent first. */
  sentAtMs: number;
  retryAtMs: number;
  waitMs: number;
}

const firstDeadlineMs = (operations: readonly Operation[]): number => {
  let first = Infinity;
  for (let i = 0; i < operations.length; i++) first = Math.min(first, (operations[i] as Operation).deadlineMs);
  return first;
};

/** A request that was not sent yet. */
export const pendingOf = (operations: readonly Operation[]): Pending => ({
  operations,
  value: joined(operations.map(({ value }) => value)),
  open: operations,
  deadlineMs: firstDeadlineMs(operations),
  seqno: 0,
  target: undefined,
  sentAtMs: 0,
  retryAtMs: Infinity,
  waitMs: 0,
});

/** Takes out of a request what is overdue; the caller's own. */
export const takeOverdue = (pending: Pending, nowMs: number): readonly Operation[] => {
  if (nowMs < pending.deadlineMs) return [];
  const overdue = pending.open.filter(({ deadlineMs }) => nowMs >= deadlineMs);
  pending.open = pending.open.filter(({ deadlineMs }) => nowMs < deadlineMs);
  pending.deadlineMs = firstDeadlineMs(pending.open);
  return overdue;
};

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

/** What an operation costs in a request besides its own bytes. */
export const operationHeaderBytes = 4;

/** Operations that wait for a place in the window, first come, first served. */
export class Waiting {
  #items: Operation[] = [];
  #head = 0;

  get empty(): boolean {
    return this.#head === this.#items.length;
  }

  push(operation: Operation): void {
    this.#items.push(operation);
  }

  /** Takes as many of the first as fit into one request of `bytesMax` bytes, at least one; none where there is none. */
  take(countMax: number, bytesMax: number): readonly Operation[] {
    const taken: Operation[] = [];
    let bytes = 0;
    while (taken.length < countMax) {
      const next = this.#items[this.#head];
      if (next === undefined) break;
      bytes += next.value.length + operationHeaderBytes;
      if (taken.length > 0 && bytes > bytesMax) break;
      taken.push(next);
      this.#head++;
    }
    // Moved now and then only, so that taking one costs the same however many wait.
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return taken;
  }

  /** Takes those out whose deadline has come; the caller's own. */
  takeExpired(nowMs: number): readonly Operation[] {
    const expired: Operation[] = [];
    const kept: Operation[] = [];
    for (let i = this.#head; i < this.#items.length; i++) {
      const operation = this.#items[i] as Operation;
      (nowMs >= operation.deadlineMs ? expired : kept).push(operation);
    }
    this.#items = kept;
    this.#head = 0;
    return expired;
  }

  /** The first deadline; `Infinity` where none waits. */
  get deadlineMs(): number {
    let min = Infinity;
    for (let i = this.#head; i < this.#items.length; i++) {
      min = Math.min(min, (this.#items[i] as Operation).deadlineMs);
    }
    return min;
  }
}

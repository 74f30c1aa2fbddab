/** The requests of a client that have no outcome yet: those of its session's window, and those that wait for a place in it. */
import { successor } from '../../../src/spec/nat.js';
import type { Command } from '../commands.js';
import type { Session } from '../messages.js';

/** A request without an outcome. */
export interface Pending {
  readonly id: number;
  readonly command: Command;
  /** The text of its key. */
  readonly key: string;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  seqno: number;
  /** The index of the host that it is on its way to; `undefined` while it waits to be sent (again). */
  target: number | undefined;
  /** When it was sent first; `undefined` before. */
  sentAtMs: number | undefined;
  /** When it is sent again without an answer; of one that waits: when it may be sent. */
  retryAtMs: number;
  waitMs: number;
  /** Times that nobody answered. */
  silences: number;
  /** Redirects followed since the last silence. */
  redirects: number;
}

/** A session's outstanding requests, by seqno: a ring, since they lie between the floor and the floor plus the size. */
export class Window {
  readonly session: Session;
  /** When the session was opened, by the client's clock. */
  readonly openedAtMs: number;
  readonly #ring: (Pending | undefined)[];
  #floor: number;
  #next: number;
  #count = 0;

  /** Of `session`, all of whose seqnos below `next` are settled. `size` is at most the cluster's `sessionWindowMax`. */
  constructor(session: Session, next: number, openedAtMs: number, size: number) {
    this.session = session;
    this.openedAtMs = openedAtMs;
    this.#ring = new Array<Pending | undefined>(size).fill(undefined);
    this.#floor = next;
    this.#next = next;
  }

  /** The lowest seqno that is not settled; the next one to be used where all are. */
  get floor(): number {
    return this.#floor;
  }

  /** The seqno that the next request gets. */
  get next(): number {
    return this.#next;
  }

  /** Requests outstanding. */
  get size(): number {
    return this.#count;
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
    this.#count++;
  }

  /** The request that is outstanding under `seqno`. */
  get(seqno: number): Pending | undefined {
    if (seqno < this.#floor || seqno >= this.#next) return undefined;
    return this.#ring[seqno % this.#ring.length];
  }

  /** Takes a request of the window out of it; the floor rises over what is settled. */
  remove(pending: Pending): void {
    const { length } = this.#ring;
    this.#ring[pending.seqno % length] = undefined;
    this.#count--;
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

  /** Puts `pending`, in their order, before all that wait. */
  putBack(pending: readonly Pending[]): void {
    if (pending.length === 0) return;
    this.#items = [...pending, ...this.#items.slice(this.#head)];
    this.#head = 0;
  }

  /** Takes the first; `undefined` where none waits. */
  shift(): Pending | undefined {
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
  takeExpired(nowMs: number): readonly Pending[] {
    const waiting = this.#items.slice(this.#head);
    this.#items = waiting.filter((p) => nowMs < p.deadlineMs);
    this.#head = 0;
    return waiting.filter((p) => nowMs >= p.deadlineMs);
  }

  /** The first deadline; `Infinity` where none waits. */
  get deadlineMs(): number {
    let min = Infinity;
    for (let i = this.#head; i < this.#items.length; i++) min = Math.min(min, (this.#items[i] as Pending).deadlineMs);
    return min;
  }
}

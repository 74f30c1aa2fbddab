/** The requests of a session that have a seqno and no outcome: what a server must be able to answer again. */
import { successor } from '../spec/nat.js';

/** A session with which a client may go on: every seqno below `next` is settled. */
export interface OpenSession<S> {
  /** Its identity, as the system's messages have it. */
  readonly session: S;
  readonly next: number;
  /** By the clock of the clients that use it. */
  readonly openedAtMs: number;
}

/** What a window writes into a request: the seqno that it gave it. */
export interface Numbered {
  seqno: number;
}

/** A session's outstanding requests, by seqno: a ring, since they lie between the floor and the floor plus the size. */
export class SessionWindow<S, R extends Numbered> {
  readonly session: S;
  readonly openedAtMs: number;
  readonly #ring: (R | undefined)[];
  #floor: number;
  #next: number;
  #count = 0;

  /** `size`: the seqnos from its floor on that the session may use. */
  constructor({ session, next, openedAtMs }: OpenSession<S>, size: number) {
    this.session = session;
    this.openedAtMs = openedAtMs;
    this.#ring = new Array<R | undefined>(size).fill(undefined);
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

  /** Gives `request` the next seqno. Throws where the window is full. */
  add(request: R): void {
    if (this.full) throw new Error('the window of the session is full');
    request.seqno = this.#next;
    this.#ring[this.#next % this.#ring.length] = request;
    this.#next = successor(this.#next);
    this.#count++;
  }

  /** The request that is outstanding under `seqno`. */
  get(seqno: number): R | undefined {
    if (seqno < this.#floor || seqno >= this.#next) return undefined;
    return this.#ring[seqno % this.#ring.length];
  }

  /** Settles a request of the window; the floor rises over what is settled. */
  remove(request: R): void {
    const { length } = this.#ring;
    this.#ring[request.seqno % length] = undefined;
    this.#count--;
    while (this.#floor < this.#next && this.#ring[this.#floor % length] === undefined) this.#floor++;
  }

  /** What is outstanding, by seqno; an array of the caller's own. */
  all(): readonly R[] {
    const all: R[] = [];
    for (let seqno = this.#floor; seqno < this.#next; seqno++) {
      const request = this.#ring[seqno % this.#ring.length];
      if (request !== undefined) all.push(request);
    }
    return all;
  }
}

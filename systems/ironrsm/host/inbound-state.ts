/** A state that a replica receives in pieces, and what a piece must be (README.md, "The state on the wire"). */
import { equalBytes } from '../../../src/spec/bytes.js';
import { type Cursor, type SessionsRecord, wireMax } from '../messages.js';
import { executeKey } from './keys.js';
import { GrowingBytes } from './own-bytes.js';

/** A state that is being received. */
export interface Inbound {
  /** The index of the replica that sends it. */
  readonly supplier: number;
  /** After how many operations the state is. */
  readonly opn: number;
  /** Where the next piece begins. */
  readonly at: Cursor;
  /** The bytes of the sessions so far: a view. */
  readonly sessions: Uint8Array;
  /** The application's state so far. */
  readonly app: unknown;
  /** Whether a piece came since the last progress check. */
  readonly fresh: boolean;
  /** How often the next piece was asked for again. */
  readonly tries: number;
}

/** Where every state begins. */
export const firstCursor: Cursor = { tag: 'sessions', offset: 0 };

/** The same, as the replica changes it. */
export class InboundState implements Inbound {
  at: Cursor = firstCursor;
  app: unknown;
  fresh = true;
  tries = 0;
  readonly supplier: number;
  readonly opn: number;
  readonly #sessions = new GrowingBytes();

  constructor(supplier: number, opn: number, app: unknown) {
    this.supplier = supplier;
    this.opn = opn;
    this.app = app;
  }

  get sessions(): Uint8Array {
    return this.#sessions.value;
  }

  append(bytes: Uint8Array): void {
    this.#sessions.append(bytes);
  }
}

/** Whether the sessions can be some replica's: what decodes may still contradict itself. */
export const isConsistent = ({ nextSession, first, ring, done }: SessionsRecord, window: number): boolean => {
  const ids = new Set<number>();
  for (const { id } of ring) {
    if (id >= nextSession || ids.has(id)) return false;
    ids.add(id);
  }
  let last = -1;
  for (const { session, seqno } of done) {
    const key = executeKey(session, seqno, window);
    if (key <= last || !ids.has(session)) return false;
    last = key;
  }
  return Number.isSafeInteger(first + ring.length);
};

/** Whether the piece after one of `length` bytes at `at` can begin at `next`; what a transfer holds stays bounded by it. */
export const isFollowedBy = (at: Cursor, length: number, next: Cursor | null): boolean => {
  if (at.tag === 'app') return next === null || (next.tag === 'app' && next.after !== null);
  if (next === null || next.tag === 'app') return next !== null && next.after === null;
  return length > 0 && next.offset === at.offset + length && next.offset <= wireMax.sessionsBytes;
};

export const isSameCursor = (a: Cursor, b: Cursor): boolean => {
  if (a.tag === 'sessions') return b.tag === 'sessions' && a.offset === b.offset;
  if (b.tag === 'sessions') return false;
  return a.after === null || b.after === null ? a.after === b.after : equalBytes(a.after, b.after);
};

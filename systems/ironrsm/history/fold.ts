/**
 * The state machine that chosen operations fold to (README.md, "Executing a batch"), with the steps of the service that each takes.
 * Written for the checks alone: it shares no code with hosts and protocol.
 */
import { PersistentMap } from '../../../src/protocol/persistent-map.js';
import { E } from '../../../src/spec/prelude.js';
import type { Configuration } from '../configuration.js';
import {
  batchCodec,
  type DoneRecord,
  type ExecuteRequest,
  joined,
  type OpenRequest,
  parted,
  requestDigest,
  sessionIdsMax,
  sessionsCodec,
  wireMax,
} from '../messages.js';
import type { RsmStep } from '../spec.js';

/** A live session, as README.md's executor has it. */
export interface FoldedSession {
  readonly floor: number;
  readonly high: number;
  readonly ordered: boolean;
  readonly used: boolean;
}

/** The state machine after a number of operations. */
export interface Fold {
  readonly app: unknown;
  readonly nextSession: number;
  readonly sessions: PersistentMap<number, FoldedSession>;
  /** Ids by position, from `ringFirst` to `ringNext` - 1. */
  readonly ring: PersistentMap<number, number>;
  readonly ringFirst: number;
  readonly ringNext: number;
  readonly done: PersistentMap<number, DoneRecord>;
  readonly replyBytes: number;
}

/** A step of the service that an operation takes; `reply`: what an execution answers. */
export interface Taken {
  readonly step: RsmStep;
  readonly reply: Uint8Array | undefined;
}

/** The state machine before the first operation. */
export const foldOfNothing = ({ app }: Configuration): Fold => ({
  app: app.initial,
  nextSession: 0,
  sessions: PersistentMap.empty(),
  ring: PersistentMap.empty(),
  ringFirst: 0,
  ringNext: 0,
  done: PersistentMap.empty(),
  replyBytes: 0,
});

/** One operation under way. */
class Operation {
  readonly taken: Taken[] = [];
  readonly #c: Configuration;
  #fold: Fold;

  constructor(c: Configuration, fold: Fold) {
    this.#c = c;
    this.#fold = fold;
  }

  get fold(): Fold {
    return this.#fold;
  }

  open({ client, nonce, ordered }: OpenRequest): void {
    const f = this.#fold;
    const id = f.nextSession;
    if (id >= sessionIdsMax) return;
    this.#fold = {
      ...f,
      nextSession: id + 1,
      sessions: f.sessions.set(id, { floor: 1, high: 0, ordered, used: true }),
      ring: f.ring.set(f.ringNext, id),
      ringNext: f.ringNext + 1,
    };
    this.#took({ tag: 'open', client, nonce, ordered });
    this.#expire();
  }

  execute(r: ExecuteRequest): void {
    const live = this.#fold.sessions.get(r.session);
    if (live === undefined || r.floor > r.seqno) return;
    if (r.floor > live.floor) this.#raise(r, live);
    const { sessionWindow: window } = this.#c.parameters;
    const s = this.#fold.sessions.get(r.session) as FoldedSession;
    const place = r.seqno - s.floor;
    if (place < 0 || place >= window) return;
    const key = r.session * window + (r.seqno % window);
    if (this.#fold.done.has(key) || (s.ordered && r.seqno !== Math.max(s.high + 1, s.floor))) return;
    this.#apply(r, s, key);
    this.#expire();
  }

  #took(step: RsmStep, reply?: Uint8Array): void {
    this.taken.push({ step, reply });
  }

  #raise({ client, session, floor }: ExecuteRequest, s: FoldedSession): void {
    const f = this.#fold;
    const gone = this.#entries(session, (entry) => entry.seqno < floor);
    const sessions = f.sessions.set(session, { ...s, floor });
    this.#fold = { ...f, sessions, ...this.#without(gone) };
    this.#took({ tag: 'raise', client, session, floor });
  }

  #apply({ client, session, seqno, value }: ExecuteRequest, s: FoldedSession, key: number): void {
    const f = this.#fold;
    const { app, reply } = this.#answered(value);
    this.#fold = {
      ...f,
      app,
      sessions: f.sessions.set(session, { ...s, high: seqno > s.high ? seqno : s.high, used: true }),
      done: f.done.set(key, { session, seqno, digest: requestDigest(value), reply }),
      replyBytes: f.replyBytes + reply.length,
    };
    this.#took({ tag: 'execute', client, session, seqno, value }, reply);
  }

  /** Replies that no message has room for undo what they answer. */
  #answered(value: Uint8Array): { readonly app: unknown; readonly reply: Uint8Array } {
    let { app } = this.#fold;
    let length = 0;
    const replies: Uint8Array[] = [];
    for (const operation of parted(value)) {
      const next = this.#c.app.apply(app, operation);
      length += 4 + next.reply.length;
      if (length > wireMax.valueBytes) return { app: this.#fold.app, reply: joined([]) };
      app = next.state;
      replies.push(next.reply);
    }
    return { app, reply: joined(replies) };
  }

  #expire(): void {
    const { sessionsMax, replyBytesMax } = this.#c.parameters;
    for (;;) {
      const f = this.#fold;
      const crowded = f.sessions.size > sessionsMax;
      if (!crowded && (f.replyBytes <= replyBytesMax || f.sessions.size < 2)) return;
      const id = f.ring.get(f.ringFirst) as number;
      const s = f.sessions.get(id) as FoldedSession;
      const [ring, ringFirst] = [f.ring.delete(f.ringFirst), f.ringFirst + 1];
      if (s.used) {
        const sessions = f.sessions.set(id, { ...s, used: false });
        this.#fold = { ...f, sessions, ring: ring.set(f.ringNext, id), ringFirst, ringNext: f.ringNext + 1 };
      } else {
        const rest = this.#without(this.#entries(id, () => true));
        this.#fold = { ...f, sessions: f.sessions.delete(id), ring, ringFirst, ...rest };
        this.#took({ tag: 'expire', session: id });
      }
    }
  }

  /** The keys of a session's entries in `done`: they lie side by side. */
  #entries(session: number, wanted: (entry: DoneRecord) => boolean): readonly number[] {
    const { sessionWindow: window } = this.#c.parameters;
    const { done } = this.#fold;
    const keys: number[] = [];
    const add = (key: number): void => {
      const entry = done.get(key);
      if (entry !== undefined && entry.session === session && wanted(entry)) keys.push(key);
    };
    if (done.size < window) for (const key of done.keys()) add(key);
    else for (let key = session * window; key < (session + 1) * window; key++) add(key);
    return keys;
  }

  #without(keys: readonly number[]): Pick<Fold, 'done' | 'replyBytes'> {
    let { done, replyBytes } = this.#fold;
    for (const key of keys) {
      replyBytes -= done.get(key)?.reply.length ?? 0;
      done = done.delete(key);
    }
    return { done, replyBytes };
  }
}

/** The state machine after one more operation, and the service's steps that it took. Bytes that are no batch take none. */
export const folded = (c: Configuration, fold: Fold, batch: Uint8Array): { fold: Fold; taken: readonly Taken[] } => {
  const requests = batchCodec.decode(batch);
  if (E.isLeft(requests)) return { fold, taken: [] };
  const operation = new Operation(c, fold);
  for (const r of requests.right) {
    if (r.tag === 'open') operation.open(r);
    else operation.execute(r);
  }
  return operation;
};

/** The sessions of a fold as a transfer carries them (README.md, "The state on the wire"). */
export const sessionsBytes = (fold: Fold): Uint8Array => {
  const ring = [];
  for (let at = fold.ringFirst; at < fold.ringNext; at++) {
    const id = fold.ring.get(at) as number;
    const { floor, high, ordered, used } = fold.sessions.get(id) as FoldedSession;
    ring.push({ id, floor, high, ordered, used });
  }
  const done = [...fold.done].sort(([a], [b]) => a - b).map(([, entry]) => entry);
  return sessionsCodec.encode({ nextSession: fold.nextSession, first: fold.ringFirst, ring, done });
};

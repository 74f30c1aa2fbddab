/**
 * The replicated state machine: the application behind its sessions (README.md, "Executing a batch"). A function of the
 * operations executed, and so equal on all replicas that executed as many.
 */
import { type MapDraft, PersistentMap } from '../../../src/protocol/persistent-map.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { successor } from '../../../src/spec/nat.js';
import { E } from '../../../src/spec/prelude.js';
import type { AnyApplication } from '../application.js';
import type { Configuration, Parameters } from '../configuration.js';
import {
  batchCodec,
  type DoneRecord,
  type ExecuteRequest,
  joined,
  type OpenRequest,
  parted,
  partHeaderBytes,
  type Request,
  type RsmMessage,
  requestDigest,
  sessionIdsMax,
  sessionsCodec,
  wireMax,
} from '../messages.js';

/** A live session. `high`: the highest seqno executed. */
export interface Session {
  readonly floor: number;
  readonly high: number;
  readonly ordered: boolean;
  readonly used: boolean;
}

/** The sessions, and what their clients may ask for again. */
export interface Sessions {
  readonly nextSession: number;
  readonly live: PersistentMap<number, Session>;
  /** Sessions in the order in which they are considered for expiry. */
  readonly ring: { readonly first: number; readonly next: number; readonly items: PersistentMap<number, number> };
  readonly done: PersistentMap<number, DoneRecord>;
  readonly replyBytes: number;
}

export interface Machine {
  readonly app: unknown;
  readonly sessions: Sessions;
}

/** An answer to a client. */
export interface Answer {
  readonly client: EndPoint;
  readonly message: RsmMessage;
}

/** The machine before the first operation. */
export const initMachine = ({ app }: Configuration): Machine => ({
  app: app.initial,
  sessions: {
    nextSession: 0,
    live: PersistentMap.empty(),
    ring: { first: 0, next: 0, items: PersistentMap.empty() },
    done: PersistentMap.empty(),
    replyBytes: 0,
  },
});

/** The key under which `done` and the tables of held requests keep a seqno of a session. */
export const slotOf = (session: number, seqno: number, window: number): number => session * window + (seqno % window);

/** The entry of `done` for this very request, if it was executed at or above its session's floor. */
export const doneOf = (s: Sessions, session: number, seqno: number, window: number): DoneRecord | undefined => {
  const entry = s.done.get(slotOf(session, seqno, window));
  return entry?.seqno === seqno ? entry : undefined;
};

/** A batch under execution: drafts of the tables, thrown away with it. */
class BatchRun {
  app: unknown;
  nextSession: number;
  first: number;
  next: number;
  replyBytes: number;
  readonly answers: Answer[] = [];
  readonly #application: AnyApplication;
  readonly #parameters: Parameters;
  readonly #live: MapDraft<number, Session>;
  readonly #ring: MapDraft<number, number>;
  readonly #done: MapDraft<number, DoneRecord>;

  constructor(
    { app, parameters }: Configuration,
    from: Machine,
    live: MapDraft<number, Session>,
    ring: MapDraft<number, number>,
    done: MapDraft<number, DoneRecord>,
  ) {
    const { sessions } = from;
    this.app = from.app;
    this.nextSession = sessions.nextSession;
    this.first = sessions.ring.first;
    this.next = sessions.ring.next;
    this.replyBytes = sessions.replyBytes;
    this.#application = app;
    this.#parameters = parameters;
    this.#live = live;
    this.#ring = ring;
    this.#done = done;
  }

  open({ client, nonce, ordered }: OpenRequest): void {
    if (this.nextSession === sessionIdsMax) return;
    const session = this.nextSession;
    this.nextSession = successor(session);
    this.#live.set(session, { floor: 1, high: 0, ordered, used: true });
    this.#enqueue(session);
    this.answers.push({ client, message: { tag: 'opened', nonce, session } });
    this.#expire();
  }

  execute(r: ExecuteRequest): void {
    const { client, session, seqno } = r;
    let s = this.#live.get(session);
    if (s === undefined) {
      if (session < this.nextSession) this.#refuse(r, 'SESSION_EXPIRED');
      return;
    }
    if (r.floor > seqno) return;
    if (r.floor > s.floor) {
      for (let below = s.floor; below <= s.high && below < r.floor; below++) this.#drop(session, below);
      s = { ...s, floor: r.floor };
      this.#live.set(session, s);
    }
    const window = this.#parameters.sessionWindow;
    if (seqno < s.floor || seqno - s.floor >= window) return;
    const key = slotOf(session, seqno, window);
    const digest = requestDigest(r.value);
    const entry = this.#done.get(key);
    if (entry !== undefined && entry.seqno === seqno) {
      if (entry.digest === digest) this.#reply(client, session, seqno, entry.reply);
      else this.#refuse(r, 'SEQNO_REUSED');
      return;
    }
    if (s.ordered && seqno - 1 !== Math.max(s.high, s.floor - 1)) return;
    const reply = this.#apply(r.value);
    this.#done.set(key, { session, seqno, digest, reply });
    this.replyBytes += reply.length;
    this.#live.set(session, { ...s, high: Math.max(s.high, seqno), used: true });
    this.#reply(client, session, seqno, reply);
    this.#expire();
  }

  /** Applies the operations of a value; their replies. None of them where no message has room for the replies. */
  #apply(value: Uint8Array): Uint8Array {
    const replies: Uint8Array[] = [];
    let { app } = this;
    let room: number = wireMax.valueBytes;
    for (const operation of parted(value)) {
      const { state, reply } = this.#application.apply(app, operation);
      room -= reply.length + partHeaderBytes;
      if (room < 0) return new Uint8Array();
      app = state;
      replies.push(reply);
    }
    this.app = app;
    return joined(replies);
  }

  #reply(client: EndPoint, session: number, seqno: number, value: Uint8Array): void {
    this.answers.push({ client, message: { tag: 'reply', session, seqno, value } });
  }

  #refuse({ client, session, seqno }: ExecuteRequest, reason: 'SESSION_EXPIRED' | 'SEQNO_REUSED'): void {
    this.answers.push({ client, message: { tag: 'refused', session, seqno, reason } });
  }

  #enqueue(session: number): void {
    this.#ring.set(this.next, session);
    this.next = successor(this.next);
  }

  #drop(session: number, seqno: number): void {
    const key = slotOf(session, seqno, this.#parameters.sessionWindow);
    const entry = this.#done.get(key);
    if (entry?.seqno !== seqno) return;
    this.replyBytes -= entry.reply.length;
    this.#done.delete(key);
  }

  /** Second chance: a session that was used since it was last considered is passed over once. */
  #expire(): void {
    const { sessionsMax, replyBytesMax } = this.#parameters;
    const live = this.#live;
    while (live.size > sessionsMax || (this.replyBytes > replyBytesMax && live.size > 1)) {
      const session = this.#ring.get(this.first) as number;
      const s = live.get(session) as Session;
      this.#ring.delete(this.first);
      this.first = successor(this.first);
      if (s.used) {
        live.set(session, { ...s, used: false });
        this.#enqueue(session);
        continue;
      }
      live.delete(session);
      for (let seqno = s.floor; seqno <= s.high; seqno++) this.#drop(session, seqno);
    }
  }
}

/** The requests of a batch; none in bytes that are no batch. */
export const requestsOf = (batch: Uint8Array): readonly Request[] => E.getOrElseW(() => [])(batchCodec.decode(batch));

/** The machine after the requests, and the answers in order. */
export const ran = (
  c: Configuration,
  from: Machine,
  requests: readonly Request[],
): { readonly machine: Machine; readonly answers: readonly Answer[] } => {
  if (requests.length === 0) return { machine: from, answers: [] };
  const { sessions } = from;
  let run: BatchRun | undefined;
  let items = sessions.ring.items;
  let done = sessions.done;
  const live = sessions.live.withMutations((liveDraft) => {
    items = sessions.ring.items.withMutations((ringDraft) => {
      done = sessions.done.withMutations((doneDraft) => {
        run = new BatchRun(c, from, liveDraft, ringDraft, doneDraft);
        for (const r of requests) {
          if (r.tag === 'open') run.open(r);
          else run.execute(r);
        }
      });
    });
  });
  const { app, nextSession, first, next, replyBytes, answers } = run as unknown as BatchRun;
  const ring = { first, next, items };
  return { machine: { app, sessions: { nextSession, live, ring, done, replyBytes } }, answers };
};

/** The sessions as a transfer carries them. */
export const encodeSessions = (s: Sessions, window: number): Uint8Array => {
  const ring = [];
  for (let position = s.ring.first; position < s.ring.next; position++) {
    const id = s.ring.items.get(position) as number;
    ring.push({ id, ...(s.live.get(id) as Session) });
  }
  const key = (d: DoneRecord): number => slotOf(d.session, d.seqno, window);
  const done = [...s.done.values()].sort((a, b) => key(a) - key(b));
  return sessionsCodec.encode({ nextSession: s.nextSession, first: s.ring.first, ring, done });
};

/** The inverse of `encodeSessions`; `Left` says why the bytes are no sessions. */
export const decodeSessions = (bytes: Uint8Array, window: number): E.Either<string, Sessions> => {
  const decoded = sessionsCodec.decode(bytes);
  if (E.isLeft(decoded)) return decoded;
  const { nextSession, first, ring, done } = decoded.right;
  const ids = new Set(ring.map(({ id }) => id));
  if (ids.size !== ring.length || ring.some(({ id }) => id >= nextSession))
    return E.left('an id is used twice, or was never given');
  if (!Number.isSafeInteger(first + ring.length)) return E.left('the ring leaves the safe integers');
  const keys = done.map((d) => slotOf(d.session, d.seqno, window));
  const ascending = keys.every((key, i) => i === 0 || (keys[i - 1] as number) < key);
  if (!ascending || done.some((d) => !ids.has(d.session)))
    return E.left('the replies are not those of the sessions, in order');
  return E.right({
    nextSession,
    live: PersistentMap.of(ring.map(({ id, ...session }): [number, Session] => [id, session])),
    ring: {
      first,
      next: first + ring.length,
      items: PersistentMap.of(ring.map(({ id }, i): [number, number] => [first + i, id])),
    },
    done: PersistentMap.of(done.map((d): [number, DoneRecord] => [slotOf(d.session, d.seqno, window), d])),
    replyBytes: done.reduce((sum, d) => sum + d.reply.length, 0),
  });
};

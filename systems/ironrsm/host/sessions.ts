/** The sessions of the replicated state: what they executed, and which of them expires (README.md, "Executing a batch"). */
import { successor } from '../../../src/spec/nat.js';
import {
  type DoneRecord,
  type ExecuteRequest,
  type SessionRecord,
  type SessionsRecord,
  sessionIdsMax,
  sessionsCodec,
} from '../messages.js';
import type { Cluster } from './cluster.js';
import { executeKey } from './keys.js';
import { ownBytes } from './own-bytes.js';
import { type PositionedItems, PositionQueue } from './position-queue.js';
import type { StepScope } from './step-scope.js';

/** A live session. Changes in place. */
export interface Session {
  /** The client has the outcome of every seqno below it. */
  readonly floor: number;
  /** The highest seqno executed, 0 before the first. */
  readonly high: number;
  readonly ordered: boolean;
  /** Whether it executed something since it was last considered for expiry. */
  readonly used: boolean;
}

type MutableSession = { -readonly [K in keyof Session]: Session[K] };

/** The sessions of one replica. Every replica that executed the same operations has the same. */
export class Sessions {
  /** The id of the next session. */
  nextId = 0;
  /** The lengths of all replies in `done` together. */
  replyBytes = 0;
  readonly #live = new Map<number, MutableSession>();
  readonly #done = new Map<number, DoneRecord>();
  #ring = new PositionQueue<number>();
  readonly #cluster: Cluster;
  readonly #scope: StepScope;

  constructor(cluster: Cluster, scope: StepScope) {
    this.#cluster = cluster;
    this.#scope = scope;
  }

  /** The live sessions by id. */
  get live(): ReadonlyMap<number, Session> {
    return this.#live;
  }

  /** The executed requests at or above their session's floor, by key. */
  get done(): ReadonlyMap<number, DoneRecord> {
    return this.#done;
  }

  /** The ids of the live sessions in the order in which they are considered for expiry. */
  get ring(): PositionedItems<number> {
    return this.#ring;
  }

  /** What is known of `seqno` of `session`, `undefined` where it was not executed or lies below the floor. */
  outcomeOf(session: number, seqno: number): DoneRecord | undefined {
    const record = this.#done.get(executeKey(session, seqno, this.#cluster.parameters.sessionWindow));
    return record?.seqno === seqno ? record : undefined;
  }

  /** Opens a session; its id, `undefined` where the ids are used up. */
  open(ordered: boolean): number | undefined {
    const id = this.nextId;
    if (id >= sessionIdsMax) return undefined;
    this.nextId = successor(id);
    this.#live.set(id, { floor: 1, high: 0, ordered, used: true });
    this.#scope.touch('executor.sessions', id);
    this.#pushToRing(id);
    return id;
  }

  /** Drops what `session` executed below `floor`, which is above its own. */
  raiseFloor(id: number, session: Session, floor: number): void {
    this.#dropDone(id, session.floor, Math.min(floor - 1, session.high));
    (session as MutableSession).floor = floor;
    this.#scope.touch('executor.sessions', id);
  }

  /** Notes the reply to a request of a live session. */
  executed(request: ExecuteRequest, session: Session, digest: number, reply: Uint8Array): void {
    const { session: id, seqno } = request;
    this.#setDone({ session: id, seqno, digest, reply: ownBytes(reply) });
    const mutable = session as MutableSession;
    if (seqno > mutable.high) mutable.high = seqno;
    mutable.used = true;
    this.#scope.touch('executor.sessions', id);
  }

  /** A second-chance queue: while there are too many sessions, or too many bytes of replies, those go that were not used since their last turn. */
  expire(): void {
    const { sessionsMax, replyBytesMax } = this.#cluster.parameters;
    while (this.#live.size > sessionsMax || (this.replyBytes > replyBytesMax && this.#live.size > 1)) {
      this.#scope.touch('executor.ring', this.#ring.first);
      const id = this.#ring.shift() as number;
      const session = this.#live.get(id) as MutableSession;
      this.#scope.touch('executor.sessions', id);
      if (session.used) {
        session.used = false;
        this.#pushToRing(id);
      } else {
        this.#live.delete(id);
        this.#dropDone(id, session.floor, session.high);
      }
    }
  }

  /** The sessions as a transfer carries them, in bytes of the caller's own. Costs as much as there are sessions and replies. */
  encode(): Uint8Array {
    const ring: SessionRecord[] = [];
    for (let position = this.#ring.first; position < this.#ring.next; position++) {
      const id = this.#ring.at(position) as number;
      const { floor, high, ordered, used } = this.#live.get(id) as Session;
      ring.push({ id, floor, high, ordered, used });
    }
    const done: DoneRecord[] = [];
    for (const key of Float64Array.from(this.#done.keys()).sort()) done.push(this.#done.get(key) as DoneRecord);
    return sessionsCodec.encode({ nextSession: this.nextId, first: this.#ring.first, ring, done });
  }

  /** Takes another replica's sessions over. */
  replaceBy({ nextSession, first, ring, done }: SessionsRecord): void {
    this.#clear();
    this.nextId = nextSession;
    this.#ring = new PositionQueue(first);
    for (const { id, floor, high, ordered, used } of ring) {
      this.#live.set(id, { floor, high, ordered, used });
      this.#scope.touch('executor.sessions', id);
      this.#pushToRing(id);
    }
    // Own bytes: the supplied replies are views that would keep the bytes of all of them.
    for (const record of done) this.#setDone({ ...record, reply: ownBytes(record.reply) });
  }

  #pushToRing(id: number): void {
    this.#scope.touch('executor.ring', this.#ring.push(id));
  }

  #setDone(record: DoneRecord): void {
    const key = executeKey(record.session, record.seqno, this.#cluster.parameters.sessionWindow);
    this.#done.set(key, record);
    this.replyBytes += record.reply.length;
    this.#scope.touch('executor.done', key);
  }

  #dropDone(id: number, from: number, to: number): void {
    for (let seqno = from; seqno <= to; seqno++) {
      const key = executeKey(id, seqno, this.#cluster.parameters.sessionWindow);
      const record = this.#done.get(key);
      if (record === undefined) continue;
      this.#done.delete(key);
      this.replyBytes -= record.reply.length;
      this.#scope.touch('executor.done', key);
    }
  }

  #clear(): void {
    for (const id of this.#live.keys()) this.#scope.touch('executor.sessions', id);
    for (const key of this.#done.keys()) this.#scope.touch('executor.done', key);
    for (let position = this.#ring.first; position < this.#ring.next; position++) {
      this.#scope.touch('executor.ring', position);
    }
    this.#live.clear();
    this.#done.clear();
    this.replyBytes = 0;
  }
}

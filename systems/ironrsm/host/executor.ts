/** The executor: applies decided operations in order, each request once, and keeps what lagging replicas may ask for (IronFleet, SOSP 2015, section 5.1). */
import { equalBytes } from '../../../src/spec/bytes.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { successor } from '../../../src/spec/nat.js';
import { E } from '../../../src/spec/prelude.js';
import type { AnyApplication } from '../application.js';
import {
  type Ballot,
  ballotOrd,
  batchCodec,
  type DoneRecord,
  type ExecuteRequest,
  joined,
  type OpenRequest,
  parted,
  partHeaderBytes,
  type Refusal,
  type Request,
  requestDigest,
  type SessionsRecord,
  wireMax,
} from '../messages.js';
import type { Acceptor } from './acceptor.js';
import { actions } from './action.js';
import type { Cluster } from './cluster.js';
import type { Election } from './election.js';
import type { Learner, Slot } from './learner.js';
import type { PositionedItems } from './position-queue.js';
import { type Session, Sessions } from './sessions.js';
import type { StepScope } from './step-scope.js';

/** The batch of an operation that is decided. `ballot` null: it was learned from a replica that had executed it. */
export interface Decided {
  readonly ballot: Ballot | null;
  readonly batch: Uint8Array;
}

/** The application threw, against its contract: which request it was, and as `cause` what it threw. The node stops. */
export class ApplicationFailure extends Error {
  override readonly name = 'ApplicationFailure';
  readonly client: EndPoint;
  readonly session: number;
  readonly seqno: number;

  constructor(application: string, { client, session, seqno }: ExecuteRequest, cause: unknown) {
    const what = cause instanceof Error ? cause.message : String(cause);
    super(`application ${application} failed on request ${seqno} of session ${session} of client ${client}: ${what}`, {
      cause,
    });
    this.client = client;
    this.session = session;
    this.seqno = seqno;
  }
}

/** What the executor takes from, and tells of its progress. */
export interface ExecutorPeers {
  readonly acceptor: Acceptor;
  readonly learner: Learner;
  readonly election: Election;
  readonly transfer: {
    /** By operation number, batches that a replica ahead supplied. */
    readonly supplied: ReadonlyMap<number, Uint8Array>;
    /** The first `opsComplete` operations are executed. */
    executed(opsComplete: number): void;
  };
}

/** The executor's native state and its reactions. The application's state alone is a persistent value. */
export class Executor {
  opsComplete = 0;
  app: unknown;
  decided: Decided | undefined = undefined;
  /** Executed batches by operation number, from `logStart` to `opsComplete - 1`. */
  readonly log = new Map<number, Uint8Array>();
  logStart = 0;
  /** The lengths of all batches in `log` together. */
  logBytes = 0;
  readonly #sessions: Sessions;
  readonly #application: AnyApplication;
  readonly #cluster: Cluster;
  readonly #scope: StepScope;
  readonly #peers: ExecutorPeers;

  constructor(application: AnyApplication, cluster: Cluster, scope: StepScope, peers: ExecutorPeers) {
    this.app = application.initial;
    this.#sessions = new Sessions(cluster, scope);
    this.#application = application;
    this.#cluster = cluster;
    this.#scope = scope;
    this.#peers = peers;
  }

  /** The live sessions by id. */
  get sessions(): ReadonlyMap<number, Session> {
    return this.#sessions.live;
  }

  /** The id that the next session gets. */
  get nextSession(): number {
    return this.#sessions.nextId;
  }

  /** The ids of the live sessions in the order in which they are considered for expiry. */
  get ring(): PositionedItems<number> {
    return this.#sessions.ring;
  }

  /** The executed requests at or above their session's floor, by key. */
  get done(): ReadonlyMap<number, DoneRecord> {
    return this.#sessions.done;
  }

  /** The lengths of all replies in `done` together. */
  get replyBytes(): number {
    return this.#sessions.replyBytes;
  }

  /** What is known of `seqno` of `session`, `undefined` where it was not executed or lies below the floor. */
  outcomeOf(session: number, seqno: number): DoneRecord | undefined {
    return this.#sessions.outcomeOf(session, seqno);
  }

  /** Whether this replica should see that `request` is executed. */
  owes(request: Request): boolean {
    if (request.tag === 'open') return true;
    const session = this.#sessions.live.get(request.session);
    return (
      session !== undefined &&
      request.seqno >= session.floor &&
      this.#sessions.outcomeOf(request.session, request.seqno) === undefined
    );
  }

  /** Sends what is known of an executed request, or that the seqno was used for another value. */
  answer(client: EndPoint, { session, seqno, digest, reply }: DoneRecord, asked: number): void {
    if (digest === asked) this.#scope.send(client, { tag: 'reply', session, seqno, value: reply });
    else this.refuse(client, session, seqno, 'SEQNO_REUSED');
  }

  /** Tells a client that its request is not executed. */
  refuse(client: EndPoint, session: number, seqno: number, reason: Refusal): void {
    this.#scope.send(client, { tag: 'refused', session, seqno, reason });
  }

  /** The sessions as a transfer carries them, in bytes of the caller's own. */
  encodeSessions(): Uint8Array {
    return this.#sessions.encode();
  }

  /** The batch of a slot that a quorum voted for: by this replica's own vote, or supplied by another. */
  batchOf(slot: Slot, opn: number): Uint8Array | undefined {
    const { acceptor, learner } = this.#peers;
    const vote = acceptor.votes.get(opn);
    // A vote of another ballot may be for another batch; the digest alone would tell, but not whose ballot it was.
    const mine =
      vote !== undefined && ballotOrd.equals(vote.ballot, learner.maxBal) && equalBytes(vote.digest, slot.digest);
    return mine ? vote.batch : (slot.batch ?? undefined);
  }

  /** Action: take the next operation's batch from the learner, or from what a replica ahead supplied. */
  decide(): boolean {
    if (this.decided !== undefined) return false;
    const { learner, transfer } = this.#peers;
    const slot = learner.chosen(this.opsComplete);
    const voted = slot === undefined ? undefined : this.batchOf(slot, this.opsComplete);
    const batch = voted ?? transfer.supplied.get(this.opsComplete);
    if (batch === undefined) return false;
    this.#scope.record(actions.decide);
    this.decided = { ballot: voted === undefined ? null : learner.maxBal, batch };
    this.#scope.touch('executor');
    return true;
  }

  /** Action: apply the decided batch. Only the proposer whose ballot it was answers, so that a client gets one reply. */
  execute(): boolean {
    const { decided } = this;
    if (decided === undefined) return false;
    this.#scope.record(actions.execute);
    this.#applyBatch(decided.batch, decided.ballot?.proposer === this.#cluster.myIndex);
    this.#keep(decided.batch);
    this.#peers.learner.drop(this.opsComplete);
    this.opsComplete = successor(this.opsComplete);
    this.decided = undefined;
    this.#trimLog();
    this.#scope.touch('executor');
    this.#peers.transfer.executed(this.opsComplete);
    return true;
  }

  /** Takes over the state that another replica had after `opn` operations, more than this one executed. The replies come with it: without them a retry would be executed again. */
  install(opn: number, app: unknown, sessions: SessionsRecord): void {
    this.app = app;
    this.opsComplete = opn;
    this.decided = undefined;
    this.#sessions.replaceBy(sessions);
    for (const key of this.log.keys()) this.#scope.touch('executor.log', key);
    this.log.clear();
    this.logStart = opn;
    this.logBytes = 0;
    this.#scope.touch('executor');
    this.#scope.touch('executor.app');
    this.#peers.learner.dropBelow(opn);
  }

  #applyBatch(batch: Uint8Array, answering: boolean): void {
    const decoded = batchCodec.decode(batch);
    if (E.isLeft(decoded)) return;
    const requests = decoded.right;
    for (let i = 0; i < requests.length; i++) {
      const request = requests[i] as Request;
      if (request.tag === 'open') this.#open(request, answering);
      else this.#execute(request, answering);
      // Also where it was not executed: its client asks again if it still wants it.
      this.#peers.election.forget(request);
    }
  }

  #open({ client, nonce, ordered }: OpenRequest, answering: boolean): void {
    const session = this.#sessions.open(ordered);
    if (session === undefined) return;
    this.#sessions.expire();
    if (answering) this.#scope.send(client, { tag: 'opened', nonce, session });
  }

  #execute(request: ExecuteRequest, answering: boolean): void {
    const { client, session: id, seqno, floor, value } = request;
    const sessions = this.#sessions;
    const session = sessions.live.get(id);
    if (session === undefined) {
      if (answering && id < sessions.nextId) this.refuse(client, id, seqno, 'SESSION_EXPIRED');
      return;
    }
    if (floor > seqno) return;
    if (floor > session.floor) sessions.raiseFloor(id, session, floor);
    if (seqno < session.floor || seqno - session.floor >= this.#cluster.parameters.sessionWindow) return;
    const digest = requestDigest(value);
    const known = sessions.outcomeOf(id, seqno);
    if (known !== undefined) {
      if (answering) this.answer(client, known, digest);
      return;
    }
    if (session.ordered && seqno !== Math.max(session.high + 1, session.floor)) return;
    const reply = this.#apply(request);
    sessions.executed(request, session, digest, reply);
    if (answering) this.#scope.send(client, { tag: 'reply', session: id, seqno, value: reply });
    sessions.expire();
  }

  #apply(request: ExecuteRequest): Uint8Array {
    const operations = parted(request.value);
    const replies: Uint8Array[] = [];
    const before = this.app;
    let bytes = 0;
    try {
      for (let i = 0; i < operations.length; i++) {
        const applied = this.#application.apply(this.app, operations[i] as Uint8Array);
        bytes += partHeaderBytes + applied.reply.length;
        if (bytes > wireMax.valueBytes) {
          this.app = before;
          return joined([]);
        }
        this.app = applied.state;
        replies.push(applied.reply);
      }
    } catch (cause) {
      throw new ApplicationFailure(this.#application.name, request, cause);
    }
    if (before !== this.app) this.#scope.touch('executor.app');
    return joined(replies);
  }

  #keep(batch: Uint8Array): void {
    this.log.set(this.opsComplete, batch);
    this.logBytes += batch.length;
    this.#scope.touch('executor.log', this.opsComplete);
  }

  // A replica that lags further behind gets a state.
  #trimLog(): void {
    const { retainOpsMax, retainBytesMax } = this.#cluster.parameters;
    while (this.log.size > retainOpsMax || this.logBytes > retainBytesMax) {
      const first = this.logStart;
      this.logBytes -= (this.log.get(first) as Uint8Array).length;
      this.log.delete(first);
      this.#scope.touch('executor.log', first);
      this.logStart = first + 1;
    }
  }
}

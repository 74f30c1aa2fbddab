/** The executor: applies decided operations in order, once each, and remembers each client's last reply (IronFleet, SOSP 2015, section 5.1). */
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { successor } from '../../../src/spec/nat.js';
import { E } from '../../../src/spec/prelude.js';
import type { AnyApplication, Applied } from '../application.js';
import type { Batch, CachedReply, Message, Request, Vote } from '../messages.js';
import { actions } from './action.js';
import type { Cluster } from './cluster.js';
import type { Election } from './election.js';
import type { Learner } from './learner.js';
import type { StepScope } from './step-scope.js';

/** The last reply to a client. */
export interface LastReply {
  readonly seqno: number;
  readonly value: Uint8Array;
}

/** The application threw, against its contract: which request it was, and as `cause` what it threw. The node stops. */
export class ApplicationFailure extends Error {
  override readonly name = 'ApplicationFailure';
  readonly client: EndPoint;
  readonly seqno: number;

  constructor(application: string, request: Request, cause: unknown) {
    const what = cause instanceof Error ? cause.message : String(cause);
    super(`application ${application} failed on request ${request.seqno} of client ${request.client}: ${what}`, {
      cause,
    });
    this.client = request.client;
    this.seqno = request.seqno;
  }
}

/** The executor's native state and its reactions. The application's state alone is a persistent value. */
export class Executor {
  opsComplete = 0;
  app: unknown;
  decided: Vote | undefined = undefined;
  readonly replies = new Map<EndPoint, LastReply>();
  readonly #application: AnyApplication;
  readonly #cluster: Cluster;
  readonly #scope: StepScope;
  readonly #learner: Learner;
  readonly #election: Election;

  constructor(
    application: AnyApplication,
    cluster: Cluster,
    scope: StepScope,
    roles: { readonly learner: Learner; readonly election: Election },
  ) {
    this.app = application.initial;
    this.#application = application;
    this.#cluster = cluster;
    this.#scope = scope;
    this.#learner = roles.learner;
    this.#election = roles.election;
  }

  /** The lowest operation of which the learner may still learn something. */
  firstUndecided(): number {
    return this.decided === undefined ? this.opsComplete : successor(this.opsComplete);
  }

  /** Action: take the next operation's batch from the learner. */
  decide(): boolean {
    if (this.decided !== undefined) return false;
    const batch = this.#learner.chosen(this.opsComplete);
    if (batch === undefined) return false;
    this.#scope.record(actions.decide);
    this.decided = { ballot: this.#learner.maxBal, batch };
    this.#scope.touch('executor');
    return true;
  }

  /** Action: apply the decided batch. Only the proposer whose ballot it was answers, so that a client gets one reply. */
  execute(): boolean {
    const decided = this.decided;
    if (decided === undefined) return false;
    this.#scope.record(actions.execute);
    this.#applyBatch(decided.batch, decided.ballot.proposer === this.#cluster.myIndex);
    this.#learner.drop(this.opsComplete);
    this.opsComplete = successor(this.opsComplete);
    this.decided = undefined;
    this.#scope.touch('executor');
    return true;
  }

  /** A replica that lags asks for a state after at least `opn` operations. */
  onAppStateRequest(source: EndPoint, opn: number): void {
    if (this.opsComplete < opn) return;
    this.#scope.send(source, {
      tag: 'appStateSupply',
      opn: this.opsComplete,
      app: this.#application.snapshot(this.app),
      replies: this.#cachedReplies(),
    });
  }

  /** Another replica's state, taken over where it is ahead. The reply cache comes with it: without it a retry would be executed again. */
  onAppStateSupply(message: Message<'appStateSupply'>): void {
    if (message.opn <= this.opsComplete) return;
    const restored = this.#application.restore(message.app);
    if (E.isLeft(restored)) return;
    this.app = restored.right;
    this.opsComplete = message.opn;
    this.decided = undefined;
    this.#scope.touch('executor');
    this.#scope.touch('executor.app');
    this.#replaceReplies(message.replies);
    this.#learner.dropBelow(message.opn);
    this.#election.forgetExecuted(this.replies);
  }

  #applyBatch(batch: Batch, answering: boolean): void {
    let changed = false;
    for (const request of batch) {
      const { client, seqno } = request;
      let last = this.replies.get(client);
      if (last === undefined || last.seqno < seqno) {
        last = this.#apply(request);
        changed = true;
      }
      if (answering && last.seqno === seqno) this.#scope.send(client, { tag: 'reply', seqno, value: last.value });
      this.#election.forget(client, seqno);
    }
    if (changed) this.#scope.touch('executor.app');
  }

  #apply(request: Request): LastReply {
    let applied: Applied<unknown>;
    try {
      applied = this.#application.apply(this.app, request.value);
    } catch (cause) {
      throw new ApplicationFailure(this.#application.name, request, cause);
    }
    this.app = applied.state;
    const last = { seqno: request.seqno, value: applied.reply };
    this.replies.set(request.client, last);
    this.#scope.touch('executor.replies', request.client);
    return last;
  }

  #cachedReplies(): CachedReply[] {
    const clients = [...this.replies.keys()].sort();
    return clients.map((client) => ({ client, ...(this.replies.get(client) as LastReply) }));
  }

  #replaceReplies(supplied: readonly CachedReply[]): void {
    const kept = new Set<EndPoint>();
    for (const { client, seqno, value } of supplied) {
      kept.add(client);
      const last = this.replies.get(client);
      if (last !== undefined && last.seqno === seqno && Buffer.compare(last.value, value) === 0) continue;
      // A copy: a supplied value may be a view that would keep the whole snapshot's bytes.
      this.replies.set(client, { seqno, value: new Uint8Array(value) });
      this.#scope.touch('executor.replies', client);
    }
    for (const client of this.replies.keys()) {
      if (kept.has(client)) continue;
      this.replies.delete(client);
      this.#scope.touch('executor.replies', client);
    }
  }
}

/** The election: which view is current, who suspects it, and which requests it owes an execution (IronFleet, SOSP 2015, section 5.1.3). */
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { add, successor } from '../../../src/spec/nat.js';
import { type Ballot, ballotOrd, type Message, type Request } from '../messages.js';
import { actions } from './action.js';
import { type Cluster, insertAscending } from './cluster.js';
import type { StepScope } from './step-scope.js';
import type { Timers } from './timers.js';

/** The election's native state and its reactions. */
export class Election {
  view: Ballot = { seqno: 1, proposer: 0 };
  epochEndMs = 0;
  epochLengthMs: number;
  /** Requests received in this epoch, by client. */
  readonly fresh = new Map<EndPoint, Request>();
  /** Requests of earlier epochs, still not executed here, by client. */
  readonly waiting = new Map<EndPoint, Request>();
  #suspectors: number[] = [];
  readonly #cluster: Cluster;
  readonly #scope: StepScope;
  readonly #timers: Timers;

  constructor(cluster: Cluster, scope: StepScope, timers: Timers) {
    this.#cluster = cluster;
    this.#scope = scope;
    this.#timers = timers;
    this.epochLengthMs = cluster.parameters.viewTimeoutMs;
  }

  /** Indices of the replicas that suspect the view, ascending. */
  get suspectors(): readonly number[] {
    return this.#suspectors;
  }

  /** Notes a request that is owed an execution, unless this client's is noted at or above its seqno. */
  owe(request: Request): void {
    const { client, seqno } = request;
    const fresh = this.fresh.get(client);
    if (fresh !== undefined && fresh.seqno >= seqno) return;
    const waiting = this.waiting.get(client);
    if (waiting !== undefined && waiting.seqno >= seqno) return;
    this.fresh.set(client, request);
    this.#scope.touch('election.fresh', client);
  }

  /** A client's request `seqno` was executed: nothing at or below it is owed. */
  forget(client: EndPoint, seqno: number): void {
    const fresh = this.fresh.get(client);
    if (fresh !== undefined && fresh.seqno <= seqno) {
      this.fresh.delete(client);
      this.#scope.touch('election.fresh', client);
    }
    const waiting = this.waiting.get(client);
    if (waiting !== undefined && waiting.seqno <= seqno) {
      this.waiting.delete(client);
      this.#scope.touch('election.waiting', client);
    }
  }

  /** As `forget`, for every client of a reply cache that was taken over. */
  forgetExecuted(replies: ReadonlyMap<EndPoint, { readonly seqno: number }>): void {
    for (const owed of [this.fresh, this.waiting]) {
      for (const client of owed.keys()) {
        const last = replies.get(client);
        if (last !== undefined) this.forget(client, last.seqno);
      }
    }
  }

  /** The requests owed, one a client, ascending by client, in an array of the caller's own. */
  owed(): Request[] {
    const byClient = new Map(this.waiting);
    for (const [client, request] of this.fresh) byClient.set(client, laterOf(request, byClient.get(client)));
    return [...byClient.values()].sort((a, b) => (a.client < b.client ? -1 : 1));
  }

  /** A replica reports its view. */
  onHeartbeat(sender: number, message: Message<'heartbeat'>): void {
    const order = ballotOrd.compare(message.view, this.view);
    if (order === 0 && message.suspicious) this.#suspect(sender);
    if (order > 0) this.#enterView(message.view, message.suspicious ? [sender] : []);
  }

  /** Action: at the end of an epoch, suspect the view if something is still owed from before it. */
  checkViewTimeout(): boolean {
    if (this.#scope.now < this.epochEndMs) return false;
    this.#scope.record(actions.checkViewTimeout);
    if (this.waiting.size === 0) {
      this.epochLengthMs = this.#cluster.parameters.viewTimeoutMs;
    } else {
      this.#suspect(this.#cluster.myIndex);
      this.#heartbeatNow();
    }
    this.#startEpoch();
    return true;
  }

  /** Action: leave a view that a quorum suspects. */
  checkSuspicions(): boolean {
    if (this.#suspectors.length < this.#cluster.quorum) return false;
    this.#scope.record(actions.checkSuspicions);
    this.#enterView(this.#successorView(), []);
    return true;
  }

  #suspect(index: number): void {
    if (insertAscending(this.#suspectors, index)) this.#scope.touch('election');
  }

  #successorView(): Ballot {
    const { seqno, proposer } = this.view;
    if (proposer + 1 < this.#cluster.replicas.length) return { seqno, proposer: proposer + 1 };
    return { seqno: successor(seqno), proposer: 0 };
  }

  // A longer epoch each time, so that some view lasts long enough once the network is timely again.
  #enterView(view: Ballot, suspectors: number[]): void {
    this.view = view;
    this.#suspectors = suspectors;
    this.epochLengthMs = Math.min(
      add(this.epochLengthMs, this.epochLengthMs),
      this.#cluster.parameters.viewTimeoutMsMax,
    );
    this.#startEpoch();
    this.#heartbeatNow();
  }

  #startEpoch(): void {
    this.epochEndMs = add(this.#scope.now, this.epochLengthMs);
    this.#scope.touch('election');
    for (const [client, request] of this.fresh) {
      this.waiting.set(client, laterOf(request, this.waiting.get(client)));
      this.#scope.touch('election.fresh', client);
      this.#scope.touch('election.waiting', client);
    }
    this.fresh.clear();
  }

  #heartbeatNow(): void {
    this.#timers.nextHeartbeatMs = this.#scope.now;
    this.#scope.touch('timers');
  }
}

const laterOf = (request: Request, other: Request | undefined): Request =>
  other !== undefined && other.seqno > request.seqno ? other : request;

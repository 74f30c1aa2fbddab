/** The election: which view is current, who suspects it, and which requests it owes an execution (IronFleet, SOSP 2015, section 5.1.3). */
import { add, successor } from '../../../src/spec/nat.js';
import {
  type Ballot,
  ballotOrd,
  type ExecuteRequest,
  type Message,
  type OpenRequest,
  type Request,
} from '../messages.js';
import { actions } from './action.js';
import { type Cluster, insertAscending } from './cluster.js';
import { keyOf } from './keys.js';
import type { StepScope } from './step-scope.js';
import type { Timers } from './timers.js';

/** Requests by key. */
type Held = Map<number | string, Request>;

/** The election's native state and its reactions. */
export class Election {
  view: Ballot = { seqno: 1, proposer: 0 };
  epochEndMs = 0;
  epochLengthMs: number;
  /** Requests received in this epoch. */
  readonly fresh: Held = new Map();
  /** Requests of earlier epochs, still not executed here. */
  readonly waiting: Held = new Map();
  #suspectors: number[] = [];
  readonly #cluster: Cluster;
  readonly #scope: StepScope;
  readonly #timers: Timers;
  readonly #owes: (request: Request) => boolean;

  /** `owes`: whether this replica should see that a request is executed. */
  constructor(cluster: Cluster, scope: StepScope, timers: Timers, owes: (request: Request) => boolean) {
    this.#cluster = cluster;
    this.#scope = scope;
    this.#timers = timers;
    this.#owes = owes;
    this.epochLengthMs = cluster.parameters.viewTimeoutMs;
  }

  /** Indices of the replicas that suspect the view, ascending. */
  get suspectors(): readonly number[] {
    return this.#suspectors;
  }

  /** Holds a request until it is executed; says whether it did. Not where it is held already, or too many are. */
  hold(request: Request): boolean {
    if (this.fresh.size + this.waiting.size >= this.#cluster.parameters.requestsHeldMax) return false;
    const key = this.#keyOf(request);
    if (isCovered(this.fresh.get(key), request) || isCovered(this.waiting.get(key), request)) return false;
    this.fresh.set(key, request);
    this.#scope.touch('election.fresh', key);
    return true;
  }

  /** A request had its turn: it is held no longer, nor what its key held before it. */
  forget(request: Request): void {
    const key = this.#keyOf(request);
    if (isSettled(this.fresh.get(key), request)) this.#drop(this.fresh, 'election.fresh', key);
    if (isSettled(this.waiting.get(key), request)) this.#drop(this.waiting, 'election.waiting', key);
  }

  /** Keeps only what is owed. */
  keepOwed(): void {
    this.#keepOwed(this.fresh, 'election.fresh');
    this.#keepOwed(this.waiting, 'election.waiting');
  }

  /** The requests held, one for each key, in the order in which a new ballot queues them; an array of the caller's own. */
  held(): Request[] {
    const byKey = new Map(this.waiting);
    for (const [key, request] of this.fresh) byKey.set(key, request);
    const executes: ExecuteRequest[] = [];
    const opens: (readonly [key: string, request: OpenRequest])[] = [];
    for (const [key, request] of byKey) {
      if (request.tag === 'execute') executes.push(request);
      else opens.push([key as string, request]);
    }
    executes.sort((a, b) => (a.session === b.session ? a.seqno - b.seqno : a.session - b.session));
    opens.sort(([a], [b]) => (a < b ? -1 : 1));
    return [...executes, ...opens.map(([, request]) => request)];
  }

  /** A replica reports its view, and whether it suspects it. */
  onHeartbeat(sender: number, message: Message<'heartbeat'>): void {
    const order = ballotOrd.compare(message.view, this.view);
    if (order > 0) this.#enterView(message.view, message.suspicious ? [sender] : []);
    else if (order === 0 && message.suspicious) this.#suspect(sender);
    // A suspicion that has passed must not count together with one of today.
    else if (order === 0) this.#trust(sender);
  }

  /** The view is timed: at the end of an epoch it is suspected if something is still owed from before the epoch. */
  endEpoch(): void {
    this.#keepOwed(this.waiting, 'election.waiting');
    if (this.waiting.size === 0) {
      this.epochLengthMs = this.#cluster.parameters.viewTimeoutMs;
      this.#trust(this.#cluster.myIndex);
    } else {
      this.#suspect(this.#cluster.myIndex);
      this.#heartbeatNow();
    }
    this.#startEpoch();
  }

  /** Action: leave a view that a quorum suspects. */
  checkSuspicions(): boolean {
    if (this.#suspectors.length < this.#cluster.quorum) return false;
    this.#scope.record(actions.checkSuspicions);
    this.#enterView(this.#successorView(), []);
    return true;
  }

  #keyOf(request: Request): number | string {
    return keyOf(request, this.#cluster.parameters.sessionWindow);
  }

  #keepOwed(held: Held, component: string): void {
    for (const [key, request] of held) if (!this.#owes(request)) this.#drop(held, component, key);
  }

  #drop(held: Held, component: string, key: number | string): void {
    held.delete(key);
    this.#scope.touch(component, key);
  }

  #suspect(index: number): void {
    if (insertAscending(this.#suspectors, index)) this.#scope.touch('election');
  }

  #trust(index: number): void {
    const at = this.#suspectors.indexOf(index);
    if (at < 0) return;
    this.#suspectors.splice(at, 1);
    this.#scope.touch('election');
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
    for (const [key, request] of this.fresh) {
      this.waiting.set(key, request);
      this.#scope.touch('election.fresh', key);
      this.#scope.touch('election.waiting', key);
    }
    this.fresh.clear();
  }

  #heartbeatNow(): void {
    this.#timers.nextHeartbeatMs = this.#scope.now;
    this.#scope.touch('timers');
  }
}

/** Whether what is held under a key makes it needless to hold `request` too: it is the same one, or a later one. */
const isCovered = (held: Request | undefined, request: Request): boolean => {
  if (held === undefined || held.tag === 'open' || request.tag === 'open') return held !== undefined;
  return held.seqno >= request.seqno;
};

/** Whether what is held under the key of `request` is that request, or an earlier one. */
const isSettled = (held: Request | undefined, request: Request): boolean => {
  if (held === undefined || held.tag === 'open' || request.tag === 'open') return held !== undefined;
  return held.seqno <= request.seqno;
};

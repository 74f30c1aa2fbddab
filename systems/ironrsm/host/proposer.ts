/** The proposer: from promises to proposals of one ballot (IronFleet, SOSP 2015, section 5.1.2). */
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { successor } from '../../../src/spec/nat.js';
import {
  type Ballot,
  ballotOrd,
  batchCodec,
  type Message,
  type ReportedVote,
  type Request,
  wireMax,
} from '../messages.js';
import type { Acceptor } from './acceptor.js';
import { actions } from './action.js';
import type { Cluster } from './cluster.js';
import type { Election } from './election.js';
import type { Executor } from './executor.js';
import { ownBytes } from './own-bytes.js';
import { PositionQueue } from './position-queue.js';
import type { StepScope } from './step-scope.js';

/** How far the proposer is in its ballot. */
export type Phase = 'idle' | 'phase1' | 'phase2';

/** What one acceptor promised: its log above its truncation point, ascending by operation number. */
export interface PromiseReport {
  readonly truncationPoint: number;
  readonly votes: readonly ReportedVote[];
}

/** The other roles of the replica that the proposer looks at. */
export interface ProposerPeers {
  readonly acceptor: Acceptor;
  readonly election: Election;
  readonly executor: Executor;
}

// In an encoded batch: the length of the list, and of a request everything but its value (tag, client and three numbers).
const listBytesMax = 5;
const requestBytesMax = 48;

/** The proposer's native state and its reactions. */
export class Proposer {
  phase: Phase = 'idle';
  ballot: Ballot;
  nextOpn = 0;
  /** By replica, the promises of this ballot. */
  readonly promises = new Map<number, PromiseReport>();
  readonly #queue = new PositionQueue<Request>();
  // Follow from `promises`: for each operation the reported vote of the highest ballot, and the last of those operations.
  readonly #inherited = new Map<number, ReportedVote>();
  #inheritedEnd = 0;
  readonly #cluster: Cluster;
  readonly #scope: StepScope;
  readonly #peers: ProposerPeers;

  constructor(cluster: Cluster, scope: StepScope, peers: ProposerPeers) {
    this.ballot = { seqno: 0, proposer: cluster.myIndex };
    this.#cluster = cluster;
    this.#scope = scope;
    this.#peers = peers;
  }

  /** The position of the oldest queued request. */
  get queueFirst(): number {
    return this.#queue.first;
  }

  /** The position that the next queued request gets. The queue holds `queueFirst` to `queueNext - 1`. */
  get queueNext(): number {
    return this.#queue.next;
  }

  /** The queued request at `position`, `undefined` where there is none. */
  queueAt(position: number): Request | undefined {
    return this.#queue.at(position);
  }

  /** Whether the view that this replica believes in is a ballot for which it asked for promises. */
  isMine(): boolean {
    return this.phase !== 'idle' && ballotOrd.equals(this.ballot, this.#peers.election.view);
  }

  /** Whether this replica leads the view that it believes in. */
  leading(): boolean {
    return this.phase === 'phase2' && ballotOrd.equals(this.ballot, this.#peers.election.view);
  }

  /** Whether this replica has nothing under way that it would send again: no promises asked for, no operation proposed and not executed. */
  settled(opsComplete: number): boolean {
    if (!this.isMine()) return true;
    return this.phase === 'phase2' && this.nextOpn <= opsComplete && this.#queue.length === 0;
  }

  /** Queues a request of a ballot of mine. */
  enqueue(request: Request): void {
    this.#scope.touch('proposer.queue', this.#queue.push(request));
    this.#scope.touch('proposer.phase');
  }

  /** An acceptor promised. A second promise, or one for another ballot, must not count. */
  on1b(sender: number, message: Message<'1b'>): void {
    if (this.phase !== 'phase1' || !ballotOrd.equals(message.ballot, this.ballot) || this.promises.has(sender)) return;
    const { truncationPoint, votes } = message;
    this.promises.set(sender, { truncationPoint, votes });
    this.#scope.touch('proposer.promises');
    // Below its truncation point the acceptor tells of no votes, so nothing may be proposed there.
    this.#peers.acceptor.truncateTo(truncationPoint);
  }

  /** Action: ask for promises for a view that is mine. */
  enterNewView(): boolean {
    const { view } = this.#peers.election;
    if (view.proposer !== this.#cluster.myIndex || ballotOrd.compare(view, this.ballot) <= 0) return false;
    this.#scope.record(actions.enterNewView);
    this.phase = 'phase1';
    this.ballot = view;
    this.promises.clear();
    this.#inherited.clear();
    this.#inheritedEnd = 0;
    this.#scope.touch('proposer.promises');
    // A new ballot owes every unexecuted request, also those that an earlier ballot of this replica had queued or proposed.
    this.#takeFromQueue(this.#queue.length);
    for (const request of this.#peers.election.held()) this.enqueue(request);
    this.#scope.touch('proposer.phase');
    this.#scope.sendToAll({ tag: '1a', ballot: view });
    return true;
  }

  /** Action: with the promises of a quorum, start to propose above everything that was truncated. */
  enterPhase2(): boolean {
    if (this.phase !== 'phase1' || this.promises.size < this.#cluster.quorum) return false;
    this.#scope.record(actions.enterPhase2);
    this.phase = 'phase2';
    this.nextOpn = this.#peers.acceptor.truncationPoint;
    for (const promise of this.promises.values()) this.#inherit(promise.votes);
    this.#scope.touch('proposer.phase');
    return true;
  }

  /** Action: propose the next operation, while the pipeline and the log have room. */
  nominate(): boolean {
    if (!this.leading()) return false;
    const { acceptor } = this.#peers;
    // What a quorum has executed needs no proposal.
    const opn = Math.max(this.nextOpn, acceptor.truncationPoint);
    if (opn >= acceptor.logEnd() || !this.#pipelineHasRoom()) return false;
    const vote = this.#inherited.get(opn);
    const count = vote === undefined ? this.#fittingCount() : 0;
    if (vote === undefined) {
      // Votes take memory at every replica, until those who execute slowly have executed them too.
      if (count > 0 && acceptor.voteBytes >= this.#cluster.parameters.voteBytesMax) return false;
      // An empty batch only fills a gap below a vote that must be proposed again.
      if (count === 0 && opn >= this.#inheritedEnd) return false;
    }
    this.#scope.record({ action: 'nominate', count });
    const batch = vote === undefined ? batchCodec.encode(this.#takeFromQueue(count)) : ownBytes(vote.batch);
    this.#inherited.delete(opn);
    this.nextOpn = successor(opn);
    this.#scope.touch('proposer.phase');
    this.#scope.sendToAll({ tag: '2a', ballot: this.ballot, opn, batch });
    return true;
  }

  /** Sends again what a stalled ballot may be waiting for: a lost 1a, or lost 2a's of operations that are not executed. Says whether it sent anything. */
  resend(): boolean {
    if (!this.isMine()) return false;
    return this.phase === 'phase1' ? this.#resend1a() : this.#resend2a();
  }

  // How many of the oldest requests surely fit into one batch. One alone may be larger.
  #fittingCount(): number {
    const { batchRequestsMax, batchBytesMax } = this.#cluster.parameters;
    const countMax = Math.min(this.#queue.length, batchRequestsMax, wireMax.batchRequests);
    let bytes = listBytesMax;
    for (let count = 0; count < countMax; count++) {
      const request = this.#queue.at(this.#queue.first + count) as Request;
      bytes += requestBytesMax + (request.tag === 'execute' ? request.value.length : 0);
      if (bytes > batchBytesMax && count > 0) return count;
    }
    return countMax;
  }

  #takeFromQueue(count: number): Request[] {
    const first = this.#queue.first;
    const taken = this.#queue.take(count);
    for (let i = 0; i < taken.length; i++) this.#scope.touch('proposer.queue', first + i);
    return taken;
  }

  #inherit(votes: readonly ReportedVote[]): void {
    for (const vote of votes) {
      if (vote.opn < this.nextOpn) continue;
      this.#inheritedEnd = Math.max(this.#inheritedEnd, vote.opn);
      const other = this.#inherited.get(vote.opn);
      if (other === undefined || ballotOrd.compare(vote.ballot, other.ballot) > 0) this.#inherited.set(vote.opn, vote);
    }
  }

  // Operations that this replica has not executed, but a quorum has, are not waited for.
  #pipelineHasRoom(): boolean {
    const { acceptor, executor } = this.#peers;
    const executed = Math.max(executor.opsComplete, acceptor.truncationPoint);
    return this.nextOpn - executed < this.#cluster.parameters.pipelineMax;
  }

  #resend1a(): boolean {
    const { replicas, myIndex } = this.#cluster;
    let hasSent = false;
    for (let i = 0; i < replicas.length; i++) {
      if (i === myIndex || this.promises.has(i)) continue;
      this.#scope.send(replicas[i] as EndPoint, { tag: '1a', ballot: this.ballot });
      hasSent = true;
    }
    return hasSent;
  }

  #resend2a(): boolean {
    const { acceptor, executor } = this.#peers;
    if (this.#cluster.others.length === 0) return false;
    const { resendOpsMax } = this.#cluster.parameters;
    let left = resendOpsMax;
    for (let opn = Math.max(executor.opsComplete, acceptor.truncationPoint); opn < this.nextOpn && left > 0; opn++) {
      const vote = acceptor.votes.get(opn);
      // Where my own vote is of another ballot, mine is over, or the batch is no longer known to be mine.
      if (vote === undefined || !ballotOrd.equals(vote.ballot, this.ballot)) continue;
      this.#scope.sendToOthers({ tag: '2a', ballot: this.ballot, opn, batch: vote.batch });
      left--;
    }
    return left < resendOpsMax;
  }
}

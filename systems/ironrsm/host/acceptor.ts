/** The acceptor: what this replica promised and voted for (IronFleet, SOSP 2015, section 5.1.2). */
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { add } from '../../../src/spec/nat.js';
import { type Ballot, ballotOrd, digestOf, type Message, type ReportedVote } from '../messages.js';
import { actions } from './action.js';
import type { Cluster } from './cluster.js';
import type { StepScope } from './step-scope.js';

/** A vote for a batch, with the digest that names it. */
export interface Vote {
  readonly ballot: Ballot;
  readonly batch: Uint8Array;
  readonly digest: Uint8Array;
}

/** The acceptor's native state and its reactions. */
export class Acceptor {
  maxBal: Ballot = { seqno: 0, proposer: 0 };
  truncationPoint = 0;
  /** By replica, the highest `opsComplete` that it reported. */
  readonly checkpoints: number[];
  /** By operation number; none below the truncation point. */
  readonly votes = new Map<number, Vote>();
  /** The lengths of all batches in `votes` together. */
  voteBytes = 0;
  // Follow from `checkpoints`: asked for in every round, changed by heartbeats only.
  #quorumCheckpoint = 0;
  #highestCheckpoint = 0;
  readonly #cluster: Cluster;
  readonly #scope: StepScope;

  constructor(cluster: Cluster, scope: StepScope) {
    this.#cluster = cluster;
    this.#scope = scope;
    this.checkpoints = cluster.replicas.map(() => 0);
  }

  /** A proposer asks for a promise. */
  on1a(sender: number, message: Message<'1a'>): void {
    const { ballot } = message;
    if (ballot.proposer !== sender) return;
    const order = ballotOrd.compare(ballot, this.maxBal);
    // Once it has voted in the ballot, the proposer is past needing this promise.
    if (order < 0 || (order === 0 && this.#votedIn(ballot))) return;
    if (order > 0) this.#raise(ballot);
    this.#scope.send(this.#cluster.replicas[sender] as EndPoint, {
      tag: '1b',
      ballot,
      truncationPoint: this.truncationPoint,
      votes: this.#reportedVotes(),
    });
  }

  /** A proposer asks for a vote. */
  on2a(sender: number, message: Message<'2a'>): void {
    const { ballot, opn, batch } = message;
    if (ballot.proposer !== sender || opn < this.truncationPoint) return;
    const order = ballotOrd.compare(ballot, this.maxBal);
    // A vote below what was promised could make a second value chosen.
    if (order < 0) return;
    if (order > 0) this.#raise(ballot);
    // The proposer stays within its own log, so it knows that a quorum executed everything below this point.
    this.truncateTo(opn - this.#cluster.parameters.logLengthMax + 1);
    const digest = digestOf(batch);
    const before = this.votes.get(opn);
    this.votes.set(opn, { ballot, batch, digest });
    this.voteBytes += batch.length - (before === undefined ? 0 : before.batch.length);
    this.#scope.touch('acceptor.votes', opn);
    this.#scope.touch('acceptor');
    this.#scope.sendToAll({ tag: '2b', ballot, opn, digest });
  }

  /** A replica lacks the batch of a vote that it heard of. */
  onBatchRequest(source: EndPoint, { ballot, opn }: Message<'batchRequest'>): void {
    const vote = this.votes.get(opn);
    if (vote === undefined || !ballotOrd.equals(vote.ballot, ballot)) return;
    this.#scope.send(source, { tag: 'batchSupply', ballot, opn, batch: vote.batch });
  }

  /** A replica reports how many operations it executed. Reports arrive in any order, so only a higher one counts. */
  reported(sender: number, opsComplete: number): void {
    if (opsComplete <= (this.checkpoints[sender] as number)) return;
    this.checkpoints[sender] = opsComplete;
    this.#quorumCheckpoint = quorumCheckpointOf(this.checkpoints, this.#cluster.quorum);
    if (opsComplete > this.#highestCheckpoint) this.#highestCheckpoint = opsComplete;
    this.#scope.touch('acceptor');
  }

  /** The most operations that any replica is known to have executed. */
  get highestCheckpoint(): number {
    return this.#highestCheckpoint;
  }

  /** Action: drop the votes of operations that a quorum, and this replica, have executed. */
  truncate(opsComplete: number): boolean {
    // What this replica lacks may be served from its own votes, once it hears that they were chosen.
    const point = Math.min(opsComplete, this.#quorumCheckpoint);
    if (point <= this.truncationPoint) return false;
    this.#scope.record(actions.truncate);
    this.truncateTo(point);
    return true;
  }

  /** Forgets the votes below `point`; nothing where `point` is not above the truncation point. */
  truncateTo(point: number): void {
    const from = this.truncationPoint;
    if (point <= from) return;
    this.truncationPoint = point;
    this.#scope.touch('acceptor');
    // The point may jump by more operations than the log ever held.
    if (point - from > this.votes.size) {
      for (const opn of this.votes.keys()) if (opn < point) this.#dropVote(opn);
    } else {
      for (let opn = from; opn < point; opn++) this.#dropVote(opn);
    }
  }

  /** The end of the log: the operation number that does not fit any more. */
  logEnd(): number {
    return add(this.truncationPoint, this.#cluster.parameters.logLengthMax);
  }

  #dropVote(opn: number): void {
    const vote = this.votes.get(opn);
    if (vote === undefined) return;
    this.votes.delete(opn);
    this.voteBytes -= vote.batch.length;
    this.#scope.touch('acceptor.votes', opn);
  }

  #raise(ballot: Ballot): void {
    this.maxBal = ballot;
    this.#scope.touch('acceptor');
  }

  #votedIn(ballot: Ballot): boolean {
    for (const vote of this.votes.values()) if (ballotOrd.equals(vote.ballot, ballot)) return true;
    return false;
  }

  #reportedVotes(): ReportedVote[] {
    const opns = [...this.votes.keys()].sort((a, b) => a - b);
    return opns.map((opn) => {
      const { ballot, batch } = this.votes.get(opn) as Vote;
      return { opn, ballot, batch };
    });
  }
}

/** The operation number up to which a quorum has executed: the quorum-th highest checkpoint. */
const quorumCheckpointOf = (checkpoints: readonly number[], quorum: number): number =>
  [...checkpoints].sort((a, b) => b - a)[quorum - 1] as number;

/** The learner: who voted for what in the highest ballot that it has seen (IronFleet, SOSP 2015, section 5.1.2). */
import { type Ballot, type Batch, ballotOrd, type Message } from '../messages.js';
import { type Cluster, insertAscending } from './cluster.js';
import type { StepScope } from './step-scope.js';

/** The votes that one operation has in the learner's ballot. */
export interface Slot {
  readonly batch: Batch;
  /** Indices of the voters, ascending. Grows in place. */
  readonly senders: readonly number[];
}

/** The learner's native state and its reactions. */
export class Learner {
  maxBal: Ballot = { seqno: 0, proposer: 0 };
  readonly #slots = new Map<number, { readonly batch: Batch; readonly senders: number[] }>();
  readonly #cluster: Cluster;
  readonly #scope: StepScope;

  constructor(cluster: Cluster, scope: StepScope) {
    this.#cluster = cluster;
    this.#scope = scope;
  }

  /** By operation number. */
  get slots(): ReadonlyMap<number, Slot> {
    return this.#slots;
  }

  /** An acceptor voted. Of operations below `firstOpn` nothing more is to be learned. */
  on2b(sender: number, message: Message<'2b'>, firstOpn: number, opsComplete: number): void {
    const { ballot, opn, batch } = message;
    if (opn < firstOpn || opn - opsComplete >= this.#cluster.parameters.logLengthMax) return;
    const order = ballotOrd.compare(ballot, this.maxBal);
    if (order < 0) return;
    // Votes of two ballots never make one quorum.
    if (order > 0) this.#startBallot(ballot);
    const slot = this.#slots.get(opn);
    if (slot === undefined) this.#slots.set(opn, { batch, senders: [sender] });
    else if (!insertAscending(slot.senders, sender)) return;
    this.#scope.touch('learner.slots', opn);
  }

  /** What the learner's ballot chose for `opn`, once a quorum voted for it. */
  chosen(opn: number): Batch | undefined {
    const slot = this.#slots.get(opn);
    return slot !== undefined && slot.senders.length >= this.#cluster.quorum ? slot.batch : undefined;
  }

  /** Forgets the votes for `opn`. */
  drop(opn: number): void {
    if (this.#slots.delete(opn)) this.#scope.touch('learner.slots', opn);
  }

  /** Forgets the votes for every operation below `opn`. */
  dropBelow(opn: number): void {
    for (const key of this.#slots.keys()) if (key < opn) this.drop(key);
  }

  #startBallot(ballot: Ballot): void {
    this.maxBal = ballot;
    this.#scope.touch('learner.maxBal');
    for (const opn of this.#slots.keys()) this.#scope.touch('learner.slots', opn);
    this.#slots.clear();
  }
}

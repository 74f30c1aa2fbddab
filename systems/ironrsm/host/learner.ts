/** The learner: who voted for what in the highest ballot that it has seen (IronFleet, SOSP 2015, section 5.1.2). */
import { equalBytes } from '../../../src/spec/bytes.js';
import { type Ballot, ballotOrd, digestOf, type Message } from '../messages.js';
import { type Cluster, insertAscending } from './cluster.js';
import type { StepScope } from './step-scope.js';

/** The votes that one operation has in the learner's ballot. */
export interface Slot {
  readonly digest: Uint8Array;
  /** Indices of the voters, ascending. Grows in place. */
  readonly senders: readonly number[];
  /** Null until another replica supplied it; the replica's own vote mostly holds it too. Set in place. */
  readonly batch: Uint8Array | null;
}

interface MutableSlot {
  readonly digest: Uint8Array;
  readonly senders: number[];
  batch: Uint8Array | null;
}

/** The learner's native state and its reactions. */
export class Learner {
  maxBal: Ballot = { seqno: 0, proposer: 0 };
  readonly #slots = new Map<number, MutableSlot>();
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

  /** An acceptor voted. Of operations below `opsComplete`, and of that one where it `isDecided`, nothing more is to be learned. */
  on2b(sender: number, message: Message<'2b'>, opsComplete: number, isDecided: boolean): void {
    const { ballot, opn, digest } = message;
    if (opn < opsComplete || opn - opsComplete >= this.#cluster.parameters.logLengthMax) return;
    if (isDecided && opn === opsComplete) return;
    const order = ballotOrd.compare(ballot, this.maxBal);
    if (order < 0) return;
    // Votes of two ballots never make one quorum.
    if (order > 0) this.#startBallot(ballot);
    const slot = this.#slots.get(opn);
    if (slot === undefined) this.#slots.set(opn, { digest, senders: [sender], batch: null });
    else if (!equalBytes(slot.digest, digest) || !insertAscending(slot.senders, sender)) return;
    this.#scope.touch('learner.slots', opn);
  }

  /** A replica supplies a batch. Only the digest that was voted for tells that it is the right one. */
  onBatchSupply({ ballot, opn, batch }: Message<'batchSupply'>): void {
    const slot = this.#slots.get(opn);
    if (slot === undefined || slot.batch !== null || !ballotOrd.equals(ballot, this.maxBal)) return;
    if (!equalBytes(slot.digest, digestOf(batch))) return;
    slot.batch = batch;
    this.#scope.touch('learner.slots', opn);
  }

  /** The votes for `opn`, once a quorum voted for it in the learner's ballot. */
  chosen(opn: number): Slot | undefined {
    const slot = this.#slots.get(opn);
    return slot !== undefined && slot.senders.length >= this.#cluster.quorum ? slot : undefined;
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

/** The learner of the bounded model: deliveries of votes, joined to the decision and the execution that they lead to. */
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { quorumSize } from '../protocol.js';
import type { BoundedState } from './claims.js';
import type { LearnerRole, Role, RsmPacket } from './roles.js';
import type { Sent, SentPool } from './sent.js';

/** The learner's steps, each taken once. */
export class Learning {
  readonly #replicas: readonly EndPoint[];
  readonly #operations: number;
  readonly #learner: Role<LearnerRole>;
  readonly #sets: SentPool;
  readonly #known = new Map<LearnerRole, Map<Sent['packets'], readonly LearnerRole[]>>();

  constructor(replicas: readonly EndPoint[], operations: number, learner: Role<LearnerRole>, sets: SentPool) {
    this.#replicas = replicas;
    this.#operations = operations;
    this.#learner = learner;
    this.#sets = sets;
  }

  from(state: BoundedState, sent: Sent, emit: (action: string, next: BoundedState) => void): void {
    const { opsComplete } = state.learner.executor;
    const votes = this.#sets.tagged(sent, '2b');
    if (opsComplete === this.#operations || votes.length === 0) return;
    for (const role of this.#outcomesOf(this.#learner.pool.of(state.learner).value, sent)) {
      const { seqno, proposer } = role.learner.maxBal;
      emit(`learn(operation ${opsComplete}, ballot ${seqno}.${proposer})`, { ...state, learner: role });
    }
  }

  #outcomesOf(learner: LearnerRole, sent: Sent): readonly LearnerRole[] {
    let known = this.#known.get(learner);
    if (known === undefined) {
      known = new Map();
      this.#known.set(learner, known);
    }
    // Of votes and proposals together: one list for equal ones.
    const basis = this.#sets.tagged(sent, 'learn');
    const old = known.get(basis);
    if (old !== undefined) return old;
    const outcomes = this.#outcomes(learner, this.#sets.tagged(sent, '2b'), this.#sets.tagged(sent, '2a'));
    known.set(basis, outcomes);
    return outcomes;
  }

  /** Where the learner may come by up to a quorum of deliveries of votes for the next operation, and its batch, once that suffices. */
  #outcomes(
    learner: LearnerRole,
    votes: readonly RsmPacket[],
    proposals: readonly RsmPacket[],
  ): readonly LearnerRole[] {
    const opn = learner.executor.opsComplete;
    const outcomes = new Set<LearnerRole>();
    let reached: ReadonlySet<LearnerRole> = new Set([learner]);
    const relevant = votes.filter(({ message }) => message.tag === '2b' && message.opn === opn);
    for (let delivered = 0; delivered < quorumSize(this.#replicas.length); delivered++) {
      const next = new Set<LearnerRole>();
      for (const role of reached) for (const vote of relevant) next.add(this.#learner.consume(role, vote).role);
      for (const role of next) for (const proposal of proposals) this.#execute(role, proposal, opn, outcomes);
      reached = next;
    }
    return [...outcomes];
  }

  /** The batch is fetched from one who voted for it: it is that of the proposal. */
  #execute(role: LearnerRole, proposal: RsmPacket, opn: number, outcomes: Set<LearnerRole>): void {
    const { message } = proposal;
    if (message.tag !== '2a' || message.opn !== opn) return;
    const taken = this.#learner.take(role, `execute ${this.#sets.numberOf(proposal)}`, () => {
      const { ballot, batch } = message;
      const [source, target] = [this.#replicas[0], this.#replicas.at(-1)] as [EndPoint, EndPoint];
      const packet: RsmPacket = { source, target, message: { tag: 'batchSupply', ballot, opn, batch } };
      return [{ tag: 'process', packet, timeMs: 0 }, { tag: 'decide' }, { tag: 'execute' }];
    });
    if (taken !== undefined) outcomes.add(taken.role);
  }
}

/** The steps of the bounded model: steps of the protocol's roles, joined as docs/exploration.md says ("Bounded IronRSM"). */
import { endPoint } from '../../../src/spec/endpoint.js';
import type { Ballot, RsmMessage } from '../messages.js';
import { quorumSize, type ReplicaStep } from '../protocol.js';
import type { BoundedState } from './claims.js';
import {
  type AcceptorRole,
  boundedConfiguration,
  type LearnerRole,
  type ProposerRole,
  Role,
  type RsmPacket,
  shapes,
  type Taken,
} from './roles.js';
import { type Sent, SentPool } from './sent.js';
import { permutations, Renaming } from './symmetry.js';

type Emit = (action: string, next: BoundedState) => void;

const proposerCount = 2;
const clients = [endPoint('10.0.1.1:9000'), endPoint('10.0.1.2:9000')] as const;

/** The ballots of the model in their order: the proposers in turn. */
const ballotAt = (i: number): Ballot => ({ seqno: 1 + Math.floor(i / proposerCount), proposer: i % proposerCount });

const words = ({ seqno, proposer }: Ballot): string => `${seqno}.${proposer}`;

/** In which order the requests of both clients reach a proposer; that of the first is fixed, since the names of clients mean nothing. */
const ordersOf = (proposer: number): readonly (readonly number[])[] =>
  proposer === 0
    ? [[0, 1]]
    : [
        [0, 1],
        [1, 0],
      ];

interface Led {
  readonly role: ProposerRole;
  readonly sends: readonly (readonly RsmPacket[])[];
  readonly label: string;
}

/** An acceptor's part in a new ballot: its promise, given now or earlier. */
interface Word {
  readonly acceptor: number;
  readonly role: AcceptorRole;
  readonly promise: RsmPacket;
  readonly sends: readonly RsmPacket[];
}

/** A renaming, and the parts that it was applied to. */
interface RenamedParts {
  readonly renaming: Renaming;
  readonly proposers: Map<ProposerRole, ProposerRole>;
  readonly learners: Map<LearnerRole, LearnerRole>;
  readonly sets: Map<Sent, Sent>;
}

const remembered = <K, V>(known: Map<K, V>, key: K, compute: () => V): V => {
  const old = known.get(key);
  if (old !== undefined) return old;
  const value = compute();
  known.set(key, value);
  return value;
};

const isBefore = (a: Int32Array, b: Int32Array): boolean => {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] as number) < (b[i] as number);
  return false;
};

/** All moves of one model, each taken once. */
export class Moves {
  readonly #ballots: number;
  readonly #operations: number;
  readonly #quorum: number;
  readonly #sets = new SentPool();
  readonly #proposers: readonly Role<ProposerRole>[];
  readonly #acceptors: readonly Role<AcceptorRole>[];
  readonly #learner: Role<LearnerRole>;
  readonly #replicas: readonly RsmPacket['target'][];
  readonly #learned = new Map<LearnerRole, Map<Sent['packets'], readonly LearnerRole[]>>();
  readonly #labels = new Map<RsmPacket, string>();
  readonly #renamings: readonly RenamedParts[];

  constructor(acceptors: number, ballots: number, operations: number) {
    this.#ballots = ballots;
    this.#operations = operations;
    this.#quorum = quorumSize(acceptors);
    const configuration = boundedConfiguration(acceptors);
    this.#replicas = configuration.replicas;
    const last = configuration.replicas.length - 1;
    // Of the votes only those to the learner are delivered; what clients are told is not looked at.
    const keeps = ({ message, target }: RsmPacket): boolean =>
      message.tag === '2b' ? target === this.#replicas[last] : ['1a', '1b', '2a'].includes(message.tag);
    const indices = [...configuration.replicas.keys()];
    this.#proposers = indices
      .slice(0, proposerCount)
      .map((index) => new Role(configuration, index, shapes.proposer, keeps));
    this.#acceptors = indices.map((index) => new Role(configuration, index, shapes.acceptor, keeps));
    this.#learner = new Role(configuration, last, shapes.learner, keeps);
    this.#renamings = permutations(acceptors).map((permutation) => ({
      renaming: new Renaming(permutation, configuration.replicas),
      proposers: new Map(),
      learners: new Map(),
      sets: new Map(),
    }));
  }

  initial(): BoundedState {
    return {
      proposers: this.#proposers.map((role) => role.initial),
      acceptors: this.#acceptors.map((role) => role.initial),
      learner: this.#learner.initial,
      sent: this.#sets.of([]).packets,
    };
  }

  /** The fingerprints of the parts. */
  keyOf({ proposers, acceptors, learner, sent }: BoundedState): Int32Array {
    const key = new Int32Array(2 * (proposers.length + acceptors.length + 2));
    let at = 0;
    const put = ({ hi, lo }: { readonly hi: number; readonly lo: number }): void => {
      key[at++] = hi;
      key[at++] = lo;
    };
    for (let i = 0; i < proposers.length; i++)
      put((this.#proposers[i] as Role<ProposerRole>).pool.of(proposers[i] as ProposerRole));
    for (let i = 0; i < acceptors.length; i++)
      put((this.#acceptors[i] as Role<AcceptorRole>).pool.of(acceptors[i] as AcceptorRole));
    put(this.#learner.pool.of(learner));
    put(this.#sets.of(sent));
    return key;
  }

  /** Of all states that are equal up to the names of acceptors, the one with the least key. */
  canonical(state: BoundedState): BoundedState {
    let best = state;
    let least: Int32Array | undefined;
    for (const parts of this.#renamings) {
      const renamed = this.#renamed(state, parts);
      const key = this.keyOf(renamed);
      if (least !== undefined && !isBefore(key, least)) continue;
      least = key;
      best = renamed;
    }
    return best;
  }

  #renamed(state: BoundedState, { renaming, proposers, learners, sets }: RenamedParts): BoundedState {
    const sent = this.#sets.of(state.sent);
    const renamedSent = remembered(sets, sent, () => this.#sets.of(sent.packets.map((p) => renaming.packet(p))));
    return {
      proposers: state.proposers.map((value, i) => {
        const { pool } = this.#proposers[i] as Role<ProposerRole>;
        return remembered(proposers, value, () => pool.of(renaming.proposer(value)).value);
      }),
      acceptors: renaming.acceptors(state.acceptors),
      learner: remembered(learners, state.learner, () => this.#own(this.#learner, renaming.learner(state.learner))),
      sent: renamedSent.packets,
    };
  }

  /** Whether no ballot beyond the bounds was begun. */
  isWithin({ proposers }: BoundedState): boolean {
    const { seqno, proposer } = ballotAt(this.#ballots);
    return proposers.every(
      ({ proposer: { ballot: b } }) => b.seqno < seqno || (b.seqno === seqno && b.proposer < proposer),
    );
  }

  from(state: BoundedState, emit: Emit): void {
    const sent = this.#sets.of(state.sent);
    for (let i = 0; i < this.#ballots; i++) this.#lead(state, sent, i, emit);
    this.#vote(state, sent, emit);
    this.#learn(state, sent, emit);
    if (state.learner.executor.opsComplete === this.#operations) this.#beyond(state, sent, emit);
  }

  /**
   * One ballot more is possible in every state. It is shown, as a state beyond the bounds, only where nothing is left to execute: so no
   * state is taken for an end that is none, and one in which something is left and nothing can happen is a deadlock.
   */
  #beyond(state: BoundedState, sent: Sent, emit: Emit): void {
    const ballot = ballotAt(this.#ballots);
    const role = this.#proposers[ballot.proposer] as Role<ProposerRole>;
    const from = this.#own(role, state.proposers[ballot.proposer] as ProposerRole);
    const order = [0, 1];
    const started = role.take(from, `start ${this.#ballots} ${order}`, () => this.#starting(ballot, order));
    if (started === undefined) return;
    const proposers = state.proposers.with(ballot.proposer, started.role);
    emit(`beyond(ballot ${words(ballot)})`, {
      ...state,
      proposers,
      sent: this.#sets.plus(sent, started.sends).packets,
    });
  }

  #lead(state: BoundedState, sent: Sent, i: number, emit: Emit): void {
    const ballot = ballotAt(i);
    const p = ballot.proposer;
    const role = this.#proposers[p] as Role<ProposerRole>;
    const from = this.#own(role, state.proposers[p] as ProposerRole);
    for (const order of ordersOf(p)) {
      const started = role.take(from, `start ${i} ${order}`, () => this.#starting(ballot, order));
      if (started === undefined) return;
      const prepared = this.#sets.plus(sent, started.sends);
      for (const words of this.#wordsFor(state, prepared, p, started))
        this.#led(state, prepared, p, started, words, order, emit);
      // A proposer that has its requests already gets them no second time: the order is free once.
      if (from.election.fresh.size > 0 || from.election.waiting.size > 0) return;
    }
  }

  #own<R extends object>(role: Role<R>, value: R): R {
    return role.pool.of(value).value;
  }

  /** The view moves, its proposer prepares, and hears of both requests. */
  #starting(ballot: Ballot, order: readonly number[]): readonly ReplicaStep[] {
    const target = this.#replicas[ballot.proposer] as RsmPacket['target'];
    const packet = (source: RsmPacket['source'], message: RsmMessage): ReplicaStep => ({
      tag: 'process',
      packet: { source, target, message },
      timeMs: 0,
    });
    const view: RsmMessage = { tag: 'heartbeat', view: ballot, suspicious: false, opsComplete: 0 };
    return [
      packet(this.#replicas.at(-1) as RsmPacket['source'], view),
      { tag: 'enterNewView' },
      ...order.map((i) => packet(clients[i] as RsmPacket['source'], { tag: 'open', nonce: i, ordered: false })),
    ];
  }

  /** Every way in which a quorum or more gives its word: each acceptor now, or by a 1b that it sent to this proposer before. */
  #wordsFor(state: BoundedState, sent: Sent, p: number, started: Taken<ProposerRole>): readonly (readonly Word[])[] {
    const me = this.#replicas[p];
    const options = state.acceptors.map((acceptor, i): readonly (Word | undefined)[] => {
      const role = this.#acceptors[i] as Role<AcceptorRole>;
      const own = this.#own(role, acceptor);
      const earlier = this.#sets
        .tagged(sent, '1b')
        .filter(({ source, target }) => source === this.#replicas[i] && target === me)
        .map((promise): Word => ({ acceptor: i, role: own, promise, sends: [] }));
      const prepare = started.sends.find(({ target }) => target === this.#replicas[i]);
      const taken = prepare === undefined ? undefined : role.consume(own, this.#sets.packet(prepare));
      const promise = taken?.sends.find(({ message }) => message.tag === '1b');
      const now =
        taken === undefined || promise === undefined
          ? []
          : [{ acceptor: i, role: taken.role, promise, sends: taken.sends }];
      return [undefined, ...now, ...earlier];
    });
    let ways: readonly (readonly Word[])[] = [[]];
    for (const option of options)
      ways = ways.flatMap((way) => option.map((word) => (word === undefined ? way : [...way, word])));
    return ways.filter((way) => way.length >= this.#quorum);
  }

  #led(
    state: BoundedState,
    sent: Sent,
    p: number,
    started: Taken<ProposerRole>,
    given: readonly Word[],
    order: readonly number[],
    emit: Emit,
  ): void {
    const role = this.#proposers[p] as Role<ProposerRole>;
    const packets = given.map(({ promise }) => this.#sets.packet(promise));
    const key = `phase 2 ${packets.map((packet) => this.#sets.numberOf(packet)).join()}`;
    const entered = role.take(started.role, key, () => [
      ...packets.map((packet): ReplicaStep => ({ tag: 'process', packet, timeMs: 0 })),
      { tag: 'enterPhase2' },
    ]);
    if (entered === undefined) return;
    const acceptors = [...state.acceptors];
    let now = sent;
    for (const { acceptor, role: promised, sends } of given) {
      acceptors[acceptor] = promised;
      now = this.#sets.plus(now, sends);
    }
    const label = `lead(${words(entered.role.proposer.ballot)}, promises of ${given
      .map(({ acceptor, sends }) => (sends.length === 0 ? `${acceptor} from before` : acceptor))
      .join(' ')}, requests ${order.map((i) => 'AB'[i]).join('')}`;
    this.#nominate(role, entered.role, now, 0, (proposer, after, counts) => {
      const proposers = state.proposers.with(p, proposer);
      emit(`${label}, nominates ${counts})`, { ...state, proposers, acceptors, sent: after.packets });
    });
  }

  /** Every way to propose all that may be proposed. */
  #nominate(
    role: Role<ProposerRole>,
    from: ProposerRole,
    sent: Sent,
    done: number,
    each: (role: ProposerRole, sent: Sent, counts: string) => void,
    counts = '',
  ): void {
    let stuck = true;
    for (const count of done < this.#operations ? [0, 1] : []) {
      const taken = role.take(from, `nominate ${count}`, () => [{ tag: 'nominate', count }]);
      if (taken === undefined) continue;
      stuck = false;
      this.#nominate(role, taken.role, this.#sets.plus(sent, taken.sends), done + 1, each, `${counts}${count}`);
    }
    if (stuck) each(from, sent, counts);
  }

  #vote(state: BoundedState, sent: Sent, emit: Emit): void {
    for (const proposal of this.#sets.tagged(sent, '2a')) {
      const i = this.#replicas.indexOf(proposal.target);
      const role = this.#acceptors[i] as Role<AcceptorRole>;
      const from = state.acceptors[i] as AcceptorRole;
      const taken = role.consume(this.#own(role, from), proposal);
      const after = this.#sets.plus(sent, taken.sends);
      if (taken.role === from && after === sent) continue;
      emit(this.#voteLabel(proposal, i), {
        ...state,
        acceptors: state.acceptors.with(i, taken.role),
        sent: after.packets,
      });
    }
  }

  #voteLabel(proposal: RsmPacket, acceptor: number): string {
    const known = this.#labels.get(proposal);
    if (known !== undefined || proposal.message.tag !== '2a') return known ?? '';
    const label = `vote(acceptor ${acceptor}, ballot ${words(proposal.message.ballot)}, operation ${proposal.message.opn})`;
    this.#labels.set(proposal, label);
    return label;
  }

  #learn(state: BoundedState, sent: Sent, emit: Emit): void {
    const { opsComplete } = state.learner.executor;
    const votes = this.#sets.tagged(sent, '2b');
    if (opsComplete === this.#operations || votes.length === 0) return;
    const learner = this.#own(this.#learner, state.learner);
    let known = this.#learned.get(learner);
    if (known === undefined) {
      known = new Map();
      this.#learned.set(learner, known);
    }
    // Of votes and proposals together: one list for equal ones.
    const basis = this.#sets.tagged(sent, 'learn');
    let outcomes = known.get(basis);
    if (outcomes === undefined) {
      outcomes = this.#outcomes(learner, opsComplete, votes, this.#sets.tagged(sent, '2a'));
      known.set(basis, outcomes);
    }
    for (const role of outcomes)
      emit(`learn(operation ${opsComplete}, ballot ${words(role.learner.maxBal)})`, { ...state, learner: role });
  }

  /** Where the learner may come by up to a quorum of deliveries of votes for the next operation, and its batch, once that suffices. */
  #outcomes(
    learner: LearnerRole,
    opn: number,
    votes: readonly RsmPacket[],
    proposals: readonly RsmPacket[],
  ): readonly LearnerRole[] {
    const outcomes = new Set<LearnerRole>();
    let reached: ReadonlySet<LearnerRole> = new Set([learner]);
    const relevant = votes.filter(({ message }) => message.tag === '2b' && message.opn === opn);
    for (let delivered = 0; delivered < this.#quorum; delivered++) {
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
    const key = `execute ${this.#sets.numberOf(proposal)}`;
    const taken = this.#learner.take(role, key, () => {
      const { ballot, batch } = message;
      const [source, target] = [this.#replicas[0], this.#replicas.at(-1)] as [RsmPacket['source'], RsmPacket['target']];
      const packet: RsmPacket = { source, target, message: { tag: 'batchSupply', ballot, opn, batch } };
      return [{ tag: 'process', packet, timeMs: 0 }, { tag: 'decide' }, { tag: 'execute' }];
    });
    if (taken !== undefined) outcomes.add(taken.role);
  }

  shown({ acceptors, learner, sent }: BoundedState): unknown {
    return { acceptors, learner, sent };
  }
}

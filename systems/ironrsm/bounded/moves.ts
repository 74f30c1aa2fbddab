/** The steps of the bounded model: steps of the protocol's roles, joined as docs/exploration.md says ("Bounded IronRSM"). */
import { endPoint } from '../../../src/spec/endpoint.js';
import type { Ballot, RsmMessage } from '../messages.js';
import { quorumSize, type ReplicaStep } from '../protocol.js';
import type { BoundedState } from './claims.js';
import { Learning } from './learning.js';
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
import { Symmetry } from './symmetry.js';

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

/** An acceptor's part in a new ballot: its promise, given now or earlier. */
interface Word {
  readonly acceptor: number;
  readonly role: AcceptorRole;
  readonly promise: RsmPacket;
  readonly sends: readonly RsmPacket[];
}

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
  readonly #labels = new Map<RsmPacket, string>();
  readonly #symmetry: Symmetry;
  readonly #learning: Learning;

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
    this.#symmetry = new Symmetry(configuration.replicas, this.#proposers, this.#learner, this.#sets, (state) =>
      this.keyOf(state),
    );
    this.#learning = new Learning(configuration.replicas, operations, this.#learner, this.#sets);
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

  canonical(state: BoundedState): BoundedState {
    return this.#symmetry.canonical(state);
  }

  /** Whether no ballot beyond the bounds was begun. */
  isWithin({ proposers }: BoundedState): boolean {
    const { seqno, proposer } = ballotAt(this.#ballots);
    return proposers.every(
      ({ proposer: { ballot: b } }) => b.seqno < seqno || (b.seqno === seqno && b.proposer < proposer),
    );
  }

  /** The state whose parts are those of the pools: a state that came from another thread is a copy. */
  #pooled(state: BoundedState): BoundedState {
    const sent = this.#sets.of(state.sent).packets;
    if (sent === state.sent) return state;
    return {
      proposers: state.proposers.map((value, i) => this.#own(this.#proposers[i] as Role<ProposerRole>, value)),
      acceptors: state.acceptors.map((value, i) => this.#own(this.#acceptors[i] as Role<AcceptorRole>, value)),
      learner: this.#own(this.#learner, state.learner),
      sent,
    };
  }

  from(copied: BoundedState, emit: Emit): void {
    const state = this.#pooled(copied);
    const sent = this.#sets.of(state.sent);
    for (let i = 0; i < this.#ballots; i++) this.#lead(state, sent, i, emit);
    this.#vote(state, sent, emit);
    this.#learning.from(state, sent, emit);
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

  shown({ acceptors, learner, sent }: BoundedState): unknown {
    return { acceptors, learner, sent };
  }
}

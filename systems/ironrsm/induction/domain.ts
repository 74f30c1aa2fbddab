/** All states of acceptors and packets for one operation, in a small domain; and the steps of the protocol from each of them. */
import { PersistentMap } from '../../../src/protocol/persistent-map.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { endPoint } from '../../../src/spec/endpoint.js';
import {
  type AcceptorRole,
  boundedConfiguration,
  type ProposerRole,
  Role,
  type RsmPacket,
  shapes,
} from '../bounded/roles.js';
import { type Ballot, batchCodec, digestOf, type RsmMessage } from '../messages.js';
import { quorumSize, type ReplicaStep } from '../protocol.js';
import type { AcceptorView, Conjunct, View } from './conjuncts.js';
import { type AcceptorsState, type Names, subsetsOf } from './state.js';

const clients = [endPoint('10.0.1.1:9000'), endPoint('10.0.1.2:9000')] as const;

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').slice(0, 32);

const request = (i: number) => ({ tag: 'open', client: clients[i] as EndPoint, nonce: i, ordered: false }) as const;

/** The protocol's steps on states of the domain. */
export class Steps {
  readonly replicas: readonly EndPoint[];
  readonly ballots: readonly Ballot[];
  readonly batches: readonly Uint8Array[] = [0, 1].map((i) => batchCodec.encode([request(i)]));
  readonly digests: Names;
  readonly #acceptors: readonly Role<AcceptorRole>[];
  readonly #proposers: readonly Role<ProposerRole>[];
  readonly #quorum: number;

  constructor(acceptors: number, ballots: number) {
    const configuration = boundedConfiguration(acceptors);
    this.replicas = configuration.replicas;
    this.ballots = Array.from({ length: ballots }, (_, i) => ({ seqno: 1 + Math.floor(i / 2), proposer: i % 2 }));
    this.#quorum = quorumSize(acceptors);
    this.digests = {
      batches: new Map(this.batches.map((batch, i) => [text(batch), 'xy'[i] as string])),
      names: new Map(this.batches.map((batch, i) => [text(digestOf(batch)), 'xy'[i] as string])),
    };
    const keeps = ({ message, target }: RsmPacket): boolean =>
      message.tag === '2b' ? target === this.replicas.at(-1) : ['1a', '1b', '2a'].includes(message.tag);
    this.#acceptors = this.replicas.map((_, i) => new Role(configuration, i, shapes.acceptor, keeps));
    this.#proposers = [0, 1].map((i) => new Role(configuration, i, shapes.proposer, keeps));
  }

  initial(): AcceptorsState {
    return { acceptors: this.#acceptors.map((role) => role.initial), sent: [], digests: this.digests };
  }

  /** The role that equals `role`: one object. */
  acceptor(i: number, role: AcceptorRole): AcceptorRole {
    return (this.#acceptors[i] as Role<AcceptorRole>).pool.of(role).value;
  }

  from(state: AcceptorsState, emit: (action: string, next: AcceptorsState) => void): void {
    for (const ballot of this.ballots) this.#begin(state, ballot, emit);
    for (const packet of state.sent) {
      const { tag } = packet.message;
      if (tag !== '1a' && tag !== '2a') continue;
      const i = this.replicas.indexOf(packet.target);
      const role = this.#acceptors[i] as Role<AcceptorRole>;
      const taken = role.consume(this.acceptor(i, state.acceptors[i] as AcceptorRole), packet);
      const sent = withAll(state.sent, taken.sends);
      const acceptors = state.acceptors.with(i, taken.role);
      emit(`acceptor ${i} takes a ${tag} of ballot ${words(packet.message.ballot)}`, { ...state, acceptors, sent });
    }
  }

  /** A ballot begins; or, where it has begun and proposed nothing, it proposes on the word of a quorum. */
  #begin(state: AcceptorsState, ballot: Ballot, emit: (action: string, next: AcceptorsState) => void): void {
    const role = this.#proposers[ballot.proposer] as Role<ProposerRole>;
    const isOfBallot = ({ message: m }: RsmPacket, tag: RsmMessage['tag']): boolean =>
      m.tag === tag && 'ballot' in m && m.ballot.seqno === ballot.seqno && m.ballot.proposer === ballot.proposer;
    const started = (first: number) =>
      role.take(role.initial, `start ${words(ballot)} ${first}`, () => this.#starting(ballot, first));
    const prepared = started(0)?.sends ?? [];
    if (!state.sent.some((packet) => isOfBallot(packet, '1a')))
      emit(`ballot ${words(ballot)} begins`, { ...state, sent: withAll(state.sent, prepared) });
    else if (!state.sent.some((packet) => isOfBallot(packet, '2a'))) {
      const me = this.replicas[ballot.proposer];
      const promises = state.sent.filter(({ target, message }) => message.tag === '1b' && target === me);
      for (const quorum of subsetsOf(promises)) {
        if (quorum.length < this.#quorum) continue;
        for (const first of [0, 1]) {
          const from = started(first)?.role ?? role.initial;
          const key = `propose ${quorum.map((p) => JSON.stringify([p.source, p.message])).join()}`;
          const taken = role.take(from, key, () => [
            ...quorum.map((packet): ReplicaStep => ({ tag: 'process', packet, timeMs: 0 })),
            { tag: 'enterPhase2' },
            { tag: 'nominate', count: quorum.some(({ message: m }) => m.tag === '1b' && m.votes.length > 0) ? 0 : 1 },
          ]);
          if (taken !== undefined)
            emit(`ballot ${words(ballot)} proposes`, { ...state, sent: withAll(state.sent, taken.sends) });
        }
      }
    }
  }

  #starting(ballot: Ballot, first: number): readonly ReplicaStep[] {
    const target = this.replicas[ballot.proposer] as EndPoint;
    const packet = (source: EndPoint, message: RsmMessage): ReplicaStep => ({
      tag: 'process',
      packet: { source, target, message },
      timeMs: 0,
    });
    const { client, nonce, ordered } = request(first);
    return [
      packet(this.replicas.at(-1) as EndPoint, { tag: 'heartbeat', view: ballot, suspicious: false, opsComplete: 0 }),
      { tag: 'enterNewView' },
      packet(client, { tag: 'open', nonce, ordered }),
    ];
  }
}

const words = ({ seqno, proposer }: Ballot): string => `${seqno}.${proposer}`;

const nameOf = ({ source, target, message }: RsmPacket): string =>
  `${source} ${target} ${JSON.stringify(message, (_, value: unknown) => (value instanceof Uint8Array ? text(value) : value))}`;

const withAll = (sent: readonly RsmPacket[], more: readonly RsmPacket[]): readonly RsmPacket[] => {
  const names = new Set(sent.map(nameOf));
  return [...sent, ...more.filter((packet) => !names.has(nameOf(packet)))];
};

/** All lists with one item of each list. */
function* product<T>(lists: readonly (readonly T[])[]): Iterable<readonly T[]> {
  const [first, ...rest] = lists;
  if (first === undefined) yield [];
  else for (const tail of product(rest)) for (const item of first) yield [item, ...tail];
}

interface Local {
  readonly role: AcceptorRole;
  readonly sent: readonly RsmPacket[];
}

/** Every state of acceptor `i` with every set of packets that it may have sent. */
const locals = (steps: Steps, i: number): readonly Local[] => {
  const { replicas, ballots, batches } = steps;
  const { acceptors } = steps.initial();
  const initial = acceptors[i] as AcceptorRole;
  const source = replicas[i] as EndPoint;
  const casts = ballots.flatMap((ballot) => batches.map((batch) => ({ ballot, batch })));
  const roles = [initial.maxBal, ...ballots].flatMap((maxBal) =>
    [undefined, ...casts].map((cast): AcceptorRole => {
      const promised = { ...initial, maxBal };
      if (cast === undefined) return promised;
      const { ballot, batch } = cast;
      const votes = PersistentMap.of([[0, { ballot, batch, digest: digestOf(batch) }] as const]);
      return { ...promised, votes, voteBytes: batch.length };
    }),
  );
  const votes = subsetsOf(casts).map((sent) =>
    sent.map(({ ballot, batch }): RsmPacket => {
      const message: RsmMessage = { tag: '2b', ballot, opn: 0, digest: digestOf(batch) };
      return { source, target: replicas.at(-1) as EndPoint, message };
    }),
  );
  const promises = ballots.map((ballot): readonly RsmPacket[][] => [
    [],
    ...[undefined, ...casts].map((cast): RsmPacket[] => {
      const reported = cast === undefined ? [] : [{ opn: 0, ...cast }];
      const message: RsmMessage = { tag: '1b', ballot, truncationPoint: 0, votes: reported };
      return [{ source, target: replicas[ballot.proposer] as EndPoint, message }];
    }),
  ]);
  return roles.flatMap((role) =>
    votes.flatMap((cast) =>
      [...product(promises)].map(
        (given): Local => ({ role: steps.acceptor(i, role), sent: [...cast, ...given.flat()] }),
      ),
    ),
  );
};

const broadcast = ({ replicas }: Steps, message: RsmMessage & { readonly ballot: Ballot }): readonly RsmPacket[] =>
  replicas.map((target) => ({ source: replicas[message.ballot.proposer] as EndPoint, target, message }));

/** The domain, cut down early to the states that satisfy every one of `conjuncts`. */
export function* acceptorDomain(
  steps: Steps,
  view: (state: AcceptorsState) => View,
  conjuncts: readonly Conjunct[],
): Iterable<AcceptorsState> {
  const { ballots, batches, digests } = steps;
  const { acceptors: initial } = steps.initial();
  const everyLocal = steps.replicas.map((_, i) =>
    locals(steps, i).map((local) => {
      const alone = view({ acceptors: initial.with(i, local.role), sent: local.sent, digests });
      return { ...local, view: alone.acceptors[i] as AcceptorView };
    }),
  );
  const holds = (candidate: View, onlyLocal: boolean): boolean =>
    conjuncts.every((conjunct) => (onlyLocal && !conjunct.local) || conjunct.holds(candidate));
  const proposals = ballots.map((ballot) =>
    subsetsOf(batches.map((batch) => broadcast(steps, { tag: '2a', ballot, opn: 0, batch }))).map((sent) =>
      sent.flat(),
    ),
  );
  for (const proposed of product(proposals)) {
    const silent = view({ acceptors: [], sent: proposed.flat(), digests });
    const fitting = everyLocal.map((list) =>
      list.filter((local) => holds({ ...silent, acceptors: [local.view] }, true)),
    );
    for (const started of subsetsOf(ballots)) {
      const sent = [...started.flatMap((ballot) => broadcast(steps, { tag: '1a', ballot })), ...proposed.flat()];
      const begun = view({ acceptors: [], sent, digests });
      for (const chosen of product(fitting)) {
        if (!holds({ ...begun, acceptors: chosen.map((local) => local.view) }, false)) continue;
        const own = chosen.flatMap((local) => local.sent);
        yield { acceptors: chosen.map(({ role }) => role), sent: [...sent, ...own], digests };
      }
    }
  }
}

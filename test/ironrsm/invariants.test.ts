/** Each invariant of IronRSM holds of a small honest cluster, and is false, from scratch and by the change, where one thing in it is wrong. */
import { describe, expect, it } from 'vitest';
import { PersistentMap } from '../../src/protocol/persistent-map.js';
import { SentPackets } from '../../src/protocol/sent-packets.js';
import { endPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
import { E } from '../../src/spec/prelude.js';
import { counter } from '../../systems/ironrsm/applications/counter.js';
import { defaultParameters } from '../../systems/ironrsm/configuration.js';
import { type Fold, type RsmChange, type RsmCluster, RsmHistory, specOf } from '../../systems/ironrsm/history.js';
import { ironrsmInvariants } from '../../systems/ironrsm/invariants.js';
import {
  type Ballot,
  batchCodec,
  digestOf,
  joined,
  type RsmMessage,
  rsmCodec,
} from '../../systems/ironrsm/messages.js';
import { ironrsmProtocol, type Replica } from '../../systems/ironrsm/protocol.js';

const replicas = [1, 2, 3].map((i) => endPoint(`10.0.0.${i}:7000`));
const [first] = replicas as [(typeof replicas)[number]];
const client = endPoint('10.0.0.9:9000');
const parameters = { ...defaultParameters, pieceBytesMax: 8 };
const configuration = { replicas, app: counter, parameters };

const value = joined([Uint8Array.of(1)]);
const opening = batchCodec.encode([{ tag: 'open', client, nonce: 1, ordered: false }]);
const execution = batchCodec.encode([{ tag: 'execute', client, session: 0, seqno: 1, floor: 1, value }]);
const empty = batchCodec.encode([]);
const batches = [opening, execution];

const ballot: Ballot = { seqno: 1, proposer: 0 };
const later: Ballot = { seqno: 2, proposer: 1 };

const from = (sender: number, message: RsmMessage): Packet<RsmMessage> => ({
  source: replicas[sender] as typeof first,
  target: first,
  message,
});

const all = [0, 1, 2];

/** Two operations, voted for by all in the first ballot. */
const honest: readonly Packet<RsmMessage>[] = [
  from(0, { tag: '1a', ballot }),
  ...all.map((i) => from(i, { tag: '1b', ballot, truncationPoint: 0, votes: [] })),
  ...batches.flatMap((batch, opn) => [
    from(0, { tag: '2a', ballot, opn, batch }),
    ...all.map((i) => from(i, { tag: '2b', ballot, opn, digest: digestOf(batch) })),
  ]),
];

const machineOf = ({ app, sessions, done, ring, ringFirst, ringNext, nextSession, replyBytes }: Fold) => ({
  app,
  sessions: { nextSession, live: sessions, ring: { first: ringFirst, next: ringNext, items: ring }, done, replyBytes },
});

const vote = (batch: Uint8Array) => ({ ballot, batch, digest: digestOf(batch) });

/** A replica that executed the first of the two operations, and has decided the second. */
const honestReplica = (me: typeof first, history: RsmHistory): Replica => {
  const state = ironrsmProtocol.init(configuration, me);
  return {
    ...state,
    acceptor: {
      ...state.acceptor,
      maxBal: ballot,
      votes: PersistentMap.of(batches.map((batch, opn): [number, ReturnType<typeof vote>] => [opn, vote(batch)])),
      voteBytes: opening.length + execution.length,
      checkpoints: [1, 1, 1],
      truncationPoint: 0,
    },
    learner: {
      maxBal: ballot,
      slots: PersistentMap.of([[1, { digest: digestOf(execution), senders: [0, 2], batch: execution }]]),
    },
    executor: {
      opsComplete: 1,
      machine: machineOf(history.folds[1] as Fold),
      decided: { ballot, batch: execution },
      log: PersistentMap.of([[0, opening]]),
      logStart: 0,
      logBytes: opening.length,
    },
    transfer: { ...state.transfer, supplied: PersistentMap.of([[1, execution]]) },
    proposer: { ...state.proposer, ballot, promises: PersistentMap.of([[1, noVotes]]) },
  };
};

const noVotes = { truncationPoint: 0, votes: PersistentMap.empty<number, never>() };

interface Wrong {
  readonly packets?: readonly Packet<RsmMessage>[];
  readonly state?: (s: Replica, history: RsmHistory) => Replica;
  readonly before?: (s: Replica, history: RsmHistory) => Replica;
}

const clusterWith = ({ packets = [], state = (s) => s, before = (s) => s }: Wrong) => {
  const history = new RsmHistory(configuration);
  history.remember(honest);
  history.remember(packets);
  const sent = new SentPackets<RsmMessage>(rsmCodec.encode);
  for (const packet of [...honest, ...packets]) sent.add(packet);
  const hosts = new Map(replicas.map((me): [typeof first, Replica] => [me, honestReplica(me, history)]));
  const was = hosts.get(first) as Replica;
  const is = state(was, history);
  hosts.set(first, is);
  const cluster: RsmCluster = { hosts, sent, history };
  const change: RsmChange = {
    host: first,
    before: before(was, history),
    after: is,
    consumed: undefined,
    sends: packets,
  };
  return { cluster, change };
};

const piece = (more: object): Packet<RsmMessage> => {
  const history = new RsmHistory(configuration);
  history.remember(honest);
  const bytes = (history.sessionsAt(1) as Uint8Array).subarray(0, 8);
  const at = { tag: 'sessions', offset: 0 } as const;
  const next = { tag: 'sessions', offset: 8 } as const;
  return from(1, { tag: 'statePiece', opn: 1, at, bytes, next, digest: digestOf(bytes), ...more });
};

const executor = (s: Replica, more: Partial<Replica['executor']>): Replica => ({
  ...s,
  executor: { ...s.executor, ...more },
});

const sessions = (s: Replica, more: Partial<Replica['executor']['machine']['sessions']>): Replica =>
  executor(s, { machine: { ...s.executor.machine, sessions: { ...s.executor.machine.sessions, ...more } } });

const acceptor = (s: Replica, more: Partial<Replica['acceptor']>): Replica => ({
  ...s,
  acceptor: { ...s.acceptor, ...more },
});

const slot =
  (more: object) =>
  (s: Replica): Replica => ({
    ...s,
    learner: {
      ...s.learner,
      slots: PersistentMap.of([[1, { digest: digestOf(execution), senders: [0, 1], batch: null, ...more }]]),
    },
  });

const isFold =
  "a replica's application state, sessions and kept replies are the fold of the chosen operations before its position";

/** By the invariant's name: what makes it false. */
const wrongs: readonly (readonly [string, string, Wrong])[] = [
  ["a 1a's ballot carries its sender's index", 'another index', { packets: [from(0, { tag: '1a', ballot: later })] }],
  [
    'a vote that a 1b reports is of an earlier ballot and had its 2a',
    'another batch',
    { packets: [from(2, { tag: '1b', ballot: later, truncationPoint: 0, votes: [{ opn: 0, ballot, batch: empty }] })] },
  ],
  [
    "a 1b reports its sender's votes below its ballot",
    'a vote left out',
    {
      packets: [from(2, { tag: '1b', ballot: later, truncationPoint: 0, votes: [{ opn: 0, ballot, batch: opening }] })],
    },
  ],
  [
    'no acceptor votes below a ballot that it promised, unless the 1b reports the vote',
    'a late vote',
    {
      packets: [
        from(2, { tag: '1b', ballot: later, truncationPoint: 0, votes: [] }),
        from(2, { tag: '2b', ballot, opn: 3, digest: digestOf(empty) }),
      ],
    },
  ],
  [
    "one value for each ballot and operation in the 2a's",
    'a second one',
    { packets: [from(0, { tag: '2a', ballot, opn: 0, batch: empty })] },
  ],
  [
    "a 2a has a quorum of 1b's that permits it",
    'a quorum short',
    {
      packets: [
        from(1, { tag: '1b', ballot: later, truncationPoint: 0, votes: [] }),
        from(1, { tag: '2a', ballot: later, opn: 2, batch: empty }),
      ],
    },
  ],
  [
    'a 2b has a 2a with its ballot, operation number and digest',
    'another digest',
    { packets: [from(1, { tag: '2b', ballot, opn: 1, digest: digestOf(empty) })] },
  ],
  [
    'the digests that quorums chose for an operation agree, and name one batch',
    'two digests',
    { packets: [0, 1].map((i) => from(i, { tag: '2b', ballot: later, opn: 0, digest: digestOf(empty) })) },
  ],
  [
    'the digests that quorums chose for an operation agree, and name one batch',
    'no batch',
    { packets: [0, 1].map((i) => from(i, { tag: '2b', ballot, opn: 2, digest: digestOf(empty) })) },
  ],
  [
    'a batch that an acceptor supplies is that of the ballot and operation',
    'another batch',
    { packets: [from(1, { tag: 'batchSupply', ballot, opn: 0, batch: empty })] },
  ],
  ...[
    ['another batch', { opn: 0, batches: [opening, empty], opsComplete: 2 }] as const,
    ['more than was chosen', { opn: 0, batches: [opening], opsComplete: 3 }] as const,
  ].map(([what, message]): readonly [string, string, Wrong] => [
    'the batches of a catch-up were chosen, and its sender executed no more than was chosen',
    what,
    { packets: [from(1, { tag: 'catchUpSupply', ...message })] },
  ]),
  ...[
    ['other bytes', { bytes: new Uint8Array(16), digest: digestOf(new Uint8Array(16)) }] as const,
    ['another digest', { digest: digestOf(empty) }] as const,
    ['another next cursor', { next: { tag: 'app', after: null } }] as const,
    ['another position', { opn: 0 }] as const,
    ['a cursor without a piece', { at: { tag: 'sessions', offset: 4096 } }] as const,
    ['the wrong application state', { at: { tag: 'app', after: null }, next: null }] as const,
  ].map(([what, more]): readonly [string, string, Wrong] => [
    "a piece of a state is that of the fold of the chosen operations before it, with that piece's digest",
    what,
    { packets: [piece(more)] },
  ]),
  [
    "the 1b's that a proposer counts are for its ballot, from distinct replicas",
    'one that was not sent',
    {
      state: (s) => ({ ...s, proposer: { ...s.proposer, ballot: later, promises: PersistentMap.of([[2, noVotes]]) } }),
    },
  ],
  [
    "a vote's ballot does not exceed the acceptor's maxBal",
    'a higher one',
    { state: (s) => acceptor(s, { votes: s.acceptor.votes.set(0, { ...vote(opening), ballot: later }) }) },
  ],
  [
    "an acceptor's vote holds the batch of its 2a, and its digest",
    'another batch',
    { state: (s) => acceptor(s, { votes: s.acceptor.votes.set(0, vote(empty)) }) },
  ],
  [
    "an acceptor's vote holds the batch of its 2a, and its digest",
    'another digest',
    { state: (s) => acceptor(s, { votes: s.acceptor.votes.set(0, { ...vote(opening), digest: digestOf(empty) }) }) },
  ],
  [
    'no replica believes that another one executed more than it did',
    'a higher checkpoint',
    { state: (s) => acceptor(s, { checkpoints: [1, 2, 1] }) },
  ],
  [
    'a quorum has executed past every truncation point',
    'a higher point',
    { state: (s) => acceptor(s, { truncationPoint: 2 }) },
  ],
  ...[
    ['a sender twice', { senders: [0, 0] }] as const,
    ['another digest', { digest: digestOf(empty) }] as const,
    ['another batch', { batch: empty }] as const,
  ].map(([what, more]): readonly [string, string, Wrong] => [
    "a learner's slot is backed by 2b's that were sent, and its batch has their digest",
    what,
    { state: slot(more) },
  ]),
  [
    'a decided operation was chosen, and so was every operation before it',
    'another batch',
    { state: (s) => executor(s, { decided: { ballot: null, batch: empty } }) },
  ],
  [
    'the batches that a catch-up brought were chosen',
    'another batch',
    { state: (s) => ({ ...s, transfer: { ...s.transfer, supplied: s.transfer.supplied.set(1, empty) } }) },
  ],
  [
    'the log of executed batches holds chosen ones, below the position of its replica',
    'another batch',
    { state: (s) => executor(s, { log: s.executor.log.set(0, empty) }) },
  ],
  [
    'the log of executed batches has no gap',
    'one missing',
    { state: (s) => executor(s, { log: s.executor.log.delete(0) }) },
  ],
  [isFold, 'another application state', { state: (s) => executor(s, { machine: { ...s.executor.machine, app: 1 } }) }],
  [isFold, 'another id for the next session', { state: (s) => sessions(s, { nextSession: 2 }) }],
  [isFold, 'a session that expired', { state: (s) => sessions(s, { live: PersistentMap.empty() }) }],
  [
    isFold,
    'another ring',
    { state: (s) => sessions(s, { ring: { first: 1, next: 2, items: PersistentMap.of([[1, 0]]) } }) },
  ],
  [isFold, 'another sum of replies', { state: (s) => sessions(s, { replyBytes: 8 }) }],
  [
    isFold,
    'a reply that was not kept',
    {
      state: (s, history) => {
        const executed = executor(s, { opsComplete: 2, machine: machineOf(history.folds[2] as Fold) });
        return sessions(executed, { done: PersistentMap.empty() });
      },
    },
  ],
  [isFold, 'an operation counted and not executed', { state: (s) => executor(s, { opsComplete: 2 }) }],
  [
    isFold,
    'a state that was transferred without its sessions',
    {
      before: () => ironrsmProtocol.init(configuration, first),
      state: (s, history) => {
        const installed = executor(s, { opsComplete: 2, machine: machineOf(history.folds[2] as Fold) });
        return sessions(installed, { live: PersistentMap.empty() });
      },
    },
  ],
];

/** Of single steps, which one state does not show. */
const wrongSteps: readonly (readonly [string, (s: Replica) => Replica])[] = [
  ["a replica's ballots never decrease", (s) => acceptor(s, { maxBal: { seqno: 0, proposer: 0 } })],
  [
    "a replica's ballots never decrease",
    (s) => ({ ...s, election: { ...s.election, view: { seqno: 0, proposer: 0 } } }),
  ],
  ['executed operations and the truncation point only grow', (s) => executor(s, { opsComplete: 0 })],
];

const invariantNamed = (name: string) => {
  const invariant = ironrsmInvariants.find((known) => known.name === name);
  if (invariant === undefined) throw new Error(`there is no invariant "${name}"`);
  return invariant;
};

describe('the invariants of IronRSM', () => {
  it('hold of an honest cluster', () => {
    const { cluster, change } = clusterWith({ packets: [piece({})] });
    for (const invariant of ironrsmInvariants) {
      expect([invariant.name, invariant.check(cluster)]).toEqual([invariant.name, E.right(undefined)]);
      expect([invariant.name, invariant.checkChange(cluster, change)]).toEqual([invariant.name, E.right(undefined)]);
    }
  });

  it.each(wrongs)('%s: false with %s', (name, _what, wrong) => {
    const { cluster, change } = clusterWith(wrong);
    const invariant = invariantNamed(name);
    expect(invariant.check(cluster)).toMatchObject({ left: { code: 'INVARIANT', rule: name } });
    expect(invariant.checkChange(cluster, change)).toMatchObject({ left: { code: 'INVARIANT', rule: name } });
  });

  it.each(wrongSteps)('%s: false of a step back', (name, state) => {
    const { cluster, change } = clusterWith({ state });
    expect(invariantNamed(name).checkChange(cluster, change)).toMatchObject({ left: { rule: name } });
  });

  it('are each shown false here, but for one about numbers alone', () => {
    const shown = new Set([...wrongs, ...wrongSteps].map(([name]) => name));
    expect(ironrsmInvariants.map(({ name }) => name).filter((name) => !shown.has(name))).toEqual([
      // Whatever the number of replicas. A quorum of another size is among the planted bugs.
      'any two quorums intersect',
    ]);
  });
});

describe('the history', () => {
  it('folds chosen operations in their order, whatever the order of the votes', () => {
    const history = new RsmHistory(configuration);
    history.remember(
      [...honest].reverse().sort((a, b) => Number(a.message.tag === '2b') - Number(b.message.tag === '2b')),
    );
    expect(history.steps.map((taken) => taken.map(({ step }) => step.tag))).toEqual([['open'], ['execute']]);
    expect(specOf(history)).toMatchObject({ app: 1, nextSession: 1, replyBytes: 12 });
  });

  it('folds the operations of a request in their order, and the bytes that are no list of any as none', () => {
    const folded = (asked: Uint8Array) => {
      const batch = batchCodec.encode([{ tag: 'execute', client, session: 0, seqno: 1, floor: 1, value: asked }]);
      const history = new RsmHistory(configuration);
      history.remember(
        [opening, batch].flatMap((bytes, opn) => [
          from(0, { tag: '2a', ballot, opn, batch: bytes }),
          ...all.map((i) => from(i, { tag: '2b', ballot, opn, digest: digestOf(bytes) })),
        ]),
      );
      return { app: history.folds[2]?.app, reply: specOf(history).executed.get('0.1')?.reply };
    };
    const counts = [1, 2, 3].map((n) => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, n));
    expect(folded(joined([value, value, value]))).toEqual({ app: 3, reply: joined(counts) });
    expect(folded(Uint8Array.of(1))).toEqual({ app: 0, reply: new Uint8Array() });
  });

  it('chooses nothing on the votes of a minority, nor on votes of different ballots or digests', () => {
    const history = new RsmHistory(configuration);
    const digest = digestOf(opening);
    history.remember([
      from(0, { tag: '2a', ballot, opn: 0, batch: opening }),
      from(0, { tag: '2b', ballot, opn: 0, digest }),
      from(0, { tag: '2b', ballot, opn: 0, digest }),
      from(1, { tag: '2b', ballot: later, opn: 0, digest }),
      from(2, { tag: '2b', ballot, opn: 0, digest: digestOf(empty) }),
    ]);
    expect([history.chosenDigests.size, history.folds.length]).toEqual([0, 1]);
  });
});

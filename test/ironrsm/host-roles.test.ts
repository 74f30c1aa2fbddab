/** One replica alone: the guards of acceptor, learner and election, and what comes from strangers. */
import { describe, expect, test } from 'vitest';
import { endPoint } from '../../src/spec/endpoint.js';
import { natMax } from '../../src/spec/nat.js';
import { batchCodec, digestOf, type Message, type RsmMessage } from '../../systems/ironrsm/messages.js';
import { ballot, batchOf, execute, heartbeat, LoneReplica, messagesOf, open, request } from './lone-replica.js';
import { clientAt, replicaAt } from './recorder.js';

const empty = batchOf();

const accept = (seqno: number, proposer: number, opn: number, batch = empty): Message<'2a'> => ({
  tag: '2a',
  ballot: ballot(seqno, proposer),
  opn,
  batch,
});

const vote = (seqno: number, proposer: number, opn: number, batch = empty): Message<'2b'> => ({
  tag: '2b',
  ballot: ballot(seqno, proposer),
  opn,
  digest: digestOf(batch),
});

describe('the acceptor', () => {
  test('promises a higher ballot and reports its votes, ascending', () => {
    const lone = new LoneReplica();
    for (const opn of [5, 3]) lone.take(0, accept(1, 0, opn, batchOf(open(opn))));
    const io = lone.take(2, { tag: '1a', ballot: ballot(1, 2) });
    expect(io.sent.map((p) => p.target)).toEqual([replicaAt(2)]);
    const [promise] = messagesOf('1b', io.sent);
    expect(promise?.ballot).toEqual(ballot(1, 2));
    expect(promise?.votes).toEqual([3, 5].map((opn) => ({ opn, ballot: ballot(1, 0), batch: batchOf(open(opn)) })));
  });

  test('ignores a 1a below its promise, and one whose ballot is another proposer’s', () => {
    const lone = new LoneReplica();
    lone.take(2, { tag: '1a', ballot: ballot(1, 2) });
    expect(lone.ignores(0, { tag: '1a', ballot: ballot(1, 0) })).toBe(true);
    expect(lone.ignores(0, { tag: '1a', ballot: ballot(5, 2) })).toBe(true);
  });

  test('promises again while it has not voted in the ballot, and not after', () => {
    const lone = new LoneReplica();
    const prepare = { tag: '1a', ballot: ballot(1, 0) } as const;
    lone.take(0, prepare);
    expect(messagesOf('1b', lone.take(0, prepare).sent)).toHaveLength(1);
    lone.take(0, accept(1, 0, 0));
    expect(lone.ignores(0, prepare)).toBe(true);
  });

  test('ignores a 2a below its promise or its truncation point, and one whose ballot is another proposer’s', () => {
    const lone = new LoneReplica({ logLengthMax: 4 });
    lone.take(2, { tag: '1a', ballot: ballot(1, 2) });
    expect(lone.ignores(0, accept(1, 0, 0))).toBe(true);
    expect(lone.ignores(0, accept(3, 2, 0))).toBe(true);
    lone.take(2, accept(1, 2, 9));
    expect(lone.host.acceptor.truncationPoint).toBe(6);
    expect(lone.ignores(2, accept(1, 2, 5))).toBe(true);
  });

  test('drops the votes that a far 2a truncates, however far it is', () => {
    const lone = new LoneReplica({ logLengthMax: 4 });
    for (const opn of [0, 2, 3, 4, 1_000_000]) lone.take(0, accept(1, 0, opn, batchOf(open(opn))));
    expect([...lone.host.acceptor.votes.keys()]).toEqual([1_000_000]);
    expect(lone.host.acceptor.truncationPoint).toBe(999_997);
    expect(lone.host.acceptor.voteBytes).toBe(batchOf(open(1_000_000)).length);
  });

  test('votes by the digest of the batch, to all, and again for a repeated 2a', () => {
    const lone = new LoneReplica();
    const batch = batchOf(open());
    lone.take(0, accept(1, 0, 0, batch));
    const io = lone.take(0, accept(1, 0, 0, batch));
    expect(io.sent.map((p) => p.target)).toEqual([replicaAt(0), replicaAt(2)]);
    expect(messagesOf('2b', io.sent)[0]).toEqual(vote(1, 0, 0, batch));
    expect(io.toSelf).toEqual([vote(1, 0, 0, batch)]);
    expect(lone.host.acceptor.voteBytes).toBe(batch.length);
  });

  test('votes for bytes that are no batch as for any others', () => {
    const lone = new LoneReplica();
    const io = lone.take(0, accept(1, 0, 0, Buffer.from('?')));
    expect(messagesOf('2b', io.sent)[0]?.digest).toEqual(digestOf(Buffer.from('?')));
  });

  test('supplies the batch of its vote of a ballot, and of no other', () => {
    const lone = new LoneReplica();
    lone.take(0, accept(2, 0, 3, batchOf(open())));
    const io = lone.take(2, { tag: 'batchRequest', ballot: ballot(2, 0), opn: 3 });
    expect(io.sent.map((p) => p.target)).toEqual([replicaAt(2)]);
    expect(messagesOf('batchSupply', io.sent)).toEqual([
      { tag: 'batchSupply', ballot: ballot(2, 0), opn: 3, batch: batchOf(open()) },
    ]);
    expect(lone.ignores(2, { tag: 'batchRequest', ballot: ballot(1, 0), opn: 3 })).toBe(true);
    expect(lone.ignores(2, { tag: 'batchRequest', ballot: ballot(2, 0), opn: 4 })).toBe(true);
  });

  test('truncates to what a quorum and itself executed, and not back when a late heartbeat comes', () => {
    const lone = new LoneReplica();
    const report = (from: number, opsComplete: number) => lone.take(from, heartbeat(ballot(1, 0), { opsComplete }));
    for (let opn = 0; opn < 6; opn++) lone.decide(0);
    report(0, 7);
    expect(lone.host.acceptor.truncationPoint).toBe(0);
    report(2, 5);
    expect(lone.host.acceptor.truncationPoint).toBe(5);
    report(2, 3);
    expect(lone.host.acceptor.checkpoints).toEqual([7, 0, 5]);
    expect(lone.host.acceptor.truncationPoint).toBe(5);
    report(2, 7);
    expect(lone.host.acceptor.truncationPoint).toBe(6);
    lone.decide(0);
    expect(lone.host.acceptor.truncationPoint).toBe(7);
  });
});

describe('the learner', () => {
  const a = batchOf(open(1));
  const b = batchOf(open(2));

  test('does not count one voter twice', () => {
    const lone = new LoneReplica();
    lone.step([0, vote(1, 0, 0, a)], [0, vote(1, 0, 0, a)], [0, accept(1, 0, 1)]);
    lone.take(2, { tag: 'batchSupply', ballot: ballot(1, 0), opn: 0, batch: a });
    expect(lone.host.executor.opsComplete).toBe(0);
    lone.step([2, vote(1, 0, 0, a)]);
    expect(lone.host.executor.opsComplete).toBe(1);
    expect([...lone.host.learner.slots.keys()]).toEqual([1]);
  });

  test('does not make a quorum of two ballots', () => {
    const lone = new LoneReplica();
    lone.step([0, vote(1, 0, 0, a)], [2, vote(2, 0, 0, b)], [0, vote(1, 0, 0, a)]);
    expect(lone.host.learner.maxBal).toEqual(ballot(2, 0));
    expect(lone.host.learner.slots.get(0)).toEqual({ digest: digestOf(b), senders: [2], batch: null });
  });

  test('forgets all slots of a lower ballot', () => {
    const lone = new LoneReplica();
    lone.step([0, vote(1, 0, 3, a)], [0, vote(1, 0, 4, a)], [2, vote(2, 0, 5, b)]);
    expect([...lone.host.learner.slots.keys()]).toEqual([5]);
  });

  test('does not count votes for two digests together', () => {
    const lone = new LoneReplica();
    lone.take(0, vote(1, 0, 0, a));
    expect(lone.ignores(2, vote(1, 0, 0, b))).toBe(true);
  });

  test('takes votes for operations to come, within the length of a log, and executes in order', () => {
    const lone = new LoneReplica({ logLengthMax: 4 });
    expect(lone.ignores(0, vote(1, 0, 4, a))).toBe(true);
    lone.step([0, accept(1, 0, 1, b)], [0, vote(1, 0, 1, b)]);
    expect(lone.host.executor.opsComplete).toBe(0);
    lone.step([0, accept(1, 0, 0, a)], [0, vote(1, 0, 0, a)]);
    expect(lone.host.executor.opsComplete).toBe(2);
    expect([...lone.host.executor.log.values()]).toEqual([a, b]);
    expect(lone.ignores(0, vote(1, 0, 1, b))).toBe(true);
  });

  test('keeps the voters of an operation in ascending order', () => {
    const lone = new LoneReplica();
    lone.step([2, vote(1, 0, 1)], [0, vote(1, 0, 1)], [1, vote(1, 0, 1)]);
    expect(lone.host.learner.slots.get(1)?.senders).toEqual([0, 1, 2]);
  });

  test('decides only what it has the batch of: its own vote’s, of the ballot and the digest that were chosen', () => {
    const lone = new LoneReplica();
    lone.step([0, accept(1, 0, 0, a)], [0, vote(2, 0, 0, a)], [2, vote(2, 0, 0, a)]);
    expect(lone.host.executor.opsComplete).toBe(0);
    lone.step([0, accept(2, 0, 0, b)], [0, vote(2, 0, 0, a)]);
    expect(lone.host.executor.opsComplete).toBe(0);
    lone.take(0, { tag: 'batchSupply', ballot: ballot(2, 0), opn: 0, batch: a });
    expect(lone.host.executor.log.get(0)).toEqual(a);
  });

  test('takes a supplied batch only for a slot of its ballot that lacks one, and with its digest', () => {
    const lone = new LoneReplica();
    const supply = { tag: 'batchSupply', ballot: ballot(2, 0), opn: 1, batch: a } as const;
    expect(lone.ignores(0, supply)).toBe(true);
    lone.take(0, vote(2, 0, 1, a));
    expect(lone.ignores(0, { ...supply, batch: b })).toBe(true);
    expect(lone.ignores(0, { ...supply, ballot: ballot(1, 0) })).toBe(true);
    lone.take(2, supply);
    expect(lone.host.learner.slots.get(1)?.batch).toEqual(a);
    expect(lone.ignores(2, supply)).toBe(true);
  });

  test('asks the voters in turn, and not itself, for a batch that it lacks', () => {
    const lone = new LoneReplica({ retransmitPeriodMs: 50 });
    lone.at(100_000);
    lone.step([2, vote(1, 0, 0, a)], [1, vote(1, 0, 0, a)]);
    const asked = (): unknown => {
      const io = lone.at(lone.host.timers.nextProgressCheckMs);
      expect(messagesOf('batchRequest', io.sent)).toEqual([{ tag: 'batchRequest', ballot: ballot(1, 0), opn: 0 }]);
      const target = io.sent.find((p) => p.message.tag === 'batchRequest')?.target;
      const fetchFrom = lone.host.learner.slots.get(0)?.senders.find((i) => replicaAt(i) === target);
      expect(io.actions).toContainEqual({ action: 'checkProgress', fetchFrom, askFrom: null });
      return fetchFrom;
    };
    expect([asked(), asked()]).toEqual([2, 2]);
    lone.take(0, vote(1, 0, 0, a));
    expect([asked(), asked(), asked()]).toEqual([0, 2, 0]);
    lone.take(0, { tag: 'batchSupply', ballot: ballot(1, 0), opn: 0, batch: a });
    expect(messagesOf('batchRequest', lone.at(lone.nowMs + 1_000_000).sent)).toEqual([]);
  });
});

describe('the election', () => {
  const owing = (parameters = {}): LoneReplica => {
    const lone = new LoneReplica({ viewTimeoutMs: 100, ...parameters });
    lone.take(clientAt(0), { tag: 'open', nonce: 1, ordered: false });
    return lone;
  };

  test('suspects the view when what an epoch left is still owed at the end of the next', () => {
    const lone = owing();
    lone.at(100);
    expect(lone.host.election.suspectors).toEqual([]);
    const io = lone.at(200);
    expect(lone.host.election.suspectors).toEqual([1]);
    expect(messagesOf('heartbeat', io.sent)[0]?.suspicious).toBe(true);
  });

  test('takes its suspicion back at the end of an epoch in which nothing waited any more', () => {
    const lone = owing();
    lone.at(100);
    lone.at(200);
    lone.decide(0, open(1));
    expect(lone.host.election.waiting.size).toBe(0);
    lone.at(300);
    expect(lone.host.election.suspectors).toEqual([]);
  });

  test('does not suspect a view for a request that is not owed: its session expired, or its client moved on', () => {
    const lone = new LoneReplica({ viewTimeoutMs: 100, sessionsMax: 2 });
    lone.decide(0, open(), open());
    lone.step([clientAt(0), request(1)], [clientAt(1), request(1, { session: 1 })]);
    lone.at(100);
    expect(lone.host.election.waiting.size).toBe(2);
    lone.decide(0, execute(2, { session: 1, floor: 2 }), open());
    expect([...lone.host.executor.sessions.keys()]).toEqual([1, 2]);
    expect(lone.host.election.waiting.size).toBe(2);
    lone.at(200);
    expect(lone.host.election.waiting.size).toBe(0);
    expect(lone.host.election.suspectors).toEqual([]);
  });

  test('forgets a suspicion of another replica when it is taken back', () => {
    const lone = new LoneReplica();
    lone.take(0, heartbeat(ballot(1, 0), { suspicious: true }));
    lone.take(0, heartbeat(ballot(1, 0)));
    lone.take(2, heartbeat(ballot(1, 0), { suspicious: true }));
    expect(lone.host.election.suspectors).toEqual([2]);
    expect(lone.host.election.view).toEqual(ballot(1, 0));
  });

  test('moves to the successor of a view that a quorum suspects, with a longer epoch up to a bound', () => {
    const lone = new LoneReplica({ viewTimeoutMs: 100, viewTimeoutMsMax: 150 });
    const suspicion = heartbeat(ballot(1, 0), { suspicious: true });
    lone.take(0, suspicion);
    lone.take(0, suspicion);
    expect(lone.host.election.view).toEqual(ballot(1, 0));
    lone.take(2, suspicion);
    expect(lone.host.election.view).toEqual(ballot(1, 1));
    expect(lone.host.election.epochLengthMs).toBe(150);
    expect(lone.host.election.suspectors).toEqual([]);
    lone.at(150);
    expect(lone.host.election.epochLengthMs).toBe(100);
  });

  test('cannot move a view alone, however long it suspects it', () => {
    const lone = owing();
    for (let ms = 100; ms < 20_000; ms += 100) lone.at(ms);
    expect(lone.host.election.suspectors).toEqual([1]);
    expect(lone.host.election.view).toEqual(ballot(1, 0));
  });

  test('follows a heartbeat of a higher view, suspicion included, tells of it, and ignores suspicions of a lower one', () => {
    const lone = new LoneReplica({ viewTimeoutMs: 100 });
    const io = lone.take(2, heartbeat(ballot(3, 0), { suspicious: true }));
    expect(lone.host.election.view).toEqual(ballot(3, 0));
    expect(lone.host.election.suspectors).toEqual([2]);
    expect(lone.host.election.epochLengthMs).toBe(200);
    expect(messagesOf('heartbeat', io.sent)[0]?.view).toEqual(ballot(3, 0));
    expect(lone.ignores(0, heartbeat(ballot(2, 0), { suspicious: true }))).toBe(true);
    lone.take(0, heartbeat(ballot(4, 0)));
    expect(lone.host.election.suspectors).toEqual([]);
  });

  test('stops rather than let a view pass the safe integers', () => {
    const lone = new LoneReplica();
    const view = ballot(natMax, 2);
    lone.take(0, heartbeat(view, { suspicious: true }));
    expect(() => lone.take(2, heartbeat(view, { suspicious: true }))).toThrow('safe integers');
  });
});

describe('a replica', () => {
  const stranger = endPoint('10.9.9.9:999');
  const digest = digestOf(empty);
  const sessions = { tag: 'sessions', offset: 0 } as const;
  const messages: readonly RsmMessage[] = [
    { tag: 'opened', nonce: 1, session: 1 },
    { tag: 'reply', session: 0, seqno: 1, value: Buffer.from('x') },
    { tag: 'refused', session: 0, seqno: 1, reason: 'REQUEST_TOO_LARGE' },
    { tag: 'redirect', view: ballot(9, 0) },
    { tag: 'status', nonce: 1, view: ballot(9, 0), leading: true, opsComplete: 9, truncationPoint: 9, sessions: 1 },
    { tag: '1a', ballot: ballot(9, 0) },
    { tag: '1b', ballot: ballot(1, 1), truncationPoint: 5, votes: [] },
    { tag: '2a', ballot: ballot(9, 0), opn: 0, batch: empty },
    { tag: '2b', ballot: ballot(9, 0), opn: 0, digest },
    { tag: 'batchRequest', ballot: ballot(1, 0), opn: 2 },
    { tag: 'batchSupply', ballot: ballot(1, 0), opn: 1, batch: empty },
    heartbeat(ballot(9, 0), { suspicious: true, opsComplete: 9 }),
    { tag: 'catchUpRequest', opn: 0 },
    { tag: 'catchUpSupply', opn: 1, batches: [empty], opsComplete: 9 },
    { tag: 'stateRequest', opn: 1, at: sessions },
    { tag: 'statePiece', opn: 9, at: sessions, bytes: empty, next: null, digest },
  ];

  /** Has in it what each of the messages would find. */
  const busy = (): LoneReplica => {
    const lone = new LoneReplica({ retainOpsMax: 0 });
    lone.decideBytes(0, batchCodec.encode([open()]));
    lone.take(0, { tag: 'catchUpRequest', opn: 0 });
    lone.step([0, accept(9, 0, 2, empty)], [0, vote(9, 0, 1, empty)]);
    return lone;
  };

  test.each(messages)('ignores a $tag of a stranger', (message) => {
    expect(busy().ignores(stranger, message)).toBe(true);
  });

  test.each(messages.slice(0, 5))('ignores a $tag of another replica: it is no client', (message) => {
    expect(busy().ignores(0, message)).toBe(true);
  });
});

/** One replica alone: how it comes to lead, what it proposes, and what it sends again. */
import { describe, expect, test } from 'vitest';
import { batchCodec, digestOf } from '../../systems/ironrsm/messages.js';
import { ballot, batchOf, execute, heartbeat, LoneReplica, messagesOf, open, request } from './lone-replica.js';
import { clientAt, replicaAt } from './recorder.js';
import type { RecordingIo } from './recording-io.js';

/** What was proposed, one for each operation. */
const proposed = (io: RecordingIo): (readonly [number, readonly unknown[]])[] =>
  messagesOf(
    '2a',
    io.toSelf.map((message) => ({ source: replicaAt(1), target: replicaAt(1), message })),
  ).map(({ opn, batch }) => {
    const decoded = batchCodec.decode(batch);
    return [opn, '_tag' in decoded && decoded._tag === 'Right' ? decoded.right : ['no batch']];
  });

const openMessage = (nonce: number) => ({ tag: 'open', nonce, ordered: false }) as const;

/** With the session 0, 1 and 2 of the clients 0, 1 and 2, as leader of view (9, 1) or higher. */
const leadingWithSessions = (parameters = {}): LoneReplica => {
  const lone = new LoneReplica(parameters);
  lone.decide(0, open(0, 0), open(0, 1), open(0, 2));
  lone.take(0, heartbeat(ballot(10, 1)));
  lone.take(2, { tag: '1b', ballot: ballot(10, 1), truncationPoint: 1, votes: [] });
  expect(lone.host.proposer.leading()).toBe(true);
  return lone;
};

const votedFor = (lone: LoneReplica, opn: number): RecordingIo => {
  const vote = lone.host.acceptor.votes.get(opn);
  if (vote === undefined) throw new Error('it did not vote');
  return lone.take(0, { tag: '2b', ballot: vote.ballot, opn, digest: vote.digest });
};

describe('a request that arrives', () => {
  test('is held, queued and proposed by the leader, which redirects nobody', () => {
    const lone = leadingWithSessions();
    const io = lone.take(clientAt(0), request(1));
    expect(proposed(io)).toEqual([[1, [execute(1)]]]);
    expect(io.actions).toContainEqual({ action: 'nominate', count: 1 });
    expect(messagesOf('redirect', io.sent)).toEqual([]);
    expect(lone.host.election.fresh.size).toBe(1);
  });

  test('is held by a replica that does not lead, which says who may', () => {
    const lone = new LoneReplica();
    const io = lone.take(clientAt(0), openMessage(5));
    expect(io.sent).toEqual([
      { source: replicaAt(1), target: clientAt(0), message: { tag: 'redirect', view: ballot(1, 0) } },
    ]);
    expect([...lone.host.election.fresh]).toEqual([[`${clientAt(0)}#5`, open(5)]]);
    expect(lone.host.proposer.queueNext).toBe(0);
    expect(messagesOf('redirect', lone.take(clientAt(0), openMessage(5)).sent)).toHaveLength(1);
  });

  test('is queued already while the ballot is being prepared', () => {
    const lone = new LoneReplica();
    lone.take(0, heartbeat(ballot(1, 1)));
    const io = lone.take(clientAt(0), openMessage(5));
    expect(io.sent).toEqual([]);
    expect(lone.host.proposer.queueAt(0)).toEqual(open(5));
  });

  test('is queued once while it is held, and again when its time has come round', () => {
    const lone = leadingWithSessions({ pipelineMax: 0, viewTimeoutMs: 10 });
    expect(lone.ignores(clientAt(0), request(1))).toBe(false);
    expect(lone.ignores(clientAt(0), request(1))).toBe(true);
    lone.at(lone.host.election.epochEndMs);
    expect(lone.host.election.waiting.size).toBe(1);
    expect(lone.ignores(clientAt(0), request(1))).toBe(true);
    lone.step([clientAt(0), request(2)], [clientAt(1), request(1, { session: 1 })]);
    expect(lone.host.proposer.queueNext).toBe(3);
  });

  test('takes the place of one that stood a window earlier, and does not give it back', () => {
    const lone = leadingWithSessions({ pipelineMax: 0, sessionWindow: 4 });
    lone.take(clientAt(0), request(1));
    lone.take(clientAt(0), request(5, { floor: 2 }));
    expect([...lone.host.election.fresh.values()]).toEqual([execute(5, { floor: 2 })]);
    expect(lone.ignores(clientAt(0), request(1))).toBe(true);
  });

  test('is not taken where too many are held', () => {
    const lone = leadingWithSessions({ pipelineMax: 0, requestsHeldMax: 2, viewTimeoutMs: 10 });
    lone.take(clientAt(0), request(1));
    lone.at(lone.host.election.epochEndMs);
    expect(lone.host.election.waiting.size).toBe(1);
    lone.take(clientAt(1), request(1, { session: 1 }));
    expect(lone.ignores(clientAt(2), request(1, { session: 2 }))).toBe(true);
    lone.take(0, heartbeat(ballot(11, 2)));
    expect(messagesOf('redirect', lone.take(clientAt(2), request(1, { session: 2 })).sent)).toHaveLength(1);
    expect(lone.host.election.fresh.size + lone.host.election.waiting.size).toBe(2);
  });
});

describe('the proposer', () => {
  test('asks for promises when the view becomes its own, and queues what is held: by session and seqno, then who opens', () => {
    const lone = new LoneReplica({ viewTimeoutMs: 10 });
    lone.decide(0, open(), open());
    lone.step([clientAt(9), openMessage(1)], [clientAt(1), request(2, { session: 1 })]);
    lone.at(10);
    lone.step([clientAt(0), request(10)], [clientAt(1), request(1, { session: 1 })], [clientAt(10), openMessage(1)]);
    lone.take(clientAt(0), request(9));
    const io = lone.take(0, heartbeat(ballot(10, 1)));
    expect(messagesOf('1a', io.sent)).toEqual([
      { tag: '1a', ballot: ballot(10, 1) },
      { tag: '1a', ballot: ballot(10, 1) },
    ]);
    const opens = [open(1, 9), open(1, 10)].sort((a, b) => (a.client < b.client ? -1 : 1));
    const queue = Array.from({ length: lone.host.proposer.queueNext }, (_, p) => lone.host.proposer.queueAt(p));
    expect(queue).toEqual([execute(9), execute(10), execute(1, { session: 1 }), execute(2, { session: 1 }), ...opens]);
  });

  test('does not count a second promise of one acceptor, or one for another ballot', () => {
    const lone = new LoneReplica();
    lone.take(0, heartbeat(ballot(1, 1)));
    const promise = { tag: '1b', ballot: ballot(0, 1), truncationPoint: 0, votes: [] } as const;
    expect(lone.ignores(0, promise)).toBe(true);
    expect(lone.ignores(1, { ...promise, ballot: ballot(1, 1), truncationPoint: 5 })).toBe(true);
    expect(lone.host.proposer.phase).toBe('phase1');
    lone.take(0, { ...promise, ballot: ballot(1, 1) });
    expect(lone.host.proposer.phase).toBe('phase2');
  });

  test('proposes again the vote of the highest ballot, fills a gap with nothing, and only then takes from the queue', () => {
    const lone = new LoneReplica();
    lone.take(0, { tag: '2a', ballot: ballot(1, 0), opn: 0, batch: batchOf(open(1)) });
    lone.take(0, { tag: '2a', ballot: ballot(1, 0), opn: 2, batch: batchOf(open(3)) });
    const io = lone.lead({ votes: [{ opn: 0, ballot: ballot(1, 0), batch: batchOf(open(1)) }] });
    expect(proposed(io)).toEqual([
      [0, [open(1)]],
      [1, []],
      [2, [open(3)]],
    ]);
    expect(io.actions.filter((a) => a.action === 'nominate')).toEqual(Array(3).fill({ action: 'nominate', count: 0 }));
    const after = lone.take(clientAt(4), openMessage(7));
    expect(proposed(after)).toEqual([[3, [open(7, 4)]]]);
    expect(after.actions).toContainEqual({ action: 'nominate', count: 1 });
  });

  test('proposes again bytes that are no batch as they are', () => {
    const lone = new LoneReplica();
    const io = lone.lead({ votes: [{ opn: 0, ballot: ballot(1, 0), batch: Buffer.from('?') }] });
    expect(messagesOf('2a', io.sent)[0]?.batch).toEqual(Buffer.from('?'));
  });

  test('chooses by ballot among the votes of its promises', () => {
    for (const [mine, theirs, chosen] of [
      [ballot(1, 0), ballot(0, 2), 1],
      [ballot(0, 0), ballot(0, 2), 2],
    ] as const) {
      const lone = new LoneReplica();
      lone.take(0, { tag: '2a', ballot: mine, opn: 0, batch: batchOf(open(1)) });
      const io = lone.lead({ votes: [{ opn: 0, ballot: theirs, batch: batchOf(open(2)) }] });
      expect(proposed(io)).toEqual([[0, [open(chosen)]]]);
    }
  });

  test('starts above the highest truncation point of its promises', () => {
    const lone = new LoneReplica();
    const io = lone.lead({ truncationPoint: 7, votes: [{ opn: 7, ballot: ballot(1, 0), batch: batchOf(open()) }] });
    expect(lone.host.acceptor.truncationPoint).toBe(7);
    expect(proposed(io)).toEqual([[7, [open()]]]);
  });

  test('proposes nothing once the view has moved on', () => {
    const lone = leadingWithSessions();
    lone.take(2, heartbeat(ballot(10, 2)));
    expect(lone.host.proposer.leading()).toBe(false);
    expect(proposed(lone.take(clientAt(1), request(1, { session: 1 })))).toEqual([]);
  });

  test('queues what is held, and that alone, anew in each ballot of its own', () => {
    const lone = leadingWithSessions({ batchRequestsMax: 1 });
    lone.step([clientAt(0), request(1)], [clientAt(1), request(1, { session: 1 })]);
    votedFor(lone, 1);
    lone.take(2, heartbeat(ballot(11, 1)));
    const { queueFirst, queueNext } = lone.host.proposer;
    expect([queueFirst, queueNext]).toEqual([2, 3]);
    expect(lone.host.proposer.queueAt(2)).toEqual(execute(1, { session: 1 }));
  });

  test('puts as many requests into a batch as fit by number and bytes, and one at least', () => {
    const bytes = (lone: LoneReplica) => [...lone.host.acceptor.votes.values()].map((v) => v.batch.length);
    const counts = (lone: LoneReplica, lengths: readonly number[]): unknown => {
      const io = lone.step(...lengths.map((n, i) => [clientAt(0), request(i + 1, { text: 'x'.repeat(n) })] as const));
      return io.actions.flatMap((a) => (a.action === 'nominate' ? [a.count] : []));
    };
    expect(counts(leadingWithSessions({ batchRequestsMax: 3 }), Array(7).fill(1))).toEqual([3, 3, 1]);
    const small = leadingWithSessions({ batchBytesMax: 400, pipelineMax: 10 });
    expect(counts(small, [1000, 100, 100, 100, 300])).toEqual([1, 2, 1, 1]);
    expect(bytes(small).filter((n) => n > 400)).toHaveLength(1);
  });

  test('proposes no requests beyond the bytes of votes that replicas may hold', () => {
    const lone = leadingWithSessions({ voteBytesMax: 2000, batchRequestsMax: 1, pipelineMax: 100 });
    const text = 'x'.repeat(900);
    const io = lone.step(...[1, 2, 3, 4, 5].map((n) => [clientAt(0), request(n, { text })] as const));
    expect(proposed(io)).toHaveLength(3);
    expect(lone.host.acceptor.voteBytes).toBeGreaterThan(2000);
    for (const opn of [1, 2, 3]) votedFor(lone, opn);
    const after = lone.step(
      [0, heartbeat(ballot(10, 1), { opsComplete: 3 })],
      [2, heartbeat(ballot(10, 1), { opsComplete: 3 })],
    );
    expect(proposed(after).map(([opn]) => opn)).toEqual([4, 5]);
  });

  test('fills a gap though the votes have all the bytes that they may', () => {
    const large = batchOf(execute(1, { text: 'x'.repeat(3000) }));
    const lone = new LoneReplica({ voteBytesMax: 2000 });
    // Its own vote for operation 1 fills the room; nobody reports one for operation 0, below it.
    lone.take(0, { tag: '2a', ballot: ballot(1, 0), opn: 1, batch: large });
    expect(lone.host.acceptor.voteBytes).toBeGreaterThan(2000);
    expect(proposed(lone.lead({})).map(([opn, requests]) => [opn, requests.length])).toEqual([
      [0, 0],
      [1, 1],
    ]);
  });

  test('stops at the end of the log, and while the pipeline is full', () => {
    const requests = [1, 2, 3, 4, 5, 6].map((n) => [clientAt(0), request(n)] as const);
    const short = leadingWithSessions({ logLengthMax: 3, batchRequestsMax: 1, pipelineMax: 100 });
    expect(proposed(short.step(...requests)).map(([opn]) => opn)).toEqual([1, 2, 3]);
    const narrow = leadingWithSessions({ batchRequestsMax: 1, pipelineMax: 2 });
    expect(proposed(narrow.step(...requests))).toHaveLength(2);
    expect(proposed(votedFor(narrow, 1))).toHaveLength(1);
  });
});

describe('a progress check', () => {
  test('sends nothing again while operations are executed', () => {
    const lone = leadingWithSessions({ retransmitPeriodMs: 50, batchRequestsMax: 1 });
    lone.step([clientAt(0), request(1)], [clientAt(1), request(1, { session: 1 })]);
    votedFor(lone, 1);
    expect(messagesOf('2a', lone.at(100_000).sent)).toEqual([]);
    expect(lone.host.timers.retransmitMs).toBe(50);
    expect(messagesOf('2a', lone.at(100_050).sent).map((m) => m.opn)).toEqual([2, 2]);
  });

  test('sends the 1a again to those who did not promise', () => {
    const lone = new LoneReplica({ retransmitPeriodMs: 50 });
    lone.take(0, heartbeat(ballot(1, 1)));
    const io = lone.at(100_000);
    expect(io.sent.filter((p) => p.message.tag === '1a').map((p) => p.target)).toEqual([replicaAt(0), replicaAt(2)]);
  });

  test('sends the 2a’s of unexecuted operations again to all others, a bounded number of them', () => {
    const lone = leadingWithSessions({ retransmitPeriodMs: 50, resendOpsMax: 2, batchRequestsMax: 1 });
    lone.at(100_000);
    lone.step(...[1, 2, 3].map((n) => [clientAt(0), request(n)] as const));
    const io = lone.at(100_050);
    expect(io.actions).toContainEqual({ action: 'checkProgress', fetchFrom: null, askFrom: null });
    expect(messagesOf('2a', io.sent).map((m) => m.opn)).toEqual([1, 1, 2, 2]);
  });

  test('sends nothing again of a ballot that is over', () => {
    const lone = leadingWithSessions({ retransmitPeriodMs: 50 });
    lone.at(100_000);
    lone.take(clientAt(0), request(1));
    lone.take(2, heartbeat(ballot(10, 2)));
    expect(messagesOf('2a', lone.at(100_050).sent)).toEqual([]);
    const outvoted = leadingWithSessions({ retransmitPeriodMs: 50 });
    outvoted.at(100_000);
    outvoted.take(clientAt(0), request(1));
    outvoted.take(2, { tag: '2a', ballot: ballot(10, 2), opn: 1, batch: batchOf() });
    expect(messagesOf('2a', outvoted.at(100_050).sent)).toEqual([]);
  });

  test('waits longer each time that it sends, up to a bound, and forgets that once nothing is left to send', () => {
    const lone = leadingWithSessions({ retransmitPeriodMs: 50, retransmitPeriodMsMax: 150 });
    lone.at(100_000);
    lone.take(clientAt(0), request(1));
    const waits = [1, 2, 3].map(() => {
      lone.at(lone.host.timers.nextProgressCheckMs);
      return lone.host.timers.nextProgressCheckMs - lone.nowMs;
    });
    expect(waits).toEqual([100, 150, 150]);
    votedFor(lone, 1);
    lone.at(lone.host.timers.nextProgressCheckMs);
    expect(lone.host.timers.retransmitMs).toBe(50);
  });
});

describe('a digest', () => {
  test('is 16 bytes, and of the bytes alone', () => {
    expect(digestOf(batchOf(open(1)))).toHaveLength(16);
    expect(digestOf(batchOf(open(1)))).toEqual(digestOf(new Uint8Array(batchOf(open(1)))));
    expect(digestOf(batchOf(open(1)))).not.toEqual(digestOf(batchOf(open(2))));
  });
});

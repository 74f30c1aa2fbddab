/** One replica alone, against messages that the test makes: the guards of each role. */
import { describe, expect, test } from 'vitest';
import { type EndPoint, endPoint } from '../../src/spec/endpoint.js';
import { natMax } from '../../src/spec/nat.js';
import type { Application } from '../../systems/ironrsm/application.js';
import { defaultParameters, type Parameters } from '../../systems/ironrsm/configuration.js';
import { ReplicaHost } from '../../systems/ironrsm/host.js';
import type { Batch, RsmMessage } from '../../systems/ironrsm/messages.js';
import { changesOf, faultsOf, stateOf } from './host-state.js';
import { frozen, RecordingIo } from './recording-io.js';
import { clientAt, messagesOf, recorder, replicaAt } from './test-cluster.js';

/** Replica 1 of three, after its first step at time 0 and with its timers far away. */
class LoneReplica {
  readonly host: ReplicaHost;
  readonly me = replicaAt(1);
  nowMs = 0;

  constructor(parameters: Partial<Parameters> = {}) {
    this.host = new ReplicaHost(
      {
        replicas: [replicaAt(0), this.me, replicaAt(2)],
        app: recorder as Application<unknown>,
        parameters: { ...defaultParameters, heartbeatPeriodMs: 100_000, retransmitPeriodMs: 100_000, ...parameters },
      },
      this.me,
    );
    this.step();
  }

  step(...messages: readonly (readonly [EndPoint, RsmMessage])[]): RecordingIo {
    const inbox = messages.map(([source, message]) => ({ source, target: this.me, message: frozen(message) }));
    const before = stateOf(this.host);
    const io = new RecordingIo(this.me, inbox, this.nowMs);
    this.host.next(io);
    expect(faultsOf(io, before, stateOf(this.host))).toEqual([]);
    return io;
  }

  /** One message from replica `index`, or from whom it says. */
  take(from: number | EndPoint, message: RsmMessage): RecordingIo {
    return this.step([typeof from === 'number' ? replicaAt(from) : from, message]);
  }

  /** Whether the message leaves the state as it is and is answered by nothing. */
  ignores(from: number | EndPoint, message: RsmMessage): boolean {
    const before = stateOf(this.host);
    const io = this.take(from, message);
    return changesOf(before, stateOf(this.host)).length === 0 && io.sent.length + io.toSelf.length === 0;
  }

  /** Makes it leader of view (1, 1), with the promises of replicas 1 and 2, of which the second one reports `promised`. */
  lead(promised: Partial<Extract<RsmMessage, { tag: '1b' }>> = {}): RecordingIo {
    this.take(0, { tag: 'heartbeat', view: ballot(1, 1), suspicious: false, opsComplete: 0 });
    return this.take(2, { tag: '1b', ballot: ballot(1, 1), truncationPoint: 0, votes: [], ...promised });
  }
}

const ballot = (seqno: number, proposer: number) => ({ seqno, proposer });

const batchOf = (text: string, client = 0): Batch => [{ client: clientAt(client), seqno: 1, value: Buffer.from(text) }];

const request = (seqno: number, text = `r${seqno}`) => ({ tag: 'request', seqno, value: Buffer.from(text) }) as const;

describe('the acceptor', () => {
  test('promises a higher ballot and reports its votes, ascending', () => {
    const lone = new LoneReplica();
    for (const opn of [5, 3]) lone.take(0, { tag: '2a', ballot: ballot(1, 0), opn, batch: batchOf(`${opn}`) });
    const io = lone.take(2, { tag: '1a', ballot: ballot(1, 2) });
    expect(io.sent.map((p) => p.target)).toEqual([replicaAt(2)]);
    const [promise] = messagesOf('1b', io.sent);
    expect(promise?.ballot).toEqual(ballot(1, 2));
    expect(promise?.votes.map((v) => v.opn)).toEqual([3, 5]);
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
    lone.take(0, { tag: '2a', ballot: ballot(1, 0), opn: 0, batch: [] });
    expect(lone.ignores(0, prepare)).toBe(true);
  });

  test('ignores a 2a below its promise or its truncation point, and one whose ballot is another proposer’s', () => {
    const lone = new LoneReplica({ logLengthMax: 4 });
    lone.take(2, { tag: '1a', ballot: ballot(1, 2) });
    expect(lone.ignores(0, { tag: '2a', ballot: ballot(1, 0), opn: 0, batch: [] })).toBe(true);
    expect(lone.ignores(0, { tag: '2a', ballot: ballot(3, 2), opn: 0, batch: [] })).toBe(true);
    lone.take(2, { tag: '2a', ballot: ballot(1, 2), opn: 9, batch: [] });
    expect(lone.host.acceptor.truncationPoint).toBe(6);
    expect(lone.ignores(2, { tag: '2a', ballot: ballot(1, 2), opn: 5, batch: [] })).toBe(true);
  });

  test('drops the votes that a far 2a truncates, however far it is', () => {
    const lone = new LoneReplica({ logLengthMax: 4 });
    for (const opn of [0, 2, 3, 4, 1_000_000]) lone.take(0, { tag: '2a', ballot: ballot(1, 0), opn, batch: [] });
    expect([...lone.host.acceptor.votes.keys()]).toEqual([1_000_000]);
    expect(lone.host.acceptor.truncationPoint).toBe(999_997);
  });

  test('votes again for a repeated 2a, to all', () => {
    const lone = new LoneReplica();
    const accept = { tag: '2a', ballot: ballot(1, 0), opn: 0, batch: batchOf('a') } as const;
    lone.take(0, accept);
    const io = lone.take(0, accept);
    expect(messagesOf('2b', io.sent)).toHaveLength(2);
    expect(io.toSelf).toHaveLength(1);
  });

  test('truncates to what a quorum executed, and not back when a late heartbeat comes', () => {
    const lone = new LoneReplica();
    const report = (from: number, opsComplete: number) =>
      lone.take(from, { tag: 'heartbeat', view: ballot(1, 0), suspicious: false, opsComplete });
    report(0, 7);
    expect(lone.host.acceptor.truncationPoint).toBe(0);
    report(2, 5);
    expect(lone.host.acceptor.truncationPoint).toBe(5);
    report(2, 3);
    expect(lone.host.acceptor.checkpoints).toEqual([7, 0, 5]);
    expect(lone.host.acceptor.truncationPoint).toBe(5);
  });
});

describe('the learner', () => {
  const vote = (from: number, by: ReturnType<typeof ballot>, text: string, opn = 0) =>
    [replicaAt(from), { tag: '2b', ballot: by, opn, batch: batchOf(text, opn) }] as const;

  test('does not count one voter twice', () => {
    const lone = new LoneReplica();
    lone.step(vote(0, ballot(1, 0), 'a'), vote(0, ballot(1, 0), 'a'));
    expect(lone.host.executor.opsComplete).toBe(0);
    lone.step(vote(2, ballot(1, 0), 'a'));
    expect(lone.host.executor.app).toEqual(['a']);
    expect(lone.host.learner.slots.size).toBe(0);
  });

  test('does not make a quorum of two ballots', () => {
    const lone = new LoneReplica();
    lone.step(vote(0, ballot(1, 0), 'a'), vote(2, ballot(2, 0), 'b'), vote(0, ballot(1, 0), 'a'));
    expect(lone.host.executor.opsComplete).toBe(0);
    expect(lone.host.learner.slots.get(0)?.senders).toEqual([2]);
    lone.step(vote(0, ballot(2, 0), 'b'));
    expect(lone.host.executor.app).toEqual(['b']);
  });

  test('takes votes for operations to come, within the length of a log, and executes in order', () => {
    const lone = new LoneReplica({ logLengthMax: 4 });
    expect(lone.ignores(...vote(0, ballot(1, 0), 'x', 4))).toBe(true);
    lone.step(vote(0, ballot(1, 0), 'b', 1), vote(2, ballot(1, 0), 'b', 1));
    expect(lone.host.executor.opsComplete).toBe(0);
    lone.step(vote(2, ballot(1, 0), 'a', 0), vote(0, ballot(1, 0), 'a', 0));
    expect(lone.host.executor.app).toEqual(['a', 'b']);
    expect(lone.host.executor.opsComplete).toBe(2);
    expect(lone.ignores(...vote(0, ballot(1, 0), 'a', 1))).toBe(true);
  });

  test('keeps the voters of an operation in ascending order', () => {
    const lone = new LoneReplica();
    lone.step(vote(2, ballot(1, 0), 'b', 1), vote(0, ballot(1, 0), 'b', 1), vote(1, ballot(1, 0), 'b', 1));
    expect(lone.host.learner.slots.get(1)?.senders).toEqual([0, 1, 2]);
  });
});

describe('the executor', () => {
  const decide = (lone: LoneReplica, proposer: number, batch: Batch): RecordingIo => {
    const message = { tag: '2b', ballot: ballot(9, proposer), opn: lone.host.executor.opsComplete, batch } as const;
    return lone.step([replicaAt(0), message], [replicaAt(2), message]);
  };
  const item = (seqno: number) => ({ client: clientAt(0), seqno, value: Buffer.from(`r${seqno}`) });

  test('applies a request once, though it stands twice in a batch or in two', () => {
    const lone = new LoneReplica();
    const io = decide(lone, 1, [item(1), item(1)]);
    expect(messagesOf('reply', io.sent).map((m) => Buffer.from(m.value).toString())).toEqual(['1', '1']);
    expect(messagesOf('reply', decide(lone, 1, [item(1)]).sent)).toHaveLength(1);
    expect(lone.host.executor.app).toEqual(['r1']);
  });

  test('neither applies nor answers a request older than the client’s last', () => {
    const lone = new LoneReplica();
    decide(lone, 1, [item(2)]);
    expect(decide(lone, 1, [item(1)]).sent).toEqual([]);
    expect(lone.host.executor.app).toEqual(['r2']);
  });

  test('leaves the answer to the proposer of the decided ballot', () => {
    expect(decide(new LoneReplica(), 2, [item(1)]).sent).toEqual([]);
  });

  test('owes nothing that it executed', () => {
    const lone = new LoneReplica({ viewTimeoutMs: 10 });
    lone.step([clientAt(0), request(1)], [clientAt(1), request(4)]);
    lone.nowMs = 10;
    lone.step();
    lone.step([clientAt(0), request(2)]);
    expect([...lone.host.election.waiting.keys()]).toEqual([clientAt(0), clientAt(1)]);
    expect([...lone.host.election.fresh.keys()]).toEqual([clientAt(0)]);
    decide(lone, 2, [item(2)]);
    expect([...lone.host.election.waiting.keys()]).toEqual([clientAt(1)]);
    expect(lone.host.election.fresh.size).toBe(0);
  });

  test('takes over a state that is ahead, and forgets what that state had done', () => {
    const lone = new LoneReplica();
    decide(lone, 2, [{ ...item(1), client: clientAt(5) }]);
    lone.step([clientAt(0), request(3)], [clientAt(1), request(1)]);
    const reply = { client: clientAt(0), seqno: 3, value: Buffer.from('x') };
    const supply = { tag: 'appStateSupply', opn: 4, app: Buffer.from('["p","q"]'), replies: [reply] } as const;
    lone.take(0, { tag: '2b', ballot: ballot(9, 2), opn: 3, batch: [] });
    lone.take(2, supply);
    expect(lone.host.executor.opsComplete).toBe(4);
    expect(lone.host.executor.app).toEqual(['p', 'q']);
    expect([...lone.host.executor.replies.keys()]).toEqual([clientAt(0)]);
    expect([...lone.host.election.fresh.keys()]).toEqual([clientAt(1)]);
    expect(lone.host.learner.slots.size).toBe(0);
  });

  test('ignores a state that is behind its own or that the application cannot read', () => {
    const lone = new LoneReplica();
    decide(lone, 2, [item(1)]);
    const supply = { tag: 'appStateSupply', opn: 1, app: Buffer.from('[]'), replies: [] } as const;
    expect(lone.ignores(0, supply)).toBe(true);
    expect(lone.ignores(0, { ...supply, opn: 2, app: Buffer.from('?') })).toBe(true);
  });

  test('supplies its state where it is asked for one that it has', () => {
    const lone = new LoneReplica();
    decide(lone, 2, [item(1), { ...item(1), client: clientAt(9) }, { ...item(1), client: clientAt(3) }]);
    expect(lone.ignores(0, { tag: 'appStateRequest', opn: 2 })).toBe(true);
    const [supply] = messagesOf('appStateSupply', lone.take(0, { tag: 'appStateRequest', opn: 1 }).sent);
    expect(supply?.opn).toBe(1);
    expect(supply?.replies.map((r) => r.client)).toEqual([clientAt(0), clientAt(9), clientAt(3)].sort());
  });

  test('asks all others for a state where a leader starts above it, and only there', () => {
    const lone = new LoneReplica();
    const starting = { tag: 'startingPhase2', ballot: ballot(1, 0), truncationPoint: 3 } as const;
    const io = lone.take(0, starting);
    expect(io.sent.map((p) => p.target)).toEqual([replicaAt(0), replicaAt(2)]);
    expect(messagesOf('appStateRequest', io.sent)[0]).toEqual({ tag: 'appStateRequest', opn: 3 });
    expect(lone.ignores(0, { ...starting, truncationPoint: 0 })).toBe(true);
  });
});

describe('the proposer', () => {
  test('asks for promises when the view becomes its own, and queues what is owed, ascending by client', () => {
    const lone = new LoneReplica();
    lone.step([clientAt(9), request(1)], [clientAt(1), request(2)], [clientAt(3), request(3)]);
    expect(lone.host.proposer.queueNext).toBe(0);
    const io = lone.take(0, { tag: 'heartbeat', view: ballot(1, 1), suspicious: false, opsComplete: 0 });
    expect(messagesOf('1a', io.sent)).toEqual([
      { tag: '1a', ballot: ballot(1, 1) },
      { tag: '1a', ballot: ballot(1, 1) },
    ]);
    const clients = [0, 1, 2].map((p) => lone.host.proposer.queueAt(p)?.client);
    expect(clients).toEqual([...clients].sort());
    expect(lone.host.proposer.queued.size).toBe(3);
  });

  test('does not count a second promise of one acceptor, or one for another ballot', () => {
    const lone = new LoneReplica();
    lone.take(0, { tag: 'heartbeat', view: ballot(1, 1), suspicious: false, opsComplete: 0 });
    const promise = { tag: '1b', ballot: ballot(0, 1), truncationPoint: 0, votes: [] } as const;
    expect(lone.ignores(0, promise)).toBe(true);
    expect(lone.ignores(1, { ...promise, ballot: ballot(1, 1), truncationPoint: 5 })).toBe(true);
    expect(lone.host.proposer.phase).toBe('phase1');
    lone.take(0, { ...promise, ballot: ballot(1, 1) });
    expect(lone.host.proposer.phase).toBe('phase2');
  });

  test('proposes again the vote of the highest ballot, fills a gap with nothing, and only then takes from the queue', () => {
    const lone = new LoneReplica();
    lone.take(0, { tag: '2a', ballot: ballot(1, 0), opn: 0, batch: batchOf('low') });
    lone.take(0, { tag: '2a', ballot: ballot(1, 0), opn: 2, batch: batchOf('only') });
    const io = lone.lead({ votes: [{ opn: 0, ballot: ballot(1, 0), batch: batchOf('high') }] });
    const proposed = messagesOf('2a', io.sent).filter((_, i) => i % 2 === 0);
    expect(proposed.map((m) => [m.opn, m.batch.length])).toEqual([
      [0, 1],
      [1, 0],
      [2, 1],
    ]);
    expect(io.actions.filter((a) => a.action === 'nominate')).toEqual(Array(3).fill({ action: 'nominate', count: 0 }));
    const after = lone.step([clientAt(4), request(1)]);
    expect(messagesOf('2a', after.sent)[0]).toMatchObject({ opn: 3, batch: [{ client: clientAt(4) }] });
    expect(after.actions).toContainEqual({ action: 'nominate', count: 1 });
  });

  test('chooses by ballot among the votes of its promises', () => {
    for (const [mine, theirs, chosen] of [
      [ballot(1, 0), ballot(0, 2), 'mine'],
      [ballot(0, 0), ballot(0, 2), 'theirs'],
    ] as const) {
      const lone = new LoneReplica();
      lone.take(0, { tag: '2a', ballot: mine, opn: 0, batch: batchOf('mine') });
      const io = lone.lead({ votes: [{ opn: 0, ballot: theirs, batch: batchOf('theirs') }] });
      expect(Buffer.from(messagesOf('2a', io.sent)[0]?.batch[0]?.value ?? []).toString()).toBe(chosen);
    }
  });

  test('starts above the highest truncation point of its promises', () => {
    const lone = new LoneReplica();
    const io = lone.lead({ truncationPoint: 7, votes: [{ opn: 7, ballot: ballot(1, 0), batch: batchOf('x') }] });
    expect(messagesOf('startingPhase2', io.sent)[0]?.truncationPoint).toBe(7);
    expect(messagesOf('appStateRequest', io.sent)[0]?.opn).toBe(7);
    expect(messagesOf('2a', io.sent)[0]?.opn).toBe(7);
  });

  test('queues a client’s request once a ballot, and proposes nothing once the view has moved on', () => {
    const lone = new LoneReplica();
    lone.lead();
    lone.step([clientAt(0), request(1)], [clientAt(0), request(1)]);
    expect(lone.host.proposer.queueNext).toBe(1);
    lone.take(2, { tag: 'heartbeat', view: ballot(1, 2), suspicious: false, opsComplete: 0 });
    expect(lone.host.proposer.leading()).toBe(false);
    expect(messagesOf('2a', lone.step([clientAt(1), request(1)]).sent)).toEqual([]);
  });

  test('queues what is owed, and that alone, anew in each ballot of its own', () => {
    const lone = new LoneReplica({ batchRequestsMax: 1 });
    lone.lead();
    lone.step([clientAt(0), request(1)], [clientAt(1), request(1)]);
    const queued = (): unknown => [...lone.host.proposer.queued];
    const vote = { tag: '2b', ballot: ballot(1, 1), opn: 0, batch: batchOf('r1') } as const;
    lone.step([replicaAt(0), vote], [replicaAt(2), vote]);
    lone.take(2, { tag: 'heartbeat', view: ballot(2, 1), suspicious: false, opsComplete: 0 });
    expect(queued()).toEqual([[clientAt(1), 1]]);
    const { queueFirst, queueNext } = lone.host.proposer;
    expect([queueFirst, queueNext]).toEqual([2, 3]);
    expect(lone.host.proposer.queueAt(2)?.client).toBe(clientAt(1));
  });

  test('sends nothing again while operations are executed', () => {
    const lone = new LoneReplica({ retransmitPeriodMs: 50, batchRequestsMax: 1 });
    lone.lead();
    lone.step([clientAt(0), request(1)], [clientAt(1), request(1)]);
    lone.step([clientAt(2), request(1)]);
    const vote = { tag: '2b', ballot: ballot(1, 1), opn: 0, batch: batchOf('r1') } as const;
    lone.step([replicaAt(0), vote], [replicaAt(2), vote]);
    lone.nowMs = 50;
    expect(messagesOf('2a', lone.step().sent)).toEqual([]);
    lone.nowMs = 100;
    expect(messagesOf('2a', lone.step().sent).length).toBeGreaterThan(0);
  });

  test('sends again, after a while without progress, the 1a to those who did not promise and the 2a’s to all others', () => {
    const lone = new LoneReplica({ retransmitPeriodMs: 50, resendOpsMax: 2, batchRequestsMax: 1 });
    lone.take(0, { tag: 'heartbeat', view: ballot(1, 1), suspicious: false, opsComplete: 0 });
    lone.nowMs = 50;
    expect(messagesOf('1a', lone.step().sent)).toHaveLength(2);
    lone.take(2, { tag: '1b', ballot: ballot(1, 1), truncationPoint: 0, votes: [] });
    lone.step([clientAt(0), request(1)], [clientAt(1), request(1)], [clientAt(2), request(1)]);
    lone.nowMs = 100;
    const io = lone.step();
    expect(io.actions).toContainEqual({ action: 'checkProgress' });
    expect(messagesOf('2a', io.sent).map((m) => m.opn)).toEqual([0, 0, 1, 1]);
  });
});

describe('the election', () => {
  test('suspects the view when what an epoch left is still owed at the end of the next', () => {
    const lone = new LoneReplica({ viewTimeoutMs: 100 });
    lone.step([clientAt(0), request(1)]);
    lone.nowMs = 100;
    lone.step();
    expect(lone.host.election.suspectors).toEqual([]);
    lone.nowMs = 200;
    const io = lone.step();
    expect(lone.host.election.suspectors).toEqual([1]);
    expect(messagesOf('heartbeat', io.sent)[0]?.suspicious).toBe(true);
  });

  test('moves to the successor of a view that a quorum suspects, with a longer epoch up to a bound', () => {
    const lone = new LoneReplica({ viewTimeoutMs: 100, viewTimeoutMsMax: 150 });
    const suspicion = { tag: 'heartbeat', view: ballot(1, 0), suspicious: true, opsComplete: 0 } as const;
    lone.take(0, suspicion);
    lone.take(0, suspicion);
    expect(lone.host.election.view).toEqual(ballot(1, 0));
    lone.take(2, suspicion);
    expect(lone.host.election.view).toEqual(ballot(1, 1));
    expect(lone.host.election.epochLengthMs).toBe(150);
    expect(lone.host.election.suspectors).toEqual([]);
    lone.nowMs = 150;
    lone.step();
    expect(lone.host.election.epochLengthMs).toBe(100);
  });

  test('follows a heartbeat of a higher view, suspicion included, and ignores suspicions of a lower one', () => {
    const lone = new LoneReplica();
    lone.take(2, { tag: 'heartbeat', view: ballot(3, 0), suspicious: true, opsComplete: 0 });
    expect(lone.host.election.view).toEqual(ballot(3, 0));
    expect(lone.host.election.suspectors).toEqual([2]);
    expect(lone.ignores(0, { tag: 'heartbeat', view: ballot(2, 0), suspicious: true, opsComplete: 0 })).toBe(true);
  });

  test('stops rather than let a view pass the safe integers', () => {
    const lone = new LoneReplica();
    const view = ballot(natMax, 2);
    lone.take(0, { tag: 'heartbeat', view, suspicious: true, opsComplete: 0 });
    expect(() => lone.take(2, { tag: 'heartbeat', view, suspicious: true, opsComplete: 0 })).toThrow('safe integers');
  });
});

describe('a replica', () => {
  const stranger = endPoint('10.9.9.9:999');
  const messages: readonly RsmMessage[] = [
    { tag: 'reply', seqno: 1, value: Buffer.from('x') },
    { tag: 'refused', seqno: 1, reason: 'REQUEST_TOO_LARGE' },
    { tag: '1a', ballot: ballot(9, 0) },
    { tag: '1b', ballot: ballot(1, 1), truncationPoint: 5, votes: [] },
    { tag: '2a', ballot: ballot(9, 0), opn: 0, batch: [] },
    { tag: '2b', ballot: ballot(9, 0), opn: 0, batch: [] },
    { tag: 'heartbeat', view: ballot(9, 0), suspicious: true, opsComplete: 9 },
    { tag: 'startingPhase2', ballot: ballot(9, 0), truncationPoint: 9 },
    { tag: 'appStateRequest', opn: 0 },
    { tag: 'appStateSupply', opn: 9, app: Buffer.from('[]'), replies: [] },
    { tag: 'status', nonce: 1, view: ballot(9, 0), leading: true, opsComplete: 9, truncationPoint: 9 },
  ];

  test.each(messages)('ignores a $tag of a stranger', (message) => {
    expect(new LoneReplica().ignores(stranger, message)).toBe(true);
  });

  test.each(messages.filter((m) => ['reply', 'refused', 'status'].includes(m.tag)))(
    'ignores a $tag of another replica: it is no client',
    (message) => {
      expect(new LoneReplica().ignores(0, message)).toBe(true);
    },
  );
});

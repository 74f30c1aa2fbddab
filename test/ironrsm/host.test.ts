import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Packet } from '../../src/spec/packet.js';
import type { AnyApplication } from '../../systems/ironrsm/application.js';
import { defaultParameters } from '../../systems/ironrsm/configuration.js';
import { ApplicationFailure, ReplicaHost } from '../../systems/ironrsm/host.js';
import type { Ballot, RsmMessage } from '../../systems/ironrsm/messages.js';
import { messagesOf } from './lone-replica.js';
import { anyRecorder, clientAt, replicaAt } from './recorder.js';
import { TestCluster } from './test-cluster.js';

/** A small generator of numbers below `bound`, so that a seed fixes a run. */
const randomFrom = (seed: number): ((bound: number) => number) => {
  let s = seed >>> 0;
  return (bound) => {
    s = (Math.imul(s, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((s / 2 ** 32) * bound);
  };
};

/** A cluster that has elected its first leader, with a session for each of the clients 0 to `clients - 1`. */
const ready = (size = 3, parameters = {}, clients = 2): TestCluster => {
  const cluster = new TestCluster(size, parameters);
  cluster.settle();
  cluster.openSessions(clients);
  return cluster;
};

const firstView: Ballot = { seqno: 1, proposer: 0 };

describe('a cluster without faults', () => {
  test('elects the proposer of the first view', () => {
    const cluster = ready();
    expect(cluster.hosts.map((h) => h.proposer.leading())).toEqual([true, false, false]);
    expect(cluster.host(1).acceptor.maxBal).toEqual(firstView);
  });

  test('executes a request once on every replica, and the leader alone answers', () => {
    const cluster = ready();
    cluster.request(0, 1, 'a');
    cluster.settle();
    expect(cluster.replies(0, 1)).toEqual(['1']);
    for (const i of [0, 1, 2]) expect(cluster.executed(i)).toEqual(['a']);
    for (const h of cluster.hosts) expect([h.election.fresh.size, h.election.waiting.size]).toEqual([0, 0]);
  });

  test('executes the operations of a request next to each other, in one order on every replica', () => {
    const cluster = ready();
    cluster.request(0, 1, ['a', 'b']);
    cluster.request(1, 1, ['c', 'd', 'e']);
    cluster.settle();
    expect(cluster.replies(0, 1)).toEqual(['1 2']);
    expect(cluster.replies(1, 1)).toEqual(['3 4 5']);
    for (const i of [0, 1, 2]) expect(cluster.executed(i)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('works as a cluster of one', () => {
    const cluster = ready(1);
    cluster.request(0, 1, 'a');
    cluster.settle();
    expect(cluster.replies(0, 1)).toEqual(['1']);
  });

  test('answers a repeated request, asked of any replica, with the reply that it keeps', () => {
    const cluster = ready();
    for (const seqno of [1, 2]) {
      cluster.request(0, seqno, `r${seqno}`);
      cluster.settle();
    }
    cluster.request(0, 2, 'r2', [1]);
    cluster.request(0, 1, 'r1', [1]);
    cluster.settle();
    expect(cluster.replies(0, 2)).toEqual(['2', '2']);
    expect(cluster.replies(0, 1)).toEqual(['1', '1']);
    expect(cluster.executed(0)).toEqual(['r1', 'r2']);
  });

  test('puts the requests that wait into one batch', () => {
    const cluster = ready(3, {}, 50);
    const before = cluster.host(0).executor.opsComplete;
    for (let c = 0; c < 50; c++) cluster.request(c, 1, `c${c}`, [0]);
    cluster.settle();
    expect(cluster.host(0).executor.opsComplete).toBe(before + 1);
    expect(cluster.executed(2)).toHaveLength(50);
  });

  test('keeps no more operations undecided than the pipeline holds', () => {
    const cluster = ready(3, { pipelineMax: 2, batchRequestsMax: 1 }, 10);
    for (let c = 0; c < 10; c++) cluster.request(c, 1, `c${c}`, [0]);
    const io = cluster.step(0);
    expect(messagesOf('2a', io.sent)).toHaveLength(4);
    expect(cluster.host(0).proposer.queueNext - cluster.host(0).proposer.queueFirst).toBe(8);
    cluster.settle();
    expect(cluster.executed(1)).toHaveLength(10);
  });

  test('truncates its logs once a quorum reports what it executed', () => {
    const cluster = ready(3, { logLengthMax: 8, batchRequestsMax: 1 });
    for (let seqno = 1; seqno <= 40; seqno++) {
      cluster.request(0, seqno, `r${seqno}`);
      cluster.advance(50);
      for (const h of cluster.hosts) expect(h.acceptor.votes.size).toBeLessThanOrEqual(8);
    }
    expect(cluster.executed(2)).toHaveLength(40);
    expect(cluster.host(1).acceptor.truncationPoint).toBeGreaterThan(30);
  });

  test('stops proposing where the log is full, and goes on when it is truncated', () => {
    const cluster = ready(3, { logLengthMax: 4, batchRequestsMax: 1, pipelineMax: 100 }, 10);
    // All of them hear that the sessions' operations were executed by all.
    cluster.advance(600);
    const { truncationPoint } = cluster.host(0).acceptor;
    cluster.network = (packet) => (packet.message.tag === 'heartbeat' ? [] : [packet]);
    for (let c = 0; c < 10; c++) cluster.request(c, 1, `c${c}`, [0]);
    cluster.settle();
    expect(cluster.host(0).proposer.nextOpn).toBe(truncationPoint + 4);
    cluster.network = (packet) => [packet];
    cluster.advance(300);
    expect(cluster.executed(0)).toHaveLength(10);
  });

  test('rests while there is nothing to do', () => {
    const cluster = ready();
    cluster.advance(1000);
    const before = cluster.steps;
    cluster.advance(1000);
    expect((cluster.steps - before) / 3).toBeLessThan(100);
  });

  test('tells anyone how it is', () => {
    const cluster = ready();
    cluster.request(0, 1, 'a');
    cluster.advance(100);
    cluster.send({ source: clientAt(9), target: replicaAt(0), message: { tag: 'statusRequest', nonce: 5 } });
    cluster.settle();
    const view = firstView;
    const opsComplete = cluster.host(0).executor.opsComplete;
    const status = {
      tag: 'status',
      nonce: 5,
      view,
      leading: true,
      opsComplete,
      truncationPoint: opsComplete,
      sessions: 2,
    };
    expect(messagesOf('status', cluster.toClients)).toEqual([status]);
  });
});

describe('a cluster with faults', () => {
  test('executes each request once though every packet arrives three times', () => {
    const cluster = new TestCluster(3);
    cluster.network = (packet) => (packet.message.tag === 'open' ? [packet] : [packet, packet, packet]);
    cluster.settle();
    cluster.openSessions(1);
    for (let seqno = 1; seqno <= 5; seqno++) {
      cluster.request(0, seqno, `r${seqno}`);
      cluster.advance(60);
    }
    for (const i of [0, 1, 2]) expect(cluster.executed(i)).toEqual(['r1', 'r2', 'r3', 'r4', 'r5']);
  });

  test('sends a lost 1a again', () => {
    const cluster = new TestCluster(3);
    cluster.network = (packet) => (packet.message.tag === '1a' ? [] : [packet]);
    cluster.settle();
    expect(cluster.host(0).proposer.phase).toBe('phase1');
    cluster.network = (packet) => [packet];
    cluster.advance(200);
    expect(cluster.host(0).proposer.phase).toBe('phase2');
  });

  test.each(['1b', '2a', '2b'] as const)('gets over the loss of each first %s without a view change', (tag) => {
    const cluster = new TestCluster(3);
    if (tag !== '1b') {
      cluster.settle();
      cluster.openSessions(1);
    }
    const lost = new Set<string>();
    cluster.network = (packet) => {
      const name = `${packet.source} ${packet.target}`;
      if (packet.message.tag !== tag || lost.has(name)) return [packet];
      lost.add(name);
      return [];
    };
    if (tag === '1b') {
      cluster.advance(450);
      cluster.openSessions(1);
    }
    cluster.request(0, 1, 'a');
    cluster.advance(450);
    expect(lost.size).toBeGreaterThan(0);
    expect(cluster.replies(0, 1)).toEqual(['1']);
    for (const h of cluster.hosts) expect(h.executor.app).toEqual(['a']);
    expect(cluster.host(0).election.view).toEqual(firstView);
  });

  test('moves to the next view when its leader is silent, and answers what was asked', () => {
    const cluster = ready();
    cluster.request(0, 1, 'before');
    cluster.advance(100);
    cluster.request(0, 2, 'after', [1, 2]);
    cluster.advance(1500, [0]);
    expect(cluster.host(1).proposer.leading()).toBe(true);
    expect(cluster.replies(0, 2)).toEqual(['2']);
    expect(cluster.executed(2)).toEqual(['before', 'after']);
    expect(cluster.taken).toContain('checkSuspicions');
  });

  test('goes back to the first proposer with a higher seqno after the last one', () => {
    const cluster = ready();
    cluster.network = (packet) => (packet.message.tag === '1b' ? [] : [packet]);
    cluster.request(0, 1, 'a', [1, 2]);
    for (let i = 0; i < 40 && cluster.host(1).election.view.seqno === 1; i++) cluster.advance(200);
    expect(cluster.host(1).election.view).toEqual({ seqno: 2, proposer: 0 });
    expect(cluster.host(1).election.epochLengthMs).toBe(8 * defaultParameters.viewTimeoutMs);
  });

  test('keeps in a new view what an old leader got a quorum to vote for', () => {
    const cluster = ready();
    // The old leader dies after its 2a; its followers vote, and nobody hears of it.
    cluster.network = (packet) => (packet.message.tag === '2b' ? [] : [packet]);
    cluster.request(0, 1, 'chosen', [0]);
    cluster.settle();
    cluster.network = (packet) => [packet];
    cluster.request(1, 1, 'later', [1, 2]);
    cluster.advance(1500, [0]);
    expect(cluster.executed(1)).toEqual(['chosen', 'later']);
    expect(cluster.executed(2)).toEqual(['chosen', 'later']);
  });

  test('brings up a replica that missed what was truncated, with the replies, from the log of another', () => {
    const cluster = ready(3, { logLengthMax: 8, catchUpOpsMax: 8, batchRequestsMax: 1 });
    const kinds = new Set<string>();
    cluster.network = (packet) => {
      kinds.add(packet.message.tag);
      return [packet];
    };
    for (let seqno = 1; seqno <= 20; seqno++) {
      cluster.request(0, seqno, `r${seqno}`, [0]);
      cluster.advance(60, [2]);
    }
    expect(cluster.executed(2)).toEqual([]);
    // It hears of what it missed with the next heartbeat, which quiet replicas send seldom.
    cluster.advance(defaultParameters.quietHeartbeatPeriodMs + 400);
    expect(cluster.executed(2)).toHaveLength(20);
    expect(cluster.executed(2)).toEqual(cluster.executed(0));
    expect([kinds.has('catchUpSupply'), kinds.has('statePiece')]).toEqual([true, false]);
    expect(cluster.host(0).election.view).toEqual(firstView);
    cluster.request(0, 20, 'r20', [2]);
    cluster.settle();
    expect(cluster.replies(0, 20)).toEqual(['20', '20']);
  });

  test('brings up a replica by pieces of a state, then by the log, while it serves clients and loses packets', () => {
    const parameters = { logLengthMax: 8, batchRequestsMax: 1, retainOpsMax: 4, pieceBytesMax: 64 };
    const cluster = ready(3, parameters);
    for (let seqno = 1; seqno <= 100; seqno++) {
      cluster.request(0, seqno, `r${seqno}`, [0]);
      cluster.advance(10, [2]);
    }
    const random = randomFrom(5);
    let pieces = 0;
    cluster.network = (packet) => {
      if (packet.message.tag === 'statePiece') pieces++;
      const isClients = packet.message.tag === 'request' || packet.message.tag === 'reply';
      return random(10) === 0 && !isClients ? [] : [packet];
    };
    for (let seqno = 1; seqno <= 20; seqno++) {
      cluster.request(1, seqno, `s${seqno}`, [0, 1]);
      cluster.advance(400);
      cluster.request(1, seqno, `s${seqno}`, [0, 1]);
      cluster.advance(400);
    }
    cluster.network = (packet) => [packet];
    cluster.advance(3000);
    expect(pieces).toBeGreaterThan(20);
    expect(cluster.executed(0)).toHaveLength(120);
    expect(cluster.executed(2)).toEqual(cluster.executed(0));
    for (let seqno = 1; seqno <= 20; seqno++) expect(cluster.replies(1, seqno).length).toBeGreaterThan(0);
    const { transfer } = cluster.host(2);
    expect([transfer.inbound, transfer.outbound.size, transfer.supplied.size]).toEqual([undefined, 0, 0]);
  });

  test('lets a replica that lags lead, after it caught up', () => {
    const cluster = ready(3, { logLengthMax: 8, batchRequestsMax: 1 });
    for (let seqno = 1; seqno <= 20; seqno++) {
      cluster.request(0, seqno, `r${seqno}`, [0]);
      cluster.advance(60, [1]);
    }
    cluster.request(0, 20, 'r20', [1, 2]);
    cluster.request(1, 1, 'next', [1, 2]);
    cluster.advance(2500, [0]);
    expect(cluster.host(1).proposer.leading()).toBe(true);
    expect(cluster.executed(1).slice(-2)).toEqual(['r20', 'next']);
    expect(cluster.executed(2)).toEqual(cluster.executed(1));
  });

  test('executes each request once, in one order, whatever the network does, and answers once it heals', () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(3, 4, 5), (seed, size) => {
        const random = randomFrom(seed);
        const held: Packet<RsmMessage>[] = [];
        const cluster = new TestCluster(size, {
          logLengthMax: 6,
          batchRequestsMax: 2,
          receiveMax: 5,
          resendOpsMax: 2,
          retainOpsMax: 6,
          pieceBytesMax: 100,
        });
        cluster.settle();
        cluster.openSessions(3);
        cluster.network = (packet) => {
          reached.add(packet.message.tag);
          const fate = random(10);
          if (fate < 2) return [];
          // Delayed, perhaps for ever; or delayed and on time.
          if (fate < 4) held.push(packet);
          if (fate === 4) return [packet, packet];
          return fate === 2 ? [] : [packet];
        };
        const seqnos = [0, 0, 0];
        for (let turn = 0; turn < 100; turn++) {
          const c = random(3);
          // A client asks for the next thing once it has an answer, and repeats itself otherwise.
          if (seqnos[c] === 0 || cluster.replies(c, seqnos[c] as number).length > 0) (seqnos[c] as number)++;
          cluster.request(c, seqnos[c] as number, `c${c} ${seqnos[c]}`);
          for (let n = random(4); n > 0 && held.length > 0; n--) {
            cluster.deliver(held.splice(random(held.length), 1)[0] as Packet<RsmMessage>);
          }
          // Now and then a replica is cut off for long enough to be suspected or left behind.
          if (random(8) === 0) cluster.advance(700, [random(size)]);
          else cluster.advance(10 + random(80));
        }
        cluster.network = (packet) => [packet];
        for (let turn = 0; turn < 40; turn++) {
          for (const c of [0, 1, 2]) if (seqnos[c] !== 0) cluster.request(c, seqnos[c] as number, `c${c} ${seqnos[c]}`);
          cluster.advance(500);
        }
        const order = cluster.executed(0);
        expect(new Set(order).size).toBe(order.length);
        for (const h of cluster.hosts) expect(h.executor.app).toEqual(order);
        for (const c of [0, 1, 2]) {
          expect(order.filter((r) => r.startsWith(`c${c} `))).toEqual(
            Array.from({ length: seqnos[c] as number }, (_, i) => `c${c} ${i + 1}`),
          );
          if (seqnos[c] !== 0) expect(new Set(cluster.replies(c, seqnos[c] as number)).size).toBe(1);
        }
        for (const action of cluster.taken) reached.add(action);
        if (cluster.hosts.some((h) => h.acceptor.truncationPoint > 0)) reached.add('truncation');
      }),
      { numRuns: 4 },
    );
    for (const goal of [
      'truncation',
      'statePiece',
      'stateRequest',
      'catchUpSupply',
      'redirect',
      'catchUp',
      'checkSuspicions',
      'truncate',
      'checkProgress',
      'enterPhase2',
    ]) {
      expect(reached).toContain(goal);
    }
  }, 60_000);
});

describe('a quorum', () => {
  test.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
  ])('of %i replicas is %i, no fewer', (size, quorum) => {
    for (const alive of [quorum - 1, quorum]) {
      const cluster = new TestCluster(size);
      const stopped = Array.from({ length: size - alive }, (_, i) => size - 1 - i);
      cluster.settle(stopped);
      if (alive < quorum) {
        expect(() => cluster.openSessions(1, stopped)).toThrow('no session');
        cluster.advance(200, stopped);
        expect(messagesOf('opened', cluster.toClients)).toEqual([]);
      } else {
        cluster.openSessions(1, stopped);
        cluster.request(0, 1, 'a');
        cluster.advance(200, stopped);
        expect(cluster.replies(0, 1)).toEqual(['1']);
      }
    }
  });
});

describe('a host', () => {
  test('stops at a request on which the application throws, and says which', () => {
    const cause = new Error('no');
    const failing: AnyApplication = {
      ...anyRecorder,
      name: 'failing',
      apply: () => {
        throw cause;
      },
    };
    const cluster = new TestCluster(1, {}, failing);
    cluster.settle();
    cluster.openSessions(4);
    cluster.request(3, 7, 'x');
    try {
      cluster.settle();
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ApplicationFailure);
      expect(error).toMatchObject({ client: clientAt(3), session: 3, seqno: 7, cause });
      expect((error as Error).message).toContain('request 7 of session 3 of client 10.0.1.4:9000');
    }
  });

  test('does not start under an end point that is no replica, where one is named twice, or with a window that its keys cannot hold', () => {
    const configuration = {
      replicas: [replicaAt(0)],
      app: anyRecorder,
      parameters: defaultParameters,
    };
    expect(() => new ReplicaHost(configuration, replicaAt(1))).toThrow('no replica');
    const twice = { ...configuration, replicas: [replicaAt(0), replicaAt(0)] };
    expect(() => new ReplicaHost(twice, replicaAt(0))).toThrow('twice');
    const wide = { ...configuration, parameters: { ...defaultParameters, sessionWindow: 8192 } };
    expect(() => new ReplicaHost(wide, replicaAt(0))).toThrow('window');
  });

  test('ends a step that would go on for ever, and asks to be called again at once', () => {
    const cluster = ready(1, { batchRequestsMax: 1, receiveMax: 500 }, 200);
    for (let c = 0; c < 200; c++) cluster.request(c, 1, `c${c}`);
    cluster.step(0);
    expect(cluster.executed(0).length).toBeLessThan(200);
    expect(cluster.host(0).wakeAtMs()).toBe(0);
    cluster.settle();
    expect(cluster.executed(0)).toHaveLength(200);
    expect(cluster.host(0).wakeAtMs()).toBeGreaterThan(cluster.nowMs);
  });

  test('has nobody to send anything again to where it is alone', () => {
    const cluster = ready(1);
    cluster.advance(1000);
    cluster.nowMs += defaultParameters.retransmitPeriodMs;
    cluster.request(0, 1, 'a');
    // The operation is proposed, and not yet executed, when progress is checked.
    expect(cluster.step(0).actions).toContainEqual({ action: 'checkProgress', fetchFrom: null, askFrom: null });
    expect(cluster.host(0).timers.retransmitMs).toBe(defaultParameters.retransmitPeriodMs);
  });

  test('takes no more packets in a step than it may', () => {
    const cluster = ready(1, { receiveMax: 3 }, 5);
    for (let c = 0; c < 5; c++) cluster.request(c, 1, `c${c}`);
    expect(cluster.step(0).received).toHaveLength(3);
    expect(cluster.step(0).received).toHaveLength(2);
  });

  test('wakes for the earliest of its timers while a request is owed', () => {
    const cluster = ready();
    cluster.network = (packet) => (packet.message.tag === 'request' ? [packet] : []);
    cluster.request(0, 1, 'owed', [0]);
    cluster.step(0);
    const { timers, election } = cluster.host(0);
    expect(cluster.host(0).wakeAtMs()).toBe(
      Math.min(timers.nextHeartbeatMs, timers.nextProgressCheckMs, election.epochEndMs),
    );
    expect(timers.nextHeartbeatMs).toBe(cluster.nowMs + defaultParameters.heartbeatPeriodMs);
  });

  test('wakes for its seldom heartbeat alone while nothing is outstanding', () => {
    const cluster = ready();
    const { timers } = cluster.host(0);
    const { heartbeatPeriodMs, quietHeartbeatPeriodMs } = defaultParameters;
    expect(cluster.host(0).wakeAtMs()).toBe(timers.nextHeartbeatMs + quietHeartbeatPeriodMs - heartbeatPeriodMs);
  });

  test('stays awake while another replica is known to be ahead', () => {
    const cluster = ready(3, { logLengthMax: 8, batchRequestsMax: 1 });
    cluster.request(0, 1, 'missed', [0]);
    cluster.advance(60, [2]);
    cluster.network = (packet) => (packet.message.tag === 'heartbeat' ? [packet] : []);
    cluster.advance(defaultParameters.quietHeartbeatPeriodMs);
    expect(cluster.executed(2)).toEqual([]);
    const { nextHeartbeatMs } = cluster.host(2).timers;
    expect(cluster.host(2).wakeAtMs()).toBeLessThanOrEqual(nextHeartbeatMs);
  });
});

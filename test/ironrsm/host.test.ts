import { describe, expect, test } from 'vitest';
import type { AnyApplication } from '../../systems/ironrsm/application.js';
import { defaultParameters } from '../../systems/ironrsm/configuration.js';
import { ApplicationFailure, ReplicaHost } from '../../systems/ironrsm/host.js';
import { messagesOf } from './lone-replica.js';
import { anyRecorder, clientAt, replicaAt } from './recorder.js';
import { firstView, ready, TestCluster } from './test-cluster.js';

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

/** Replicas' hosts in clusters with faults. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Packet } from '../../src/spec/packet.js';
import { defaultParameters } from '../../systems/ironrsm/configuration.js';
import type { RsmMessage } from '../../systems/ironrsm/messages.js';
import { firstView, ready, TestCluster } from './test-cluster.js';

/** A small generator of numbers below `bound`, so that a seed fixes a run. */
const randomFrom = (seed: number): ((bound: number) => number) => {
  let s = seed >>> 0;
  return (bound) => {
    s = (Math.imul(s, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((s / 2 ** 32) * bound);
  };
};

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
  });
});

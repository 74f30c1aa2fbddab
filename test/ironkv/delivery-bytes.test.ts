/** How many bytes are unacked to a peer, and what is sent again of them: in the host and in the protocol, which are written apart (README.md, "delegate", "resend"). */
import { describe, expect, test } from 'vitest';
import type { Packet } from '../../src/spec/packet.js';
import { O } from '../../src/spec/prelude.js';
import type { KvMessage } from '../../systems/ironkv/messages.js';
import { type HostState, initHost, ironkvProtocol, type KvStep, type Peer } from '../../systems/ironkv/protocol.js';
import { administrator, bytes, clientAt, HostCluster, hostAt, session, set } from './host-cluster.js';

/** The value that makes the pair of a key of one letter have this size. */
const valueFor = (size: number): string => 'v'.repeat(size - 17);

/** A session of one record: 32 bytes, told with the first piece. */
const toldBytes = 32;

/** A host with keys a, b, and so on, whose pairs have these sizes; one to a piece. */
const hostWith = (sizes: readonly number[], parameters: Readonly<Record<string, number>>): HostCluster => {
  const cluster = new HostCluster(2, { delegateKeysMax: 1, deliveryBytesPerMs: 1 << 30, ...parameters });
  for (const [seqno, size] of sizes.entries())
    cluster.request(set(String.fromCharCode(97 + seqno), valueFor(size)), { seqno });
  return cluster;
};

/** Steps until the host sends no further piece: how many it has sent. */
const piecesOf = (cluster: HostCluster): number => {
  while (cluster.step().actions.length > 0);
  return cluster.host().peers.get(1)?.sent as number;
};

const acked = (cluster: HostCluster, seqno: number): void => {
  cluster.ask({ tag: 'ack', seqno }, { source: hostAt(1) });
};

const seqnosIn = (packets: readonly Packet<KvMessage>[]): number[] =>
  packets.flatMap(({ message }) => (message.tag === 'deliver' ? [message.seqno] : []));

/** What a host sends again at its next due time, and how long after the move began. */
const nextResend = (cluster: HostCluster, start: number): readonly [atMs: number, seqnos: readonly number[]] => {
  cluster.nowMs = cluster.host().wakeAtMs();
  return [cluster.nowMs - start, seqnosIn(cluster.step().sent)];
};

describe('a host that moves large values', () => {
  test('sends pieces until so many bytes are unacked, and goes on as they are acked', () => {
    const cluster = hostWith([20, 30, 40, 50, 60], { deliveryBytesMax: 120 });
    cluster.shard(1, '', null, 1);
    // 32 + 20 + 30 leave room, with 40 more they do not: a body may go beyond the bound, and then none follows.
    expect(piecesOf(cluster)).toBe(3);
    const peer = cluster.host().peers.get(1);
    expect(peer).toMatchObject({ acked: 0, unackedBytes: toldBytes + 90 });
    acked(cluster, 1);
    expect([piecesOf(cluster), peer?.unackedBytes]).toEqual([4, 30 + 40 + 50]);
    acked(cluster, 3);
    expect([piecesOf(cluster), peer?.unackedBytes]).toEqual([5, 50 + 60]);
    acked(cluster, 5);
    expect(peer).toMatchObject({ unackedBytes: 0, sent: 5 });
    expect(cluster.host().moves).toEqual([]);
  });

  test('sends a body of any size while nothing is unacked, so that every move ends', () => {
    const cluster = hostWith([500, 20, 900, 40], { deliveryBytesMax: 1 });
    cluster.shard(1, '', null, 1);
    expect(piecesOf(cluster)).toBe(1);
    expect(cluster.host().wakeAtMs()).toBe(cluster.nowMs + 50);
    cluster.settle();
    expect([cluster.host().moves, cluster.host(1).table.size]).toEqual([[], 4]);
  });

  test('announces sessions meanwhile, however much is unacked', () => {
    const cluster = hostWith([500, 500], { deliveryBytesMax: 1, sessionsAnnounced: 1 });
    cluster.shard(1, '', null, 1);
    expect(piecesOf(cluster)).toBe(1);
    for (const nonce of [3, 4]) cluster.put(0, clientAt(), { tag: 'open', nonce });
    expect(cluster.step().actions.at(-1)).toEqual({ action: 'announce', peer: 1 });
    expect(cluster.host().peers.get(1)).toMatchObject({ sent: 2, unackedBytes: toldBytes + 500 });
  });

  test('counts what it tells of sessions: 16 bytes for each, and for each of its records', () => {
    const cluster = new HostCluster(2, { sessionsPerMessageMax: 2, sessionWindowMax: 8, deliveryBytesMax: 100 });
    for (const n of [1, 2, 3, 4, 5])
      for (const seqno of [0, 1]) cluster.request(set('a', valueFor(20)), { of: session(n), seqno, floor: 0 });
    cluster.shard(1, '', null, 1);
    // Two sessions of two records are 96; four leave no room for what is left.
    expect(piecesOf(cluster)).toBe(2);
    expect(cluster.host().peers.get(1)?.unackedBytes).toBe(192);
    acked(cluster, 1);
    expect(piecesOf(cluster)).toBe(3);
    expect(cluster.host().peers.get(1)?.unackedBytes).toBe(96 + 48 + 20);
  });

  test('serves another recipient while one has too much to ack', () => {
    const cluster = new HostCluster(3, { delegateKeysMax: 1, deliveryBytesMax: 1 });
    for (const [seqno, key] of ['a', 'b', 'c', 'd'].entries()) cluster.request(set(key, valueFor(90)), { seqno });
    cluster.shard(1, '', 'c', 1);
    cluster.shard(2, 'c', null, 2);
    while (cluster.step().actions.length > 0);
    expect([1, 2].map((to) => cluster.host().peers.get(to)?.sent)).toEqual([1, 1]);
  });

  test('sends again what is unacked, which is little: less than the bound, and one body', () => {
    const cluster = hostWith([20, 30, 500, 40, 50], { deliveryBytesMax: 100 });
    const start = cluster.nowMs;
    cluster.shard(1, '', null, 1);
    expect(piecesOf(cluster)).toBe(3);
    expect(nextResend(cluster, start)).toEqual([50, [1, 2, 3]]);
    acked(cluster, 3);
    expect(piecesOf(cluster)).toBe(5);
  });

  test('goes on at once after a loss: what came too early is sent again with what was lost', () => {
    const cluster = hostWith(new Array(12).fill(20), {});
    cluster.shard(1, '', null, 1);
    expect(piecesOf(cluster)).toBe(8);
    // The first is lost, and so the others are of no use.
    for (const packet of cluster.underWay.splice(0).slice(1)) cluster.deliver(packet);
    cluster.step(1);
    cluster.nowMs = cluster.host().wakeAtMs();
    cluster.settle();
    expect([cluster.host(1).table.size, cluster.host().moves]).toEqual([12, []]);
  });

  test('waits longer for what is large before it sends it again, and no longer once that is acked', () => {
    const cluster = hostWith([968, 30, 40], { deliveryBytesMax: 2000, deliveryBytesPerMs: 10 });
    const start = cluster.nowMs;
    cluster.shard(1, '', null, 1);
    expect(piecesOf(cluster)).toBe(3);
    // 1070 bytes: 107 ms. Of 70 bytes that are left 7.
    expect(nextResend(cluster, start)).toEqual([50 + 107, [1, 2, 3]]);
    expect(nextResend(cluster, start)).toEqual([157 + 100 + 107, [1, 2, 3]]);
    expect(cluster.host().wakeAtMs() - start).toBe(364 + 200 + 107);
    acked(cluster, 1);
    expect(cluster.host().wakeAtMs() - start).toBe(364 + 200 + 7);
  });
});

describe('the protocol of a host that moves large values', () => {
  const started = (sizes: readonly number[], parameters: Readonly<Record<string, number>>): HostState => {
    const { configuration } = new HostCluster(2, { delegateKeysMax: 1, ...parameters });
    const empty = initHost(configuration, hostAt(0));
    const table = empty.table.withMutations((draft) => {
      for (const [i, size] of sizes.entries()) draft.set(String.fromCharCode(97 + i), bytes(valueFor(size)));
    });
    const shard = { tag: 'shard', seqno: 1, lo: bytes(''), hi: null, recipient: hostAt(1) } as const;
    const packet = { source: administrator, target: hostAt(0), message: shard };
    return stepped({ ...empty, table }, { tag: 'process', packet, observed: null });
  };
  const stepped = (s: HostState, step: KvStep): HostState => {
    const next = O.toUndefined(ironkvProtocol.step(s, step));
    if (next === undefined) throw new Error(`${step.tag} is not enabled`);
    return next.state;
  };
  const isEnabled = (s: HostState, step: KvStep): boolean => O.isSome(ironkvProtocol.step(s, step));
  const peerOf = (s: HostState): Peer => s.peers.get(1) as Peer;
  const delegate: KvStep = { tag: 'delegate', move: 0, timeMs: 0 };
  const resend = (timeMs: number): KvStep => ({ tag: 'resend', peer: 1, timeMs });
  const ack = (seqno: number): KvStep => {
    const packet = { source: hostAt(1), target: hostAt(0), message: { tag: 'ack', seqno } as const };
    return { tag: 'process', packet, observed: null };
  };

  test('delegates only while the bytes unacked are below the bound', () => {
    const one = stepped(started([60, 500, 20], { deliveryBytesMax: 61 }), delegate);
    expect([peerOf(one).unackedBytes, isEnabled(one, delegate)]).toEqual([60, true]);
    const two = stepped(one, delegate);
    expect([peerOf(two).unackedBytes, isEnabled(two, delegate)]).toEqual([560, false]);
    const first = stepped(two, ack(1));
    expect([peerOf(first).unackedBytes, isEnabled(first, delegate)]).toEqual([500, false]);
    const both = stepped(two, ack(2));
    expect([peerOf(both).unackedBytes, isEnabled(both, delegate)]).toEqual([0, true]);
  });

  test('sends again after a wait that grows with what is unacked', () => {
    const parameters = { deliveryBytesMax: 61, deliveryBytesPerMs: 10 };
    const two = stepped(stepped(started([60, 500, 20], parameters), delegate), delegate);
    expect([isEnabled(two, resend(50 + 55)), isEnabled(two, resend(50 + 56))]).toEqual([false, true]);
    const next = O.toUndefined(ironkvProtocol.step(two, resend(106)));
    expect(seqnosIn(next?.sends ?? [])).toEqual([1, 2]);
    const one = stepped(two, ack(1));
    expect([isEnabled(one, resend(50 + 49)), isEnabled(one, resend(50 + 50))]).toEqual([false, true]);
  });
});

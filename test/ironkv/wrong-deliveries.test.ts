/** What no correct host sends to another is refused, by the host and by the protocol, which are written apart (README.md, "deliver"). */
import { describe, expect, test } from 'vitest';
import type { Packet } from '../../src/spec/packet.js';
import { O } from '../../src/spec/prelude.js';
import type { Body, KvMessage, Pair } from '../../systems/ironkv/messages.js';
import { type HostState, initHost, ironkvProtocol } from '../../systems/ironkv/protocol.js';
import { bytes, HostCluster, hostAt, set, stateOf } from './host-cluster.js';

const limits = { keyBytesMax: 8, valueBytesMax: 32 };

const pairsOf = (...keys: readonly string[]): Pair[] => keys.map((key) => ({ key: bytes(key), value: bytes('v') }));

const delegate: Extract<Body, { tag: 'delegate' }> = {
  tag: 'delegate',
  lo: bytes('b'),
  hi: bytes('c'),
  pairs: pairsOf('b', 'bb'),
  horizons: [0, 0],
  sessions: [],
};

const wrong: readonly (readonly [string, Body])[] = [
  ['too few horizons', { ...delegate, horizons: [9] }],
  ['too many horizons', { ...delegate, horizons: [0, 0, 9] }],
  ['no horizons', { tag: 'inform', horizons: [], sessions: [] }],
  ['an empty range', { ...delegate, hi: bytes('b'), pairs: [] }],
  ['bounds in the wrong order', { ...delegate, hi: bytes('a'), pairs: [] }],
  ['a range that ends where all begin', { ...delegate, lo: bytes(''), hi: bytes(''), pairs: [] }],
  ['a pair below the range', { ...delegate, pairs: pairsOf('a', 'bb') }],
  ['a pair at its end', { ...delegate, pairs: pairsOf('bb', 'c') }],
  ['a pair above its end', { ...delegate, pairs: pairsOf('d') }],
  ['pairs in the wrong order', { ...delegate, pairs: pairsOf('b2', 'b1') }],
  ['one key twice', { ...delegate, pairs: pairsOf('b', 'b') }],
  ['a lower bound too long', { ...delegate, lo: bytes('b'.repeat(9)), pairs: [] }],
  ['an upper bound too long', { ...delegate, hi: bytes('c'.repeat(9)) }],
  ['a key too long', { ...delegate, pairs: pairsOf('b'.repeat(9)) }],
  ['a value too long', { ...delegate, pairs: [{ key: bytes('b'), value: new Uint8Array(33) }] }],
  ['a range that the recipient owns', { ...delegate, lo: bytes('m'), hi: bytes('n'), pairs: pairsOf('mm') }],
  ['a range of which the recipient owns the end', { ...delegate, hi: bytes('k0') }],
  ['a range of which the recipient owns the beginning', { ...delegate, lo: bytes('mm'), hi: null, pairs: [] }],
  ['a range of which the recipient owns a part within', { ...delegate, hi: null }],
];

const right: readonly (readonly [string, Body])[] = [
  ['a range between others', delegate],
  ['all keys below those of the recipient', { ...delegate, lo: bytes(''), hi: bytes('k') }],
  ['all keys above them', { ...delegate, lo: bytes('n'), hi: null, pairs: pairsOf('n') }],
  [
    'keys and values at the limits',
    {
      ...delegate,
      lo: bytes('a'.repeat(8)),
      hi: bytes('c'.repeat(8)),
      pairs: [{ key: bytes('b'.repeat(8)), value: new Uint8Array(32) }],
    },
  ],
  ['horizons alone', { tag: 'inform', horizons: [9, 0], sessions: [] }],
];

const ack: KvMessage = { tag: 'ack', seqno: 1 };

describe('a host that owns k to n', () => {
  const recipient = (): HostCluster => {
    const cluster = new HostCluster(2, limits);
    cluster.shard(1, '', 'k', 1);
    cluster.shard(2, 'n', null, 1);
    cluster.settle();
    cluster.request(set('mm', 'mine'));
    return cluster;
  };
  const delivered = (cluster: HostCluster, body: Body, source = hostAt(1)): KvMessage[] =>
    cluster.ask({ tag: 'deliver', seqno: 1, body }, { source });

  test.each(wrong)('neither takes nor acks a delivery with %s, and counts it', (_, body) => {
    const cluster = recipient();
    const before = stateOf(cluster.host());
    expect(delivered(cluster, body)).toEqual([]);
    expect(stateOf(cluster.host())).toEqual(before);
    expect(cluster.host().counters.delegatesRefused).toBe(1);
    // Nothing is spoiled for what is right.
    expect(delivered(cluster, delegate)).toEqual([ack]);
    expect(cluster.host().counters.delegatesRefused).toBe(1);
  });

  test.each(right)('takes one with %s, and acks a copy of it, whose range it owns by now', (_, body) => {
    const cluster = recipient();
    expect(delivered(cluster, body)).toEqual([ack]);
    expect(cluster.host().peers.get(1)?.received).toBe(1);
    expect(delivered(cluster, body)).toEqual([ack]);
    expect(cluster.host().counters.delegatesRefused).toBe(0);
  });

  test('neither takes nor acks one that seems to come from itself, and counts it', () => {
    const cluster = recipient();
    const before = stateOf(cluster.host());
    expect(delivered(cluster, delegate, hostAt(0))).toEqual([]);
    expect(stateOf(cluster.host())).toEqual(before);
    expect(cluster.host().counters).toMatchObject({ delegatesRefused: 1, strangers: 0 });
  });
});

describe('the protocol of a host that owns k to n', () => {
  const cluster = new HostCluster(2, limits);
  const recipient: HostState = {
    ...initHost(cluster.configuration, hostAt(0)),
    map: [
      { lo: '', host: 1 },
      { lo: 'k', host: 0 },
      { lo: 'n', host: 1 },
    ],
  };
  const processed = (s: HostState, body: Body, source = hostAt(1)) => {
    const packet: Packet<KvMessage> = { source, target: hostAt(0), message: { tag: 'deliver', seqno: 1, body } };
    return O.toUndefined(ironkvProtocol.step(s, { tag: 'process', packet, observed: null }));
  };

  test.each(wrong)('neither takes nor acks a delivery with %s', (_, body) => {
    const { state, sends } = processed(recipient, body) ?? {};
    expect(sends).toEqual([]);
    expect(state).toBe(recipient);
  });

  test.each(right)('takes one with %s, and acks a copy of it, whose range it owns by now', (_, body) => {
    const first = processed(recipient, body);
    expect(first?.sends.map((p) => p.message)).toEqual([ack]);
    expect(first?.state.peers.get(1)?.received).toBe(1);
    const again = processed(first?.state as HostState, body);
    expect(again?.sends.map((p) => p.message)).toEqual([ack]);
    expect(again?.state).toBe(first?.state);
  });

  test('neither takes nor acks one that seems to come from itself', () => {
    expect(processed(recipient, delegate, hostAt(0))).toEqual({ state: recipient, sends: [] });
  });
});

import { describe, expect, test } from 'vitest';
import type { Packet } from '../../src/spec/packet.js';
import { slabValueBytesMax } from '../../systems/ironkv/host/value-store.js';
import type { Body, Knowledge, KvMessage, Message, Pair } from '../../systems/ironkv/messages.js';
import {
  administrator,
  bytes,
  clientAt,
  get,
  HostCluster,
  hostAt,
  session,
  set,
  short,
  stateOf,
  textOf,
} from './host-cluster.js';

/** What was sent to hosts and not delivered yet, by kind. */
const deliveries = (packets: readonly Packet<KvMessage>[]): Message<'deliver'>[] =>
  packets.flatMap((p) => (p.message.tag === 'deliver' ? [p.message] : []));

const pairTexts = (pairs: readonly Pair[]): string[] => pairs.map((p) => textOf(p.key));

const toldIn = (body: Body): readonly Knowledge[] => (body.tag === 'announce' ? [] : body.sessions);

const keysOf = (body: Body): string[] => (body.tag === 'delegate' ? pairTexts(body.pairs) : []);

const increment = { tag: 'increment', key: bytes('n'), by: 1 } as const;

const filled = (size: number, parameters: Readonly<Record<string, number>>, keys: readonly string[], value = 'v') => {
  const cluster = new HostCluster(size, parameters);
  for (const [seqno, key] of keys.entries()) cluster.request(set(key, value), { seqno });
  return cluster;
};

describe('an order to move', () => {
  test('is taken from administrators and hosts alone', () => {
    const cluster = new HostCluster(2);
    expect(cluster.shard(1, 'a', 'b', 1, { source: clientAt() })).toBe('NOT_ADMINISTRATOR');
    expect([cluster.host().shards.size, cluster.host().moves.length]).toEqual([0, 0]);
    expect(cluster.host().counters.shardsRefused).toBe(1);
    expect(cluster.shard(1, 'a', 'b', 1)).toBe('moving');
    expect(cluster.shard(1, 'c', 'd', 1, { source: hostAt(1) })).toBe('moving');
  });

  test.each([
    ['a bound too long', 'x'.repeat(5), null, 'BAD_RANGE'],
    ['an upper bound too long', '', 'x'.repeat(5), 'BAD_RANGE'],
    ['bounds in the wrong order', 'b', 'a', 'BAD_RANGE'],
    ['an empty range', 'b', 'b', 'BAD_RANGE'],
    ['a range from nothing to nothing', '', '', 'BAD_RANGE'],
  ])('with %s is refused', (_, lo, hi, verdict) => {
    const cluster = new HostCluster(2, { keyBytesMax: 4 });
    expect(cluster.shard(1, lo, hi, 1)).toBe(verdict);
    expect(cluster.host().shards.get(administrator)).toEqual({ seqno: 1, verdict });
    expect(cluster.host().moves).toEqual([]);
    expect(cluster.host().counters.shardsRefused).toBe(1);
  });

  test('to an unknown host, to oneself, and for a range not owned is refused', () => {
    const cluster = new HostCluster(2);
    expect(cluster.shard(1, '', null, 5)).toBe('UNKNOWN_HOST');
    expect(cluster.shard(2, '', null, 0)).toBe('SAME_HOST');
    expect(cluster.shard(3, '', null, 0, { host: 1 })).toBe('NOT_OWNER');
    expect(cluster.shard(4, 'b', 'd', 1)).toBe('moving');
    cluster.settle();
    for (const [i, [lo, hi]] of [
      ['a', 'c'],
      ['c', 'e'],
      ['b', 'd'],
      ['a', 'e'],
      ['a', null],
    ].entries()) {
      expect(cluster.shard(10 + i, lo as string, hi as string | null, 1)).toBe('NOT_OWNER');
    }
    expect(cluster.shard(20, 'a', 'b', 1)).toBe('moving');
    expect(cluster.shard(21, 'd', null, 1)).toBe('moving');
  });

  test('for what is already moving is refused, and one beside it is not', () => {
    const cluster = filled(3, { delegateKeysMax: 1, deliveriesMax: 1 }, ['c', 'd', 'e']);
    cluster.shard(1, 'c', 'f', 1);
    // The piece with c was handed over in that step; what is left begins at d.
    expect(cluster.host().moves[0]).toMatchObject({ next: 'd', hi: 'f', last: null });
    for (const [i, [lo, hi]] of [
      ['d', 'dd'],
      ['d', null],
      ['e', 'g'],
      ['d', 'f'],
    ].entries()) {
      expect(cluster.shard(10 + i, lo as string, hi as string | null, 2)).toBe('ALREADY_MOVING');
    }
    expect(cluster.shard(20, 'b', 'd', 2)).toBe('NOT_OWNER');
    expect(cluster.shard(21, 'b', 'c', 2)).toBe('moving');
    expect(cluster.shard(22, 'f', 'g', 2)).toBe('moving');
  });

  test('above the limit of moves is refused', () => {
    const cluster = new HostCluster(2, { movesMax: 2 });
    const verdicts = ['a', 'c', 'e'].map((lo, i) => cluster.shard(i, lo, `${lo}x`, 1));
    expect(verdicts).toEqual(['moving', 'moving', 'TOO_MANY_MOVES']);
    cluster.settle();
    expect(cluster.shard(9, 'e', 'f', 1)).toBe('moving');
  });

  test('is answered again as often as it comes, until a later one overtakes it', () => {
    const cluster = new HostCluster(2);
    cluster.shard(5, 'a', 'b', 1);
    expect(cluster.shard(5, 'a', 'b', 1)).toBe('moving');
    expect(cluster.host().moves).toHaveLength(1);
    cluster.settle();
    expect(cluster.shard(5, 'x', 'y', 1)).toBe('done');
    expect(cluster.shard(4, 'x', 'y', 1)).toBe('nothing');
    expect(cluster.shard(6, 'a', 'b', 1)).toBe('NOT_OWNER');
    expect(cluster.shard(6, 'x', 'y', 1)).toBe('NOT_OWNER');
    expect(cluster.shard(5, 'x', 'y', 1)).toBe('nothing');
    expect(cluster.host().counters.shardsRefused).toBe(1);
    expect(cluster.host().moves).toEqual([]);
  });
});

describe('a piece', () => {
  test('has the first pairs up to the limit of keys, and ends at the next key', () => {
    const cluster = filled(2, { delegateKeysMax: 2 }, ['a', 'b', 'c', 'd', 'e']);
    cluster.put(0, administrator, { tag: 'shard', seqno: 1, lo: bytes('aa'), hi: bytes('dd'), recipient: hostAt(1) });
    const io = cluster.step();
    expect(io.actions.at(-1)).toEqual({ action: 'delegate', move: 0 });
    const [{ seqno, body }] = deliveries(io.sent) as [Message<'deliver'>];
    expect([seqno, body.tag, keysOf(body)]).toEqual([1, 'delegate', ['b', 'c']]);
    expect(body).toMatchObject({ lo: bytes('aa'), hi: bytes('d'), horizons: [0, 0] });
    expect(cluster.host().moves).toEqual([{ administrator, seqno: 1, next: 'd', hi: 'dd', recipient: 1, last: null }]);
    expect(cluster.host().wakeAtMs()).toBe(cluster.nowMs);
    const [last] = deliveries(cluster.step().sent) as [Message<'deliver'>];
    expect(last.body).toMatchObject({ lo: bytes('d'), hi: bytes('dd') });
    expect(keysOf(last.body)).toEqual(['d']);
    expect(cluster.host().moves[0]).toMatchObject({ next: 'dd', last: 2 });
    expect([...cluster.host().table.keys()]).toEqual(['a', 'e']);
    expect(
      cluster
        .host()
        .map.entries()
        .map((e) => [e.lo, e.host]),
    ).toEqual([
      ['', 0],
      ['aa', 1],
      ['dd', 0],
    ]);
    expect(cluster.host().wakeAtMs()).toBe(cluster.nowMs + 50);
  });

  test('has pairs up to the limit of bytes, sixteen for each beside key and value, but one at least', () => {
    // Each pair counts 1 + 3 + 16 = 20.
    const sizes = (delegateBytesMax: number): number[] => {
      const cluster = filled(2, { delegateBytesMax }, ['a', 'b', 'c', 'd'], 'xyz');
      cluster.shard(1, '', null, 1);
      cluster.settle();
      expect(cluster.host(1).table.size).toBe(4);
      return [cluster.host().peers.get(1)?.sent as number];
    };
    expect([sizes(1), sizes(39), sizes(40), sizes(59), sizes(60), sizes(80)].flat()).toEqual([4, 4, 2, 2, 2, 1]);
  });

  test('without any key moves the range all the same, to the end of all keys too', () => {
    const cluster = new HostCluster(2);
    cluster.shard(1, 'm', null, 1);
    expect(cluster.host().moves[0]).toMatchObject({ next: null, hi: null, last: 1 });
    cluster.settle();
    expect(cluster.host(1).map.entries()).toEqual(cluster.host().map.entries());
    expect(short(cluster.request(set('z', 'v'), { host: 1 }))).toBe('done true');
    expect(short(cluster.request(get('a'), { host: 1 }))).toBe('redirect  m 0');
    expect(short(cluster.request(get('z')))).toBe('redirect m null 1');
    expect(cluster.host().counters.requestsRedirected).toBe(1);
  });

  test('is one in a step, to the recipients in turn, of the oldest move to each', () => {
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    const cluster = filled(3, { delegateKeysMax: 1 }, keys);
    for (const [i, [lo, hi, to]] of (
      [
        ['a', 'c', 1],
        ['c', 'e', 1],
        ['e', 'g', 2],
      ] as const
    ).entries()) {
      const shard = { tag: 'shard', seqno: i, lo: bytes(lo), hi: bytes(hi), recipient: hostAt(to) } as const;
      cluster.put(0, administrator, shard);
    }
    const steps = [0, 1, 2, 3, 4, 5, 6].map(() => cluster.step().actions.filter((a) => a.action !== 'process'));
    expect(steps).toEqual([0, 2, 0, 2, 1, 1].map((move) => [{ action: 'delegate', move }]).concat([[]]));
  });

  test('passes over a recipient that must ack first', () => {
    const cluster = filled(3, { delegateKeysMax: 1, deliveriesMax: 1 }, ['a', 'b', 'c', 'd']);
    cluster.shard(1, 'a', 'c', 1);
    cluster.shard(2, 'c', null, 2);
    expect(cluster.step().actions).toEqual([]);
    expect(cluster.host().wakeAtMs()).toBe(cluster.nowMs + 50);
    cluster.ask({ tag: 'ack', seqno: 1 }, { source: hostAt(2) });
    expect(cluster.host().peers.get(2)).toMatchObject({ acked: 1, sent: 2 });
    expect(cluster.host().peers.get(1)).toMatchObject({ acked: 0, sent: 1 });
  });

  test('waits while too many are unacked, and requests are served meanwhile', () => {
    const cluster = filled(2, { delegateKeysMax: 1, deliveriesMax: 2 }, ['a', 'b', 'c', 'd']);
    cluster.shard(1, '', null, 1);
    cluster.step();
    expect(cluster.step().actions).toEqual([]);
    expect(cluster.host().peers.get(1)?.unacked).toHaveLength(2);
    expect(cluster.host().wakeAtMs()).toBe(cluster.nowMs + 50);
    expect(short(cluster.request(get('d')))).toBe('value v');
    expect(short(cluster.request(get('a')))).toBe('redirect  c 1');
    cluster.deliver(cluster.underWay.shift() as Packet<KvMessage>);
    cluster.step(1);
    expect(short(cluster.request(get('a'), { host: 1 }))).toBe('value v');
    expect(short(cluster.request(get('b'), { host: 1 }))).toBe('redirect b null 0');
    cluster.settle();
    expect([cluster.host().table.size, cluster.host(1).table.size]).toEqual([0, 4]);
  });

  test('leaves copies of its values, and none of its bytes: the message may be much larger', () => {
    const large = 'v'.repeat(slabValueBytesMax + 1);
    const cluster = filled(2, {}, ['a', 'b', 'c'], large);
    cluster.shard(1, '', null, 1);
    cluster.settle();
    for (const value of cluster.host(1).table.values()) expect(value.buffer.byteLength).toBe(large.length);
  });

  test('takes deleted keys for absent: they do not come back', () => {
    const cluster = filled(2, {}, ['a', 'b']);
    cluster.request({ tag: 'delete', key: bytes('a') }, { seqno: 5 });
    cluster.shard(1, '', null, 1);
    cluster.settle();
    cluster.shard(1, '', 'b', 0, { host: 1 });
    cluster.settle();
    expect(short(cluster.request(get('a')))).toBe('value null');
    expect(short(cluster.request(get('b'), { host: 1 }))).toBe('value v');
  });
});

describe('single delivery', () => {
  const inform = (floor: number): Body => ({
    tag: 'inform',
    horizons: [0, 0],
    sessions: [{ session: session(), floor, next: 0, records: [] }],
  });
  const told = (cluster: HostCluster, seqno: number): KvMessage[] =>
    cluster.ask({ tag: 'deliver', seqno, body: inform(seqno) }, { source: hostAt(1) });

  test('accepts each body once and in order, and acks what it has', () => {
    const cluster = new HostCluster(2);
    const floor = (): number | undefined => cluster.host().sessions.get('0.7')?.floor;
    expect(told(cluster, 2)).toEqual([]);
    expect(floor()).toBeUndefined();
    expect(told(cluster, 1)).toEqual([{ tag: 'ack', seqno: 1 }]);
    expect(told(cluster, 2)).toEqual([{ tag: 'ack', seqno: 2 }]);
    expect(floor()).toBe(2);
    const before = stateOf(cluster.host());
    expect(told(cluster, 1)).toEqual([{ tag: 'ack', seqno: 2 }]);
    expect(told(cluster, 0)).toEqual([{ tag: 'ack', seqno: 2 }]);
    expect(told(cluster, 4)).toEqual([]);
    expect(stateOf(cluster.host())).toEqual(before);
  });

  test('does not apply a delegate again, even with a Set between', () => {
    const cluster = filled(2, {}, ['k']);
    cluster.shard(1, '', null, 1);
    const [copy] = cluster.underWay as [Packet<KvMessage>];
    cluster.settle();
    cluster.request(set('k', 'new'), { seqno: 7, host: 1 });
    cluster.deliver(copy);
    cluster.step(1);
    expect(short(cluster.request(get('k'), { host: 1 }))).toBe('value new');
  });

  test('believes acks of what was sent alone', () => {
    const cluster = filled(2, { delegateKeysMax: 1 }, ['a', 'b', 'c']);
    cluster.shard(1, '', null, 1);
    cluster.step();
    cluster.step();
    const acks = (seqno: number): void => {
      cluster.ask({ tag: 'ack', seqno }, { source: hostAt(1) });
    };
    const peer = cluster.host().peers.get(1);
    acks(4);
    expect(peer).toMatchObject({ acked: 0, sent: 3 });
    acks(2);
    expect(peer).toMatchObject({ acked: 2, sent: 3 });
    expect(peer?.unacked.map(keysOf)).toEqual([['c']]);
    acks(1);
    expect(peer).toMatchObject({ acked: 2 });
    expect(cluster.host().moves).toHaveLength(1);
    acks(3);
    expect([peer?.unacked, cluster.host().moves]).toEqual([[], []]);
    expect(cluster.host().wakeAtMs()).toBe(Infinity);
  });

  test('ends a move by the ack of its own recipient alone', () => {
    const cluster = new HostCluster(3);
    cluster.shard(1, 'a', 'b', 1);
    cluster.shard(2, 'c', 'd', 2);
    cluster.ask({ tag: 'ack', seqno: 1 }, { source: hostAt(2) });
    expect(cluster.host().moves.map((m) => m.seqno)).toEqual([1]);
  });

  test('sends the oldest bodies again, later each time, up to a bound', () => {
    const cluster = filled(2, { delegateKeysMax: 1, resendMs: 50, resendMsMax: 300, resendMax: 2 }, ['a', 'b', 'c']);
    const start = cluster.nowMs;
    cluster.shard(1, '', null, 1);
    cluster.step();
    cluster.step();
    const resent: [number, number[]][] = [];
    while (cluster.nowMs < start + 1200) {
      cluster.nowMs = cluster.host().wakeAtMs();
      const io = cluster.step();
      expect(io.actions).toEqual([{ action: 'resend', peer: 1 }]);
      resent.push([cluster.nowMs - start, deliveries(io.sent).map((m) => m.seqno)]);
    }
    expect(resent).toEqual([50, 150, 350, 650, 950, 1250].map((at) => [at, [1, 2]]));
    expect(cluster.host().peers.get(1)?.waitMs).toBe(300);
  });

  test('takes acks for a sign of life: it waits anew, and sends nothing again', () => {
    const cluster = filled(2, { delegateKeysMax: 1 }, ['a', 'b', 'c']);
    const start = cluster.nowMs;
    cluster.shard(1, '', null, 1);
    cluster.step();
    cluster.step();
    cluster.nowMs = start + 50;
    cluster.step();
    cluster.ask({ tag: 'ack', seqno: 1 }, { source: hostAt(1) });
    cluster.nowMs = start + 149;
    expect(cluster.step().actions).toEqual([]);
    cluster.nowMs = start + 150;
    const io = cluster.step();
    expect([io.actions, io.sent]).toEqual([[{ action: 'resend', peer: 1 }], []]);
    expect(cluster.host().peers.get(1)).toMatchObject({ waitMs: 50, ackedAtCheck: 1, resendAtMs: start + 200 });
    cluster.nowMs = start + 200;
    expect(deliveries(cluster.step().sent).map((m) => m.seqno)).toEqual([2, 3]);
  });

  test('starts the wait anew when nothing was unacked', () => {
    const cluster = new HostCluster(2);
    cluster.shard(1, 'a', 'b', 1);
    cluster.nowMs += 50;
    cluster.step();
    cluster.settle();
    expect(cluster.host().peers.get(1)).toMatchObject({ waitMs: 100, acked: 1 });
    cluster.nowMs += 500;
    cluster.shard(2, 'c', 'd', 1);
    const resendAtMs = cluster.nowMs + 50;
    expect(cluster.host().peers.get(1)).toMatchObject({ waitMs: 50, ackedAtCheck: 1, resendAtMs });
  });
});

describe('what is known of sessions', () => {
  test('moves with the keys: a retry at the new owner is not executed again', () => {
    const cluster = new HostCluster(2);
    cluster.request(increment);
    cluster.shard(1, 'n', 'o', 1);
    cluster.settle();
    expect(short(cluster.request(increment, { host: 1 }))).toBe('number 1');
    expect(short(cluster.request(increment, { host: 1, seqno: 1 }))).toBe('number 2');
    // The old owner still knows what it executed, and speaks for it.
    expect(short(cluster.request(increment))).toBe('number 1');
    expect(short(cluster.request(increment, { seqno: 1 }))).toBe('redirect n o 1');
  });

  test('is told once: what changed since, in order of change', () => {
    const cluster = new HostCluster(2);
    for (const n of [1, 2, 3]) cluster.request(increment, { of: session(n) });
    cluster.request(increment, { of: session(1), seqno: 1 });
    cluster.shard(1, 'a', 'b', 1);
    cluster.request(increment, { of: session(2), seqno: 1 });
    cluster.shard(2, 'c', 'd', 1);
    const stories = deliveries(cluster.underWay).map((m) => toldIn(m.body).map((s) => s.session.number / 256));
    expect(stories).toEqual([[2, 3, 1], [2]]);
    expect(cluster.host().peers.get(1)?.told).toBe(5);
  });

  test('goes ahead of the keys where it is too much for one message', () => {
    const cluster = new HostCluster(2, { sessionsPerMessageMax: 2, sessionWindowMax: 8 });
    for (const n of [1, 2, 3, 4, 5]) cluster.request(increment, { of: session(n) });
    cluster.shard(1, '', null, 1);
    expect(cluster.host().peers.get(1)?.told).toBe(2);
    expect(cluster.step().actions).toEqual([{ action: 'inform', move: 0 }]);
    expect(cluster.host().peers.get(1)?.told).toBe(4);
    expect(cluster.step().actions).toEqual([{ action: 'delegate', move: 0 }]);
    const bodies = deliveries(cluster.underWay).map((m) => m.body);
    expect(bodies.map((b) => [b.tag, toldIn(b).map((s) => s.session.number / 256)])).toEqual([
      ['inform', [1, 2]],
      ['inform', [3, 4]],
      ['delegate', [5]],
    ]);
    cluster.settle();
    expect(cluster.host(1).sessions.size).toBe(5);
  });

  test('keeps what it told apart from what happens later', () => {
    const cluster = new HostCluster(2);
    cluster.request(increment, { seqno: 0, floor: 0 });
    cluster.shard(1, 'a', 'b', 1);
    cluster.request(increment, { seqno: 1, floor: 1 });
    const [body] = cluster.host().peers.get(1)?.unacked ?? [];
    expect(body && toldIn(body)[0]).toMatchObject({ floor: 0, records: [{ seqno: 0 }] });
  });

  const done = { tag: 'done', done: true } as const;
  const learn = (cluster: HostCluster, seqno: number, sessions: readonly Knowledge[], horizons = [0, 0]): void => {
    const body: Body = { tag: 'inform', horizons, sessions };
    cluster.ask({ tag: 'deliver', seqno, body }, { source: hostAt(1) });
  };

  test('is joined with what another tells: the higher floor and next, and all records from there', () => {
    const cluster = new HostCluster(2);
    for (const seqno of [1, 3, 5]) cluster.request(increment, { seqno, floor: 0 });
    const records = [2, 3, 4, 6].map((seqno) => ({ seqno, outcome: done }));
    learn(cluster, 1, [{ session: session(), floor: 3, next: 2, records }]);
    const entry = cluster.host().sessions.get('0.7');
    expect(entry?.records.map((r) => [r.seqno, r.outcome.tag])).toEqual([
      [3, 'number'],
      [4, 'done'],
      [5, 'number'],
      [6, 'done'],
    ]);
    expect(entry).toMatchObject({ floor: 3, next: 2, stamp: 4 });
  });

  test('gets no stamp where another tells nothing new', () => {
    const cluster = new HostCluster(2);
    for (const seqno of [3, 4]) cluster.request(increment, { seqno, floor: 3, ordered: true });
    const records = [1, 2, 3].map((seqno) => ({ seqno, outcome: done }));
    learn(cluster, 1, [{ session: session(), floor: 2, next: 1, records }]);
    expect(cluster.host().sessions.get('0.7')).toMatchObject({ floor: 3, next: 5, stamp: 2 });
    expect(cluster.host().stamp).toBe(2);
    learn(cluster, 2, [{ session: session(), floor: 2, next: 6, records: [] }]);
    expect(cluster.host().sessions.get('0.7')).toMatchObject({ next: 6, stamp: 3 });
    learn(cluster, 3, [{ session: session(9), floor: 0, next: 0, records: [] }]);
    expect(cluster.host().sessions.get(`${9 * 256}.7`)).toMatchObject({ floor: 0, next: 0, records: [], stamp: 4 });
  });

  test('without records below the floor that is told with them', () => {
    const cluster = new HostCluster(2);
    learn(cluster, 1, [{ session: session(), floor: 2, next: 0, records: [{ seqno: 1, outcome: done }] }]);
    expect(cluster.host().sessions.get('0.7')).toMatchObject({ floor: 2, records: [] });
  });

  test('ends at the horizons that another tells, and expired sessions are not learned', () => {
    const cluster = new HostCluster(2);
    for (const n of [1, 2]) cluster.request(increment, { of: session(n) });
    const records = [{ seqno: 0, outcome: done }];
    const tells = [1, 2].map((n) => ({ session: session(n), floor: 0, next: 0, records }));
    learn(cluster, 1, tells, [512, 0]);
    expect(cluster.host().horizons).toEqual([512, 0]);
    expect([...cluster.host().sessions.keys()]).toEqual(['512.7']);
    expect(short(cluster.request(increment, { of: session(1) }))).toBe('refused SESSION_EXPIRED');
    expect(short(cluster.request(increment, { of: session(2) }))).toBe('number 2');
    learn(cluster, 2, [], [3, 1]);
    expect(cluster.host().horizons).toEqual([512, 1]);
    // A session of no host's counts as expired too.
    learn(cluster, 3, [{ session: { number: 7, nonce: 0 }, floor: 0, next: 0, records }]);
    expect(cluster.host().sessions.size).toBe(1);
  });

  test('only an owner says that a session expired', () => {
    const cluster = new HostCluster(2);
    learn(cluster, 1, [], [512, 0]);
    cluster.shard(1, '', null, 1);
    expect(short(cluster.request(increment, { of: session(1) }))).toBe('redirect  null 1');
  });

  test('is bounded: the oldest eighth of the opener with most of them expires, but one at least', () => {
    const cluster = new HostCluster(3, { sessionsMax: 20 });
    // 16 of the second host, 5 of the first; the highest numbers come first.
    for (let n = 16; n > 0; n--) cluster.put(0, clientAt(), write(n * 256 + 1));
    for (let n = 5; n > 0; n--) cluster.put(0, clientAt(), write(n * 256));
    const io = cluster.step();
    expect(io.actions.slice(-2)).toEqual([{ action: 'expire' }, { action: 'announce', peer: 1 }]);
    expect(cluster.host().horizons).toEqual([0, 2 * 256 + 2, 0]);
    expect(cluster.host().sessions.size).toBe(19);
    expect(short(cluster.request(increment, { of: { number: 513, nonce: 7 } }))).toBe('refused SESSION_EXPIRED');
  });

  test('expires until it is within its bound, the first host first where several have most', () => {
    const cluster = new HostCluster(2, { sessionsMax: 8 });
    for (let n = 1; n <= 6; n++) for (const opener of [1, 0]) cluster.put(0, clientAt(), write(n * 256 + opener));
    const io = cluster.step();
    expect(io.actions.filter((a) => a.action === 'expire')).toHaveLength(4);
    expect(cluster.host().horizons).toEqual([2 * 256 + 1, 2 * 256 + 2]);
    expect(cluster.host().sessions.size).toBe(8);
  });

  const write = (number: number): KvMessage => ({
    tag: 'request',
    session: { number, nonce: 7 },
    seqno: 0,
    floor: 0,
    ordered: false,
    command: increment,
  });
});

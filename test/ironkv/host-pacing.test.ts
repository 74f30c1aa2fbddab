/** How a host paces its moves (README.md, "What the host adds"). */
import { describe, expect, test } from 'vitest';
import type { Packet } from '../../src/spec/packet.js';
import type { KvMessage } from '../../systems/ironkv/messages.js';
import { bytes, clientAt, get, HostCluster, session, set } from './host-cluster.js';

/** A cluster whose first host has some keys, one to a piece. */
const cluster = (size: number, keys: number, parameters: Readonly<Record<string, number>>): HostCluster => {
  const made = new HostCluster(size, { delegateKeysMax: 1, deliveriesMax: 1000, ...parameters });
  for (let n = 0; n < keys; n++) made.request(set(String(n).padStart(4, '0'), 'v'), { seqno: n });
  return made;
};

const sent = (c: HostCluster, peer = 1): number => c.host().peers.get(peer)?.sent as number;

const acksFrom = (c: HostCluster): Packet<KvMessage>[] => c.underWay.filter((p) => p.message.tag === 'ack');

describe('a host that moves a range', () => {
  test('rests after each piece, sleeps meanwhile, and goes on when the rest is over', () => {
    const c = cluster(2, 5, { delegateRestMs: 7 });
    c.shard(1, '', null, 1);
    const start = c.nowMs;
    expect([sent(c), c.host().wakeAtMs()]).toEqual([1, start + 7]);
    c.nowMs = start + 6;
    expect([c.step().actions, sent(c)]).toEqual([[], 1]);
    c.nowMs = start + 7;
    expect([c.step().actions, sent(c)]).toEqual([[{ action: 'delegate', move: 0 }], 2]);
    expect(c.host().wakeAtMs()).toBe(start + 14);
  });

  test('answers requests while it rests, and sends no piece for them', () => {
    const c = cluster(2, 5, { delegateRestMs: 7 });
    c.shard(1, '', null, 1);
    for (let n = 0; n < 20; n++) expect(c.request(get('0004'))).toMatchObject({ tag: 'reply' });
    expect(sent(c)).toBe(1);
  });

  test('hands over a piece in each interval however many requests wait: none can keep a move from its end', () => {
    const c = cluster(2, 40, { delegateRestMs: 2, receiveMax: 4 });
    c.shard(1, '', null, 1);
    let steps = 0;
    for (; c.host().moves.length > 0 && steps < 200; steps++) {
      // Each step takes two milliseconds, and leaves more behind in the inbox than it takes.
      c.nowMs += 2;
      for (let n = 0; n < 6; n++) {
        const request = { tag: 'request', session: session(), seqno: 99, floor: 99, ordered: false, command: get('x') };
        c.put(0, clientAt(), request as KvMessage);
      }
      c.step();
      for (const packet of c.underWay.splice(0)) c.deliver(packet);
      c.step(1);
      // The acks come in before all requests that wait.
      for (const packet of acksFrom(c)) c.inboxes[0]?.unshift(packet);
      c.underWay.length = 0;
    }
    expect(c.host(1).table.size).toBe(40);
    expect(steps).toBeLessThan(45);
  });

  test('rests once for all recipients: the more there are, the less each gets', () => {
    const c = cluster(3, 12, { delegateRestMs: 5 });
    c.shard(1, '', '0006', 1);
    c.nowMs += 5;
    c.shard(2, '0006', null, 2);
    expect([sent(c, 1), sent(c, 2)]).toEqual([1, 1]);
    for (let n = 0; n < 6; n++) {
      c.nowMs += 5;
      c.step();
    }
    expect([sent(c, 1), sent(c, 2)]).toEqual([4, 4]);
  });

  test('does not rest before the first piece of a move that comes long after another', () => {
    const c = cluster(2, 2, { delegateRestMs: 1000 });
    c.shard(1, '0000', '0001', 1);
    expect(sent(c)).toBe(1);
    c.nowMs += 1000;
    c.shard(2, '0001', null, 1);
    expect(sent(c)).toBe(2);
  });

  test('takes no time of a host without moves', () => {
    const c = cluster(2, 2, { delegateRestMs: 5 });
    expect(c.host().wakeAtMs()).toBe(Infinity);
    c.shard(1, '', null, 1);
    for (let round = 0; round < 10; round++) {
      c.nowMs += 5;
      c.settle();
    }
    expect([c.host().wakeAtMs(), c.host(1).table.size]).toEqual([Infinity, 2]);
    expect(c.host(1).table.get('0001')).toEqual(bytes('v'));
  });
});

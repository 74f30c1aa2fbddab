/** The client as a state machine, against real hosts, on a network that loses, repeats, delays and reorders. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/refinement/random.js';
import { RangeCache } from '../../systems/ironkv/client/range-cache.js';
import type { KvMessage, Message } from '../../systems/ironkv/messages.js';
import { bad, good, increment, World } from './client-world.js';
import { administrator, bytes, clientAt, get, hostAt, set } from './host-cluster.js';

const letters = [...'abcdefgh'];

describe('clients of IronKV on a bad network', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('have each increment executed once while ranges move (seed %i)', (seed) => {
    const world = new World(seed, bad);
    const clients = [world.client(), world.client({ renewMs: 300 }), world.client({ ordered: true })];
    for (const client of clients) for (let n = 0; n < 60; n++) client.ask(increment(letters[n % 8] as string));
    world.run(() => {
      if (!world.random.chance(0.02)) return;
      const [from, to] = [world.random.int(0, 2), world.random.int(0, 2)];
      world.shard(letters[world.random.int(0, 7)] as string, null, from, to);
    });
    for (const client of clients) {
      expect(client.settled).toHaveLength(60);
      expect(new Set(client.settled.map(({ id }) => id)).size).toBe(60);
      expect(client.settled.every(({ settlement }) => settlement.tag === 'outcome')).toBe(true);
    }
    const reader = world.client();
    const reads = letters.map((key) => reader.ask(get(key)));
    world.run();
    expect(reads.reduce((sum, id) => sum + Number(reader.told(id)), 0)).toBe(180);
    expect(world.hosts.hosts.filter((host) => host.counters.requestsRedirected > 0).length).toBeGreaterThan(0);
  });

  it.each([11, 12, 13, 14, 15, 16])('keep the order of an ordered session over hosts (seed %i)', (seed) => {
    const world = new World(seed, bad);
    world.shard('c', 'f', 0, 1);
    world.shard('f', null, 0, 2);
    const client = world.client({ ordered: true, renewMs: seed % 2 === 0 ? 300 : 60_000 });
    const counts = new Map<string, number>();
    const expected: string[] = [];
    const ids: number[] = [];
    for (let n = 0; n < 120; n++) {
      const key = letters[world.random.int(0, 7)] as string;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      ids.push(client.ask(increment(key)));
      expected.push(String(counts.get(key)));
      // A read right behind a write of the same key, with others at other hosts around it.
      if (!world.random.chance(0.3)) continue;
      ids.push(client.ask(get(key)));
      expected.push(String(counts.get(key)));
    }
    world.run(() => {
      if (world.random.chance(0.02)) {
        world.shard(letters[world.random.int(0, 7)] as string, null, world.random.int(0, 2), world.random.int(0, 2));
      }
    });
    expect(ids.map((id) => client.told(id))).toEqual(expected);
  });
});

describe('a client of IronKV', () => {
  it('opens one session for many requests, with one nonce for all tries', () => {
    const world = new World(1, { ...good, lost: 0.6 });
    const client = world.client();
    for (let n = 0; n < 5; n++) client.ask(set('a', String(n)));
    world.run();
    const nonces = client.sent.flatMap(({ message }) => (message.tag === 'open' ? [message.nonce] : []));
    expect(nonces.length).toBeGreaterThan(1);
    expect(new Set(nonces).size).toBe(1);
  });

  it('asks the owner at once after it was told who that is', () => {
    const world = new World(2, good);
    world.shard('m', null, 0, 1);
    for (let ms = 0; ms < 50; ms++) world.tick();
    const client = world.client();
    client.ask(get('z'));
    world.run();
    client.sent.length = 0;
    client.ask(get('n'));
    client.ask(get('a'));
    world.run();
    expect(client.sent.filter(({ message }) => message.tag === 'request').map(({ host }) => host)).toContain(1);
    expect(
      client.sent.filter(({ message }) => message.tag === 'request' && message.command.key[0] === 0x6e),
    ).toHaveLength(1);
  });

  it('gives a request up at its time, says what is known, and is not misled by a late answer', () => {
    const world = new World(3, { ...good, lost: 1 });
    const client = world.client();
    const id = client.ask(set('a', '1'), 500);
    world.run();
    expect(client.settled).toMatchObject([{ id, settlement: { error: { tag: 'Timeout', known: 'not executed' } } }]);
    const other = new World(3, good);
    const asking = other.client();
    asking.ask(set('a', '1'));
    other.run();
    other.faults = { ...good, lost: 1 };
    const late = asking.ask(increment('a'), 300);
    other.run();
    expect(asking.settled.at(-1)).toMatchObject({ id: late, settlement: { error: { known: 'unknown' } } });
  });

  it('in an ordered session gives up what comes behind a request that is given up', () => {
    const world = new World(4, { ...good });
    const client = world.client({ ordered: true });
    client.ask(set('a', '1'));
    world.run();
    world.faults = { ...good, lost: 1 };
    const first = client.ask(increment('b'), 100);
    const second = client.ask(increment('b'), 5000);
    for (let ms = 0; ms < 200; ms++) world.tick();
    expect([client.told(first), client.told(second)]).toEqual(['Timeout', 'OrderLost']);
    world.faults = good;
    const third = client.ask(increment('c'));
    world.run();
    expect(client.told(third)).toBe('1');
    // A session of its own: the old one may still have something under way.
    const sessions = client.sent.flatMap(({ message }) => (message.tag === 'request' ? [message.session.number] : []));
    expect(new Set(sessions).size).toBe(2);
  });

  it('reports a write of an expired session as unknown, and asks a read again in a new one', () => {
    const world = new World(5, good, 1, { sessionsMax: 8 });
    const client = world.client();
    client.ask(set('a', '1'));
    world.run();
    for (let n = 0; n < 40; n++) world.client().ask(set('b', String(n)));
    world.run();
    const [write, read] = [client.ask(increment('a')), client.ask(get('a'))];
    world.run();
    expect(client.told(write)).toBe('SessionExpired');
    expect(client.told(read)).toBe('1');
    const again = client.ask(increment('a'));
    world.run();
    expect(client.told(again)).toBe('2');
  });

  it('believes no stranger, no other session, and no redirect that it did not ask for', () => {
    const world = new World(6, good);
    const client = world.client();
    client.ask(set('a', '1'));
    world.run();
    const asked = client.sent.flatMap(({ message }) =>
      message.tag === 'request' ? [message] : [],
    )[0] as Message<'request'>;
    const id = client.ask(get('a'));
    const reply: KvMessage = {
      tag: 'reply',
      session: asked.session,
      seqno: 1,
      outcome: { tag: 'value', value: bytes('x') },
    };
    const before = client.settled.length;
    client.core.onPacket(clientAt(9), reply, world.nowMs);
    client.core.onPacket(hostAt(0), { ...reply, session: { ...asked.session, nonce: 1 } }, world.nowMs);
    client.core.onPacket(hostAt(0), { ...reply, outcome: { tag: 'done', done: true } }, world.nowMs);
    client.core.onPacket(hostAt(0), { ...reply, seqno: 7 }, world.nowMs);
    expect(client.settled).toHaveLength(before);
    world.run();
    expect(client.told(id)).toBe('1');
  });

  it('throws on a command that no message has room for, and keeps nothing of it', () => {
    const world = new World(8, good);
    const client = world.client({ window: 1 });
    const key = new Uint8Array(65_537);
    for (const by of [0.5, -0]) {
      expect(() => client.ask({ tag: 'increment', key: bytes('a'), by })).toThrow(RangeError);
    }
    expect(() => client.ask({ tag: 'get', key })).toThrow(RangeError);
    expect(client.core.busy).toBe(false);
    const id = client.ask(increment('a'));
    world.run();
    expect(client.told(id)).toBe('1');
  });

  it('keeps to its window, and to the order of its seqnos', () => {
    const world = new World(7, bad);
    const client = world.client({ window: 4 });
    for (let n = 0; n < 40; n++) client.ask(increment('a'));
    world.run();
    for (const { message } of client.sent) {
      if (message.tag === 'request') expect(message.seqno - message.floor).toBeLessThan(4);
    }
    expect(world.hosts.hosts.every(({ counters }) => counters.requestsRefused === 0)).toBe(true);
  });
});

describe('a client of IronKV in the process of a host', () => {
  it('has nothing overtake a read whose reply was lost on its way from another host', () => {
    const world = new World(9, good, 2);
    world.shard('b', 'e', 0, 1);
    world.pass(50);
    const client = world.client({ ordered: true, reliableHost: 0 });
    world.isLost = ({ source, target }) => source === hostAt(1) && target === client.me;
    const [read, write] = [client.ask(get('b')), client.ask(increment('a'))];
    world.pass(20);
    // With this range comes what the other host knows of the session: that the read was executed.
    world.shard('d', 'e', 1, 0);
    // Silence: the read is asked again, at the host beside the client too.
    world.pass(1000);
    expect(client.sent.filter(({ host, message }) => host === 0 && message.tag === 'request').length).toBeGreaterThan(
      3,
    );
    world.shard('b', 'c', 1, 0);
    world.pass(1000);
    world.isLost = () => false;
    world.pass(2000);
    expect([client.told(read), client.told(write)]).toEqual(['null', '1']);
  });

  it.each([31, 32, 33, 34])('keeps the order of its session over hosts (seed %i)', (seed) => {
    const world = new World(seed, bad);
    const ranges = new RangeCache();
    const clients = [0, 1].map(() => world.client({ ordered: true, reliableHost: 0, ranges }));
    const counts = clients.map(() => new Map<string, number>());
    const asked = clients.map((client, i) =>
      Array.from({ length: 100 }, () => {
        const key = `${letters[world.random.int(0, 7)]}${i}`;
        const isRead = world.random.chance(0.3);
        const count = (counts[i]?.get(key) ?? 0) + (isRead ? 0 : 1);
        counts[i]?.set(key, count);
        const expected = isRead && count === 0 ? 'null' : String(count);
        return { id: client.ask(isRead ? get(key) : increment(key)), expected };
      }),
    );
    world.run(() => {
      if (!world.random.chance(0.02)) return;
      const [from, to] = [world.random.int(0, 2), world.random.int(0, 2)];
      world.shard(letters[world.random.int(0, 7)] as string, null, from, to);
    });
    for (const [i, client] of clients.entries()) {
      const all = asked[i] ?? [];
      expect(all.map(({ id }) => client.told(id))).toEqual(all.map(({ expected }) => expected));
    }
  });
});

describe('the ranges that a client knows', () => {
  it('are those told last, wherever they overlap', () => {
    const random = new Random(8);
    const cache = new RangeCache();
    const model = new Map<string, number>();
    for (let n = 0; n < 2000; n++) {
      const [lo, length, host] = [random.int(0, 25), random.int(0, 9), random.int(0, 4)];
      const hi = lo + length > 25 ? null : String.fromCharCode(97 + lo + length);
      cache.learn(String.fromCharCode(97 + lo), hi, host);
      for (let i = lo; i < (hi === null ? 26 : lo + length); i++) model.set(String.fromCharCode(97 + i), host);
      for (let i = 0; i < 26; i++) {
        const key = String.fromCharCode(97 + i);
        expect(cache.hostOf(key)).toBe(model.get(key));
      }
    }
    expect(cache.size).toBeLessThanOrEqual(26);
  });
});

describe('a client whose session is not known where it writes', () => {
  it('is answered once its session is announced there (seeds 21 to 25)', () => {
    let ignored = 0;
    for (const seed of [21, 22, 23, 24, 25]) {
      const world = new World(seed, bad, 3, { sessionsAnnounced: 1 });
      const clients = [world.client({ renewMs: 20 }), world.client({ renewMs: 20, ordered: true })];
      const ids = clients.map((client) => Array.from({ length: 40 }, () => client.ask(increment('a'))));
      world.run();
      const told = clients.flatMap((client, i) => (ids[i] ?? []).map((id) => Number(client.told(id))));
      expect(told.sort((x, y) => x - y)).toEqual(Array.from({ length: 80 }, (_, n) => n + 1));
      for (const { counters } of world.hosts.hosts) ignored += counters.requestsUnannounced;
    }
    expect(ignored).toBeGreaterThan(0);
  });

  it('loses its session to an attack once, and gets another one that serves', () => {
    const sessionsAnnounced = 1 << 20;
    const world = new World(3, good, 2, { sessionsAnnounced, sessionsMax: 8 });
    const victims = [0.1, 0.9].map((first) => world.client({ random: () => first }));
    const askAll = (): (string | undefined)[] => {
      const ids = victims.map((victim) => victim.ask(increment('a')));
      world.run();
      return victims.map((victim, i) => victim.told(ids[i] as number));
    };
    expect(askAll().sort()).toEqual(['1', '2']);
    for (const opener of [0, 1]) {
      for (let nonce = 0; nonce < 12; nonce++) {
        const session = { number: (sessionsAnnounced - 1) * 256 + opener, nonce };
        world.hosts.request(get('a'), { of: session, ordered: true, source: administrator });
      }
    }
    for (let ms = 0; ms < 20; ms++) world.tick();
    expect(askAll()).toEqual(['SessionExpired', 'SessionExpired']);
    expect(askAll().sort()).toEqual(['3', '4']);
    expect(victims.map(({ sent }) => sent.filter(({ message }) => message.tag === 'open').length)).toEqual([2, 2]);
  });
});

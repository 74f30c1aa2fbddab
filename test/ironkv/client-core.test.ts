/** The client as a state machine, against real hosts, on a network that loses, repeats, delays and reorders. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/refinement/random.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
import { RangeCache } from '../../systems/ironkv/client/range-cache.js';
import { ClientCore, type ClientCoreOptions, type Settlement } from '../../systems/ironkv/client.js';
import type { Command } from '../../systems/ironkv/commands.js';
import type { KvMessage, Message } from '../../systems/ironkv/messages.js';
import { administrator, bytes, clientAt, get, HostCluster, hostAt, overTheWire, set, textOf } from './host-cluster.js';

interface Faults {
  readonly lost: number;
  readonly repeated: number;
  readonly delayMsMax: number;
}

/** Hosts and clients under one virtual clock. */
class World {
  readonly hosts: HostCluster;
  readonly clients: Client[] = [];
  readonly random: Random;
  faults: Faults;
  readonly #underWay: { readonly atMs: number; readonly packet: Packet<KvMessage> }[] = [];
  #orders = 0;

  constructor(seed: number, faults: Faults, hosts = 3, parameters: Readonly<Record<string, number>> = {}) {
    this.hosts = new HostCluster(hosts, { delegateKeysMax: 1, ...parameters });
    this.random = new Random(seed);
    this.faults = faults;
  }

  get nowMs(): number {
    return this.hosts.nowMs;
  }

  client(options: Partial<ClientCoreOptions> = {}): Client {
    const client = new Client(this, this.clients.length, options);
    this.clients.push(client);
    return client;
  }

  carry(packet: Packet<KvMessage>): void {
    const copies = this.random.chance(this.faults.lost) ? 0 : this.random.chance(this.faults.repeated) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const atMs = this.nowMs + 1 + this.random.int(0, this.faults.delayMsMax - 1);
      this.#underWay.push({ atMs, packet });
    }
  }

  /** Orders a move; a refusal is no matter. */
  shard(lo: string, hi: string | null, from: number, to: number): void {
    this.hosts.put(from, administrator, {
      ...{ tag: 'shard', seqno: ++this.#orders, recipient: hostAt(to) },
      ...{ lo: bytes(lo), hi: hi === null ? null : bytes(hi) },
    });
  }

  /** One millisecond. */
  tick(): void {
    this.hosts.nowMs++;
    const due = this.#underWay.filter(({ atMs }) => atMs <= this.nowMs);
    for (const arrived of due) {
      this.#underWay.splice(this.#underWay.indexOf(arrived), 1);
      const client = this.clients.find(({ me }) => me === arrived.packet.target);
      if (client !== undefined) client.core.onPacket(arrived.packet.source, arrived.packet.message, this.nowMs);
      else if (this.hosts.hosts.some((_, i) => hostAt(i) === arrived.packet.target)) this.hosts.deliver(arrived.packet);
    }
    for (const [i, host] of this.hosts.hosts.entries()) {
      if ((this.hosts.inboxes[i]?.length ?? 0) > 0 || host.wakeAtMs() <= this.nowMs) this.hosts.step(i);
    }
    for (const packet of [...this.hosts.underWay.splice(0), ...this.hosts.answers.splice(0)]) this.carry(packet);
    for (const { core } of this.clients) if (core.wakeAtMs <= this.nowMs) core.onTime(this.nowMs);
  }

  /** Goes on until no client waits for anything. */
  run(eachMs: () => void = () => undefined): void {
    for (let ms = 0; this.clients.some(({ core }) => core.busy); ms++) {
      if (ms > 300_000) throw new Error('a client is not answered');
      eachMs();
      this.tick();
    }
  }
}

class Client {
  readonly me: EndPoint;
  readonly core: ClientCore;
  readonly sent: { readonly host: number; readonly message: KvMessage }[] = [];
  readonly settled: { readonly id: number; readonly settlement: Settlement }[] = [];
  readonly #world: World;

  constructor(world: World, index: number, options: Partial<ClientCoreOptions>) {
    this.#world = world;
    this.me = clientAt(index);
    this.core = new ClientCore(
      {
        ...{ hosts: world.hosts.configuration.hosts, ordered: false, window: 16, renewMs: 60_000 },
        ...{ retryMs: 20, retryMsMax: 200 },
        random: () => world.random.next(),
        nonce: () => world.random.int(0, 2 ** 31),
        ...options,
      },
      {
        send: (host, message) => {
          this.sent.push({ host, message });
          world.carry({ source: this.me, target: hostAt(host), message: overTheWire(message) });
          return true;
        },
        settled: (id, settlement) => this.settled.push({ id, settlement }),
      },
    );
  }

  ask(command: Command, timeoutMs = Infinity): number {
    return this.core.request(this.#world.nowMs, command, timeoutMs);
  }

  /** What the request `id` came to, in short. */
  told(id: number): string | undefined {
    const settlement = this.settled.find((s) => s.id === id)?.settlement;
    if (settlement === undefined) return undefined;
    if (settlement.tag === 'failed') return settlement.error.tag;
    const { outcome } = settlement;
    if (outcome.tag === 'value') return outcome.value === null ? 'null' : textOf(outcome.value);
    return String(outcome.tag === 'number' ? outcome.number : outcome.tag === 'done' ? outcome.done : outcome.tag);
  }
}

const bad: Faults = { lost: 0.15, repeated: 0.15, delayMsMax: 30 };
const good: Faults = { lost: 0, repeated: 0, delayMsMax: 2 };
const increment = (key: string): Command => ({ tag: 'increment', key: bytes(key), by: 1 });
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
  it.each([21, 22, 23])('is answered once its session is announced there (seed %i)', (seed) => {
    const world = new World(seed, bad, 3, { sessionsAnnounced: 1 });
    const clients = [world.client({ renewMs: 20 }), world.client({ renewMs: 20, ordered: true })];
    const ids = clients.map((client) => Array.from({ length: 40 }, () => client.ask(increment('a'))));
    world.run();
    const told = clients.flatMap((client, i) => (ids[i] ?? []).map((id) => Number(client.told(id))));
    expect(told.sort((a, b) => a - b)).toEqual(Array.from({ length: 80 }, (_, n) => n + 1));
    const ignored = world.hosts.hosts.map(({ counters }) => counters.requestsUnannounced);
    expect(Math.max(...ignored)).toBeGreaterThan(0);
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

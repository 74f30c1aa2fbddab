import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Packet } from '../../src/spec/packet.js';
import type { Body, KvMessage, Message } from '../../systems/ironkv/messages.js';
import { administrator, bytes, clientAt, HostCluster, hostAt, session, textOf } from './host-cluster.js';

/** What happens next in a run. Numbers pick among what there is. */
type Event =
  | { readonly tag: 'ask' | 'deliver' | 'duplicate' | 'drop' | 'wait'; readonly pick: number }
  | { readonly tag: 'shard'; readonly pick: number; readonly lo: number; readonly length: number; readonly to: number };

const pick = fc.nat(1000);
const anEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ tag: fc.constant('ask' as const), pick }) },
  { weight: 12, arbitrary: fc.record({ tag: fc.constant('deliver' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ tag: fc.constantFrom('duplicate' as const, 'drop' as const), pick }) },
  { weight: 3, arbitrary: fc.record({ tag: fc.constant('wait' as const), pick }) },
  {
    weight: 3,
    arbitrary: fc.record({
      tag: fc.constant('shard' as const),
      pick,
      lo: fc.nat(7),
      length: fc.nat(4),
      to: fc.nat(2),
    }),
  },
);

const keys = [...'abcdefgh'];
const clients = 3;

/** As README.md, "Messages", says. */
const sizeOf = (body: Body): number => {
  if (body.tag === 'announce') return 0;
  const pairs = body.tag === 'delegate' ? body.pairs : [];
  const told = body.sessions.reduce((sum, { records }) => sum + 16 + 16 * records.length, 0);
  return pairs.reduce((sum, { key, value }) => sum + key.length + value.length + 16, told);
};

/** Three hosts on a network that loses, repeats and reorders; clients that increment keys, and send again what is unanswered. */
class Run {
  readonly cluster = new HostCluster(3, {
    delegateKeysMax: 1,
    deliveriesMax: 2,
    deliveryBytesMax: 60,
    deliveryBytesPerMs: 4,
    sessionsPerMessageMax: 2,
    sessionWindowMax: 8,
    resendMax: 1,
  });
  /** By client: the key of each seqno, and the seqnos without an answer. */
  readonly #asked: string[][] = Array.from({ length: clients }, () => []);
  readonly #open: Set<number>[] = Array.from({ length: clients }, () => new Set<number>());
  readonly #answers = new Map<string, string>();
  #orders = 0;
  /** How often a piece waited for an ack although fewer bodies were unacked than may be. */
  heldBack = 0;

  act(event: Event): void {
    const { underWay } = this.cluster;
    const i = event.pick % Math.max(1, underWay.length);
    switch (event.tag) {
      case 'ask':
        this.ask(event.pick % clients, Math.floor(event.pick / clients));
        break;
      case 'shard':
        this.shard(event);
        break;
      case 'wait':
        this.cluster.nowMs += event.pick % 120;
        this.step(event.pick % 3);
        break;
      case 'drop':
        underWay.splice(i, 1);
        break;
      default:
        if (underWay.length > 0) this.deliver(i, event.tag === 'duplicate');
    }
    this.everyKeyIsInOnePlace();
    this.fewBytesAreUnacked();
  }

  /** A new request or an old one again, of one client to some host. */
  ask(client: number, choice: number): void {
    const asked = this.#asked[client] as string[];
    const open = this.#open[client] as Set<number>;
    const floor = open.size === 0 ? asked.length : Math.min(...open);
    const again = [...open][choice % Math.max(1, open.size)];
    let seqno = again;
    if (seqno === undefined || (choice % 2 === 0 && asked.length < floor + 8)) {
      seqno = asked.push(keys[choice % keys.length] as string) - 1;
      open.add(seqno);
    }
    this.cluster.put(choice % 3, clientAt(client), {
      tag: 'request',
      session: session(client),
      seqno,
      floor: Math.min(floor, seqno),
      ordered: false,
      command: { tag: 'increment', key: bytes(asked[seqno] as string), by: 1 },
    });
    this.step(choice % 3);
  }

  shard({ pick: from, lo, length, to }: Extract<Event, { tag: 'shard' }>): void {
    const hi = keys[lo + length];
    const bounds = { lo: bytes(keys[lo] as string), hi: hi === undefined ? null : bytes(hi) };
    const shard = { tag: 'shard', seqno: this.#orders++, ...bounds, recipient: hostAt(to) } as const;
    this.cluster.put(from % 3, administrator, shard);
    this.step(from % 3);
  }

  deliver(i: number, again: boolean): void {
    const { underWay } = this.cluster;
    const packet = underWay[i] as Packet<KvMessage>;
    if (!again) underWay.splice(i, 1);
    this.cluster.deliver(packet);
    this.step([0, 1, 2].findIndex((host) => hostAt(host) === packet.target));
  }

  step(host: number): void {
    this.cluster.step(host);
    for (const { target, message } of this.cluster.answers.splice(0)) {
      if (message.tag === 'reply') this.#onReply(target, message);
    }
  }

  #onReply(target: string, { seqno, outcome }: Message<'reply'>): void {
    const client = [0, 1, 2].findIndex((c) => clientAt(c) === target);
    const name = `${client}/${seqno}`;
    const answer = JSON.stringify(outcome);
    // Whoever answers a write, however often: it is the outcome of its one execution.
    expect(this.#answers.get(name) ?? answer).toBe(answer);
    this.#answers.set(name, answer);
    this.#open[client]?.delete(seqno);
  }

  /** Each key is owned by one host, or in one delegate that its recipient has not accepted, and only owners hold values. */
  everyKeyIsInOnePlace(): void {
    const { hosts } = this.cluster;
    const owns = (i: number, key: string): boolean =>
      this.cluster
        .host(i)
        .map.entries()
        .findLast((e) => e.lo <= key)?.host === i;
    for (const key of ['', ...keys, 'zz']) {
      let places = 0;
      for (const [i, host] of hosts.entries()) {
        if (owns(i, key)) places++;
        for (const [to, { acked, unacked }] of host.peers) {
          const received = this.cluster.host(to).peers.get(i)?.received ?? 0;
          for (const body of unacked.slice(received - acked)) {
            if (body.tag !== 'delegate' || key < textOf(body.lo)) continue;
            if (body.hi === null || key < textOf(body.hi)) places++;
          }
        }
      }
      expect(`${key}: ${places}`).toBe(`${key}: 1`);
    }
    for (const [i, host] of hosts.entries()) for (const key of host.table.keys()) expect(owns(i, key)).toBe(true);
  }

  /** What is unacked leaves room for the last piece of it. */
  fewBytesAreUnacked(): void {
    for (const { peers, moves } of this.cluster.hosts) {
      for (const [to, { unacked, unackedBytes }] of peers) {
        const sizes = unacked.map(sizeOf);
        expect(unackedBytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
        expect(unackedBytes - (sizes.findLast((size) => size > 0) ?? 0)).toBeLessThan(60);
        if (unackedBytes < 60 || unacked.length > 1) continue;
        if (moves.some(({ recipient, last }) => recipient === to && last === null)) this.heldBack++;
      }
    }
  }

  /** The network heals: every move ends and every request is answered. */
  heal(): void {
    for (let round = 0; round < 200; round++) {
      while (this.cluster.underWay.length > 0) this.deliver(0, false);
      this.cluster.nowMs += 2000;
      for (const host of [0, 1, 2]) this.step(host);
    }
    expect(this.cluster.hosts.flatMap((h) => [...h.moves])).toEqual([]);
    for (const [client, open] of this.#open.entries()) {
      for (const host of [0, 1, 2]) for (const seqno of [...open]) this.#retry(client, seqno, host);
      expect(open.size).toBe(0);
    }
    this.everyKeyIsInOnePlace();
  }

  #retry(client: number, seqno: number, host: number): void {
    const floor = Math.min(...(this.#open[client] as Set<number>));
    const key = bytes(this.#asked[client]?.[seqno] as string);
    const command = { tag: 'increment', key, by: 1 } as const;
    const request = { tag: 'request', session: session(client), seqno, floor, ordered: false, command } as const;
    this.cluster.put(host, clientAt(client), request);
    this.step(host);
  }

  /** Each request counted once, wherever its key was at each try. */
  totalsAreRight(): void {
    const totals: Record<string, number> = {};
    for (const key of this.#asked.flat()) totals[key] = (totals[key] ?? 0) + 1;
    const stored: Record<string, number> = {};
    for (const host of this.cluster.hosts) for (const [key, v] of host.table) stored[key] = Number(textOf(v));
    expect(stored).toEqual(totals);
  }
}

describe('hosts on a network that loses, repeats and reorders', () => {
  test('keep each key in one place, lose none, and count each request once', () => {
    const reached = { moved: 0, resent: 0, heldBack: 0 };
    fc.assert(
      fc.property(fc.array(anEvent, { minLength: 40, maxLength: 120, size: 'max' }), (events) => {
        const run = new Run();
        for (const event of events) run.act(event);
        run.heal();
        run.totalsAreRight();
        reached.heldBack += run.heldBack;
        for (const host of run.cluster.hosts) {
          for (const peer of host.peers.values()) {
            if (peer.sent > 0) reached.moved++;
            if (peer.waitMs > 50) reached.resent++;
          }
        }
      }),
      { numRuns: 60 },
    );
    expect(reached.moved).toBeGreaterThan(0);
    expect(reached.resent).toBeGreaterThan(0);
    expect(reached.heldBack).toBeGreaterThan(0);
  });

  test('move many keys while requests to keys that stay are answered in every step', () => {
    const cluster = new HostCluster(2);
    const count = 2000;
    const name = (n: number): string => `m${String(n).padStart(5, '0')}`;
    for (let n = 0; n < count; n++) {
      const command = { tag: 'set', key: bytes(name(n)), value: bytes(name(n)), when: 'always' } as const;
      cluster.put(0, clientAt(), { tag: 'request', session: session(), seqno: n, floor: n, ordered: false, command });
    }
    while ((cluster.inboxes[0]?.length ?? 0) > 0) cluster.step();
    cluster.shard(1, 'm', 'n', 1);
    let steps = 0;
    while (cluster.host().moves.length > 0) {
      for (const packet of cluster.underWay.splice(0)) cluster.deliver(packet);
      const staying = { tag: 'get', key: bytes('a') } as const;
      expect(cluster.request(staying)?.tag).toBe('reply');
      cluster.step(1);
      steps++;
    }
    expect(steps).toBeGreaterThanOrEqual(Math.floor(count / 256));
    expect([cluster.host().table.size, cluster.host(1).table.size]).toEqual([0, count]);
  });
});

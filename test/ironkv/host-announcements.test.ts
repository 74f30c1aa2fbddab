/** Hosts of IronKV take sessions that were announced, and openers go on above what expired (README.md, "A session is announced before it is used"). */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Body, KvMessage, Session } from '../../systems/ironkv/messages.js';
import { administrator, bytes, clientAt, get, HostCluster, hostAt, set, short, stateOf } from './host-cluster.js';

const increment = { tag: 'increment', key: bytes('n'), by: 1 } as const;

/** A session by its opener and count. */
const of = (opener: number, count: number, nonce = 7): Session => ({ number: count * 256 + opener, nonce });

const open = (cluster: HostCluster, host = 0): Session | undefined => {
  const [answer] = cluster.ask({ tag: 'open', nonce: 7 }, { host });
  return answer?.tag === 'opened' ? answer.session : undefined;
};

/** What a request changed, beside its answer. */
const changes = (cluster: HostCluster, act: () => unknown): string[] => {
  const before = stateOf(cluster.host());
  act();
  const after = stateOf(cluster.host());
  return [...new Set([...before.keys(), ...after.keys()])].filter((name) => before.get(name) !== after.get(name));
};

/** Stores so many sessions with one number at the first host that it lets some expire. */
const flood = (cluster: HostCluster, session: Session): void => {
  const { sessionsMax } = cluster.configuration.parameters;
  for (let nonce = 0; nonce <= sessionsMax; nonce++)
    cluster.request(get('n'), { of: { ...session, nonce }, ordered: true });
};

describe('a session that is not announced', () => {
  test.each([
    ['a write', increment, false],
    ['an ordered write', increment, true],
    ['an ordered read', get('n'), true],
  ])('is ignored with %s, and counted; the last one announced is not', (_, command, ordered) => {
    const cluster = new HostCluster(2, { sessionsAnnounced: 8 });
    for (const opener of [0, 1]) {
      const act = (): void => expect(cluster.request(command, { of: of(opener, 8), ordered })).toBeUndefined();
      expect(changes(cluster, act)).toEqual([]);
      expect(cluster.request(command, { of: of(opener, 7), ordered })?.tag).toBe('reply');
    }
    expect(cluster.host().counters).toMatchObject({ requestsUnannounced: 2, requestsRefused: 0 });
  });

  test('does not matter to an unordered read, to the rules before, and to who is no owner', () => {
    const cluster = new HostCluster(2, { sessionsAnnounced: 8 });
    const invented = of(1, 2 ** 43);
    expect(short(cluster.request(get('n'), { of: invented }))).toBe('value null');
    expect(short(cluster.request(increment, { of: invented, seqno: 0, floor: 1 }))).toBe('refused OUT_OF_WINDOW');
    expect(short(cluster.request(increment, { of: invented, host: 1 }))).toBe('redirect  null 0');
    expect(short(cluster.request(increment, { of: of(2, 2 ** 43) }))).toBe('refused SESSION_EXPIRED');
    expect(cluster.host().counters.requestsUnannounced).toBe(0);
  });

  test('is taken where a peer has told of it, and its siblings are not', () => {
    const cluster = new HostCluster(3, { sessionsAnnounced: 4 });
    const [early, other] = [of(2, 5), of(2, 5, 8)];
    const announcement: Body = { tag: 'announce', bound: 9, horizon: 0 };
    cluster.ask({ tag: 'deliver', seqno: 1, body: announcement }, { source: hostAt(2) });
    expect(short(cluster.request(increment, { of: early }))).toBe('number 1');
    cluster.shard(1, '', null, 1);
    cluster.settle();
    expect(cluster.host(1).bounds).toEqual([4, 4, 4]);
    expect(short(cluster.request(increment, { of: early, host: 1 }))).toBe('number 1');
    expect(short(cluster.request(increment, { of: early, seqno: 1, host: 1 }))).toBe('number 2');
    expect(short(cluster.request(increment, { of: other, host: 1 }))).toBe('nothing');
  });
});

describe('an opener', () => {
  test('announces the next block to each peer while half a block is left', () => {
    const cluster = new HostCluster(3, { sessionsAnnounced: 8 });
    for (let count = 0; count < 4; count++) expect(open(cluster, 1)).toEqual(of(1, count));
    expect([cluster.host(1).bounds[1], cluster.underWay.length]).toEqual([8, 0]);
    cluster.put(1, clientAt(), { tag: 'open', nonce: 7 });
    const io = cluster.step(1);
    expect(io.actions.slice(1)).toEqual([
      { action: 'announce', peer: 0 },
      { action: 'announce', peer: 2 },
    ]);
    cluster.settle();
    expect(cluster.hosts.map(({ bounds }) => bounds)).toEqual([1, 2, 3].map(() => [8, 12, 8]));
    expect([...cluster.host(1).peers.values()].map((p) => [p.announced, p.unacked.length])).toEqual([
      [12, 0],
      [12, 0],
    ]);
  });

  test('that is alone opens for ever', () => {
    const cluster = new HostCluster(1, { sessionsAnnounced: 1 });
    for (let count = 0; count < 10; count++) {
      expect(open(cluster)).toEqual(of(0, count));
      expect(short(cluster.request(set('k', 'v'), { of: of(0, count) }))).toBe('done true');
    }
  });

  test('goes on for others while a peer does not answer, and tells that one the last bound in the end', () => {
    const cluster = new HostCluster(3, { sessionsAnnounced: 2, deliveriesMax: 1 });
    const silent = hostAt(2);
    const opened: (Session | undefined)[] = [];
    for (let count = 0; count < 10; count++) {
      opened.push(open(cluster, 1));
      const forOthers = cluster.underWay.filter(({ target }) => target !== silent);
      cluster.underWay.splice(0);
      for (const packet of forOthers) cluster.deliver(packet);
      for (const host of [0, 1]) cluster.step(host);
      for (const packet of cluster.underWay.splice(0)) if (packet.target !== silent) cluster.deliver(packet);
      cluster.step(1);
    }
    expect(opened).toEqual(opened.map((_, count) => of(1, count)));
    expect(cluster.host(1).peers.get(2)?.unacked.length).toBe(1);
    const bound = cluster.host(1).bounds[1] as number;
    expect(cluster.host().bounds[1]).toBe(bound);
    for (let i = 0; i < 4; i++) {
      cluster.nowMs += 2000;
      for (const host of [0, 1, 2]) cluster.step(host);
      cluster.settle();
    }
    expect(cluster.host(2).bounds[1]).toBe(bound);
  });

  test('never gives out a number twice, nor one that it knows to be expired (any order of opens and warnings)', () => {
    const event = fc.oneof(fc.constant('open' as const), fc.nat(40 * 256));
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), fc.integer({ min: 1, max: 5 }), (events, sessionsAnnounced) => {
        const cluster = new HostCluster(2, { sessionsAnnounced });
        let [last, seqno] = [-1, 0];
        for (const e of events) {
          if (e === 'open') {
            const { number } = open(cluster) as Session;
            expect(number % 256).toBe(0);
            expect(number).toBeGreaterThan(last);
            expect(number).toBeGreaterThanOrEqual(cluster.host().horizons[0] as number);
            expect(number / 256).toBeLessThan(cluster.host().bounds[0] as number);
            last = number;
          } else {
            const body: Body = { tag: 'announce', bound: 0, horizon: e };
            cluster.ask({ tag: 'deliver', seqno: ++seqno, body }, { source: hostAt(1) });
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  test('does not skip a number that is not expired', () => {
    const cluster = new HostCluster(2);
    const warned = (seqno: number, horizon: number): void => {
      const body: Body = { tag: 'announce', bound: 0, horizon };
      cluster.ask({ tag: 'deliver', seqno, body }, { host: 1, source: hostAt(0) });
    };
    warned(1, 3 * 256 + 1);
    expect(open(cluster, 1)).toEqual(of(1, 3));
    warned(2, 5 * 256 + 2);
    expect(open(cluster, 1)).toEqual(of(1, 6));
  });

  test('whose numbers are used up answers no more, and does not fail', () => {
    const cluster = new HostCluster(2);
    const body: Body = { tag: 'announce', bound: 0, horizon: Number.MAX_SAFE_INTEGER };
    cluster.ask({ tag: 'deliver', seqno: 1, body }, { source: hostAt(1) });
    expect(changes(cluster, () => expect(open(cluster)).toBeUndefined())).toEqual([]);
  });
});

describe('invented sessions', () => {
  test('expire what was announced, and nothing that is opened later', () => {
    const cluster = new HostCluster(3, { sessionsAnnounced: 16, sessionsMax: 8 });
    flood(cluster, of(1, 15));
    expect(cluster.host().horizons[1]).toBe(15 * 256 + 1 + 1);
    // Before the opener has heard of it, what it gives out is of no use there.
    expect(short(cluster.request(increment, { of: open(cluster, 1) as Session }))).toBe('refused SESSION_EXPIRED');
    cluster.settle();
    expect(open(cluster, 1)).toEqual(of(1, 16));
    cluster.settle();
    expect(short(cluster.request(increment, { of: of(1, 16) }))).toBe('number 1');
    flood(cluster, of(1, 2 ** 43));
    expect(cluster.host().counters.requestsUnannounced).toBe(9);
    expect(cluster.host().horizons[1]).toBe(15 * 256 + 1 + 1);
  });

  test('may be repeated, block by block, and each time the opener goes on', () => {
    const cluster = new HostCluster(2, { sessionsAnnounced: 4, sessionsMax: 8 });
    for (let round = 0; round < 5; round++) {
      flood(cluster, of(1, (cluster.host().bounds[1] as number) - 1));
      cluster.settle();
      const session = open(cluster, 1) as Session;
      cluster.settle();
      expect(short(cluster.request(increment, { of: session }))).toBe(`number ${round + 1}`);
    }
  });

  test('warn their opener once, and again when the horizon has grown', () => {
    const cluster = new HostCluster(2, { sessionsMax: 8 });
    const warnings = (): Body[] =>
      cluster.underWay.flatMap(({ message }) => (message.tag === 'deliver' ? [message.body] : []));
    flood(cluster, of(1, 100));
    expect(warnings()).toEqual([{ tag: 'announce', bound: 4096, horizon: 100 * 256 + 2 }]);
    cluster.settle();
    cluster.step();
    expect(warnings()).toEqual([]);
    flood(cluster, of(1, 200));
    expect(warnings()).toEqual([{ tag: 'announce', bound: 4096, horizon: 200 * 256 + 2 }]);
  });
});

describe('an announcement', () => {
  test('comes from peers alone: one of anyone else is counted as a stranger', () => {
    const cluster = new HostCluster(2);
    const deliver: KvMessage = { tag: 'deliver', seqno: 1, body: { tag: 'announce', bound: 9999, horizon: 9 } };
    for (const source of [clientAt(), administrator]) cluster.ask(deliver, { source });
    expect([cluster.host().counters.strangers, cluster.host().bounds]).toEqual([2, [4096, 4096]]);
  });
});

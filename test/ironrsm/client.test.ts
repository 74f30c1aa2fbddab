import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { kv } from '../../systems/ironrsm/applications/kv.js';
import { ClientSession, KvClient, type Outcome, type Requester, RsmClient } from '../../systems/ironrsm/client.js';
import type { Message } from '../../systems/ironrsm/messages.js';

const replicas = [endPoint('127.0.0.1:7001'), endPoint('127.0.0.1:7002'), endPoint('127.0.0.1:7003')] as const;
const value = Buffer.from('value');

/** A session under virtual time, with what it sent and how its requests ended. */
const session = (random = 0.5) => {
  const sent: { readonly targets: readonly string[]; readonly message: Message<'request'> }[] = [];
  const outcomes: Outcome[] = [];
  const options = { replicas, retryMs: 100, retryMsMax: 400, seqnoFirst: 1000, random: () => random };
  const client = new ClientSession(options, {
    send: (targets, message) => sent.push({ targets, message }),
    settled: (outcome) => outcomes.push(outcome),
  });
  return { client, sent, outcomes };
};

const reply = (seqno: number): Message<'reply'> => ({ tag: 'reply', seqno, value });

describe("a client's session", () => {
  it('asks all replicas while it knows no leader, and then the one that answered', () => {
    const { client, sent, outcomes } = session();
    client.request(0, value, 5000);
    expect(sent[0]?.targets).toEqual(replicas);
    client.onPacket(replicas[1], reply(1000));
    expect(outcomes).toEqual([{ tag: 'reply', value }]);
    client.request(10, value, 5000);
    expect(sent[1]).toEqual({ targets: [replicas[1]], message: { tag: 'request', seqno: 1001, value } });
  });

  it('asks all replicas where the leader does not answer, with growing waits and the same seqno', () => {
    const { client, sent } = session();
    client.request(0, value, 5000);
    client.onPacket(replicas[0], reply(1000));
    client.request(0, value, 5000);
    const times: number[] = [];
    for (let i = 0; i < 6; i++) {
      times.push(client.wakeAtMs);
      client.onTime(client.wakeAtMs);
    }
    expect(times).toEqual([100, 250, 475, 813, 1213, 1613]);
    for (const again of sent.slice(2)) {
      expect(again.targets).toEqual(replicas);
      expect(again.message.seqno).toBe(1001);
    }
  });

  it('spreads its retries', () => {
    const wake = (random: number): number => {
      const { client } = session(random);
      client.request(0, value, 5000);
      return client.wakeAtMs;
    };
    expect([wake(0), wake(1)]).toEqual([75, 125]);
  });

  it('reports an unknown outcome at its deadline, and forgets the leader', () => {
    const { client, sent, outcomes } = session();
    client.request(0, value, 5000);
    client.onPacket(replicas[2], reply(1000));
    client.request(0, value, 250);
    client.onTime(249);
    expect(client.busy).toBe(true);
    client.onTime(250);
    expect(outcomes[1]).toMatchObject({ tag: 'failed', error: { tag: 'Timeout', timeoutMs: 250 } });
    client.request(300, value, 5000);
    expect(sent.at(-1)?.targets).toEqual(replicas);
  });

  it('ignores replies to earlier requests, from strangers, and of other kinds', () => {
    const { client, outcomes } = session();
    client.request(0, value, 100);
    client.onTime(100);
    client.request(100, value, 5000);
    client.onPacket(replicas[0], reply(1000));
    client.onPacket(endPoint('127.0.0.1:9'), reply(1001));
    client.onPacket(replicas[0], { tag: 'appStateRequest', opn: 1001 });
    expect(client.busy).toBe(true);
    expect(outcomes).toHaveLength(1);
  });

  it('names a request that the replicas refuse', () => {
    const { client, outcomes } = session();
    client.request(0, value, 5000);
    client.onPacket(replicas[0], { tag: 'refused', seqno: 1000, reason: 'REQUEST_TOO_LARGE' });
    expect(outcomes[0]).toMatchObject({ tag: 'failed', error: { tag: 'TooLarge' } });
    expect(JSON.stringify(outcomes[0])).toContain('REQUEST_TOO_LARGE');
  });

  it('has one request outstanding', () => {
    const { client } = session();
    client.request(0, value, 5000);
    expect(() => client.request(0, value, 5000)).toThrow('one request');
  });

  it('fails what is outstanding when it is closed, and nothing otherwise', () => {
    const { client, outcomes } = session();
    client.close();
    client.request(0, value, 5000);
    client.close();
    expect(outcomes).toMatchObject([{ tag: 'failed', error: { tag: 'Closed' } }]);
  });

  it('settles every request once, and never reuses a seqno, whatever happens', () => {
    const events = fc.array(
      fc.oneof(
        fc.record({ tag: fc.constant('request' as const) }),
        fc.record({ tag: fc.constant('time' as const), ms: fc.integer({ min: 0, max: 400 }) }),
        fc.record({ tag: fc.constant('reply' as const), back: fc.integer({ min: 0, max: 2 }), from: fc.nat(2) }),
      ),
    );
    fc.assert(
      fc.property(events, (steps) => {
        const { client, sent, outcomes } = session();
        let now = 0;
        let requests = 0;
        for (const step of steps) {
          if (step.tag === 'request' && !client.busy) {
            client.request(now, value, 1000);
            requests++;
          } else if (step.tag === 'time') {
            now += step.ms;
            client.onTime(now);
          } else if (step.tag === 'reply') {
            client.onPacket(replicas[step.from] ?? replicas[0], reply(999 + requests - step.back));
          }
          expect(outcomes.length).toBe(requests - (client.busy ? 1 : 0));
        }
        const seqnos = [...new Set(sent.map((s) => s.message.seqno))];
        expect(seqnos).toEqual(Array.from({ length: requests }, (_, i) => 1000 + i));
      }),
    );
  });
});

/** A service in this process: the key-value application itself. */
const localService = (): Requester => {
  let state = kv.initial;
  return {
    request: async (request) => {
      const applied = kv.apply(state, request);
      state = applied.state;
      return E.right(applied.reply);
    },
  };
};

describe('the key-value client', () => {
  it('speaks every operation', async () => {
    const client = new KvClient(localService());
    const key = Buffer.from('k');
    expect(await client.get(key)).toEqual(E.right(null));
    expect(await client.set(key, Buffer.from('1'))).toEqual(E.right(undefined));
    expect(await client.incr(key)).toEqual(E.right(2));
    expect(await client.cas(key, Buffer.from('1'), Buffer.from('x'))).toEqual(E.right(false));
    expect(await client.cas(key, Buffer.from('2'), Buffer.from('x'))).toEqual(E.right(true));
    expect(await client.incr(key)).toMatchObject(E.left({ tag: 'Application', error: 'NOT_AN_INTEGER' }));
    expect(await client.del(key)).toEqual(E.right(true));
    expect(await client.cas(key, null, Buffer.from('y'))).toEqual(E.right(true));
  });

  it('refuses a key above its bound without asking', async () => {
    const client = new KvClient({ request: () => Promise.reject(new Error('was asked')) });
    expect(await client.get(new Uint8Array(5000))).toMatchObject(E.left({ tag: 'TooLarge' }));
  });

  it('names a reply that is none of its application', async () => {
    // The counter's reply.
    const client = new KvClient({ request: async () => E.right(new Uint8Array(8)) });
    expect(await client.get(new Uint8Array(1))).toMatchObject(E.left({ error: 'UNREADABLE_REPLY' }));
  });
});

describe('a client on a socket', () => {
  const open = async (): Promise<RsmClient> => {
    const client = await RsmClient.open({ cluster: 'none', replicas: [endPoint('127.0.0.1:9')], requestBytesMax: 100 });
    if (E.isLeft(client)) throw new Error(client.left);
    return client.right;
  };

  it('times out one after the other where nobody answers', async () => {
    const client = await open();
    const answers = await Promise.all([
      client.request(value, { timeoutMs: 60 }),
      client.request(value, { timeoutMs: 60 }),
    ]);
    expect(answers).toMatchObject([E.left({ tag: 'Timeout' }), E.left({ tag: 'Timeout' })]);
    await client.close();
  });

  it('refuses what is above the limit of the cluster, and everything once it is closed', async () => {
    const client = await open();
    expect(await client.request(new Uint8Array(101))).toMatchObject(E.left({ tag: 'TooLarge' }));
    const [first, second] = [client.request(value), client.request(value)];
    await client.close();
    await client.close();
    expect(await Promise.all([first, second, client.request(value)])).toMatchObject(
      Array.from({ length: 3 }, () => E.left({ tag: 'Closed' })),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { wireName } from '../../src/host/wire-name.js';
import { openTransport } from '../../src/network/transport.js';
import { endPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { kv, valueBytesMax } from '../../systems/ironrsm/applications/kv.js';
import { ClientCore, KvClient, type Requester, RsmClient } from '../../systems/ironrsm/client.js';
import { type Message, parted, type RsmMessage, rsmCodec } from '../../systems/ironrsm/messages.js';

import {
  alone,
  clientWith,
  first,
  openClient,
  opened,
  redirect,
  refused,
  replicas,
  reply,
  second,
  third,
  value,
} from './lone-client.js';

describe('a client', () => {
  it('opens a session with its first request, asks all replicas while it knows no leader, and then the one that answered', () => {
    const { core, sent, outcomes } = clientWith();
    expect(core.session).toBeUndefined();
    expect(core.request(0, value, 5000)).toBe(1);
    expect(sent).toEqual([{ targets: replicas, messages: [{ tag: 'open', nonce: 40, ordered: false }] }]);
    core.onPacket(second, opened(), 5);
    expect(sent[1]).toEqual({
      targets: [second],
      messages: [{ tag: 'request', session: 9, seqno: 1, floor: 1, value: alone }],
    });
    core.onPacket(second, reply(1), 10);
    expect(outcomes).toEqual([[1, { tag: 'reply', value: new Uint8Array(value) }]]);
    core.request(10, value, 5000);
    expect(sent[2]?.messages).toEqual([{ tag: 'request', session: 9, seqno: 2, floor: 2, value: alone }]);
    expect(core.session).toEqual({ id: 9, floor: 2, next: 3 });
  });

  it('asks for a session again under the same nonce, and ignores those of nonces that it gave up', () => {
    const { core, sent, outcomes } = clientWith();
    core.request(0, value, 300);
    core.onTime(100);
    expect(sent[1]).toEqual({ targets: replicas, messages: [{ tag: 'open', nonce: 40, ordered: false }] });
    core.onTime(300);
    expect(outcomes).toMatchObject([[1, { tag: 'failed', error: { tag: 'Timeout', known: 'not executed' } }]]);
    expect(core.wakeAtMs).toBe(Infinity);
    core.onPacket(first, opened(40), 310);
    expect(core.session).toBeUndefined();
    core.request(400, value, 300);
    core.onPacket(first, opened(40), 410);
    expect(core.session).toBeUndefined();
    core.onPacket(first, opened(41), 410);
    expect(core.session?.id).toBe(9);
    core.onPacket(first, opened(41, 10), 420);
    expect(core.session?.id).toBe(9);
  });

  it('keeps at most a window outstanding, which begins at its floor, and sends the rest in turn', () => {
    const { core, sent, lastSeqnos } = openClient(6);
    expect(lastSeqnos()).toEqual([1, 2, 3, 4]);
    core.onPacket(second, reply(2), 1);
    expect(sent).toHaveLength(2);
    core.onPacket(second, reply(1), 1);
    expect(sent[2]?.messages).toMatchObject([
      { seqno: 5, floor: 3 },
      { seqno: 6, floor: 3 },
    ]);
  });

  it('asks all replicas where the leader does not answer, in one bundle, with growing waits and the same seqnos', () => {
    const { core, sent } = openClient(3);
    const times: number[] = [];
    for (let i = 0; i < 6; i++) {
      times.push(core.wakeAtMs);
      core.onTime(core.wakeAtMs);
    }
    expect(times).toEqual([100, 250, 475, 813, 1213, 1613]);
    for (const { targets, messages } of sent.slice(2)) {
      expect(targets).toEqual(replicas);
      expect(messages).toMatchObject([{ seqno: 1 }, { seqno: 2 }, { seqno: 3 }]);
    }
    expect(sent).toHaveLength(8);
  });

  it('asks again only for what has waited long enough; in an ordered session for all of it, in order', () => {
    for (const ordered of [false, true]) {
      const { core, lastSeqnos } = openClient(2, { ordered });
      core.request(50, value, 5000);
      core.onPacket(second, reply(1), 60);
      core.onTime(100);
      expect(lastSeqnos()).toEqual(ordered ? [2, 3] : [2]);
    }
  });

  it('waits longer before it asks again where answers take longer lately, and not so long any more afterwards', () => {
    const { core, sent, lastSeqnos } = openClient(1, { retryMsMax: 1000 });
    let now = 0;
    core.onPacket(second, reply(1), now);
    const answerAfter = (ms: number): void => {
      core.request(now, value, 5000);
      now += ms;
      core.onPacket(second, reply(lastSeqnos()[0] ?? 0), now);
    };
    /** How long a request waits before all are asked. */
    const firstWait = (): number => {
      const from = now;
      core.request(now, value, 5000);
      for (const before = sent.length; sent.length === before; core.onTime(now)) now = Math.max(now, core.wakeAtMs);
      const waited = now - from;
      core.onPacket(second, reply(lastSeqnos()[0] ?? 0), now);
      return waited;
    };
    expect(firstWait()).toBe(100);
    for (let i = 0; i < 60; i++) answerAfter(90);
    expect(firstWait()).toBeGreaterThan(170);
    for (let i = 0; i < 60; i++) answerAfter(1);
    expect(firstWait()).toBe(100);
  });

  it('spreads its retries', () => {
    const wake = (random: number): number => {
      const { core } = clientWith({ random: () => random });
      core.request(0, value, 5000);
      return core.wakeAtMs;
    };
    expect([wake(0), wake(1)]).toEqual([75, 125]);
  });

  it('reports an unknown outcome at its deadline, and lets its floor pass it', () => {
    const { core, outcomes } = openClient(1);
    core.request(0, value, 250);
    core.onPacket(second, reply(1), 10);
    core.onTime(249);
    expect(core.busy).toBe(true);
    core.onTime(250);
    expect(outcomes[1]).toMatchObject([2, { error: { tag: 'Timeout', timeoutMs: 250, known: 'unknown' } }]);
    expect(core.session).toEqual({ id: 9, floor: 3, next: 3 });
    core.onPacket(second, reply(2), 260);
    expect(outcomes).toHaveLength(2);
  });

  it('tells the replicas with its next try that it gave up an earlier request, so that an ordered session goes on', () => {
    const { core, sent, outcomes } = clientWith({ ordered: true });
    core.request(0, value, 50);
    core.request(0, value, 5000);
    core.onPacket(second, opened(), 0);
    expect(sent.at(-1)?.messages).toMatchObject([
      { seqno: 1, floor: 1 },
      { seqno: 2, floor: 1 },
    ]);
    core.onTime(50);
    expect(outcomes).toMatchObject([[1, { error: { tag: 'Timeout', known: 'unknown' } }]]);
    core.onTime(100);
    expect(sent.at(-1)?.messages).toMatchObject([{ seqno: 2, floor: 2 }]);
  });

  it('follows a redirect to a higher view once, and sends nothing again that went there already', () => {
    const { core, sent, lastSeqnos } = openClient(2);
    core.onPacket(second, redirect(3, 2), 5);
    expect(sent.at(-1)?.targets).toEqual([third]);
    expect(lastSeqnos()).toEqual([1, 2]);
    core.onPacket(second, redirect(3, 2), 5);
    core.onPacket(third, redirect(2, 1), 6);
    expect(sent).toHaveLength(3);
    core.request(7, value, 5000);
    expect(sent.at(-1)?.targets).toEqual([third]);
    core.onTime(100);
    expect(sent.at(-1)?.targets).toEqual(replicas);
    // It was silent: to the same view nobody sends the client back.
    core.onPacket(first, redirect(3, 2), 110);
    core.request(120, value, 5000);
    expect(sent.at(-1)?.targets).toEqual(replicas);
    core.onPacket(first, redirect(4, 0), 130);
    core.onPacket(first, redirect(4, 7), 130);
    expect(sent).toHaveLength(7);
    expect(sent.at(-1)?.targets).toEqual([first]);
    expect(lastSeqnos()).toEqual([3]);
  });

  it('believes the leader that it knows while that one is not silent, whoever else answers', () => {
    const { core, sent } = openClient(2);
    core.onPacket(third, reply(1), 1);
    core.request(2, value, 5000);
    expect(sent.at(-1)?.targets).toEqual([second]);
  });

  it('goes where a replica sends it that it took for the leader', () => {
    const { core, sent } = openClient(0);
    core.request(0, value, 5000);
    core.onPacket(first, redirect(1, 1), 1);
    core.onPacket(second, opened(), 2);
    core.onTime(150);
    // A replica that does not lead answers a retry from what it keeps.
    core.onPacket(third, reply(1), 160);
    core.request(160, value, 5000);
    expect(sent.at(-1)?.targets).toEqual([third]);
    core.onPacket(third, redirect(1, 1), 161);
    expect(sent.at(-1)).toMatchObject({ targets: [second], messages: [{ seqno: 2 }] });
  });

  it('ignores what comes from strangers, of other sessions, for settled requests, and of other kinds', () => {
    const { core, sent, outcomes } = openClient(1);
    const stranger = endPoint('127.0.0.1:9');
    for (const message of [reply(1), refused(1, 'SESSION_EXPIRED'), redirect(9, 0)])
      core.onPacket(stranger, message, 1);
    core.onPacket(first, reply(1, 8), 1);
    core.onPacket(first, refused(1, 'SESSION_EXPIRED', 8), 1);
    for (const seqno of [0, 2, 5, 2 ** 53 - 1]) core.onPacket(first, reply(seqno), 1);
    core.onPacket(first, { tag: 'catchUpRequest', opn: 1 }, 1);
    expect([sent.length, outcomes.length]).toEqual([2, 0]);
    core.onPacket(first, reply(1), 1);
    core.onPacket(first, reply(1), 1);
    expect(outcomes).toHaveLength(1);
  });

  it('names a request that is refused, and goes on', () => {
    const { core, outcomes } = openClient(3);
    core.onPacket(second, refused(1, 'REQUEST_TOO_LARGE'), 1);
    core.onPacket(second, refused(2, 'SEQNO_REUSED'), 1);
    core.onPacket(second, reply(3), 1);
    expect(outcomes).toMatchObject([
      [1, { error: { tag: 'TooLarge', known: 'not executed' } }],
      [2, { error: { tag: 'SeqnoReused', known: 'not executed' } }],
      [3, { tag: 'reply' }],
    ]);
    for (const [i, name] of ['REQUEST_TOO_LARGE', 'SEQNO_REUSED'].entries()) {
      expect(JSON.stringify(outcomes[i])).toContain(name);
    }
    expect(core.session?.id).toBe(9);
  });

  it('reports everything outstanding as unknown when its session expires, and has what waited executed in a new one', () => {
    const { core, sent, outcomes } = openClient(5);
    core.onPacket(first, refused(2, 'SESSION_EXPIRED'), 5);
    expect(outcomes).toMatchObject(
      [1, 2, 3, 4].map((id) => [id, { error: { tag: 'SessionExpired', known: 'unknown' } }]),
    );
    expect(sent.at(-1)).toEqual({ targets: [second], messages: [{ tag: 'open', nonce: 41, ordered: false }] });
    core.onPacket(first, refused(3, 'SESSION_EXPIRED'), 5);
    core.onPacket(second, opened(41, 12), 6);
    expect(sent.at(-1)?.messages).toMatchObject([{ session: 12, seqno: 1, floor: 1 }]);
    core.onPacket(second, reply(1, 9), 7);
    expect(core.busy).toBe(true);
    core.onPacket(second, reply(1, 12), 7);
    expect(outcomes.at(-1)).toMatchObject([5, { tag: 'reply' }]);
  });

  it('takes new requests from where it tells an outcome', () => {
    const sent: RsmMessage[] = [];
    let left = 100;
    const core: ClientCore = new ClientCore(
      { replicas, ordered: false, window: 2, retryMs: 100, retryMsMax: 400, random: () => 0.5, nonce: () => 40 },
      {
        send: (_, messages) => sent.push(...messages),
        settled: () => {
          if (left-- > 0) core.request(0, value, 5000);
        },
      },
    );
    core.request(0, value, 5000);
    core.onPacket(first, opened(), 0);
    for (let seqno = 1; seqno <= 50; seqno++) core.onPacket(first, reply(seqno), 0);
    core.onPacket(first, refused(51, 'SESSION_EXPIRED'), 0);
    core.onPacket(first, opened(40, 10), 0);
    core.onTime(5000);
    expect(core.busy).toBe(true);
    expect(sent.filter((m) => m.tag === 'request')).toHaveLength(53);
  });

  it('fails what has no outcome when it is closed, and says what is known', () => {
    const { core, outcomes } = openClient(5);
    core.close();
    core.close();
    expect(outcomes.map(([, outcome]) => outcome.tag === 'failed' && outcome.error.known)).toEqual([
      ...['unknown', 'unknown', 'unknown', 'unknown', 'not executed'],
    ]);
    expect(core.busy).toBe(false);
    expect(() => clientWith({ window: 0 })).toThrow('at least one');
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
    expect(await client.setIf(key, Buffer.from('z'), 'absent')).toEqual(E.right(false));
    expect(await client.append(key, Buffer.from('zz'))).toEqual(E.right(3));
    expect(await client.length(key)).toEqual(E.right(3));
    expect(await client.swap(key, Buffer.from('7'))).toEqual(E.right(new Uint8Array(Buffer.from('yzz'))));
    expect(await client.add(key, -9)).toEqual(E.right(-2));
    expect(await client.size()).toEqual(E.right(1));
    expect(
      await client.all([
        { tag: 'del', key },
        { tag: 'length', key },
      ]),
    ).toEqual(
      E.right([
        { tag: 'done', done: true },
        { tag: 'length', length: null },
      ]),
    );
    expect(await client.append(key, new Uint8Array(valueBytesMax))).toEqual(E.right(valueBytesMax));
    expect(await client.append(key, new Uint8Array(1))).toMatchObject(E.left({ error: 'VALUE_TOO_LARGE' }));
    const reads = Array.from({ length: 9 }, () => ({ tag: 'get', key }) as const);
    expect(await client.all(reads)).toMatchObject(E.left({ error: 'REPLY_TOO_LARGE' }));
  });

  it('refuses several commands without asking where one of them is above its bound', async () => {
    const client = new KvClient({ request: () => Promise.reject(new Error('was asked')) });
    const key = new Uint8Array(1);
    const long = { tag: 'set', key, value: new Uint8Array(valueBytesMax + 1) } as const;
    expect(await client.all([{ tag: 'get', key }, long])).toMatchObject(E.left({ tag: 'TooLarge' }));
  });

  it('refuses a key above its bound without asking', async () => {
    const client = new KvClient({ request: () => Promise.reject(new Error('was asked')) });
    expect(await client.get(new Uint8Array(5000))).toMatchObject(E.left({ tag: 'TooLarge' }));
  });

  it('refuses what is no command without asking, by name', async () => {
    const client = new KvClient({ request: () => Promise.reject(new Error('was asked')) });
    const key = new Uint8Array(1);
    const wrong = [
      ...[0.5, 2 ** 53, Number.NaN, Infinity].map((by) => client.add(key, by)),
      client.all([
        { tag: 'get', key },
        { tag: 'add', key, by: 0.5 },
      ]),
      client.set(key, 'text' as unknown as Uint8Array),
      client.setIf(key, key, 'sometimes' as 'absent'),
    ];
    for (const answer of await Promise.all(wrong)) {
      expect(answer).toMatchObject(E.left({ tag: 'BadArgument', known: 'not executed' }));
    }
    expect(await new KvClient(localService()).add(key, -0)).toEqual(E.right(0));
  });

  it('names a reply that is none of its application', async () => {
    // The counter's reply.
    const client = new KvClient({ request: async () => E.right(new Uint8Array(8)) });
    expect(await client.get(new Uint8Array(1))).toMatchObject(E.left({ error: 'UNREADABLE_REPLY' }));
  });
});

/** A replica that leads, opens the session 1 for everyone, and answers with what `answer` makes of the bundles that it gets, but for the first `opensLost` who open; `bundles`: the operations of each request of each. */
const fakeReplica = async (
  answer: (messages: readonly Message<'request'>[]) => readonly RsmMessage[],
  opensLost = 0,
) => {
  let opens = 0;
  const transport = await openTransport<RsmMessage>({
    ...{ bind: { address: '127.0.0.1' }, clusterName: wireName('fake', 'ironrsm'), codec: rsmCodec },
    ...{ datagramBytesMax: 8192, inboxMessagesMax: 4096, messageIdBase: 0, nowMs: () => performance.now() },
  });
  if (E.isLeft(transport)) throw new Error(transport.left);
  const { right: socket } = transport;
  const bundles: number[][] = [];
  socket.onMessages(() => {
    const requests: Message<'request'>[] = [];
    for (let datum = socket.inbox.shift(); datum !== undefined; datum = socket.inbox.shift()) {
      const { source, message } = datum.packet;
      if (message.tag === 'request') requests.push(message);
      if (message.tag === 'open' && ++opens > opensLost) {
        socket.send(source, rsmCodec.encode({ tag: 'opened', nonce: message.nonce, session: 1 }));
      }
      if (socket.pending === 0) for (const m of answer(requests)) socket.send(source, rsmCodec.encode(m));
    }
    if (requests.length > 0) bundles.push(requests.map((m) => parted(m.value).length));
    socket.flush();
  });
  return { socket, bundles };
};

describe('a client on a socket', () => {
  it('asks again, long before the deadline, where the first copy of what it sends is lost', async () => {
    const { socket } = await fakeReplica(
      (requests) =>
        requests.map(({ seqno, session, value: reply }) => ({ tag: 'reply', session, seqno, value: reply })),
      1,
    );
    const client = await RsmClient.open({ cluster: 'fake', replicas: [socket.me], retryMs: 20 });
    if (E.isLeft(client)) throw new Error(client.left);
    expect(await client.right.request(value, { timeoutMs: 30_000 })).toEqual(E.right(new Uint8Array(value)));
    await client.right.close();
    await socket.close();
  });

  const open = async (): Promise<RsmClient> => {
    const client = await RsmClient.open({ cluster: 'none', replicas: [endPoint('127.0.0.1:9')], requestBytesMax: 100 });
    if (E.isLeft(client)) throw new Error(client.left);
    return client.right;
  };

  it.each([
    [50, [50]],
    [130, [64, 64, 2]],
  ])(
    'puts %i operations that are asked for in one turn into requests of %j, and gives each its own reply',
    async (count, groups) => {
      const { socket, bundles } = await fakeReplica((requests) =>
        requests.map(({ session, seqno, value: asked }) => ({ tag: 'reply', session, seqno, value: asked })),
      );
      // What is asked again, since the machine was busy with something else, would be another bundle.
      const patience = { retryMs: 20_000, retryMsMax: 20_000 };
      const client = await RsmClient.open({
        ...{ cluster: 'fake', replicas: [socket.me], datagramBytesMax: 8192, ...patience },
      });
      if (E.isLeft(client)) throw new Error(client.left);
      const ask = async (i: number): Promise<void> => {
        for (let n = 0; n < 3; n++) {
          const asked = Buffer.from(`${i} ${n}`);
          const answer = await client.right.request(asked, { timeoutMs: 50_000 });
          expect(E.isRight(answer) && Buffer.from(answer.right).toString()).toBe(`${i} ${n}`);
        }
      };
      await Promise.all(Array.from({ length: count }, (_, i) => ask(i)));
      await client.right.close();
      await socket.close();
      expect(bundles).toEqual([groups, groups, groups]);
    },
  );

  it('ends its requests as unknown when its session expires', async () => {
    const { socket } = await fakeReplica((requests) =>
      requests.map(({ session, seqno }) => ({ tag: 'refused', session, seqno, reason: 'SESSION_EXPIRED' })),
    );
    const client = await RsmClient.open({ cluster: 'fake', replicas: [socket.me] });
    if (E.isLeft(client)) throw new Error(client.left);
    const answers = await Promise.all([client.right.request(value), client.right.request(value)]);
    const expired = E.left({ tag: 'SessionExpired', known: 'unknown' });
    expect(answers).toMatchObject([expired, expired]);
    await client.right.close();
    await socket.close();
  });

  it('times out where nobody answers', async () => {
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

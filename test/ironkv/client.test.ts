import { afterEach, describe, expect, it, vi } from 'vitest';
import { E } from '../../src/spec/prelude.js';
import { askStatus } from '../../systems/ironkv/client.js';
import { bytes, textOf } from './host-cluster.js';
import { LoopbackCluster } from './loopback-cluster.js';

const right = <L, R>(e: E.Either<L, R>): R => {
  if (E.isLeft(e)) throw new Error(JSON.stringify(e.left));
  return e.right;
};

/** The key number `n`; in the order of numbers. */
const key = (n: number): Uint8Array => bytes(`key-${String(n).padStart(6, '0')}`);

/** How long answers are waited for: on a machine that is busy with something else, too. */
const patienceMs = 30_000;

describe('a client of IronKV over real sockets', () => {
  let cluster: LoopbackCluster;

  afterEach(async () => {
    await cluster.stop();
    expect(cluster.violations).toEqual([]);
  });

  it('reads what it wrote, by each command', async () => {
    cluster = await LoopbackCluster.start(1);
    const client = await cluster.client();
    expect(right(await client.get(bytes('a')))).toBe(null);
    expect(right(await client.length(bytes('a')))).toBe(null);
    expect(right(await client.set(bytes('a'), bytes('one')))).toBe(true);
    expect(right(await client.set(bytes('a'), bytes('two'), { when: 'absent' }))).toBe(false);
    expect(right(await client.set(bytes('b'), bytes('two'), { when: 'present' }))).toBe(false);
    expect(textOf(right(await client.get(bytes('a'))) as Uint8Array)).toBe('one');
    expect(right(await client.compareAndSet(bytes('a'), bytes('one'), bytes('1')))).toBe(true);
    expect(right(await client.compareAndSet(bytes('a'), null, bytes('1')))).toBe(false);
    expect(right(await client.increment(bytes('a'), 41))).toBe(42);
    expect(right(await client.append(bytes('a'), bytes('!')))).toBe(3);
    expect(right(await client.length(bytes('a')))).toBe(3);
    expect(await client.increment(bytes('a'))).toMatchObject(E.left({ tag: 'Failed', error: 'NOT_AN_INTEGER' }));
    expect(right(await client.delete(bytes('a')))).toBe(true);
    expect(right(await client.delete(bytes('a')))).toBe(false);
  });

  it('refuses a key and a value one byte above the limits, and stores nothing', async () => {
    cluster = await LoopbackCluster.start(1, { keyBytesMax: 10, valueBytesMax: 50 });
    const knowing = await cluster.client({ keyBytesMax: 10, valueBytesMax: 50 });
    const unknowing = await cluster.client();
    for (const client of [knowing, unknowing]) {
      const long = await client.set(new Uint8Array(11), bytes('x'));
      expect(long).toMatchObject(E.left({ tag: 'KeyTooLong', known: 'not executed' }));
      const large = await client.set(bytes('x'), new Uint8Array(51));
      expect(large).toMatchObject(E.left({ tag: 'ValueTooLarge', known: 'not executed' }));
      expect(right(await client.set(new Uint8Array(10), new Uint8Array(50)))).toBe(true);
    }
    expect(cluster.hostAt(0).table.size).toBe(1);
  });

  it('refuses what is no request by name, and keeps nothing of it', async () => {
    cluster = await LoopbackCluster.start(1);
    const client = await cluster.client({ window: 1 });
    const wrong = [
      ...[0.5, 2 ** 53, Number.NaN, Infinity].map((by) => client.increment(bytes('a'), by)),
      client.get('a' as unknown as Uint8Array),
      client.set(bytes('a'), 'x' as unknown as Uint8Array),
      client.set(bytes('a'), bytes('x'), { when: 'sometimes' as 'always' }),
      client.append(bytes('a'), undefined as unknown as Uint8Array),
      client.compareAndSet(bytes('a'), 'x' as unknown as Uint8Array, bytes('x')),
      client.get(bytes('a'), { timeoutMs: Number.NaN }),
      client.get(bytes('a'), { timeoutMs: -1 }),
    ];
    for (const answer of await Promise.all(wrong)) {
      expect(answer).toMatchObject(E.left({ tag: 'BadArgument', known: 'not executed' }));
    }
    expect(right(await client.increment(bytes('a'), -(2 ** 53) + 1))).toBe(-(2 ** 53) + 1);
    expect(right(await client.increment(bytes('a'), -0))).toBe(-(2 ** 53) + 1);
  });

  it('reaches keys that are spread over three hosts, and pipelines', async () => {
    cluster = await LoopbackCluster.start(3);
    const [, second, third] = cluster.configuration.hosts;
    // Who is not answered for a while asks other hosts, which redirect it: so long that none of this machine's pauses is one.
    const client = await cluster.client({ retryMs: 10_000, retryMsMax: 10_000 });
    const options = { timeoutMs: patienceMs };
    const writes = Array.from({ length: 600 }, (_, n) => client.set(key(n), bytes(String(n)), options));
    expect((await Promise.all(writes)).every((answer) => E.isRight(answer) && answer.right)).toBe(true);
    const administrator = await cluster.administrator();
    if (second === undefined || third === undefined) throw new Error('three hosts');
    right(await administrator.shard({ lo: key(200), hi: key(400), recipient: second }, patienceMs));
    right(await administrator.shard({ lo: key(400), hi: null, recipient: third }, patienceMs));
    expect(cluster.started.map(({ host }) => host.table.size)).toEqual([200, 200, 200]);
    const reads = await Promise.all(Array.from({ length: 600 }, (_, n) => client.get(key(n), options)));
    expect(reads.map((value) => textOf(right(value) as Uint8Array))).toEqual(reads.map((_, n) => String(n)));
    const statuses = right(await askStatus(cluster.options, patienceMs));
    expect(statuses.map(({ answer }) => answer?.keys)).toEqual([200, 200, 200]);
    // The redirects taught it the way: it asks each owner at once.
    const redirected = cluster.hostAt(0).counters.requestsRedirected;
    await Promise.all(Array.from({ length: 600 }, (_, n) => client.get(key(n), options)));
    expect(cluster.hostAt(0).counters.requestsRedirected).toBe(redirected);
  });

  it('counts each increment once while its range moves to and fro', async () => {
    cluster = await LoopbackCluster.start(2, { delegateKeysMax: 2 });
    const [first, second] = cluster.configuration.hosts;
    if (first === undefined || second === undefined) throw new Error('two hosts');
    const administrator = await cluster.administrator();
    const clients = [await cluster.client(), await cluster.client({ ordered: true })];
    let moving = true;
    const counted = clients.map(async (client) => {
      let acknowledged = 0;
      for (let n = 0; moving; n++) {
        const answers = await Promise.all(
          [0, 1, 2, 3, 4].map((i) => client.increment(key((n + i) % 20), 1, { timeoutMs: patienceMs })),
        );
        for (const answer of answers) right(answer);
        acknowledged += answers.length;
      }
      return acknowledged;
    });
    for (let n = 0; n < 6; n++) {
      const recipient = n % 2 === 0 ? second : first;
      right(await administrator.shard({ lo: key(5), hi: n < 3 ? key(15) : null, recipient }, patienceMs));
    }
    moving = false;
    const acknowledged = (await Promise.all(counted)).reduce((a, b) => a + b, 0);
    const [client] = clients;
    let sum = 0;
    for (let n = 0; n < 20; n++)
      sum += Number(textOf(right((await client?.get(key(n))) ?? E.right(null)) ?? bytes('0')));
    expect(acknowledged).toBeGreaterThan(0);
    expect(sum).toBe(acknowledged);
  });

  it('tells an administrator why a range is not moved', async () => {
    cluster = await LoopbackCluster.start(2);
    const administrator = await cluster.administrator();
    const [first] = cluster.configuration.hosts;
    if (first === undefined) throw new Error('two hosts');
    const order = { lo: bytes('a'), hi: bytes('b'), recipient: first };
    // Nothing has to be done.
    expect(await administrator.shard(order, patienceMs)).toEqual(E.right({ orders: 0 }));
    const wrong = await administrator.shard({ ...order, lo: bytes('b') }, patienceMs);
    expect(wrong).toMatchObject(E.left({ tag: 'Refused', reason: 'BAD_RANGE' }));
    const nobody = await administrator.shard({ ...order, recipient: administrator.me }, patienceMs);
    expect(nobody).toMatchObject(E.left({ tag: 'Refused', reason: 'UNKNOWN_HOST' }));
    // Its own socket is taken: a second one has nowhere to listen.
    await expect(cluster.administrator()).rejects.toThrow(/no end point of "administrators" is free/);
  });

  it('tells an administrator whose clock went back why nobody obeys', async () => {
    cluster = await LoopbackCluster.start(2);
    const [, second] = cluster.configuration.hosts;
    if (second === undefined) throw new Error('two hosts');
    const before = await cluster.administrator();
    right(await before.shard({ lo: bytes('a'), hi: bytes('b'), recipient: second }, patienceMs));
    await before.close();
    const clock = vi.spyOn(Date, 'now').mockReturnValue(1_000_000);
    try {
      const administrator = await cluster.administrator();
      const refused = await administrator.shard({ lo: bytes('c'), hi: bytes('d'), recipient: second }, 3000);
      if (E.isRight(refused)) throw new Error('it was obeyed');
      expect(refused.left.tag).toBe('Timeout');
      expect(refused.left.message).toMatch(/later order of this administrator.*clock/);
      expect(refused.left.message).not.toMatch(/goes on/);
    } finally {
      clock.mockRestore();
    }
  });
});

/** Keys and values at the limits between real hosts on the loopback interface, each step judged. Bounded by the time limit of each test. */
import { afterEach, describe, expect, it } from 'vitest';
import { E } from '../../src/spec/prelude.js';
import { bytes } from './host-cluster.js';
import { LoopbackCluster } from './loopback-cluster.js';

const right = <L, R>(e: E.Either<L, R>): R => {
  if (E.isLeft(e)) throw new Error(JSON.stringify(e.left));
  return e.right;
};

const keyBytes = 4096;
const valueBytesMax = 1 << 24;
const timeoutMs = 60_000;

/** A key as long as may be, which differs from the others in its last bytes alone. */
const longKey = (n: number): Uint8Array => bytes(`m${String(n).padStart(keyBytes - 1, '0')}`);

/** A value of which no part is like another. */
const madeValue = (length: number, seed: number): Uint8Array => {
  const words = new Uint32Array(Math.ceil(length / 4)).map((_, i) => Math.imul(i + seed, 0x9e37_79b1));
  return new Uint8Array(words.buffer, 0, length);
};

describe('hosts of IronKV', () => {
  let cluster: LoopbackCluster;

  afterEach(async () => {
    await cluster.stop();
    expect(cluster.violations).toEqual([]);
  });

  it('move keys of 4 KB, and with them a value of 16 MB', async () => {
    cluster = await LoopbackCluster.start(2);
    const client = await cluster.client();
    const lengths = [0, 1, keyBytes, valueBytesMax, ...Array.from({ length: 20 }, (_, n) => 1000 + n)];
    for (const [n, length] of lengths.entries()) {
      expect(right(await client.set(longKey(n), madeValue(length, n), { timeoutMs }))).toBe(true);
    }
    const administrator = await cluster.administrator();
    const recipient = cluster.configuration.hosts[1] as (typeof cluster.configuration.hosts)[number];
    // The bounds are as long as may be, too.
    const range = { lo: longKey(0), hi: longKey(lengths.length), recipient };
    expect(E.isRight(await administrator.shard(range, timeoutMs))).toBe(true);
    expect([cluster.hostAt(0).table.size, cluster.hostAt(1).table.size]).toEqual([0, lengths.length]);
    for (const [n, length] of lengths.entries()) {
      const value = right(await client.get(longKey(n), { timeoutMs })) as Uint8Array;
      expect(Buffer.compare(value, madeValue(length, n))).toBe(0);
    }
    expect(cluster.hostAt(1).counters.delegatesRefused).toBe(0);
  });

  it('move many values of 16 MB one after the other: none is dropped below for being too much', async () => {
    cluster = await LoopbackCluster.start(2);
    const client = await cluster.client();
    const count = 6;
    for (let n = 0; n < count; n++) right(await client.set(longKey(n), madeValue(valueBytesMax, n), { timeoutMs }));
    const administrator = await cluster.administrator();
    const recipient = cluster.configuration.hosts[1] as (typeof cluster.configuration.hosts)[number];
    expect(E.isRight(await administrator.shard({ lo: bytes(''), hi: null, recipient }, timeoutMs))).toBe(true);
    expect([cluster.hostAt(0).table.size, cluster.hostAt(1).table.size]).toEqual([0, count]);
    const { chunkedNotTaken, chunkedPushedOut, chunkedGivenUp } = cluster.countersAt(0);
    expect({ chunkedNotTaken, chunkedPushedOut, chunkedGivenUp }).toEqual({
      ...{ chunkedNotTaken: 0, chunkedPushedOut: 0, chunkedGivenUp: 0 },
    });
  }, 120_000);

  it('answer many reads of a large value that are asked at once, a few in each step', async () => {
    cluster = await LoopbackCluster.start(1);
    const client = await cluster.client();
    const value = madeValue(2 << 20, 1);
    right(await client.set(bytes('large'), value, { timeoutMs }));
    const reads = Array.from({ length: 48 }, () => client.get(bytes('large'), { timeoutMs }));
    for (const read of await Promise.all(reads)) expect(Buffer.compare(right(read) as Uint8Array, value)).toBe(0);
    expect(cluster.observed.stepBytes).toBeGreaterThan(value.length);
    expect(cluster.observed.stepBytes).toBeLessThan(2 * value.length);
  });
});

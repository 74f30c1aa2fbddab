/** Messages larger than a datagram, from transport to transport over a network that loses, repeats, reorders and cuts. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clusterIdOf, type Frame, readFrame } from '../../src/network/frame.js';
import { E } from '../../src/spec/prelude.js';
import { messageOf } from './chunks.js';
import { a, b, c, calm, LossyNetwork, sendBlob, takeBlobs } from './lossy-network.js';

const frameOf = (datagram: Uint8Array): Frame | undefined => {
  const frame = readFrame(datagram, clusterIdOf('test'), 4_096);
  return E.isRight(frame) ? frame.right : undefined;
};

describe('a large message', () => {
  test('arrives whole, with exactly its bytes and once, through loss of 10 to 30 percent, duplicates, reordering and cut datagrams', async () => {
    let again = 0;
    const weather = fc.record({
      loss: fc.double({ min: 0.1, max: 0.3, noNaN: true }),
      duplicate: fc.double({ min: 0, max: 0.3, noNaN: true }),
      truncate: fc.double({ min: 0, max: 0.1, noNaN: true }),
      delayMsMax: fc.constantFrom(0.2, 2, 20),
    });
    const length = fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 1_200, max: 60_000 }) },
      { weight: 1, arbitrary: fc.integer({ min: 1_000_000, max: 3_000_000 }) },
    );
    const datagramBytesMax = fc.constantFrom(600, 1_200, 8_192);
    await fc.assert(
      fc.asyncProperty(fc.nat(), weather, length, datagramBytesMax, async (seed, sky, bytes, datagram) => {
        const network = new LossyNetwork(seed, sky);
        const [from, to] = [
          await network.open(a, { datagramBytesMax: datagram }),
          await network.open(b, { datagramBytesMax: datagram }),
        ];
        const message = messageOf(bytes, seed & 255);
        sendBlob(from, b, message);
        network.run(600_000, () => from.unacknowledgedBytes === 0);
        const came = takeBlobs(to);
        expect(came.length <= 1 && came.every((blob) => Buffer.compare(blob, message) === 0)).toBe(true);
        // One in three lost on both ways is the worst: three sends of a chunk in a row fail now and then, hundreds do not.
        if (bytes > datagram) expect([came.length, from.counters.chunkedArrived]).toEqual([1, 1]);
        expect([to.heldBytes, from.windowTo(b)?.inFlightBytes ?? 0]).toEqual([0, 0]);
        network.run(60_000);
        expect(network.time.nextMs).toBe(Infinity);
        again += from.counters.chunksSentAgain;
      }),
      { numRuns: 25, seed: 20_261_121 },
    );
    expect(again).toBeGreaterThan(0);
  });

  test('arrives whole or not at all where the network is as bad as it likes', async () => {
    let gone = 0;
    const weather = fc.record({
      loss: fc.double({ min: 0.3, max: 1, noNaN: true }),
      duplicate: fc.double({ min: 0, max: 1, noNaN: true }),
      truncate: fc.double({ min: 0, max: 1, noNaN: true }),
      delayMsMax: fc.constantFrom(0.2, 2_000),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        weather,
        fc.array(fc.integer({ min: 1_300, max: 20_000 })),
        async (seed, sky, sizes) => {
          const network = new LossyNetwork(seed, sky);
          const [from, to] = [await network.open(a), await network.open(b)];
          const sent = sizes.map((size, i) => messageOf(size, i));
          for (const message of sent) sendBlob(from, b, message);
          network.run(Infinity, () => network.time.nextMs === Infinity);
          const came = takeBlobs(to);
          for (const blob of came) expect(sent.some((message) => Buffer.compare(blob, message) === 0)).toBe(true);
          const { messagesChunked, chunkedArrived, chunkedGivenUp, chunkedAlready } = from.counters;
          expect(messagesChunked + chunkedAlready).toBe(sent.length);
          expect(chunkedArrived + chunkedGivenUp).toBe(messagesChunked);
          expect([to.heldBytes, from.unacknowledgedBytes]).toEqual([0, 0]);
          gone += chunkedGivenUp;
        },
      ),
      { numRuns: 40, seed: 20_261_121 },
    );
    expect(gone).toBeGreaterThan(0);
  });

  test('of one megabyte in datagrams of 1,200 bytes comes through a loss of 10 percent within seconds', async () => {
    const network = new LossyNetwork(5, { ...calm, loss: 0.1, delayMsMax: 2 });
    const [from, to] = [await network.open(a), await network.open(b)];
    sendBlob(from, b, messageOf(1_000_000));
    expect(network.run(5_000, () => to.pending === 1)).toBe(true);
    expect(from.counters.chunksSentAgain).toBeLessThan(400);
  });

  test('is sent again from its start to a receiver that restarted', async () => {
    const network = new LossyNetwork(1, calm);
    const from = await network.open(a);
    const first = await network.open(b, { messageIdBase: 5_000 });
    const message = messageOf(900_000);
    sendBlob(from, b, message);
    network.run(10_000, () => first.heldBytes > 400_000);
    expect(first.heldBytes).toBeGreaterThan(400_000);
    await first.close();
    const second = await network.open(b, { messageIdBase: 9_000 });
    expect(network.run(20_000, () => second.pending === 1)).toBe(true);
    expect(Buffer.compare(takeBlobs(second)[0] as Uint8Array, message)).toBe(0);
    expect(from.counters).toMatchObject({ chunkedArrived: 0, droppedAckFalse: 0 });
    network.run(1_000);
    expect(from.counters.chunkedArrived).toBe(1);
  });

  test('that a sender did not finish before its restart is forgotten, and does not mix with its next ones', async () => {
    const network = new LossyNetwork(1, calm);
    const to = await network.open(b);
    const before = await network.open(a, { messageIdBase: 1_000 });
    sendBlob(before, b, messageOf(600_000, 1));
    network.run(10_000, () => to.heldBytes > 200_000);
    await before.close();
    const after = await network.open(a, { messageIdBase: 2_000 });
    const message = messageOf(600_000, 2);
    sendBlob(after, b, message);
    network.run(10_000, () => to.pending === 1);
    expect(takeBlobs(to).map((blob) => Buffer.compare(blob, message))).toEqual([0]);
    expect(to.heldBytes).toBeGreaterThan(200_000);
    network.run(20_000);
    expect(to.heldBytes).toBe(0);
    expect(to.counters.evictedPartialMessages).toBe(1);
    expect(network.time.nextMs).toBe(Infinity);
  });

  test('whose last ack was lost is answered again, and does not arrive twice', async () => {
    const network = new LossyNetwork(1, calm);
    const [from, to] = [await network.open(a), await network.open(b)];
    let swallowed = 0;
    network.onDatagram = ({ bytes }) => {
      const frame = frameOf(bytes);
      return !(frame?.tag === 'ack' && frame.status === 'complete' && swallowed++ < 3);
    };
    sendBlob(from, b, messageOf(50_000));
    network.run(10_000, () => from.unacknowledgedBytes === 0);
    expect(swallowed).toBeGreaterThan(3);
    expect(from.counters.chunkedArrived).toBe(1);
    expect(to.pending).toBe(1);
    expect(to.counters.droppedChunkFinished).toBeGreaterThan(0);
  });

  test('to nobody is given up after its time, with a bounded number of datagrams, and the node sleeps again', async () => {
    const network = new LossyNetwork(1, calm);
    const from = await network.open(a);
    for (let i = 0; i < 50; i++) sendBlob(from, b, messageOf(100_000, i));
    network.run(9_000);
    expect(from.counters.chunkedGivenUp).toBe(0);
    network.run(2_000);
    expect(from.counters.chunkedGivenUp).toBe(50);
    expect(from.unacknowledgedBytes).toBe(0);
    expect(from.counters.chunksSent).toBeLessThan(200);
    expect(network.time.nextMs).toBe(Infinity);
  });

  test('that goes on slowly is not given up', async () => {
    const network = new LossyNetwork(1, { ...calm, loss: 0.3, delayMsMax: 1_500 });
    const [from, to] = [await network.open(a), await network.open(b)];
    sendBlob(from, b, messageOf(1_000_000));
    network.run(10_500);
    expect([to.pending, from.counters.chunkedGivenUp]).toEqual([0, 0]);
    expect(network.run(600_000, () => to.pending === 1)).toBe(true);
  });

  test('beyond the limits of its receiver is refused at once', async () => {
    const network = new LossyNetwork(1, calm);
    const from = await network.open(a);
    await network.open(b, { reassembly: { messageBytesMax: 50_000 } });
    sendBlob(from, b, messageOf(60_000));
    expect(network.run(1_000, () => from.unacknowledgedBytes === 0)).toBe(true);
    expect(from.counters).toMatchObject({ chunkedRefused: 1, chunkedArrived: 0 });
  });

  test('that equals one under way to the same node is not sent beside it', async () => {
    const network = new LossyNetwork(1, calm);
    const [from, to, third] = [await network.open(a), await network.open(b), await network.open(c)];
    for (let i = 0; i < 5; i++) sendBlob(from, b, messageOf(300_000));
    sendBlob(from, c, messageOf(300_000));
    network.run(10_000, () => from.unacknowledgedBytes === 0);
    expect([to.pending, third.pending]).toEqual([1, 1]);
    expect(from.counters).toMatchObject({ chunkedAlready: 4, messagesChunked: 2 });
    sendBlob(from, b, messageOf(300_000));
    expect(network.run(10_000, () => to.pending === 2)).toBe(true);
  });

  test('is pushed out, the oldest to the same destination first, when too much is held', async () => {
    const network = new LossyNetwork(1, calm);
    const to = await network.open(b);
    const pacing = { unacknowledgedBytesMax: 1_000_000 };
    const from = await network.open(a, { pacing, reassembly: { messageBytesMax: 900_000 } });
    sendBlob(from, b, messageOf(300_000));
    // Nobody is at c, and what is sent there must not push out what goes to b.
    for (let i = 0; i < 6; i++) sendBlob(from, c, messageOf(200_000, i));
    expect(from.unacknowledgedBytes).toBeLessThanOrEqual(1_000_000);
    expect(from.counters.chunkedPushedOut).toBe(3);
    expect(network.run(5_000, () => to.pending === 1)).toBe(true);
  });

  test('is not taken up while too much waits for the same node, and then is again; others are sent', async () => {
    const network = new LossyNetwork(1, calm);
    const [to, third] = [await network.open(b), await network.open(c)];
    const from = await network.open(a, { pacing: { queuedBytesMax: 700_000 } });
    // The first goes whatever its size.
    sendBlob(from, b, messageOf(800_000));
    for (let i = 0; i < 3; i++) sendBlob(from, b, messageOf(300_000, i));
    sendBlob(from, c, messageOf(300_000));
    expect(from.counters).toMatchObject({ chunkedNotTaken: 3, messagesChunked: 2 });
    expect(network.run(10_000, () => from.unacknowledgedBytes === 0)).toBe(true);
    expect([to.pending, third.pending]).toEqual([1, 1]);
    for (let i = 0; i < 3; i++) sendBlob(from, b, messageOf(300_000, i));
    expect(from.counters).toMatchObject({ chunkedNotTaken: 4, messagesChunked: 4 });
    expect(network.run(10_000, () => to.pending === 3)).toBe(true);
  });

  test('is dropped when the transport is closed or silenced, and no timer stays', async () => {
    const network = new LossyNetwork(1, calm);
    const [from, to] = [await network.open(a), await network.open(b)];
    sendBlob(from, b, messageOf(500_000));
    network.run(2);
    const sent = from.counters.datagramsSent;
    from.silence();
    expect(from.unacknowledgedBytes).toBe(0);
    network.run(20);
    expect(from.counters).toMatchObject({ datagramsSent: sent, chunkedAbandoned: 1 });
    await from.close();
    await to.close();
    network.run(20);
    expect(network.time.nextMs).toBe(Infinity);
    sendBlob(from, b, messageOf(500_000));
    expect(from.counters).toMatchObject({ datagramsSent: sent, sendFailures: 1 });
    expect(network.time.nextMs).toBe(Infinity);
  });

  test('leaves no timer behind once it has arrived', async () => {
    const network = new LossyNetwork(1, calm);
    const [from, to] = [await network.open(a), await network.open(b)];
    sendBlob(from, b, messageOf(100_000));
    expect(network.run(1_000, () => from.unacknowledgedBytes === 0)).toBe(true);
    // The acks that are still on the way come within a millisecond; a timer would come later.
    network.run(1);
    expect([to.pending, network.time.nextMs]).toEqual([1, Infinity]);
  });

  test('leaves as the same datagrams at the same times in every run of a seed', async () => {
    const run = async (): Promise<readonly string[]> => {
      const network = new LossyNetwork(77, { loss: 0.2, duplicate: 0.2, truncate: 0.1, delayMsMax: 10 });
      const [from] = [await network.open(a), await network.open(b)];
      const seen: string[] = [];
      network.onDatagram = ({ source, bytes }) => {
        seen.push(`${network.time.nowMs} ${source} ${Buffer.from(bytes).toString('base64')}`);
        return true;
      };
      sendBlob(from, b, messageOf(100_000));
      network.run(60_000, () => from.unacknowledgedBytes === 0);
      return seen;
    };
    expect(await run()).toEqual(await run());
  });
});

/** How large messages are paced, and what lying receivers and senders can do. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clusterIdOf, type Frame, readFrame, writeAck, writeChunk } from '../../src/network/frame.js';
import { E } from '../../src/spec/prelude.js';
import { chunksOf, messageOf } from './chunks.js';
import { a, b, blobCodec, c, calm, LossyNetwork, sendBlob, takeBlobs } from './lossy-network.js';

const frameOf = (datagram: Uint8Array): Frame | undefined => {
  const frame = readFrame(datagram, clusterIdOf('test'), 4_096);
  return E.isRight(frame) ? frame.right : undefined;
};

const empty = new Uint8Array(0);
const partial = { id: 100, assembly: 7, status: 'partial', missing: 0, bitmap: empty } as const;

describe('pacing', () => {
  test('keeps the bytes in flight to a destination within the window, however many messages there are', async () => {
    const windowBytesMax = 60_000;
    let widest = 0;
    let narrowest = Infinity;
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.double({ min: 0, max: 0.2, noNaN: true }), async (seed, loss) => {
        const network = new LossyNetwork(seed, { ...calm, loss, delayMsMax: 5 });
        const from = await network.open(a, { pacing: { windowBytesMax } });
        await network.open(b);
        network.onDatagram = ({ source }) => {
          const window = from.windowTo(b);
          if (source === a && window !== undefined) {
            expect(window.inFlightBytes).toBeLessThanOrEqual(windowBytesMax);
            widest = Math.max(widest, window.bytes);
            narrowest = Math.min(narrowest, window.bytes);
          }
          return true;
        };
        for (let i = 0; i < 5; i++) sendBlob(from, b, messageOf(200_000, i));
        network.run(60_000, () => from.unacknowledgedBytes === 0);
      }),
      { numRuns: 10, seed: 20_261_121 },
    );
    expect([widest, narrowest <= 30_000]).toEqual([windowBytesMax, true]);
  });

  test('puts no more on the way without an answer than the first window', async () => {
    const network = new LossyNetwork(1, calm);
    const from = await network.open(a);
    let bytes = 0;
    network.onDatagram = (datagram) => {
      bytes += datagram.bytes.length;
      return false;
    };
    sendBlob(from, b, messageOf(5_000_000));
    expect(bytes).toBeGreaterThan(50_000);
    expect(bytes).toBeLessThanOrEqual(64 * 1024 + 10_000);
  });

  test('lets small messages overtake large ones, in the same flush and after it', async () => {
    const network = new LossyNetwork(1, calm);
    const [from, to] = [await network.open(a), await network.open(b)];
    const kinds: string[] = [];
    network.onDatagram = ({ source, bytes }) => {
      if (source === a) kinds.push(frameOf(bytes)?.tag ?? 'none');
      return true;
    };
    from.send(b, blobCodec.encode({ tag: 'blob', bytes: messageOf(3_000_000) }));
    sendBlob(from, b, messageOf(10));
    expect(kinds[0]).toBe('bundle');
    network.run(20);
    sendBlob(from, b, messageOf(11));
    expect(kinds.at(-1)).toBe('bundle');
    network.run(2);
    expect(takeBlobs(to).map((blob) => blob.length)).toEqual([10, 11]);
  });

  test('gives each of two large messages the same share of a narrow window', async () => {
    const network = new LossyNetwork(1, calm);
    const pacing = { windowBytesMax: 8_192 };
    const from = await network.open(a, { pacing, datagramBytesMax: 8_192 });
    const to = await network.open(b);
    for (const seed of [1, 2]) sendBlob(from, b, messageOf(1_000_000, seed));
    expect(network.run(10_000, () => to.pending === 1)).toBe(true);
    network.run(0.5);
    expect(to.heldBytes === 0 || to.heldBytes > 800_000).toBe(true);
  });

  test('lets large messages to one destination take turns, so that a shorter one comes first', async () => {
    const network = new LossyNetwork(1, calm);
    const [from, to] = [await network.open(a), await network.open(b)];
    sendBlob(from, b, messageOf(3_000_000));
    for (let i = 0; i < 40; i++) sendBlob(from, b, messageOf(20_000, i));
    network.run(60_000, () => from.unacknowledgedBytes === 0);
    const sizes = takeBlobs(to).map((blob) => blob.length);
    expect(sizes.length).toBe(41);
    expect(sizes.at(-1)).toBe(3_000_000);
  });
});

describe('a lying receiver', () => {
  const sending = async () => {
    const network = new LossyNetwork(1, calm);
    const from = await network.open(a);
    const lie = (change: Partial<Parameters<typeof writeAck>[0]>, source = b): void =>
      network.inject({ source, target: a, bytes: writeAck({ ...partial, ...change }, clusterIdOf('test')) });
    sendBlob(from, b, messageOf(2_000_000));
    return { network, from, lie };
  };

  test('is not believed about chunks that were never sent, nor about messages to others', async () => {
    const { from, lie } = await sending();
    const sent = from.counters.chunksSent;
    lie({ missing: 1_000 });
    lie({ missing: 2 ** 32 - 1 });
    lie({ bitmap: new Uint8Array(128).fill(255) });
    lie({ status: 'complete' }, c);
    lie({ status: 'complete', id: 101 });
    expect(from.counters).toMatchObject({
      droppedAckFalse: 3,
      droppedAckUnknown: 2,
      acksReceived: 0,
      chunksSent: sent,
    });
    lie({ bitmap: Uint8Array.of(3) });
    expect(from.counters.acksReceived).toBe(1);
  });

  test('that starts over for ever is given up after a few times', async () => {
    const { from, lie } = await sending();
    for (let assembly = 0; assembly < 1_000; assembly++) lie({ assembly, missing: 1 });
    expect(from.counters).toMatchObject({ chunkedGivenUp: 1, acksReceived: 10, droppedAckUnknown: 990 });
    expect(from.counters.chunksSent).toBeLessThan(2_000);
    expect(from.unacknowledgedBytes).toBe(0);
  });

  test('gains nothing by repeating itself: an ack without news asks for nothing', async () => {
    const { from, lie } = await sending();
    const sent = from.counters.chunksSent;
    for (let i = 0; i < 1_000; i++) lie({});
    expect(from.counters.chunksSent).toBe(sent);
    lie({ assembly: 8 });
    lie({ assembly: 7 });
    expect(from.counters.droppedAckStale).toBe(1);
  });
});

describe('a lying sender', () => {
  test("cannot keep another one's message out", async () => {
    const network = new LossyNetwork(1, { ...calm, delayMsMax: 0.11 });
    const reassembly = {
      messageBytesMax: 400_000,
      heldBytesPerSourceMax: 800_000,
      heldBytesMax: 1_600_000,
      messagesPerSourceMax: 8,
    };
    const [from, to] = [await network.open(a), await network.open(b, { reassembly })];
    const message = messageOf(350_000);
    sendBlob(from, b, message);
    let id = 0;
    network.onDatagram = () => {
      // As many chunks of messages that never complete as there are datagrams of others.
      for (const chunk of chunksOf(messageOf(4_000, id), id++, 1_200).slice(1))
        network.inject({ source: c, target: b, bytes: writeChunk(chunk, clusterIdOf('test')) });
      expect(to.heldBytes).toBeLessThanOrEqual(1_600_000);
      return true;
    };
    expect(network.run(10_000, () => to.pending === 1)).toBe(true);
    expect(Buffer.compare(takeBlobs(to)[0] as Uint8Array, message)).toBe(0);
    expect(to.counters.evictedPartialMessages).toBeGreaterThan(100);
    expect(from.counters.chunksSentAgain).toBe(0);
  });
});

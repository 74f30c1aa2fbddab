import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chunkableBytesMax, chunksOf, heldChunkOverheadBytes, Reassembler } from '../../src/network/chunk.js';
import { newCounters } from '../../src/network/counters.js';
import { type Chunk, chunkFrameBytes, clusterIdOf, readFrame, writeChunk } from '../../src/network/frame.js';
import { endPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';

const source = endPoint('10.0.0.1:1');
const limits = { messageBytesMax: 100_000, heldBytesMax: 60_000, messagesPerSourceMax: 4, ageMsMax: 1_000 };

const fresh = (change: Partial<typeof limits> = {}) => {
  const counters = newCounters();
  return { counters, reassembler: new Reassembler({ ...limits, ...change }, counters) };
};

const messageOf = (length: number, seed = 1): Uint8Array => new Uint8Array(length).map((_, i) => i * 31 + seed);

const first = (chunks: readonly Chunk[]): Chunk => chunks[0] as Chunk;

describe('chunks', () => {
  test('fit in their datagrams, cover the message, and pass the checks of a frame', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 256, max: 2_000 }),
        fc.integer({ min: 1, max: 30_000 }),
        (datagramBytesMax, extra) => {
          const message = messageOf(datagramBytesMax - chunkFrameBytes + extra);
          const chunks = chunksOf(message, 5, datagramBytesMax);
          expect(Buffer.concat(chunks.map((chunk) => chunk.bytes))).toEqual(Buffer.from(message));
          for (const chunk of chunks) {
            const datagram = writeChunk(chunk, clusterIdOf('c'));
            expect(datagram.length).toBeLessThanOrEqual(datagramBytesMax);
            expect(E.isRight(readFrame(datagram, clusterIdOf('c'), 1))).toBe(true);
          }
        },
      ),
    );
    expect(chunkableBytesMax(1_200)).toBe(65_535 * 1_170);
  });

  test('give the message back in any order, with duplicates, and nothing while one is missing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 3_000 }), fc.infiniteStream(fc.nat()), (length, order) => {
        const { reassembler, counters } = fresh();
        const message = messageOf(length);
        const chunks = chunksOf(message, 9, 256);
        const left = new Set(chunks.keys());
        for (const pick of order) {
          const index = pick % chunks.length;
          left.delete(index);
          const whole = reassembler.add(source, chunks[index] as Chunk, 0);
          if (left.size > 0) expect(whole).toBeUndefined();
          else {
            expect(whole).toEqual(message);
            break;
          }
        }
        expect(counters.chunksReceived).toBe(chunks.length);
        expect(reassembler.heldBytes).toBe(0);
        expect(reassembler.messagesHeld).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  test('of two messages and two sources are kept apart', () => {
    const { reassembler } = fresh();
    const other = endPoint('10.0.0.1:2');
    const a = messageOf(600, 1);
    const b = messageOf(600, 2);
    const [as, bs, cs] = [chunksOf(a, 1, 256), chunksOf(b, 2, 256), chunksOf(b, 1, 256)];
    const wholes: unknown[] = [];
    for (let i = 0; i < as.length; i++) {
      wholes.push(reassembler.add(source, as[i] as Chunk, 0));
      wholes.push(reassembler.add(source, bs[i] as Chunk, 0));
      wholes.push(reassembler.add(other, cs[i] as Chunk, 0));
    }
    expect(wholes.filter((whole) => whole !== undefined)).toEqual([a, b, b]);
  });

  test('that repeat or contradict the first are dropped and counted, and the message still comes', () => {
    const { reassembler, counters } = fresh();
    const message = messageOf(600);
    const chunks = chunksOf(message, 1, 256);
    const start = first(chunks);
    reassembler.add(source, start, 0);
    reassembler.add(source, start, 0);
    const second = chunks[1] as Chunk;
    for (const change of [{ count: 4 }, { length: 599 }, { digest: start.digest + 1 }]) {
      expect(reassembler.add(source, { ...second, ...change }, 0)).toBeUndefined();
    }
    expect(counters.droppedChunkDuplicate).toBe(1);
    expect(counters.droppedChunkConflict).toBe(3);
    expect(chunks.slice(1).map((chunk) => reassembler.add(source, chunk, 0))).toEqual(
      chunks.slice(1).map((_, i) => (i === chunks.length - 2 ? message : undefined)),
    );
  });

  test('whose bytes are not those that were cut give no message', () => {
    const { reassembler, counters } = fresh();
    const chunks = chunksOf(messageOf(600), 1, 256);
    const forged = { ...first(chunks), bytes: new Uint8Array(first(chunks).bytes.length) };
    expect([forged, ...chunks.slice(1)].map((chunk) => reassembler.add(source, chunk, 0))).toEqual(
      chunks.map(() => undefined),
    );
    expect(counters.droppedChunkDigest).toBe(1);
    expect(reassembler.heldBytes).toBe(0);
  });

  test('of messages that never complete are forgotten after their time', () => {
    const { reassembler, counters } = fresh();
    const chunks = chunksOf(messageOf(600), 1, 256);
    reassembler.add(source, first(chunks), 0);
    reassembler.add(source, first(chunksOf(messageOf(600), 2, 256)), 900);
    expect(reassembler.messagesHeld).toBe(2);
    for (const chunk of chunks.slice(1)) expect(reassembler.add(source, chunk, 1_001)).toBeUndefined();
    expect(counters.evictedPartialMessages).toBe(1);
    expect(reassembler.messagesHeld).toBe(2);
  });

  test("of too many messages of one source push out its oldest, and nobody else's", () => {
    const { reassembler, counters } = fresh();
    const other = endPoint('10.0.0.2:1');
    const otherChunks = chunksOf(messageOf(600), 1, 256);
    for (const chunk of otherChunks.slice(1)) reassembler.add(other, chunk, 0);
    for (let id = 0; id < 10; id++) reassembler.add(source, first(chunksOf(messageOf(600), id, 256)), 0);
    expect(reassembler.messagesHeld).toBe(5);
    expect(counters.evictedPartialMessages).toBe(6);
    expect(reassembler.add(other, first(otherChunks), 0)).toEqual(messageOf(600));
  });

  test('claimed to belong to a message beyond the limits are not kept at all', () => {
    const { reassembler, counters } = fresh();
    const huge: Chunk = {
      tag: 'chunk',
      id: 1,
      index: 0,
      count: 2,
      length: 100_002,
      digest: 0,
      bytes: new Uint8Array(50_001),
    };
    reassembler.add(source, huge, 0);
    const splintered = { ...huge, count: 60_000, length: 60_000, bytes: new Uint8Array(1) };
    reassembler.add(source, splintered, 0);
    expect(counters.droppedChunkTooLarge).toBe(2);
    expect(reassembler.heldBytes).toBe(0);
    expect(reassembler.messagesHeld).toBe(0);
  });

  test('hold no more than the limit, whatever arrives, and every chunk is counted once', () => {
    const chunk = fc.record({
      id: fc.nat(30),
      index: fc.nat(9),
      count: fc.integer({ min: 2, max: 10 }),
      size: fc.integer({ min: 1, max: 4_000 }),
      port: fc.integer({ min: 1, max: 4 }),
      wait: fc.nat(200),
    });
    let evictions = 0;
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 300, minLength: 100 }), (arrivals) => {
        const { reassembler, counters } = fresh({ heldBytesMax: 45_000, messagesPerSourceMax: 8 });
        let nowMs = 0;
        for (const { id, index, count, size, port, wait } of arrivals) {
          nowMs += wait;
          const arrived: Chunk = {
            tag: 'chunk',
            id,
            index: index % count,
            count,
            length: size * count,
            digest: 7,
            bytes: new Uint8Array(size),
          };
          reassembler.add(endPoint(`10.0.0.1:${port}`), arrived, nowMs);
          expect(reassembler.heldBytes).toBeLessThanOrEqual(45_000);
          expect(reassembler.messagesHeld * heldChunkOverheadBytes).toBeLessThanOrEqual(reassembler.heldBytes);
        }
        const {
          chunksReceived,
          droppedChunkConflict,
          droppedChunkDigest,
          droppedChunkDuplicate,
          droppedChunkTooLarge,
        } = counters;
        expect(
          chunksReceived + droppedChunkConflict + droppedChunkDigest + droppedChunkDuplicate + droppedChunkTooLarge,
        ).toBe(arrivals.length);
        evictions += counters.evictedPartialMessages;
        reassembler.add(source, first(chunksOf(messageOf(600), 99, 256)), nowMs + 2_000);
        expect(reassembler.messagesHeld).toBe(1);
      }),
      { numRuns: 50 },
    );
    expect(evictions).toBeGreaterThan(0);
  });
});

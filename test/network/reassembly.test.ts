import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assemblyBytesMax } from '../../src/network/assembly.js';
import { aheadChunksOf } from '../../src/network/chunk.js';
import { newCounters } from '../../src/network/counters.js';
import type { Chunk } from '../../src/network/frame.js';
import { Reassembler } from '../../src/network/reassembly.js';
import { VirtualTime } from '../../src/refinement/simulation/virtual-time.js';
import { endPoint } from '../../src/spec/endpoint.js';
import { chunksOf, messageOf } from './chunks.js';

const source = endPoint('10.0.0.1:1');
const other = endPoint('10.0.0.2:1');
const limits = {
  messageBytesMax: 100_000,
  heldBytesMax: 60_000,
  heldBytesPerSourceMax: 30_000,
  messagesPerSourceMax: 4,
  ageMsMax: 1_000,
};

const fresh = (change: Partial<typeof limits> = {}) => {
  const counters = newCounters();
  const time = new VirtualTime();
  const timers = { set: 0 };
  const clock = {
    nowMs: () => time.nowMs,
    after: (delayMs: number, callback: () => void) => {
      timers.set++;
      const cancel = time.after(delayMs, callback);
      return cancel;
    },
  };
  const reassembler = new Reassembler({ ...limits, ...change }, counters, clock, 70);
  /** Lets time pass, with all timers that fall in it. */
  const wait = (ms: number): void => {
    const untilMs = time.nowMs + ms;
    time.at(untilMs, () => undefined);
    while (time.nowMs < untilMs) time.runNext();
  };
  return { counters, reassembler, wait, time, timers };
};

const at = (chunks: readonly Chunk[], index: number): Chunk => chunks[index] as Chunk;
const first = (chunks: readonly Chunk[]): Chunk => at(chunks, 0);

/** A chunk of a header's choice. */
const lie = (change: Partial<Chunk>): Chunk => ({
  tag: 'chunk',
  id: 1,
  ackWanted: false,
  index: 0,
  count: 2,
  length: 200,
  digest: 7,
  bytes: new Uint8Array(100),
  ...change,
});

describe('a reassembler', () => {
  test('gives the message back in any order, with duplicates, and nothing while a chunk is missing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 3_000 }), fc.infiniteStream(fc.nat()), (length, order) => {
        const { reassembler, counters } = fresh();
        const message = messageOf(length);
        const chunks = chunksOf(message, 9, 256);
        const left = new Set(chunks.keys());
        for (const pick of order) {
          const index = pick % chunks.length;
          left.delete(index);
          const whole = reassembler.take(source, at(chunks, index));
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

  test('says exactly which chunks it holds', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(58), { minLength: 20 }), (order) => {
        const { reassembler } = fresh({ heldBytesPerSourceMax: 60_000 });
        const chunks = chunksOf(messageOf(13_000), 9, 256);
        const held = new Set<number>();
        for (const index of order) {
          reassembler.take(source, at(chunks, index));
          held.add(index);
          const ack = reassembler.ackOf(source, at(chunks, index));
          if (ack === undefined) throw new Error('no answer');
          expect(ack).toMatchObject({ id: 9, status: held.size === chunks.length ? 'complete' : 'partial' });
          if (ack.status === 'complete') continue;
          const said = chunks
            .map((chunk) => chunk.index)
            .filter((i) => {
              const bit = i - ack.missing - 1;
              return i < ack.missing || (bit >= 0 && (((ack.bitmap[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1);
            });
          expect(said).toEqual([...held].sort((x, y) => x - y));
          expect(ack.bitmap.at(-1)).not.toBe(0);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('keeps two messages and two sources apart', () => {
    const { reassembler } = fresh();
    const a = messageOf(600, 1);
    const b = messageOf(600, 2);
    const [as, bs, cs] = [chunksOf(a, 1, 256), chunksOf(b, 2, 256), chunksOf(b, 1, 256)];
    const wholes: unknown[] = [];
    for (let i = 0; i < as.length; i++) {
      wholes.push(reassembler.take(source, at(as, i)));
      wholes.push(reassembler.take(source, at(bs, i)));
      wholes.push(reassembler.take(other, at(cs, i)));
    }
    expect(wholes.filter((whole) => whole !== undefined)).toEqual([a, b, b]);
  });

  test('drops and counts chunks that repeat or contradict the first, and the message still comes', () => {
    const { reassembler, counters } = fresh();
    const message = messageOf(600);
    const chunks = chunksOf(message, 1, 256);
    const start = first(chunks);
    reassembler.take(source, start);
    reassembler.take(source, start);
    for (const change of [{ count: 4 }, { length: 599 }, { digest: start.digest + 1 }]) {
      const conflicting = { ...at(chunks, 1), ...change };
      expect(reassembler.take(source, conflicting)).toBeUndefined();
      expect(reassembler.ackOf(source, conflicting)).toBeUndefined();
    }
    expect(counters.droppedChunkDuplicate).toBe(1);
    expect(counters.droppedChunkConflict).toBe(3);
    expect(chunks.slice(1).map((chunk) => reassembler.take(source, chunk))).toEqual(
      chunks.slice(1).map((_, i) => (i === chunks.length - 2 ? message : undefined)),
    );
  });

  test('gives no message whose bytes are not those that were cut, and takes the honest one afterwards', () => {
    const { reassembler, counters } = fresh();
    const message = messageOf(600);
    const chunks = chunksOf(message, 1, 256);
    const forged = { ...first(chunks), bytes: new Uint8Array(first(chunks).bytes.length) };
    expect([forged, ...chunks.slice(1)].map((chunk) => reassembler.take(source, chunk))).toEqual(
      chunks.map(() => undefined),
    );
    expect(counters.droppedChunkDigest).toBe(1);
    expect(reassembler.heldBytes).toBe(0);
    expect(chunks.map((chunk) => reassembler.take(source, chunk)).at(-1)).toEqual(message);
  });

  test('answers a late chunk of a finished message, and does not give the message twice', () => {
    const { reassembler, counters } = fresh();
    const chunks = chunksOf(messageOf(600), 1, 256);
    for (const chunk of chunks) reassembler.take(source, chunk);
    for (const chunk of chunks) expect(reassembler.take(source, chunk)).toBeUndefined();
    expect(counters.droppedChunkFinished).toBe(chunks.length);
    expect(reassembler.ackOf(source, first(chunks))).toMatchObject({ status: 'complete' });
    expect(reassembler.ackOf(other, first(chunks))).toBeUndefined();
    expect(reassembler.messagesHeld).toBe(0);
  });

  test('remembers a bounded number of finished messages, of each source its own', () => {
    const { reassembler } = fresh();
    const finish = (from: typeof source, id: number): void => {
      for (const chunk of chunksOf(messageOf(300), id, 256)) reassembler.take(from, chunk);
    };
    finish(other, 1);
    for (let id = 0; id < 300; id++) finish(source, id);
    const statusOf = (from: typeof source, id: number) =>
      reassembler.ackOf(from, first(chunksOf(messageOf(300), id, 256)))?.status;
    expect([statusOf(source, 299), statusOf(source, 0), statusOf(other, 1)]).toEqual([
      'complete',
      undefined,
      'complete',
    ]);
  });

  test('forgets a message without a new chunk after its time, by its own timer, and keeps one that goes on', () => {
    const { reassembler, counters, wait } = fresh();
    const slow = chunksOf(messageOf(900), 2, 256);
    reassembler.take(source, first(chunksOf(messageOf(600), 1, 256)));
    reassembler.take(source, at(slow, 0));
    for (const index of [1, 2]) {
      wait(700);
      reassembler.take(source, at(slow, index));
      reassembler.take(source, at(slow, 0));
    }
    expect(reassembler.messagesHeld).toBe(1);
    expect(counters.evictedPartialMessages).toBe(1);
    wait(1_001);
    expect(reassembler.messagesHeld).toBe(0);
    expect(counters.evictedPartialMessages).toBe(2);
    expect(reassembler.heldBytes).toBe(0);
  });

  test('sets no timer while it holds nothing', () => {
    const { reassembler, time } = fresh();
    const chunks = chunksOf(messageOf(600), 1, 256);
    expect(time.nextMs).toBe(Infinity);
    reassembler.take(source, first(chunks));
    expect(time.nextMs).toBe(1_000);
    for (const chunk of chunks.slice(1)) reassembler.take(source, chunk);
    expect(time.nextMs).toBe(Infinity);
  });

  test("evicts for too many messages of one source its own, and nobody else's", () => {
    const { reassembler, counters } = fresh();
    const otherChunks = chunksOf(messageOf(600), 1, 256);
    for (const chunk of otherChunks.slice(1)) reassembler.take(other, chunk);
    for (let id = 0; id < 10; id++) reassembler.take(source, first(chunksOf(messageOf(600), id, 256)));
    expect(reassembler.messagesHeld).toBe(5);
    expect(counters.evictedPartialMessages).toBe(6);
    expect(reassembler.take(other, first(otherChunks))).toEqual(messageOf(600));
  });

  test('holds no more of one source than its share', () => {
    const { reassembler, counters } = fresh({ messagesPerSourceMax: 64 });
    for (let id = 0; id < 20; id++) {
      for (const chunk of chunksOf(messageOf(8_000, id), id, 1_024).slice(0, -1)) {
        reassembler.take(source, chunk);
        expect(reassembler.heldBytes).toBeLessThanOrEqual(30_000);
      }
    }
    expect(counters.evictedPartialMessages).toBeGreaterThan(10);
    expect(counters.droppedChunkNoRoom).toBe(0);
  });

  test('keeps nothing of a message beyond the limits, and says so', () => {
    const { reassembler, counters } = fresh();
    const huge = lie({ length: 100_002, bytes: new Uint8Array(50_001) });
    reassembler.take(source, huge);
    const tooMuchForOne = lie({ id: 2, length: 40_000, bytes: new Uint8Array(20_000) });
    reassembler.take(source, tooMuchForOne);
    expect(counters.droppedChunkTooLarge).toBe(2);
    expect(reassembler.messagesHeld).toBe(0);
    for (const chunk of [huge, tooMuchForOne])
      expect(reassembler.ackOf(source, chunk)).toMatchObject({ status: 'refused' });
  });

  test('pays for what arrived, never for what a header claims', () => {
    const { reassembler } = fresh({
      messageBytesMax: 2 ** 32,
      heldBytesMax: 2 ** 33,
      heldBytesPerSourceMax: 2 ** 33,
    });
    reassembler.take(source, lie({ length: 2 ** 32 - 1, count: 4_000_000, bytes: new Uint8Array(1_074) }));
    expect(reassembler.heldBytes).toBeLessThan(8_000);
    reassembler.take(source, lie({ length: 2 ** 32 - 1, count: 4_000_000, index: 100, bytes: new Uint8Array(1_074) }));
    expect(reassembler.heldBytes).toBeLessThan(10_000);
  });

  test('drops chunks that are too far ahead of the first missing one, but tells where it stands', () => {
    const { reassembler, counters } = fresh();
    const chunks = chunksOf(messageOf(20_000), 1, 256);
    const many = lie({ id: 5, count: 5_000, length: 5_000, bytes: new Uint8Array(1) });
    const last = { ...many, index: aheadChunksOf(1) + 1 };
    const roomy = fresh({ heldBytesPerSourceMax: 500_000, heldBytesMax: 500_000 });
    roomy.reassembler.take(source, last);
    expect(roomy.counters.droppedChunkAhead).toBe(1);
    expect(roomy.reassembler.ackOf(source, last)).toMatchObject({ missing: 0, bitmap: new Uint8Array(0) });
    roomy.reassembler.take(source, { ...many, index: aheadChunksOf(1) });
    expect(roomy.reassembler.ackOf(source, last)?.bitmap.length).toBe(128);
    reassembler.take(source, first(chunks));
    expect(counters.droppedChunkAhead).toBe(0);
  });

  test('names every attempt at a message anew', () => {
    const { reassembler, wait } = fresh();
    const chunk = first(chunksOf(messageOf(600), 1, 256));
    reassembler.take(source, chunk);
    const before = reassembler.ackOf(source, chunk)?.assembly;
    wait(1_500);
    reassembler.take(source, chunk);
    expect([before, reassembler.ackOf(source, chunk)?.assembly]).toEqual([70, 71]);
  });

  test('lets a source that holds little take memory from one that holds much, and not the other way round', () => {
    const { reassembler, counters } = fresh({ heldBytesMax: 33_000 });
    const hoard = (from: typeof source, id: number, bytes: number): void => {
      const chunks = chunksOf(messageOf(bytes), id, 1_024);
      for (const chunk of chunks.slice(0, -1)) reassembler.take(from, chunk);
    };
    for (const id of [1, 2]) hoard(source, id, 12_000);
    const message = messageOf(9_000, 3);
    const wholes = chunksOf(message, 3, 1_024).map((chunk) => reassembler.take(other, chunk));
    expect(wholes.at(-1)).toEqual(message);
    expect(counters.evictedPartialMessages).toBe(1);

    const small = endPoint('10.0.0.3:1');
    const smalls = chunksOf(messageOf(3_000, 4), 4, 1_024);
    for (const chunk of smalls.slice(0, -1)) reassembler.take(small, chunk);
    for (let id = 10; id < 40; id++) hoard(source, id, 12_000);
    expect(reassembler.take(small, at(smalls, smalls.length - 1))).toEqual(messageOf(3_000, 4));
  });

  test('drops a chunk for which only those would have to make room who hold less', () => {
    const { reassembler, counters } = fresh({ heldBytesMax: 29_000 });
    const [mine, others] = [chunksOf(messageOf(12_000), 1, 1_024), chunksOf(messageOf(9_000), 2, 1_024)];
    for (const chunk of others.slice(0, -1)) reassembler.take(other, chunk);
    // Each is kept for itself, because the first one is missing.
    for (const chunk of mine.slice(1)) reassembler.take(source, chunk);
    reassembler.take(source, first(mine));
    expect(counters.evictedPartialMessages).toBe(0);
    expect(counters.droppedChunkNoRoom).toBeGreaterThan(0);
    expect(reassembler.take(other, at(others, others.length - 1))).toEqual(messageOf(9_000));
    for (const chunk of mine) reassembler.take(source, chunk);
    expect(reassembler.messagesHeld).toBe(0);
  });

  test('holds no more than its limits, whatever arrives, and counts every chunk once', () => {
    const chunk = fc.record({
      id: fc.nat(30),
      index: fc.nat(9),
      count: fc.integer({ min: 2, max: 10 }),
      size: fc.integer({ min: 1, max: 2_000 }),
      port: fc.integer({ min: 1, max: 4 }),
      wait: fc.nat(200),
    });
    let evictions = 0;
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 300, minLength: 100 }), (arrivals) => {
        const { reassembler, counters, wait } = fresh({ heldBytesMax: 33_000, messagesPerSourceMax: 8 });
        for (const { id, index, count, size, port, wait: ms } of arrivals) {
          wait(ms);
          const arrived = lie({ id, index: index % count, count, length: size * count, bytes: new Uint8Array(size) });
          reassembler.take(endPoint(`10.0.0.1:${port}`), arrived);
          expect(reassembler.heldBytes).toBeLessThanOrEqual(33_000);
          expect(reassembler.messagesHeld * 1_024).toBeLessThanOrEqual(reassembler.heldBytes);
        }
        const names = Object.keys(counters).filter((name) => /^droppedChunk|^chunksReceived/.test(name));
        const total = names.reduce((sum, name) => sum + (counters as Readonly<Record<string, number>>)[name]!, 0);
        expect(total).toBe(arrivals.length);
        evictions += counters.evictedPartialMessages;
        wait(2_000);
        expect([reassembler.messagesHeld, reassembler.heldBytes]).toEqual([0, 0]);
      }),
      { numRuns: 50 },
    );
    expect(evictions).toBeGreaterThan(0);
  });

  test('never holds more for a message than it says beforehand', () => {
    fc.assert(
      fc.property(fc.integer({ min: 600, max: 40_000 }), fc.infiniteStream(fc.nat()), (length, order) => {
        const { reassembler } = fresh({ heldBytesPerSourceMax: 1_000_000, heldBytesMax: 1_000_000 });
        const chunks = chunksOf(messageOf(length), 9, 256);
        const left = [...chunks];
        for (const pick of order) {
          const [chunk] = left.splice(pick % left.length, 1);
          if (chunk === undefined) break;
          reassembler.take(source, chunk);
          expect(reassembler.heldBytes).toBeLessThanOrEqual(assemblyBytesMax(chunk));
          if (left.length === 0) break;
        }
      }),
      { numRuns: 30 },
    );
  });
});

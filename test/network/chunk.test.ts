import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aheadChunksOf } from '../../src/network/chunk.js';
import { ackBitmapBytesMax, chunkFrameBytes, clusterIdOf, readFrame, writeChunk } from '../../src/network/frame.js';
import { E } from '../../src/spec/prelude.js';
import { chunksOf, messageOf } from './chunks.js';

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
  });

  test('that are kept ahead of a missing one can all be named in an ack, and are some MiB at most', () => {
    for (const size of [1, 100, 221, 1_165, 8_157, 65_472]) {
      const ahead = aheadChunksOf(size);
      expect(ahead).toBeLessThanOrEqual(ackBitmapBytesMax * 8);
      expect(ahead).toBeGreaterThanOrEqual(8);
      expect(ahead * size).toBeLessThanOrEqual(1024 * 1024);
    }
  });
});

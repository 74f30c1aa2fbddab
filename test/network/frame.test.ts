import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DatagramDrop } from '../../src/network/counters.js';
import {
  type Ack,
  ackBitmapBytesMax,
  bundledMessageHeaderBytes,
  clusterIdOf,
  type Frame,
  frameHeaderBytes,
  messageIdSpan,
  readFrame,
  writeAck,
  writeBundle,
  writeChunk,
} from '../../src/network/frame.js';
import { E } from '../../src/spec/prelude.js';
import { chunksOf } from './chunks.js';

const cluster = clusterIdOf('test');

const bundle = (messages: readonly Uint8Array[]): Buffer => {
  const bodyBytes = messages.reduce((sum, m) => sum + m.length + bundledMessageHeaderBytes, 0);
  return writeBundle(messages, 0, messages.length, bodyBytes, cluster);
};

const read = (datagram: Uint8Array, messagesMax = 100): E.Either<DatagramDrop, Frame> =>
  readFrame(datagram, cluster, messagesMax);

const dropOf = (datagram: Uint8Array): DatagramDrop | 'none' => {
  const frame = read(datagram);
  return E.isLeft(frame) ? frame.left : 'none';
};

const message = fc.uint8Array({ minLength: 1, maxLength: 50 });

describe('a frame', () => {
  test('gives back the messages of a bundle', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 10 }), (messages) => {
        expect(read(bundle(messages))).toEqual(E.right({ tag: 'bundle', messages }));
      }),
    );
  });

  test('gives back a chunk', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 300, maxLength: 2_000 }), fc.nat(2 ** 48 - 1), (whole, id) => {
        for (const chunk of chunksOf(whole, id, 256)) expect(read(writeChunk(chunk, cluster))).toEqual(E.right(chunk));
      }),
    );
  });

  test('gives back an ack', () => {
    const id = fc.nat(messageIdSpan - 1);
    const bitmap = fc.uint8Array({ maxLength: ackBitmapBytesMax }).filter((bytes) => bytes.at(-1) !== 0);
    const missing = fc.nat(2 ** 32 - 1);
    const partial = fc.record({ id, assembly: id, missing, bitmap, status: fc.constant('partial' as const) });
    const none = fc.constant(new Uint8Array(0));
    const status = fc.constantFrom('complete' as const, 'refused' as const);
    const last = fc.record({ id, assembly: id, missing, bitmap: none, status });
    fc.assert(
      fc.property(fc.oneof(partial, last), (ack) => {
        expect(read(writeAck(ack, cluster))).toEqual(E.right({ tag: 'ack', ...ack }));
      }),
    );
  });

  const samples = [
    ['bundle', bundle([Uint8Array.of(1, 2, 3), new Uint8Array(40), Uint8Array.of(9)])],
    ['chunk', writeChunk(chunksOf(new Uint8Array(500).fill(3), 77, 256)[2] as never, cluster)],
    ['ack', writeAck({ id: 7, assembly: 9, status: 'partial', missing: 3, bitmap: Uint8Array.of(0, 255, 4) }, cluster)],
  ] as const;

  test.each(samples)('(of kind %s) is dropped with any bit of it flipped', (_, valid) => {
    expect(dropOf(valid)).toBe('none');
    const seen = new Set<string>();
    for (let bit = 0; bit < valid.length * 8; bit++) {
      const flipped = Buffer.from(valid);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      const drop = dropOf(flipped);
      expect(drop).not.toBe('none');
      seen.add(drop);
    }
    expect([...seen].sort()).toEqual(
      ['droppedChecksum', 'droppedCluster', 'droppedKind', 'droppedMagic', 'droppedVersion'].sort(),
    );
  });

  test.each(samples)('(of kind %s) is dropped when cut at any byte, or followed by one', (_, valid) => {
    for (let length = 0; length < valid.length; length++) expect(dropOf(valid.subarray(0, length))).not.toBe('none');
    expect(dropOf(Buffer.concat([valid, Buffer.of(0)]))).toBe('droppedChecksum');
  });

  test('of another cluster is not heard', () => {
    expect(readFrame(bundle([Uint8Array.of(1)]), clusterIdOf('other'), 100)).toEqual(E.left('droppedCluster'));
  });

  test('of more messages than the limit is dropped whole', () => {
    const full = bundle([Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)]);
    expect(E.isRight(read(full, 3))).toBe(true);
    expect(read(full, 2)).toEqual(E.left('droppedTooMany'));
  });

  test('with a right checksum and a wrong body is malformed', () => {
    expect(dropOf(Buffer.alloc(frameHeaderBytes))).toBe('droppedTooShort');
    expect(dropOf(bundle([new Uint8Array(0)]))).toBe('droppedMalformed');
    expect(dropOf(writeBundle([Uint8Array.of(1)], 0, 1, 6, cluster))).toBe('droppedMalformed');
    const chunk = { id: 1, ackWanted: false, index: 0, count: 2, length: 4, digest: 0, bytes: Uint8Array.of(1, 2) };
    const written = (change: Partial<typeof chunk>): string => dropOf(writeChunk({ ...chunk, ...change }, cluster));
    expect(written({})).toBe('none');
    const wrongs: Partial<typeof chunk>[] = [
      { count: 0 },
      { count: 1 },
      { index: 2 },
      { length: 5 },
      { length: 1 },
      { length: 0 },
      { length: 2 ** 32 - 1 },
      { count: 2 ** 32 - 1 },
      { bytes: Uint8Array.of(1) },
      { bytes: Uint8Array.of(1, 2, 3) },
      { bytes: new Uint8Array(0) },
    ];
    for (const wrong of wrongs) expect([wrong, written(wrong)]).toEqual([wrong, 'droppedMalformed']);
  });

  test('of an ack that says too much is malformed', () => {
    const ack = { id: 1, assembly: 2, status: 'partial', missing: 0, bitmap: new Uint8Array(0) } as const;
    const written = (change: Partial<Ack>): string => dropOf(writeAck({ ...ack, ...change }, cluster));
    expect(written({})).toBe('none');
    expect(written({ bitmap: Uint8Array.of(1, 0) })).toBe('droppedMalformed');
    expect(written({ bitmap: new Uint8Array(ackBitmapBytesMax + 1).fill(1) })).toBe('droppedMalformed');
    expect(written({ status: 'complete', bitmap: Uint8Array.of(1) })).toBe('droppedMalformed');
    expect(written({ status: 'unheard of' as never })).toBe('droppedMalformed');
  });

  test('that asks for an ack in another way than 0 or 1 is malformed', () => {
    const chunk = writeChunk({ ...chunksOf(new Uint8Array(500), 1, 256)[0] } as never, cluster);
    chunk[frameHeaderBytes + 6] = 2;
    chunk.writeUInt32BE(crc32(chunk.subarray(frameHeaderBytes), (cluster ^ 2) >>> 0), 8);
    expect(dropOf(chunk)).toBe('droppedMalformed');
  });

  test('of any bytes is read without an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => dropOf(bytes) !== 'none'),
      { numRuns: 2_000 },
    );
  });
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chunksOf } from '../../src/network/chunk.js';
import type { DatagramDrop } from '../../src/network/counters.js';
import {
  bundledMessageHeaderBytes,
  clusterIdOf,
  type Frame,
  frameHeaderBytes,
  readFrame,
  writeBundle,
  writeChunk,
} from '../../src/network/frame.js';
import { E } from '../../src/spec/prelude.js';

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

  const samples = [
    ['bundle', bundle([Uint8Array.of(1, 2, 3), new Uint8Array(40), Uint8Array.of(9)])],
    ['chunk', writeChunk(chunksOf(new Uint8Array(500).fill(3), 77, 256)[2] as never, cluster)],
  ] as const;

  test.each(samples)('(a %s) is dropped with any bit of it flipped', (_, valid) => {
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

  test.each(samples)('(a %s) is dropped when cut at any byte, or followed by one', (_, valid) => {
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
    const chunk = { id: 1, index: 0, count: 2, length: 4, digest: 0, bytes: Uint8Array.of(1, 2) };
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
      { count: 65_535 },
      { bytes: Uint8Array.of(1) },
      { bytes: Uint8Array.of(1, 2, 3) },
      { bytes: new Uint8Array(0) },
    ];
    for (const wrong of wrongs) expect([wrong, written(wrong)]).toEqual([wrong, 'droppedMalformed']);
  });

  test('of any bytes is read without an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => dropOf(bytes) !== 'none'),
      { numRuns: 2_000 },
    );
  });
});

/** The value of a request: a list of operations as bytes (systems/ironrsm/README.md, "Terms"). */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joined, parted } from '../../systems/ironrsm/messages.js';

const lists = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });

/** Bytes of a list, one of which may have another value, and of which some may be missing at the end. */
const anyBytes = fc.tuple(lists, fc.nat(400), fc.nat(255), fc.nat(400)).map(([list, at, byte, cut]) => {
  const bytes = joined(list);
  if (at < bytes.length) bytes[at] = byte;
  return bytes.subarray(0, Math.max(0, bytes.length - Math.max(0, cut - 200)));
});

describe('operations in a value', () => {
  it('come back as they were, in their order', () => {
    fc.assert(
      fc.property(lists, (list) => {
        const bytes = joined(list);
        expect(parted(bytes)).toEqual(list);
        expect(bytes.length).toBe(list.reduce((sum, { length }) => sum + length + 4, 0));
      }),
    );
  });

  it('are each its length in four bytes, big-endian, and its bytes', () => {
    expect([...joined([Uint8Array.of(7, 8), new Uint8Array(), Uint8Array.of(9)])]).toEqual([
      ...[0, 0, 0, 2, 7, 8],
      ...[0, 0, 0, 0],
      ...[0, 0, 0, 1, 9],
    ]);
    expect(joined([])).toHaveLength(0);
    for (const length of [255, 256, 65_535, 65_536, 0x102_0304]) {
      const bytes = joined([new Uint8Array(length), Uint8Array.of(1)]);
      expect([...bytes.subarray(0, 4)]).toEqual(
        [length >>> 24, length >>> 16, length >>> 8, length].map((n) => n & 255),
      );
      expect(parted(bytes).map((part) => part.length)).toEqual([length, 1]);
    }
  });

  it('are none where the bytes are no list', () => {
    for (const bytes of [
      [1],
      [0, 0, 0],
      [0, 0, 0, 1],
      [0, 0, 0, 2, 7],
      // A list, and more.
      [0, 0, 0, 1, 7, 0],
      [0, 0, 0, 0, 0, 0, 0],
      // Lengths that would wrap as integers of 32 bits.
      [255, 255, 255, 255],
      [255, 255, 255, 252, 0, 0, 0, 0],
      [128, 0, 0, 0, 1],
    ])
      expect(parted(Uint8Array.from(bytes))).toEqual([]);
  });

  it('have one form: bytes that hold some are those that they are joined to', () => {
    const seen = { lists: 0, others: 0 };
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const parts = parted(bytes);
        if (parts.length > 0) expect([...joined(parts)]).toEqual([...bytes]);
        if (bytes.length > 0) seen[parts.length > 0 ? 'lists' : 'others']++;
      }),
      { numRuns: 500 },
    );
    expect(seen.lists).toBeGreaterThan(20);
    expect(seen.others).toBeGreaterThan(20);
  });
});

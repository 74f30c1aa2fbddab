import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BytePool } from '../../src/network/byte-pool.js';

describe('a pool of bytes', () => {
  test('gives everybody bytes of his own, whatever the lengths', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 60 }), (lengths) => {
        const pool = new BytePool();
        const taken = lengths.map((length) => pool.take(length));
        taken.forEach((bytes, i) => {
          bytes.fill(i + 1);
        });
        taken.forEach((bytes, i) => {
          expect(bytes).toHaveLength(lengths[i] as number);
          expect(bytes.every((byte) => byte === i + 1)).toBe(true);
        });
      }),
    );
  });

  test('copies', () => {
    const pool = new BytePool();
    const original = Uint8Array.of(1, 2, 3);
    const copy = pool.copy(original);
    original.fill(9);
    expect([...copy]).toEqual([1, 2, 3]);
  });

  test('copies a part, whatever its length', () => {
    const bytes = Uint8Array.from({ length: 400 }, (_, i) => i % 251);
    fc.assert(
      fc.property(fc.nat(400), fc.nat(400), (a, b) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        const copy = new BytePool().copy(bytes.subarray(0, 400), start, end);
        expect([...copy]).toEqual([...bytes.slice(start, end)]);
      }),
    );
  });

  test('shares blocks among the small only, and keeps these small', () => {
    const pool = new BytePool();
    const [one, other, large] = [pool.take(100), pool.take(100), pool.take(5_000)];
    expect(one.buffer).toBe(other.buffer);
    expect(one.buffer.byteLength).toBeLessThanOrEqual(4_096);
    expect(large.buffer.byteLength).toBe(5_000);
  });
});

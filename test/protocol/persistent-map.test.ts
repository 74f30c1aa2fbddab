import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashOf } from '../../src/protocol/persistent-map/hash.js';
import { type MapDraft, type MapKey, PersistentMap } from '../../src/protocol/persistent-map.js';

/** Numbers of one hash: 32 low bits that take back what each upper part adds. */
const collidingNumbers = [0, 1, 2, 3, 500, 2 ** 20].map(
  (high) => high * 2 ** 32 + ((7 ^ Math.imul(high, 0x85ebca60)) >>> 0),
);

/** Strings of one hash, found by a birthday search. */
const collidingTexts = ((): string[] => {
  const byHash = new Map<number, string>();
  for (let i = 0; ; i++) {
    const text = `k${i}`;
    const other = byHash.get(hashOf(text));
    if (other !== undefined) return [other, text];
    byHash.set(hashOf(text), text);
  }
})();

const keys: fc.Arbitrary<MapKey> = fc.oneof(
  fc.nat(12),
  fc.nat(60).map((i) => i * 2 ** 27),
  fc.maxSafeNat(),
  fc.string({ maxLength: 3 }),
  fc.nat(12).map(String),
  fc.constantFrom(...collidingNumbers, ...collidingTexts),
);

type Op =
  | { readonly tag: 'set'; readonly key: MapKey; readonly value: number }
  | { readonly tag: 'delete'; readonly key: MapKey };

const ops: fc.Arbitrary<Op[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ tag: fc.constant('set' as const), key: keys, value: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ tag: fc.constant('delete' as const), key: keys }) },
  ),
  { maxLength: 120 },
);

const apply = (map: PersistentMap<MapKey, number>, op: Op): PersistentMap<MapKey, number> =>
  op.tag === 'set' ? map.set(op.key, op.value) : map.delete(op.key);

const applyToModel = (model: Map<MapKey, number>, op: Op): void => {
  if (op.tag === 'set') model.set(op.key, op.value);
  else model.delete(op.key);
};

const applyToDraft = (draft: MapDraft<MapKey, number>, op: Op): void => {
  if (op.tag === 'set') draft.set(op.key, op.value);
  else draft.delete(op.key);
};

const empty = PersistentMap.empty<MapKey, number>();

const contents = (map: PersistentMap<MapKey, number>): Map<MapKey, number> => new Map(map);

describe('a persistent map', () => {
  test('has colliding keys to be tested with', () => {
    expect(new Set(collidingNumbers.map(hashOf)).size).toBe(1);
    expect(new Set(collidingNumbers).size).toBe(6);
    expect(new Set(collidingTexts.map(hashOf)).size).toBe(1);
  });

  test('agrees with a native map on every sequence of changes, and old versions stay as they were', () => {
    fc.assert(
      fc.property(ops, (sequence) => {
        const model = new Map<MapKey, number>();
        const versions: [PersistentMap<MapKey, number>, Map<MapKey, number>][] = [];
        let map = empty;
        for (const op of sequence) {
          map = apply(map, op);
          applyToModel(model, op);
          expect(map.size).toBe(model.size);
          expect(map.get(op.key)).toBe(model.get(op.key));
          expect(map.has(op.key)).toBe(model.has(op.key));
          versions.push([map, new Map(model)]);
        }
        for (const [version, expected] of versions) expect(contents(version)).toEqual(expected);
      }),
    );
  });

  test('is iterated in an order that depends on the contents only', () => {
    fc.assert(
      fc.property(ops, (sequence) => {
        const map = sequence.reduce(apply, empty);
        const shortest = PersistentMap.of([...map].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
        const detour = collidingNumbers.reduce<PersistentMap<MapKey, number>>((m, k) => m.set(k, 9), map);
        const back = collidingNumbers.reduce((m, k) => (map.has(k) ? m.set(k, map.get(k)!) : m.delete(k)), detour);
        expect([...shortest]).toEqual([...map]);
        expect([...back]).toEqual([...map]);
        expect(back.equals(map, Object.is)).toBe(true);
        expect([...map.keys()]).toEqual([...map].map(([k]) => k));
        expect([...map.values()]).toEqual([...map].map(([, v]) => v));
      }),
    );
  });

  test('can be walked in pieces: what comes after any of its keys is the rest of the walk', () => {
    let collided = 0;
    fc.assert(
      fc.property(ops, keys, (sequence, other) => {
        const map = sequence.reduce(apply, empty);
        const all = [...map];
        collided += all.filter(([key]) => hashOf(key) === hashOf(collidingNumbers[0]!)).length > 1 ? 1 : 0;
        expect([...map.entriesAfter(undefined)!]).toEqual(all);
        all.forEach(([key], i) => {
          expect([...map.entriesAfter(key)!]).toEqual(all.slice(i + 1));
        });
        if (!map.has(other)) expect(map.entriesAfter(other)).toBeUndefined();
      }),
      { numRuns: 300 },
    );
    expect(collided).toBeGreaterThan(0);
  });

  test('has nothing to give after a key that it lacks, however near its other keys are', () => {
    const map = empty.set(collidingNumbers[0]!, 1).set(collidingNumbers[1]!, 2);
    expect([...map.entriesAfter(collidingNumbers[0]!)!]).toEqual([[collidingNumbers[1]!, 2]]);
    expect(map.entriesAfter(collidingNumbers[2]!)).toBeUndefined();
    expect(empty.entriesAfter(1)).toBeUndefined();
    expect([...empty.entriesAfter(undefined)!]).toEqual([]);
    expect(() => map.entriesAfter(-1)).toThrow(RangeError);
  });

  test('returns itself when a change changes nothing', () => {
    fc.assert(
      fc.property(ops, keys, (sequence, key) => {
        const map = sequence.reduce(apply, empty);
        const value = map.get(key);
        if (value === undefined) expect(map.delete(key)).toBe(map);
        else expect(map.set(key, value)).toBe(map);
        expect(map.withMutations(() => undefined)).toBe(map);
      }),
    );
  });

  test('differs from another at exactly the keys that a comparison of everything finds', () => {
    fc.assert(
      fc.property(ops, ops, ops, (common, left, right) => {
        const base = common.reduce(apply, empty);
        const a = left.reduce(apply, base);
        for (const b of [right.reduce(apply, base), base, right.reduce(apply, empty)]) {
          const all = new Set([...a.keys(), ...b.keys()]);
          const expected = new Set([...all].filter((k) => a.get(k) !== b.get(k)));
          const found = [...a.diff(b)];
          expect(new Set(found)).toEqual(expected);
          expect(found.length).toBe(expected.size);
          expect(a.equals(b, Object.is)).toBe(expected.size === 0);
        }
      }),
    );
  });

  test('is not touched by a draft made from it, and the draft ends as single changes would', () => {
    fc.assert(
      fc.property(ops, ops, ops, (first, second, third) => {
        const base = first.reduce(apply, empty);
        const before = contents(base);
        const drafted = base.withMutations((draft) => {
          const model = new Map(before);
          for (const op of second) {
            applyToDraft(draft, op);
            applyToModel(model, op);
            expect(draft.size).toBe(model.size);
            expect(draft.get(op.key)).toBe(model.get(op.key));
            expect(draft.has(op.key)).toBe(model.has(op.key));
          }
        });
        const single = second.reduce(apply, base);
        expect([...drafted]).toEqual([...single]);
        expect(drafted.size).toBe(single.size);
        const drafted2 = drafted.withMutations((draft) => {
          for (const op of third) applyToDraft(draft, op);
        });
        expect(contents(base)).toEqual(before);
        expect([...drafted]).toEqual([...single]);
        expect([...drafted2]).toEqual([...third.reduce(apply, single)]);
      }),
    );
  });

  test('throws when a draft is used after it ended, even when it ended by an exception', () => {
    let escaped: MapDraft<MapKey, number> | undefined;
    const base = empty.set('a', 1);
    const after = base.withMutations((draft) => {
      draft.set('a', 2);
      escaped = draft;
    });
    expect(() => escaped!.set('a', 3)).toThrow('finished');
    expect(() => escaped!.delete('a')).toThrow('finished');
    expect(() => escaped!.get('a')).toThrow('finished');
    expect(() => escaped!.size).toThrow('finished');
    expect(after.get('a')).toBe(2);
    expect(base.get('a')).toBe(1);
    expect(() =>
      base.withMutations((draft) => {
        escaped = draft;
        throw new Error('given up');
      }),
    ).toThrow('given up');
    expect(() => escaped!.set('a', 3)).toThrow('finished');
  });

  test('keeps the key 1 apart from the key "1"', () => {
    const map = empty.set(1, 10).set('1', 20);
    expect([map.size, map.get(1), map.get('1')]).toEqual([2, 10, 20]);
  });

  test('refuses keys that are no natural numbers, and undefined values', () => {
    for (const key of [-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, -0]) {
      expect(() => empty.set(key, 1)).toThrow(RangeError);
    }
    expect(() => PersistentMap.empty<MapKey, undefined>().set(1, undefined)).toThrow(TypeError);
    expect(() => PersistentMap.empty<MapKey, undefined>().withMutations((d) => d.set(1, undefined))).toThrow(TypeError);
    expect(empty.set(Number.MAX_SAFE_INTEGER, 1).get(Number.MAX_SAFE_INTEGER)).toBe(1);
  });

  test('spreads dense runs, strides and large numbers so that no hash is shared by many', () => {
    for (const stride of [1, 32, 1024, 2 ** 20, 2 ** 32, 2 ** 33 + 2 ** 12]) {
      const count = 10_000;
      const hashes = new Set(Array.from({ length: count }, (_, i) => hashOf(i * stride)));
      expect(hashes.size, `stride ${stride}`).toBeGreaterThan(count * 0.39);
      const top = new Set([...hashes].map((h) => h >>> 27));
      expect(top.size, `stride ${stride}`).toBe(32);
    }
  });

  test('finds the difference of big maps without walking what they share', () => {
    const big = PersistentMap.of(Array.from({ length: 100_000 }, (_, i) => [i, i] as const));
    const changed = big.set(5, 0).delete(77_777).set(1_000_000, 1);
    expect(new Set(changed.diff(big))).toEqual(new Set([5, 77_777, 1_000_000]));
    const start = performance.now();
    for (let i = 0; i < 20_000; i++) changed.diff(big);
    // About 0.03 s; walking everything would take a minute, so the bound tells them apart on the slowest machine.
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

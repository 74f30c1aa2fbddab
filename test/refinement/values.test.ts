import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PersistentMap } from '../../src/protocol/persistent-map.js';
import {
  changedEqual,
  equalValues,
  firstDifference,
  fromPlain,
  showValue,
  toPlain,
  UnsupportedValue,
} from '../../src/refinement/values.js';
import { E } from '../../src/spec/prelude.js';

const { value: values } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(
      fc.constantFrom<unknown>(
        null,
        undefined,
        true,
        false,
        0,
        -0,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        2n ** 70n,
        -1n,
      ),
      fc.integer(),
      fc.double(),
      fc.string({ unit: 'binary' }),
      fc.uint8Array({ maxLength: 80 }),
    ),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom('#map', '__proto__', 'tag', 'x')),
      tie('value'),
      {
        maxKeys: 4,
        noNullPrototype: true,
      },
    ),
    fc
      .array(
        fc.tuple(
          fc.oneof(fc.nat(9), fc.string({ maxLength: 2 })),
          tie('value').map((v) => v ?? null),
        ),
        { maxLength: 5 },
      )
      .map((entries) => PersistentMap.of(entries)),
  ),
}));

/** A copy that shares no object with `value`. */
const copy = (value: unknown): unknown => {
  const result = fromPlain(toPlain(value));
  if (E.isLeft(result)) throw new Error(result.left);
  return result.right;
};

const table = (size: number): PersistentMap<number, { readonly n: number; readonly log: Uint8Array }> =>
  PersistentMap.of(Array.from({ length: size }, (_, n) => [n, { n, log: Uint8Array.of(n, 1, 2) }] as const));

describe('equality of values', () => {
  test('holds between a value and its copy, and between no two values that are written differently', () => {
    const canonical = (v: unknown): string => showValue(v, 1_000_000);
    fc.assert(
      fc.property(values, values, (a, b) => {
        expect(equalValues(a, copy(a))).toBe(true);
        expect(firstDifference(a, copy(a))).toBeUndefined();
        expect(equalValues(a, b)).toBe(canonical(a) === canonical(b));
        expect(equalValues(a, b)).toBe(equalValues(b, a));
      }),
    );
  });

  test('looks at bytes, at own keys in any order, and at nothing when the two are one object', () => {
    expect(equalValues(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
    expect(equalValues(new Uint8Array(100).fill(7), new Uint8Array(100).fill(7))).toBe(true);
    expect(equalValues(new Uint8Array(100).fill(7), new Uint8Array(100).fill(7).fill(8, 99))).toBe(false);
    expect(equalValues({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(true);
    expect(equalValues({ a: 1, b: undefined }, { a: 1 })).toBe(false);
    expect(equalValues({ a: 1, b: undefined }, { a: 1, c: undefined })).toBe(false);
    expect(equalValues([1], { 0: 1 })).toBe(false);
    for (const inherited of ['__proto__', 'toString', 'constructor']) {
      const a = Object.fromEntries([[inherited, {}]]);
      expect(equalValues(a, { b: 1 })).toBe(false);
      expect(equalValues({ b: 1 }, a)).toBe(false);
      expect(changedEqual({}, a, Object.fromEntries([[inherited, {}]]))).toBeUndefined();
      expect(firstDifference(a, {})).toEqual({ path: [inherited], left: {}, right: undefined });
      expect(changedEqual({}, a, {})).toEqual({ path: [inherited], left: {}, right: undefined });
    }
    expect(equalValues(Number.NaN, Number.NaN)).toBe(true);
    const unreadable = {
      get trap(): number {
        throw new Error('was looked at');
      },
    };
    expect(equalValues([unreadable], [unreadable])).toBe(true);
  });

  test('refuses what it cannot look into, whatever stands on the other side', () => {
    class Counter {
      n = 0;
    }
    for (const foreign of [new Map([[1, 2]]), new Set([1]), new Date(0), new Counter(), () => 1, Symbol('s'), /x/]) {
      for (const other of [
        new Map(),
        new Set(),
        new Counter(),
        {},
        [],
        1,
        null,
        undefined,
        Uint8Array.of(1),
        table(1),
      ]) {
        expect(() => equalValues(foreign, other)).toThrow(UnsupportedValue);
        expect(() => equalValues(other, foreign)).toThrow(UnsupportedValue);
      }
      expect(() => toPlain([foreign])).toThrow(UnsupportedValue);
    }
    expect(() => equalValues(new Map(), new Map())).toThrow('Use PersistentMap');
  });
});

describe('the first difference', () => {
  test('names the path and both values', () => {
    const a = { log: table(3), names: ['x', 'y'] };
    expect(firstDifference(a, { ...a, names: ['x', 'z'] })).toEqual({ path: ['names', 1], left: 'y', right: 'z' });
    expect(firstDifference(a, { ...a, names: ['x'] })).toEqual({ path: ['names', 'length'], left: 2, right: 1 });
    expect(firstDifference(a, { ...a, log: a.log.delete(1) })).toMatchObject({ path: ['log', 1], right: undefined });
    expect(firstDifference(a, { ...a, log: a.log.set(9, { n: 9, log: Uint8Array.of() }) })).toMatchObject({
      path: ['log', 9],
      left: undefined,
    });
    expect(firstDifference(a, { ...a, extra: undefined })).toEqual({
      path: ['extra'],
      left: undefined,
      right: undefined,
    });
    expect(firstDifference([1], { 0: 1 })).toEqual({ path: [], left: [1], right: { 0: 1 } });
  });

  test('is found exactly where values are unequal, and its two sides stand at its path', () => {
    const at = (v: unknown, path: readonly (string | number)[]): unknown =>
      path.reduce<unknown>((x, key) => {
        if (x instanceof PersistentMap) return x.get(key);
        // What an object inherits does not stand in it.
        return Object.hasOwn(x as object, key) ? (x as Record<string | number, unknown>)[key] : undefined;
      }, v);
    fc.assert(
      fc.property(values, values, (a, b) => {
        const d = firstDifference([a], [b]);
        expect(d === undefined).toBe(equalValues(a, b));
        if (d === undefined) return;
        expect(equalValues(at([a], d.path), d.left)).toBe(true);
        expect(equalValues(at([b], d.path), d.right)).toBe(true);
      }),
    );
  });
});

describe('a change on one side', () => {
  test('is compared with the other side only where it is a change', () => {
    const before = { log: table(50), votes: table(50), flags: [true, false], n: 1 };
    const after = { ...before, log: before.log.set(7, { n: 70, log: Uint8Array.of() }), n: 2 };
    const other = copy(after);
    expect(changedEqual(before, after, other)).toBeUndefined();
    expect(changedEqual(before, after, copy(before))).toMatchObject({ path: ['log', 7, 'n'], left: 70, right: 7 });
    const { log, ...rest } = other as typeof after;
    expect(changedEqual(before, after, { ...rest, log: log.delete(7) })).toMatchObject({ path: ['log', 7] });
    expect(changedEqual(before, after, { ...rest, log: log.delete(8) })).toMatchObject({ path: ['log', 8] });
    expect(changedEqual(before, after, rest)).toMatchObject({ path: ['log'], right: undefined });
    // Not a change, so another check's business: the comparison of everything.
    expect(changedEqual(before, after, { ...rest, log, votes: table(49) })).toBeUndefined();
    expect(changedEqual(undefined, after, { ...rest, log, votes: table(49) })).toMatchObject({ path: ['votes', 49] });
  });

  test('agrees with full equality when the other side equalled the old value', () => {
    fc.assert(
      fc.property(values, fc.array(fc.tuple(fc.nat(5), values), { maxLength: 4 }), values, (base, changes, stray) => {
        const before = { base, table: PersistentMap.of(changes.map(([k, v]) => [k, v ?? null] as const)) };
        const changed = changes.reduce((t, [k, v]) => t.set(k + 1, [v]).delete(k), before.table);
        const after = { ...before, table: changed };
        expect(changedEqual(before, after, copy(after))).toBeUndefined();
        const forgotten = changedEqual(before, after, copy(before));
        expect(forgotten === undefined).toBe(equalValues(before, after));
        const wrong = { ...after, table: after.table.set(3, [[stray]]) };
        expect(changedEqual(before, wrong, copy(after)) === undefined).toBe(equalValues(wrong, after));
      }),
    );
  });

  test('costs what the change costs, not what the state does', () => {
    const before = { log: table(50_000) };
    const after = { log: before.log.set(7, { n: 70, log: Uint8Array.of() }) };
    const other = copy(after);
    const start = performance.now();
    for (let i = 0; i < 10_000; i++) changedEqual(before, after, other);
    // About 0.02 s; comparing everything each time would take minutes.
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

describe('the plain form', () => {
  test('makes a round trip through JSON unchanged', () => {
    fc.assert(
      fc.property(values, (v) => {
        const result = fromPlain(JSON.parse(JSON.stringify(toPlain(v))));
        expect(E.isRight(result)).toBe(true);
        if (E.isRight(result)) expect(firstDifference(result.right, v)).toBeUndefined();
      }),
    );
  });

  test('is what traces show', () => {
    const v = { map: PersistentMap.of<string | number, unknown>([['k', Uint8Array.of(1)]]), n: 5n, none: undefined };
    expect(toPlain(v)).toEqual({
      map: { '#map': [['k', { '#bytes': 'AQ==' }]] },
      n: { '#bigint': '5' },
      none: { '#undefined': true },
    });
    expect(toPlain({ '#map': 1 })).toEqual({ '#object': [['#map', 1]] });
  });

  test('refuses foreign input in words and never throws', () => {
    for (const foreign of [
      { '#map': 1 },
      { '#map': [['k']] },
      { '#map': [[-1, 0]] },
      {
        '#map': [
          ['k', 1],
          ['k', 2],
        ],
      },
      { '#map': [['k', { '#undefined': true }]] },
      { '#map': [], x: 1 },
      { '#bytes': 'A' },
      { '#bytes': 5 },
      { '#bigint': '0x10' },
      { '#number': '1' },
      { '#undefined': false },
      { '#object': [[1, 1]] },
      { '#strange': 1 },
      () => 1,
    ]) {
      expect(E.isLeft(fromPlain([foreign])), String(JSON.stringify(foreign))).toBe(true);
    }
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(E.isLeft(fromPlain(deep))).toBe(true);
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        const read = fromPlain(json);
        if (E.isRight(read)) expect(equalValues(read.right, copy(read.right))).toBe(true);
      }),
    );
  });
});

describe('a value shown', () => {
  test('is short readable text', () => {
    const packet = {
      target: '127.0.0.1:7001',
      message: { epoch: 2, tag: 'transfer', key: new TextEncoder().encode('ab') },
    };
    expect(showValue(packet)).toBe('{message: {tag: "transfer", epoch: 2, key: bytes "ab"}, target: "127.0.0.1:7001"}');
    expect(showValue(Uint8Array.of(0, 255))).toBe('0x00ff');
    expect(
      showValue(
        PersistentMap.of<string | number, unknown>([
          ['b', 1],
          [10, [true]],
          [9, null],
        ]),
      ),
    ).toBe('map(3) {9 -> null, 10 -> [true], "b" -> 1}');
    expect(showValue(new Uint8Array(500))).toContain('(500 bytes)');
    expect(showValue(undefined)).toBe('undefined');
    expect(showValue(new Map())).toBe('<Map>');
  });

  test('keeps to its budget and to printable ASCII, and does not depend on the order in which it was made', () => {
    fc.assert(
      fc.property(values, fc.nat(60), (v, budget) => {
        const shown = showValue(v, budget);
        expect(shown.length).toBeLessThanOrEqual(budget + 3);
        expect(shown).toMatch(/^[ -~]*$/);
        const reversed =
          typeof v === 'object' && v !== null && Object.getPrototypeOf(v) === Object.prototype
            ? Object.fromEntries(Object.entries(v).reverse())
            : v;
        expect(showValue(reversed)).toBe(showValue(v));
      }),
    );
  });
});

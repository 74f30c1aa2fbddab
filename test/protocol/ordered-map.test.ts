/** Ordered maps against native maps and sorted arrays. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leafKeysMax } from '../../src/protocol/ordered-map/node.js';
import { OrderedMap } from '../../src/protocol/ordered-map.js';
import { PersistentMap } from '../../src/protocol/persistent-map.js';

/** Short texts over few units, so that prefixes, neighbours and units of 16 bits occur. */
const oddText = fc
  .array(fc.constantFrom('\0', '\x01', 'a', 'b', '\xff', '\u0100', '\uffff'), { maxLength: 4 })
  .map((a) => a.join(''));

/** Enough different texts that leaves are cut and joined. */
const text = fc.oneof(
  oddText,
  fc.nat(400).map((n) => String(n)),
);

const change = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('set' as const), key: text, value: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), key: text }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('update' as const), key: text }) },
  // A run of neighbours, as a move takes out or puts in.
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('fill' as const, 'clear' as const), from: fc.nat(300) }) },
);

type Change = typeof change extends fc.Arbitrary<infer C> ? C : never;

const runOf = (from: number): string[] => Array.from({ length: 3 * leafKeysMax }, (_, i) => String(from + i));

const applied = (map: OrderedMap<number>, model: Map<string, number>, c: Change): OrderedMap<number> => {
  if (c.kind === 'set') {
    model.set(c.key, c.value);
    return map.set(c.key, c.value);
  }
  if (c.kind === 'delete') {
    model.delete(c.key);
    return map.delete(c.key);
  }
  if (c.kind === 'update') {
    // Adds, replaces, and removes what is large.
    const of = (value = 0): number | undefined => (value < 3 ? value + 1 : undefined);
    const value = of(model.get(c.key));
    if (value === undefined) model.delete(c.key);
    else model.set(c.key, value);
    return map.update(c.key, of);
  }
  return map.withMutations((draft) => {
    for (const key of runOf(c.from)) {
      if (c.kind === 'fill') {
        draft.set(key, 1);
        model.set(key, 1);
        // Twice, so that values are replaced in place too.
        draft.set(key, c.from);
        model.set(key, c.from);
      } else {
        draft.delete(key);
        model.delete(key);
      }
    }
  });
};

const ascending = (model: Iterable<readonly [string, number]>): (readonly [string, number])[] =>
  [...model].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

const equal = (a: unknown, b: unknown): boolean => a === b;

describe('an ordered map', () => {
  test('holds after any changes what a native map holds, in order, from any text on, and all maps before it stay as they were', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), text, (changes, from) => {
        const model = new Map<string, number>();
        const history: [OrderedMap<number>, (readonly [string, number])[]][] = [];
        let map = OrderedMap.empty<number>();
        for (const c of changes) {
          map = applied(map, model, c);
          history.push([map, ascending(model)]);
        }
        for (const [then, entries] of history) expect([...then]).toEqual(entries);
        expect(map.size).toBe(model.size);
        expect([...map.entriesFrom(from)]).toEqual(ascending(model).filter(([key]) => key >= from));
        expect([...map.keysFrom(from)]).toEqual([...map.keys()].filter((key) => key >= from));
        for (const key of [from, ...model.keys()]) expect(map.get(key)).toBe(model.get(key));
      }),
      { numRuns: 300 },
    );
  });

  test('differs from another at exactly the keys where native maps differ', () => {
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 30 }),
        fc.array(change, { maxLength: 10 }),
        fc.boolean(),
        (first, more, shares) => {
          const model = new Map<string, number>();
          let before = OrderedMap.empty<number>();
          for (const c of first) before = applied(before, model, c);
          const changed = new Map(shares ? model : []);
          let after = shares ? before : OrderedMap.empty<number>();
          for (const c of more) after = applied(after, changed, c);
          const keys = new Set([...model.keys(), ...changed.keys()]);
          const differing = [...keys].filter((key) => model.get(key) !== changed.get(key)).sort();
          expect([...after.diff(before)].sort()).toEqual(differing);
          expect([...before.diff(after)].sort()).toEqual(differing);
          expect([...after.diff(PersistentMap.of(before))].sort()).toEqual(differing);
          expect(after.equals(before, equal)).toBe(differing.length === 0);
          expect(after.equals(PersistentMap.of(before), equal)).toBe(differing.length === 0);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('has a shape that depends on its contents alone', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const model = new Map<string, number>();
        let map = OrderedMap.empty<number>();
        for (const c of changes) map = applied(map, model, c);
        const made = OrderedMap.of(ascending(model).reverse());
        // Equality looks at the shape, and would miss equal contents in another one.
        expect(map.equals(made, equal)).toBe(true);
        expect(map.diff(made)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test('is the same map where nothing changes, and shares what a change leaves alone', () => {
    const map = OrderedMap.of(Array.from({ length: 10_000 }, (_, i): [string, number] => [String(i), i]));
    expect(map.set('77', 77)).toBe(map);
    expect(map.delete('none')).toBe(map);
    expect(map.update('77', (value) => value)).toBe(map);
    expect(map.update('none', (value) => value)).toBe(map);
    expect(map.withMutations(() => undefined)).toBe(map);
    let compared = 0;
    const count = (a: number, b: number): boolean => {
      compared++;
      return a === b;
    };
    const other = map.withMutations((draft) => {
      for (let i = 5000; i < 5032; i++) draft.set(String(i), -i);
    });
    expect(other.diff(map)).toHaveLength(32);
    expect(OrderedMap.of(map).equals(map, equal)).toBe(true);
    expect(map.equals(other, count)).toBe(false);
    expect(compared).toBeLessThan(5);
  });

  test('refuses undefined as a value, and the use of a draft that is finished', () => {
    const map = OrderedMap.empty<number | undefined>();
    expect(() => map.set('a', undefined)).toThrow('the value at a is undefined');
    let escaped: { set(key: string, value: number): void } | undefined;
    map.withMutations((draft) => {
      escaped = draft;
    });
    expect(() => escaped?.set('a', 1)).toThrow('this draft of a map is finished');
  });

  test('of keys that a stranger chose to continue each other is deep, and needs no recursion', () => {
    const keys = Array.from({ length: 5000 }, (_, i) => 'a'.repeat(i));
    let map = OrderedMap.of(keys.map((key): [string, number] => [key, 1]));
    expect([...map.keysFrom('a'.repeat(4998))]).toHaveLength(2);
    expect(map.diff(OrderedMap.empty())).toHaveLength(5000);
    expect(map.equals(OrderedMap.of([...map].reverse()), equal)).toBe(true);
    map = map.withMutations((draft) => {
      for (const key of keys) draft.delete(key);
    });
    expect([map.size, [...map]]).toEqual([0, []]);
  });

  test('has every text of one unit in its place, whatever the order in which they come', () => {
    const units = 1 << 16;
    // Odd, so that each unit comes once.
    const scattered = Array.from({ length: units }, (_, i) => String.fromCharCode((i * 40_503) % units));
    let map = OrderedMap.of(scattered.map((key): [string, number] => [key, key.charCodeAt(0)])).set('', -1);
    expect([...map]).toEqual([['', -1], ...Array.from({ length: units }, (_, i) => [String.fromCharCode(i), i])]);
    expect([...map.keysFrom('\ufffe')]).toEqual(['\ufffe', '\uffff']);
    const other = map.set('\u8000', 0).delete('\u7fff').set('\u7fff\0', 1);
    expect([...other.diff(map)].sort()).toEqual(['\u7fff', '\u7fff\0', '\u8000']);
    map = map.withMutations((draft) => {
      for (const key of scattered.slice(leafKeysMax)) draft.delete(key);
    });
    const left = scattered.slice(0, leafKeysMax).map((key): [string, number] => [key, key.charCodeAt(0)]);
    expect(map.equals(OrderedMap.of([['', -1], ...left]), equal)).toBe(true);
  });

  test('bears keys that share a long beginning and part in each nibble', () => {
    const stem = '\u1234'.repeat(4096);
    const keys = Array.from({ length: 4 * leafKeysMax }, (_, i) => `${stem}${String.fromCharCode(1 << (i % 16))}${i}`);
    const deep = Array.from({ length: 2 * leafKeysMax }, (_, i) => stem.slice(0, 4096 - 8 * i));
    const all = [...keys, ...deep];
    const map = OrderedMap.of(all.map((key): [string, number] => [key, 1]));
    expect([...map.keys()]).toEqual([...all].sort((a, b) => (a < b ? -1 : 1)));
    for (const key of all) {
      expect(map.delete(key).diff(map)).toEqual([key]);
      expect(map.delete(key).set(key, 1).equals(map, equal)).toBe(true);
      expect(map.get(`${key}!`)).toBeUndefined();
    }
  });
});

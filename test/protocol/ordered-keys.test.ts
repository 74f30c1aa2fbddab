/** Ordered sets of texts against plain sorted arrays. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { keysFrom, type OrderedKeys, withKey, withoutKey } from '../../src/protocol/ordered-keys.js';

/** Short texts over few units, so that prefixes, neighbours and units of 16 bits occur. */
const text = fc
  .array(fc.constantFrom('\0', '\x01', 'a', 'b', '\xff', '\u0100', '\uffff'), { maxLength: 4 })
  .map((a) => a.join(''));

const change = fc.record({ adds: fc.boolean(), key: text });

const sorted = (keys: Iterable<string>): string[] => [...keys].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));

const of = (keys: Iterable<string>): OrderedKeys => {
  let set: OrderedKeys = null;
  for (const key of keys) set = withKey(set, key);
  return set;
};

test('after any changes the set holds what a native set holds, in order, from any text on', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), text, (changes, from) => {
      const model = new Set<string>();
      let set: OrderedKeys = null;
      for (const { adds, key } of changes) {
        const before: OrderedKeys = set;
        const changed = adds !== model.has(key);
        set = adds ? withKey(set, key) : withoutKey(set, key);
        if (!changed) expect(set).toBe(before);
        if (adds) model.add(key);
        else model.delete(key);
      }
      expect([...keysFrom(set, '')]).toEqual(sorted(model));
      expect([...keysFrom(set, from)]).toEqual(sorted(model).filter((key) => key >= from));
    }),
    { numRuns: 500 },
  );
});

test('the shape of a set depends on its contents alone', () => {
  fc.assert(
    fc.property(fc.uniqueArray(text, { maxLength: 40 }), fc.array(text, { maxLength: 10 }), (keys, more) => {
      let other = of([...more, ...[...keys].reverse()]);
      for (const key of more) if (!keys.includes(key)) other = withoutKey(other, key);
      expect(other).toEqual(of(keys));
    }),
  );
});

test('a change leaves the set before it as it was', () => {
  const before = of(['a', 'b', 'c']);
  withKey(before, 'bb');
  withoutKey(before, 'a');
  expect([...keysFrom(before, '')]).toEqual(['a', 'b', 'c']);
});

test('keys that a stranger chose to continue each other make a deep set, and no recursion', () => {
  const keys = Array.from({ length: 3000 }, (_, i) => 'a'.repeat(i));
  let set = of(keys);
  expect([...keysFrom(set, 'a'.repeat(2998))]).toHaveLength(2);
  for (const key of keys) set = withoutKey(set, key);
  expect(set).toBeNull();
});

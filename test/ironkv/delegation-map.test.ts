/** The finite delegation map of the protocol against the total map that it stands for. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type DelegationMap,
  given,
  initialMap,
  meet,
  ownerOf,
  ownsAll,
  ownsSome,
  positionOf,
  rangeAt,
} from '../../systems/ironkv/protocol.js';

const bounds = ['', 'a', 'a\0', 'ab', 'b', 'b\xff', 'c', '\xff'];
/** Keys at the bounds, right below and right above. */
const probes = [...bounds, ...bounds.map((b) => `${b}\0`), 'A', 'aa', 'bz', 'zz'];

const range = fc
  .tuple(fc.constantFrom(...bounds), fc.option(fc.constantFrom(...bounds)))
  .filter(([lo, hi]) => hi === null || lo < hi)
  .map(([lo, hi]) => ({ lo, hi }));
const gift = fc.record({ range, host: fc.integer({ min: 0, max: 2 }) });
type Gift = { readonly range: { readonly lo: string; readonly hi: string | null }; readonly host: number };

const within = (key: string, { lo, hi }: Gift['range']): boolean => key >= lo && (hi === null || key < hi);

const mapOf = (gifts: readonly Gift[]): DelegationMap =>
  gifts.reduce<DelegationMap>((map, g) => given(map, g.range, g.host), initialMap);

test('a key belongs to whom it was last given, else to the first host', () => {
  fc.assert(
    fc.property(fc.array(gift, { maxLength: 8 }), (gifts) => {
      const map = mapOf(gifts);
      for (const key of probes) {
        const last = gifts.findLast((g) => within(key, g.range));
        expect(ownerOf(map, key), JSON.stringify(key)).toBe(last?.host ?? 0);
        expect(within(key, rangeAt(map, positionOf(map, key)))).toBe(true);
      }
    }),
  );
});

test('a map starts at the empty key, ascends, and has no two neighbours of one host', () => {
  fc.assert(
    fc.property(fc.array(gift, { maxLength: 8 }), (gifts) => {
      const map = mapOf(gifts);
      expect(map[0]?.lo).toBe('');
      for (let i = 1; i < map.length; i++) {
        expect((map[i - 1]?.lo ?? '') < (map[i]?.lo ?? '')).toBe(true);
        expect(map[i - 1]?.host).not.toBe(map[i]?.host);
      }
    }),
  );
});

test('a host owns all of a range if and only if it owns each key in it, and some of it if and only if any', () => {
  fc.assert(
    fc.property(fc.array(gift, { maxLength: 8 }), gift, (gifts, asked) => {
      const map = mapOf(gifts);
      const owned = probes.filter((key) => within(key, asked.range)).map((key) => ownerOf(map, key) === asked.host);
      expect(ownsAll(map, asked.range, asked.host)).toBe(owned.every(Boolean));
      expect(ownsSome(map, asked.range, asked.host)).toBe(owned.some(Boolean));
    }),
  );
});

test('two ranges meet if and only if they share a key', () => {
  fc.assert(
    fc.property(range, range, (a, b) => {
      expect(meet(a, b)).toBe(probes.some((key) => within(key, a) && within(key, b)));
    }),
  );
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DelegationMap } from '../../systems/ironkv/host/delegation-map.js';
import { LoadSample, sampleMax } from '../../systems/ironkv/host/load-sample.js';
import { OrderedTable } from '../../systems/ironkv/host/ordered-table.js';
import { wireMax } from '../../systems/ironkv/messages.js';

/** Few texts, so that operations meet; with the empty one, bytes at both ends and prefixes of each other. */
const someKey = fc.string({ unit: fc.constantFrom('\0', 'a', 'b', 'ÿ'), maxLength: 3 });
const someValue = fc.uint8Array({ maxLength: 5 });
const ascending = (keys: Iterable<string>): string[] => [...keys].sort((a, b) => (a < b ? -1 : 1));
const inRange = (key: string, lo: string, hi: string | null): boolean => lo <= key && (hi === null || key < hi);

describe('the ordered table', () => {
  const anOperation = (key: fc.Arbitrary<string>) =>
    fc.oneof(
      { weight: 3, arbitrary: fc.record({ tag: fc.constant('set' as const), key, value: someValue }) },
      { weight: 2, arbitrary: fc.record({ tag: fc.constant('delete' as const), key, value: someValue }) },
    );

  const agrees = (table: OrderedTable, model: ReadonlyMap<string, Uint8Array>, lo: string, hi: string | null): void => {
    const keys = ascending(model.keys());
    expect(table.size).toBe(model.size);
    expect([...table.keys()]).toEqual(keys);
    expect([...table.values()]).toEqual(keys.map((k) => model.get(k)));
    expect([...table.from(lo)]).toEqual(keys.filter((k) => k >= lo).map((k) => [k, model.get(k)]));
    const within = keys.filter((k) => inRange(k, lo, hi));
    const total = within.reduce((sum, k) => sum + k.length + (model.get(k) as Uint8Array).length, 0);
    expect(table.weigh(lo, hi)).toEqual({ keys: within.length, bytes: total });
  };

  test('is a map in the order of its keys, whatever is set and deleted', () => {
    fc.assert(
      fc.property(fc.array(anOperation(someKey)), someKey, fc.option(someKey), (operations, lo, hi) => {
        const table = new OrderedTable();
        const model = new Map<string, Uint8Array>();
        for (const { tag, key, value } of operations) {
          expect(table.get(key)).toBe(model.get(key));
          expect(table.has(key)).toBe(model.has(key));
          if (tag === 'delete') expect(table.delete(key)).toBe(model.delete(key));
          else {
            table.set(key, value);
            model.set(key, value);
          }
        }
        agrees(table, model, lo, hi);
      }),
      { numRuns: 300 },
    );
  });

  test('stays so over many chunks, as they are cut and joined', () => {
    const number = fc.nat(3000);
    const run = fc.record({ from: number, count: fc.nat(1500), step: fc.constantFrom(1, -1, 7), remove: fc.boolean() });
    const text = (n: number): string => String(((n % 3001) + 3001) % 3001).padStart(4, '0');
    fc.assert(
      fc.property(fc.array(run, { minLength: 1, maxLength: 8 }), number, number, (runs, lo, hi) => {
        const table = new OrderedTable();
        const model = new Map<string, Uint8Array>();
        for (const { from, count, step, remove } of runs) {
          for (let i = 0; i < count; i++) {
            const key = text(from + i * step);
            if (remove) expect(table.delete(key)).toBe(model.delete(key));
            else {
              const value = new Uint8Array(i % 4);
              table.set(key, value);
              model.set(key, value);
            }
          }
        }
        agrees(table, model, text(lo), text(hi));
        agrees(table, model, text(lo), null);
        for (const key of model.keys()) expect(table.get(key)).toBe(model.get(key));
      }),
      { numRuns: 30 },
    );
  });

  test('can be read like any other map', () => {
    const table = new OrderedTable();
    for (const key of ['b', 'a']) table.set(key, new Uint8Array(1));
    const seen: string[] = [];
    table.forEach((_, key) => {
      seen.push(key);
    });
    expect(seen).toEqual(['a', 'b']);
    expect(new Map(table).size).toBe(2);
    expect([...table.entries()].map(([key]) => key)).toEqual(seen);
  });
});

describe('the delegation map', () => {
  const assignment = fc.record({ lo: someKey, hi: fc.option(someKey), host: fc.nat(2) });

  test('is the total map that assignments in any order make, in canonical form', () => {
    fc.assert(
      fc.property(fc.array(assignment, { maxLength: 20 }), fc.array(someKey), (assignments, others) => {
        const map = new DelegationMap(0);
        // Every bound, and what comes right after it, beside other keys: between them a map does not change.
        const bounds = assignments.flatMap(({ lo, hi }) => (hi === null ? [lo] : [lo, hi]));
        const keys = ['', ...bounds, ...bounds.map((b) => `${b}\0`), ...others];
        const total = new Map(keys.map((key) => [key, 0]));
        for (const { lo, hi, host } of assignments) {
          map.assign(lo, hi, host);
          for (const key of keys) if (inRange(key, lo, hi)) total.set(key, host);
        }
        for (const [key, host] of total) {
          const position = map.positionOf(key);
          expect(map.hostAt(position)).toBe(host);
          expect(inRange(key, map.loAt(position), map.hiAt(position))).toBe(true);
        }
        const entries = map.entries();
        expect(entries[0]?.lo).toBe('');
        expect(entries).toHaveLength(map.length);
        for (let i = 1; i < entries.length; i++) {
          expect((entries[i - 1]?.lo as string) < (entries[i]?.lo as string)).toBe(true);
          expect(entries[i - 1]?.host).not.toBe(entries[i]?.host);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('says of a range whether one host owns all of it, and whether any', () => {
    const owns = fc.record({ lo: someKey, hi: fc.option(someKey) }).filter(({ lo, hi }) => hi === null || lo < hi);
    fc.assert(
      fc.property(fc.array(assignment, { maxLength: 8 }), owns, (assignments, { lo, hi }) => {
        const map = new DelegationMap(0);
        for (const a of assignments) map.assign(a.lo, a.hi, a.host);
        const met = map.entries().filter((e, i) => {
          const end = map.hiAt(i);
          return (hi === null || e.lo < hi) && (end === null || lo < end);
        });
        for (const host of [0, 1, 2]) {
          expect(map.ownsAll(host, lo, hi)).toBe(met.every((e) => e.host === host));
          expect(map.ownsAny(host, lo, hi)).toBe(met.some((e) => e.host === host));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('hands out a list that later changes leave alone', () => {
    const map = new DelegationMap(0);
    const before = map.entries();
    map.assign('a', 'b', 1);
    expect(before).toEqual([{ lo: '', host: 0 }]);
    expect(map.entries()).toHaveLength(3);
  });
});

describe('the load', () => {
  const keyOf = (n: number): string => String(n).padStart(4, '0');
  const seen = (keys: readonly string[]): LoadSample => {
    const loads = new LoadSample(1000);
    loads.begin(5000);
    for (const key of keys) loads.count(key);
    loads.begin(6000);
    return loads;
  };

  test('is counted over full periods, and forgotten with the period after', () => {
    const loads = new LoadSample(1000);
    loads.begin(5000);
    for (let i = 0; i < 10; i++) loads.count('k');
    expect(loads.of('', null).requests).toBe(0);
    loads.begin(5999);
    expect(loads.of('', null).requests).toBe(0);
    loads.begin(6000);
    expect([loads.of('', null).requests, loads.of('l', null).requests, loads.of('', 'k').requests]).toEqual([10, 0, 0]);
    loads.begin(7000);
    expect(loads.of('', null).requests).toBe(0);
  });

  test('is forgotten when a period was slept through', () => {
    const loads = seen(['k']);
    loads.begin(8000);
    expect(loads.of('', null).requests).toBe(0);
  });

  test('is cut into sixteenths of what was asked of the host, none of fewer than eight requests', () => {
    const loads = seen(Array.from({ length: 160 }, (_, i) => keyOf(i)));
    const every = (step: number, end: number) =>
      Array.from({ length: Math.ceil(end / step) - 1 }, (_, i) => ({
        key: keyOf((i + 1) * step),
        below: (i + 1) * step,
      }));
    expect(loads.of('', null)).toEqual({ requests: 160, cuts: every(10, 160) });
    expect(loads.of(keyOf(20), keyOf(45))).toEqual({
      requests: 25,
      cuts: [
        { key: keyOf(30), below: 10 },
        { key: keyOf(40), below: 20 },
      ],
    });
    expect(seen(Array.from({ length: 40 }, (_, i) => keyOf(i))).of('', null).cuts).toEqual(every(8, 40));
  });

  test('is cut on both sides of a hot key, never at the lowest key, and not at all where one key has all of it', () => {
    const cold = Array.from({ length: 20 }, (_, i) => keyOf(i));
    const hot = (n: number) => Array.from({ length: 70 }, () => keyOf(n));
    expect(seen([...hot(10), ...cold]).of('', null).cuts).toEqual([
      { key: keyOf(8), below: 8 },
      { key: keyOf(10), below: 10 },
      { key: keyOf(11), below: 81 },
      { key: keyOf(19), below: 89 },
    ]);
    expect(seen([...hot(0), ...cold]).of(keyOf(0), null).cuts[0]).toEqual({ key: keyOf(1), below: 71 });
    expect(seen(hot(0)).of('', null).cuts).toEqual([]);
    expect(seen(cold.slice(0, 8)).of('', null).cuts).toEqual([]);
  });

  test('of many requests is estimated from a sample that favours nobody', () => {
    const loads = seen(Array.from({ length: 50 * sampleMax }, (_, i) => keyOf(i % 1000)));
    const all = loads.of('', null).requests;
    expect(all).toBe(50 * sampleMax);
    const share = loads.of('', keyOf(250)).requests / all;
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.3);
    for (const { key, below } of loads.of('', null).cuts) {
      // Of 1000 keys that are asked for equally often.
      expect(Math.abs(below / all - Number(key) / 1000)).toBeLessThan(0.05);
    }
  });

  test('is cut strictly above the lowest key, truly, into small parts or single keys, and not too often', () => {
    fc.assert(
      fc.property(
        fc.array(someKey, { minLength: 1, maxLength: 400 }),
        fc.uniqueArray(someKey, { maxLength: 4 }),
        (keys, los) => {
          const bounds = [...new Set(['', ...los])].sort();
          const loads = seen(keys);
          let cutsOfAll = 0;
          for (const [i, lo] of bounds.entries()) {
            const hi = bounds[i + 1];
            const { cuts } = loads.of(lo, hi ?? null);
            cutsOfAll += cuts.length;
            const ends = [lo, ...cuts.map(({ key }) => key), hi];
            const within = (from: string, to: string | undefined) =>
              keys.filter((k) => k >= from && (to === undefined || k < to));
            for (const { key, below } of cuts) expect([key > lo, below]).toEqual([true, within(lo, key).length]);
            for (let part = 0; part + 1 < ends.length && cuts.length > 0; part++) {
              const inPart = within(ends[part] as string, ends[part + 1]);
              expect(inPart.length).toBeGreaterThan(0);
              if (new Set(inPart).size > 1)
                expect(inPart.length).toBeLessThanOrEqual(Math.max(8, Math.ceil(keys.length / 16)));
            }
          }
          expect(cutsOfAll).toBeLessThanOrEqual(wireMax.cuts);
        },
      ),
      { numRuns: 300 },
    );
  });
});

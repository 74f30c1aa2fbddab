/** Plans of moves from what hosts observed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  averagedRanges,
  type PlanOptions,
  planDefaults,
  planMoves,
  type RangeLoad,
} from '../../systems/ironkv/client.js';
import { bytes } from './host-cluster.js';

const range = (
  lo: string,
  hi: string | null,
  host: number,
  requests: number,
  split: string | null = null,
): RangeLoad => ({
  lo: bytes(lo),
  hi: hi === null ? null : bytes(hi),
  host,
  requests,
  keys: 10,
  split: split === null ? null : bytes(split),
});

/** What each of `hosts` has to do once the moves are made, as far as the plan knows. */
const totalsAfter = (
  ranges: readonly RangeLoad[],
  hosts: number,
  options: PlanOptions = planDefaults,
): readonly number[] => {
  const totals = new Array<number>(hosts).fill(0);
  for (const { host, requests } of ranges) totals[host] = (totals[host] ?? 0) + requests;
  for (const { from, to, requests } of planMoves(ranges, hosts, options)) {
    totals[from] = (totals[from] ?? 0) - requests;
    totals[to] = (totals[to] ?? 0) + requests;
  }
  return totals;
};

describe('a plan to rebalance', () => {
  it('splits a hot range at its split key', () => {
    const plan = planMoves([range('', null, 0, 1000, 'm')], 2);
    expect(plan).toEqual([{ lo: bytes('m'), hi: null, from: 0, to: 1, requests: 500, isPart: true }]);
  });

  it('gives the lower half to a recipient that has the range below', () => {
    const ranges = [range('', 'b', 1, 10), range('b', null, 0, 1000, 'm')];
    expect(planMoves(ranges, 2)).toMatchObject([{ lo: bytes('b'), hi: bytes('m'), from: 0, to: 1 }]);
  });

  it('moves a whole range where that serves', () => {
    const ranges = [range('', 'b', 0, 500, 'a'), range('b', 'c', 1, 0), range('c', null, 0, 500, 'm')];
    expect(planMoves(ranges, 2)).toMatchObject([{ lo: bytes(''), hi: bytes('b'), to: 1, isPart: false }]);
  });

  it('spreads one hot host over several', () => {
    const ranges = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => range(`${n}`, n === 7 ? null : `${n + 1}`, 0, 100));
    expect(totalsAfter(ranges, 4)).toEqual([200, 200, 200, 200]);
  });

  it('lets be what is balanced, what is nearly idle, and a single hot key', () => {
    expect(planMoves([range('', 'm', 0, 510), range('m', null, 1, 490)], 2)).toEqual([]);
    expect(planMoves([range('', null, 0, 99, 'm')], 2)).toEqual([]);
    expect(planMoves([range('', null, 0, 5000, null)], 3)).toEqual([]);
    expect(planMoves([range('', null, 0, 5000, 'm')], 1)).toEqual([]);
  });

  it('never makes any host busier than the busiest was, nor more moves than allowed', () => {
    const one = fc.record({ host: fc.nat(3), requests: fc.nat(1000), split: fc.boolean() });
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 5 }), (drawn, movesMax) => {
        const name = (n: number): string => String.fromCharCode(0x61 + n);
        const ranges = drawn.map(({ host, requests, split }, n) =>
          range(
            n === 0 ? '' : name(n),
            n === drawn.length - 1 ? null : name(n + 1),
            host,
            requests,
            split ? `${name(n)}m` : null,
          ),
        );
        const options = { ...planDefaults, movesMax };
        const before = Math.max(...totalsAfter(ranges, 4, { ...options, movesMax: 0 }));
        // A half of an odd number is told as a whole one.
        expect(Math.max(...totalsAfter(ranges, 4, options))).toBeLessThanOrEqual(before + movesMax);
        expect(planMoves(ranges, 4, options).length).toBeLessThanOrEqual(movesMax);
      }),
    );
  });

  it('averages the load of a range over those observations in which it was the same', () => {
    const observations = [
      [range('', null, 0, 900)],
      [range('', 'm', 0, 100), range('m', null, 1, 50)],
      [range('', 'm', 0, 200), range('m', null, 1, 50)],
    ];
    expect(averagedRanges(observations).map(({ requests }) => requests)).toEqual([150, 50]);
  });
});

/** Which ranges to move so that hosts share the load (README.md, "Terms": load). A pure plan from what hosts observed; nothing rests on it. */
import { textOfKey } from '../commands.js';
import type { HostStatus } from './status.js';

/** A range of one host, and what was asked of it in a period, on average. */
export interface RangeLoad {
  readonly lo: Uint8Array;
  /** Null: beyond every key. */
  readonly hi: Uint8Array | null;
  /** The index of its owner. */
  readonly host: number;
  readonly requests: number;
  readonly keys: number;
  /** A key above `lo` that halves the load; null where none is known. */
  readonly split: Uint8Array | null;
}

/** A move that is worth making. */
export interface Proposal {
  readonly lo: Uint8Array;
  readonly hi: Uint8Array | null;
  /** Indices of hosts. */
  readonly from: number;
  readonly to: number;
  /** What it moves, in requests of a period, as far as is known. */
  readonly requests: number;
  /** Whether it is a part of a range, cut at its `split`. */
  readonly isPart: boolean;
}

/** When a plan moves something. */
export interface PlanOptions {
  /** A host with a load above the mean times this is relieved. */
  readonly imbalanceMax: number;
  readonly movesMax: number;
  /** Requests of all hosts in a period below which nothing is moved. */
  readonly requestsMin: number;
}

/** What `ironkeel rebalance` uses. */
export const planDefaults: PlanOptions = { imbalanceMax: 1.2, movesMax: 8, requestsMin: 100 };

/** A whole range is taken where it serves nearly as well as a part: each cut makes the map longer. */
const cutPenalty = 0.1;
/** A move that shifts less of the mean is not worth it. */
const shiftMin = 0.05;

interface Candidate {
  readonly range: RangeLoad;
  readonly moved: RangeLoad;
  readonly kept: RangeLoad | undefined;
}

const sameBound = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === null || b === null ? a === b : Buffer.compare(a, b) === 0;

/** The candidates of one range: all of it, or half of its load, next to what the recipient has if it has a neighbour. */
const candidatesOf = (range: RangeLoad, to: number, ranges: readonly RangeLoad[]): readonly Candidate[] => {
  const whole: Candidate = { range, moved: { ...range, host: to }, kept: undefined };
  if (range.split === null) return [whole];
  // Of the halves nothing is known but their share, until they were watched.
  const half = { ...range, requests: range.requests / 2, keys: Math.floor(range.keys / 2), split: null };
  const lower = { ...half, hi: range.split };
  const upper = { ...half, lo: range.split };
  const below = ranges.find(({ hi }) => hi !== null && sameBound(hi, range.lo));
  const [moved, kept] = below?.host === to ? [lower, upper] : [upper, lower];
  return [whole, { range, moved: { ...moved, host: to }, kept }];
};

const totalsOf = (ranges: readonly RangeLoad[], hosts: number): readonly number[] => {
  const totals = new Array<number>(hosts).fill(0);
  for (const { host, requests } of ranges) totals[host] = (totals[host] ?? 0) + requests;
  return totals;
};

/** The next move; `undefined` where none makes the busiest host less busy without making another as busy. */
const nextMove = (ranges: readonly RangeLoad[], hosts: number, options: PlanOptions): Candidate | undefined => {
  const totals = totalsOf(ranges, hosts);
  const all = totals.reduce((sum, total) => sum + total, 0);
  const mean = all / hosts;
  const [most, least] = [Math.max(...totals), Math.min(...totals)];
  if (all < options.requestsMin || most <= mean * options.imbalanceMax) return undefined;
  const [from, to] = [totals.indexOf(most), totals.indexOf(least)];
  const gap = most - least;
  let best: { readonly candidate: Candidate; readonly cost: number } | undefined;
  for (const range of ranges) {
    if (range.host !== from) continue;
    for (const candidate of candidatesOf(range, to, ranges)) {
      const { requests } = candidate.moved;
      if (requests >= gap || requests < mean * shiftMin) continue;
      const cost = Math.abs(requests - gap / 2) + (candidate.kept === undefined ? 0 : cutPenalty * gap);
      if (best === undefined || cost < best.cost) best = { candidate, cost };
    }
  }
  return best?.candidate;
};

/** Moves that bring the load of `hosts` hosts nearer to each other, in an order in which they can be made. */
export const planMoves = (
  ranges: readonly RangeLoad[],
  hosts: number,
  options: PlanOptions = planDefaults,
): readonly Proposal[] => {
  const proposals: Proposal[] = [];
  let current = ranges;
  while (proposals.length < options.movesMax) {
    const next = nextMove(current, hosts, options);
    if (next === undefined) break;
    const { range, moved, kept } = next;
    const { lo, hi, host: to, requests } = moved;
    proposals.push({ lo, hi, from: range.host, to, requests: Math.round(requests), isPart: kept !== undefined });
    current = current.flatMap((r) => (r !== range ? [r] : kept === undefined ? [moved] : [kept, moved]));
  }
  return proposals;
};

/** The ranges that hosts own, ascending, as they say themselves. */
export const ownedRanges = (statuses: readonly HostStatus[]): readonly RangeLoad[] =>
  statuses
    .flatMap(({ answer }, host) =>
      (answer?.ranges ?? []).flatMap(({ lo, hi, load }): readonly RangeLoad[] =>
        load === null ? [] : [{ lo, hi, host, requests: load.requests, keys: load.keys, split: load.split }],
      ),
    )
    .sort((a, b) => Buffer.compare(a.lo, b.lo));

const nameOf = ({ lo, hi, host }: RangeLoad): string =>
  `${host} ${textOfKey(lo).length} ${textOfKey(lo)}${hi === null ? '' : `-${textOfKey(hi)}`}`;

/** The ranges of the last of `observations`, each with its mean load over those observations in which it was the same range. */
export const averagedRanges = (observations: readonly (readonly RangeLoad[])[]): readonly RangeLoad[] => {
  const sums = new Map<string, { count: number; requests: number }>();
  for (const range of observations.flat()) {
    const sum = sums.get(nameOf(range)) ?? { count: 0, requests: 0 };
    sums.set(nameOf(range), { count: sum.count + 1, requests: sum.requests + range.requests });
  }
  return (observations.at(-1) ?? []).map((range) => {
    const { count, requests } = sums.get(nameOf(range)) ?? { count: 1, requests: range.requests };
    return { ...range, requests: requests / count };
  });
};

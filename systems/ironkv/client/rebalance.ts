/**
 * Which ranges to move so that hosts share the load (README.md, "What clients add"). A pure plan from what hosts observed;
 * nothing rests on it. Each move of a plan goes from a host that is too busy to the idlest one, and gives it less than would make
 * it as busy as the other was: the sum of the squares of the hosts' loads falls, so that under a steady load the moves end.
 */
import { textOfKey } from '../commands.js';
import type { Cut } from '../messages.js';
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
  /** Keys above `lo`, ascending, each with the requests below it. */
  readonly cuts: readonly Cut[];
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
  /** Whether it is a part of a range, cut out of it. */
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

/** Each cut makes the map longer: what is cut out must serve better by this share of what is wanted. */
const cutPenalty = 0.1;
/** A move that shifts less of the mean is not worth it. */
const shiftMin = 0.02;
/** Of the mean: by how much a recipient may be above it if parts of the right size are not to be had. */
const slack = 0.05;
/** Of the mean: by how much at least the recipient stays below what the busier host had, wherever a move takes more than is wanted. */
const margin = 0.1;
/** Standard deviations of a number of requests that arrive by chance: what is nearer to the mean may be noise. */
const noiseDeviations = 4;

interface Candidate {
  readonly range: RangeLoad;
  readonly moved: RangeLoad;
  readonly kept: readonly RangeLoad[];
}

const sameBound = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === null || b === null ? a === b : Buffer.compare(a, b) === 0;

/** The part of a range from its bound `from` to its bound `to`: bound 0 is `lo`, the last one is `hi`, between them are the cuts. */
const partOf = (range: RangeLoad, from: number, to: number): RangeLoad => {
  const { cuts } = range;
  const below = from === 0 ? 0 : (cuts[from - 1]?.below ?? 0);
  const end = cuts[to - 1];
  return {
    lo: cuts[from - 1]?.key ?? range.lo,
    hi: end === undefined ? range.hi : end.key,
    host: range.host,
    requests: (end === undefined ? range.requests : end.below) - below,
    // Of the parts the keys are not known.
    keys: 0,
    cuts: cuts.slice(from, to - 1).map((cut) => ({ key: cut.key, below: cut.below - below })),
  };
};

/** All of a range, and every run of its parts. */
const candidatesOf = (range: RangeLoad, to: number): readonly Candidate[] => {
  const end = range.cuts.length + 1;
  const candidates: Candidate[] = [{ range, moved: { ...range, host: to }, kept: [] }];
  for (let i = 0; i < end; i++) {
    for (let j = i + 1; j <= end; j++) {
      if (i === 0 && j === end) continue;
      const kept = [...(i === 0 ? [] : [partOf(range, 0, i)]), ...(j === end ? [] : [partOf(range, j, end)])];
      candidates.push({ range, moved: { ...partOf(range, i, j), host: to }, kept });
    }
  }
  return candidates;
};

/** Bounds by which the map grows: none where the part goes to the owner of the neighbouring range. */
const boundsAdded = ({ range, moved, kept }: Candidate, ranges: readonly RangeLoad[]): number => {
  if (kept.length !== 1) return kept.length;
  const lower = sameBound(moved.lo, range.lo);
  const neighbour = ranges.find((r) => (lower ? sameBound(r.hi, range.lo) : sameBound(range.hi, r.lo)));
  return neighbour?.host === moved.host ? 0 : 1;
};

const totalsOf = (ranges: readonly RangeLoad[], hosts: readonly number[]): ReadonlyMap<number, number> => {
  const totals = new Map(hosts.map((host) => [host, 0]));
  for (const { host, requests } of ranges) totals.set(host, (totals.get(host) ?? 0) + requests);
  return totals;
};

/** What two hosts have to do, and all hosts on average. */
interface Gap {
  readonly most: number;
  readonly least: number;
  readonly mean: number;
}

/**
 * The best candidate, if any is good. What is wanted brings one of both hosts to the mean. Where each part is larger, as single busy
 * keys are, the smallest will do, but never more than half of what the host has: instead of a hot key what lies around it goes.
 */
const bestOf = (
  candidates: readonly Candidate[],
  ranges: readonly RangeLoad[],
  { most, least, mean }: Gap,
): Candidate | undefined => {
  const wanted = Math.min(most - mean, mean - least);
  const costOf = (candidate: Candidate): number => {
    const { requests } = candidate.moved;
    if (requests < mean * shiftMin) return Number.POSITIVE_INFINITY;
    if (requests <= wanted + slack * mean) {
      return Math.abs(requests - wanted) + boundsAdded(candidate, ranges) * cutPenalty * wanted;
    }
    const relieves = requests <= most / 2 && least + requests <= most - margin * mean;
    // Beyond all that fit.
    return relieves ? most + requests : Number.POSITIVE_INFINITY;
  };
  let best: { readonly candidate: Candidate; readonly cost: number } | undefined;
  for (const candidate of candidates) {
    const cost = costOf(candidate);
    if (cost < (best?.cost ?? Number.POSITIVE_INFINITY)) best = { candidate, cost };
  }
  return best?.candidate;
};

/** The next move; `undefined` where none is worth it. */
const nextMove = (
  ranges: readonly RangeLoad[],
  hosts: readonly number[],
  options: PlanOptions,
): Candidate | undefined => {
  let others = [...totalsOf(ranges, hosts)].sort(([, a], [, b]) => b - a);
  while (others.length > 1) {
    const all = others.reduce((sum, [, total]) => sum + total, 0);
    const mean = all / others.length;
    const [[from, most], [to, least]] = [others[0], others.at(-1)] as [[number, number], [number, number]];
    const uneven = Math.max((options.imbalanceMax - 1) * mean, noiseDeviations * Math.sqrt(mean));
    if (all < options.requestsMin || most <= mean + uneven) return undefined;
    const candidates = ranges.filter(({ host }) => host === from).flatMap((range) => candidatesOf(range, to));
    const best = bestOf(candidates, ranges, { most, least, mean });
    if (best !== undefined) return best;
    // It cannot be relieved; the others still can share what they have.
    others = others.slice(1);
  }
  return undefined;
};

/**
 * Moves that bring the load of `hosts`, given by index, nearer to each other, in an order in which they can be made. Ranges of other
 * hosts are left alone. When it proposes nothing, no host has more than `imbalanceMax` times the mean (or noise), but those whose
 * load is that of single keys, and the mean is that of the others.
 */
export const planMoves = (
  ranges: readonly RangeLoad[],
  hosts: readonly number[],
  options: PlanOptions = planDefaults,
): readonly Proposal[] => {
  const proposals: Proposal[] = [];
  let current = ranges.filter(({ host }) => hosts.includes(host));
  while (proposals.length < options.movesMax) {
    const next = nextMove(current, hosts, options);
    if (next === undefined) break;
    const { range, moved, kept } = next;
    const { lo, hi, host: to, requests } = moved;
    proposals.push({ lo, hi, from: range.host, to, requests: Math.round(requests), isPart: kept.length > 0 });
    current = current.flatMap((r) => (r === range ? [...kept, moved] : [r]));
  }
  return proposals;
};

/** The ranges that hosts own, ascending, as they say themselves. */
export const ownedRanges = (statuses: readonly HostStatus[]): readonly RangeLoad[] =>
  statuses
    .flatMap(({ answer }, host) =>
      (answer?.ranges ?? []).flatMap(({ lo, hi, load }): readonly RangeLoad[] =>
        load === null ? [] : [{ lo, hi, host, requests: load.requests, keys: load.keys, cuts: load.cuts }],
      ),
    )
    .sort((a, b) => Buffer.compare(a.lo, b.lo));

const nameOf = ({ lo, hi, host }: RangeLoad): string =>
  `${host} ${textOfKey(lo).length} ${textOfKey(lo)}${hi === null ? '' : `-${textOfKey(hi)}`}`;

/**
 * The ranges of the last of `observations`, each with its mean load over those observations in which it was the same range, and the
 * cuts of the one in which it was busiest.
 */
export const averagedRanges = (observations: readonly (readonly RangeLoad[])[]): readonly RangeLoad[] => {
  const seen = new Map<string, { count: number; requests: number; busiest: RangeLoad }>();
  for (const range of observations.flat()) {
    const { count, requests, busiest } = seen.get(nameOf(range)) ?? { count: 0, requests: 0, busiest: range };
    const next = range.requests > busiest.requests ? range : busiest;
    seen.set(nameOf(range), { count: count + 1, requests: requests + range.requests, busiest: next });
  }
  return (observations.at(-1) ?? []).map((range) => {
    const { count, requests, busiest } = seen.get(nameOf(range)) ?? { count: 1, requests: 0, busiest: range };
    const mean = requests / count;
    const scale = busiest.requests === 0 ? 0 : mean / busiest.requests;
    return { ...range, requests: mean, cuts: busiest.cuts.map(({ key, below }) => ({ key, below: below * scale })) };
  });
};

/** The cut of a range that is nearest to halving its load; `undefined` where there is none. */
export const middleCut = (requests: number, cuts: readonly Cut[]): Cut | undefined =>
  cuts.reduce<Cut | undefined>((best, cut) => {
    const off = ({ below }: Cut): number => Math.abs(below - requests / 2);
    return best === undefined || off(cut) < off(best) ? cut : best;
  }, undefined);

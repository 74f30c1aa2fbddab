/**
 * The load that a host sees, from the number of requests in a period and a uniform sample of their keys (Vitter, Random
 * Sampling with a Reservoir, 1985). One sample serves all ranges, however they are cut and joined while they are moved. Up
 * to `sampleMax` requests in a period it is all of them, and the loads are exact; beyond that they are estimates.
 */
import { lowerBound } from './ordered-table.js';

/** Keys kept of one period. */
export const sampleMax = 2048;

/** Sampled keys of a range below which nothing is said about where its load lies. */
const splitKeysMin = 8;

/** What was asked of a range in the last full period. */
export interface RangeLoad {
  readonly requests: number;
  /** A key text above the range's lowest key that halves the load; null where too little was seen, or all was for one key. */
  readonly split: string | null;
}

/** Counts over periods that begin at multiples of their length. */
export class LoadSample {
  readonly #periodMs: number;
  #period = 0;
  #requests = 0;
  #keys: string[] = [];
  #lastRequests = 0;
  /** Ascending once `#sorted`. */
  #lastKeys: string[] = [];
  #sorted = true;
  // A host is a function of what it receives: its random numbers come from a seed.
  #random = 1;

  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  /** Moves on to the period of `now`. */
  begin(now: number): void {
    const period = Math.floor(now / this.#periodMs);
    if (period === this.#period) return;
    const follows = period === this.#period + 1;
    this.#lastRequests = follows ? this.#requests : 0;
    this.#lastKeys = follows ? this.#keys : [];
    this.#sorted = false;
    this.#period = period;
    this.#requests = 0;
    this.#keys = [];
  }

  /** Counts a request for the key with text `key`. */
  count(key: string): void {
    this.#requests++;
    if (this.#keys.length < sampleMax) {
      this.#keys.push(key);
      return;
    }
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    const at = Math.floor((this.#random / 2 ** 32) * this.#requests);
    if (at < sampleMax) this.#keys[at] = key;
  }

  /** The load of `[lo, hi)`; `hi` null is beyond every key. */
  of(lo: string, hi: string | null): RangeLoad {
    if (!this.#sorted) this.#lastKeys.sort(compareTexts);
    this.#sorted = true;
    const keys = this.#lastKeys;
    const from = lowerBound(keys, lo);
    const to = hi === null ? keys.length : lowerBound(keys, hi);
    const requests = keys.length === 0 ? 0 : Math.round((this.#lastRequests * (to - from)) / keys.length);
    return { requests, split: to - from < splitKeysMin ? null : this.#split(from, to) };
  }

  // The median may be a hot key: the cut is before or behind all that was asked of it, wherever the halves are more equal.
  #split(from: number, to: number): string | null {
    const keys = this.#lastKeys;
    const middle = (from + to) >>> 1;
    const median = keys[middle] as string;
    const before = lowerBound(keys, median);
    // The lowest text above the median is the median and a zero byte.
    const behind = lowerBound(keys, `${median}\0`);
    if (before > from && (middle - before <= behind - middle || behind >= to)) return median;
    return behind < to ? (keys[behind] as string) : null;
  }
}

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

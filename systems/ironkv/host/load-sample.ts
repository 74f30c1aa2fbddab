/**
 * The load that a host sees, from the number of requests in a period and a uniform sample of their keys (Vitter, Random
 * Sampling with a Reservoir, 1985). One sample serves all ranges, however they are cut and joined while they are moved. Up
 * to `sampleMax` requests in a period it is all of them, and the loads are exact; beyond that they are estimates.
 */
import { lowerBound } from './ordered-table.js';

/** Keys kept of one period. */
export const sampleMax = 2048;

/** Parts into which a host's load is cut, about. */
const partsWanted = 16;

/** Sampled requests that a part has at least, unless a busy key is next to it: of fewer nothing can be said. */
const partKeysMin = 8;

/** A key text above a range's lowest key, and how many of the range's requests were for keys below it. */
export interface TextCut {
  readonly key: string;
  readonly below: number;
}

/** What was asked of a range in the last full period. */
export interface RangeLoad {
  readonly requests: number;
  /** Ascending. Between two of them lies at most a sixteenth of the host's sample (or 8 requests), or one key with more. */
  readonly cuts: readonly TextCut[];
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
    const requestsIn = (count: number): number =>
      keys.length === 0 ? 0 : Math.round((this.#lastRequests * count) / keys.length);
    const cuts = this.#cuts(from, to).map((at) => ({ key: keys[at] as string, below: requestsIn(at - from) }));
    return { requests: requestsIn(to - from), cuts };
  }

  /**
   * Where the sampled keys `[from, to)` are cut: positions, each that of the first of equals. A busy key is a part of its own. Two
   * neighbouring parts have more than `part` together, so that all ranges of a host have at most twice `partsWanted` cuts.
   */
  #cuts(from: number, to: number): readonly number[] {
    const keys = this.#lastKeys;
    const part = Math.max(partKeysMin, Math.ceil(keys.length / partsWanted));
    const cuts: number[] = [];
    let start = from;
    while (start + part < to) {
      const key = keys[start + part] as string;
      const before = lowerBound(keys, key);
      // The lowest text above a key is the key and a zero byte.
      start = before > start ? before : lowerBound(keys, `${key}\0`);
      if (start >= to) break;
      cuts.push(start);
    }
    return cuts;
  }
}

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

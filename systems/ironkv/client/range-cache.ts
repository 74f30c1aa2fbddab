/** What a client believes about who owns which key: ranges that redirects and statuses told, the latest word winning. */

interface Range {
  readonly lo: string;
  /** Null: beyond every key. */
  readonly hi: string | null;
  readonly host: number;
}

/** Ranges that are remembered. A map of more of them is learnt again where it is asked for. */
const rangesMax = 4096;

/** A partial map from key texts (`textOfKey`) to hosts' indices. */
export class RangeCache {
  /** Ascending, without overlap. */
  #ranges: Range[] = [];

  /** The ranges known; ascending. */
  get size(): number {
    return this.#ranges.length;
  }

  /** The believed owner of `key`; `undefined` where nothing was told. */
  hostOf(key: string): number | undefined {
    const range = this.#ranges[this.#firstAbove(key) - 1];
    return range !== undefined && (range.hi === null || key < range.hi) ? range.host : undefined;
  }

  /** Takes `[lo, hi)` to be `host`'s. An empty range changes nothing. */
  learn(lo: string, hi: string | null, host: number): void {
    if (hi !== null && lo >= hi) return;
    const from = this.#firstReaching(lo);
    let to = from;
    while (to < this.#ranges.length && (hi === null || (this.#ranges[to] as Range).lo < hi)) to++;
    const replaced: Range[] = [];
    const first = this.#ranges[from];
    const last = this.#ranges[to - 1];
    if (from < to && first !== undefined && first.lo < lo) replaced.push({ ...first, hi: lo });
    replaced.push({ lo, hi, host });
    if (from < to && last !== undefined && hi !== null && (last.hi === null || last.hi > hi)) {
      replaced.push({ ...last, lo: hi });
    }
    if (this.#ranges.length + replaced.length > rangesMax) this.#ranges = [{ lo, hi, host }];
    else this.#ranges.splice(from, to - from, ...replaced);
  }

  /** The position of the first range that begins above `key`. */
  #firstAbove(key: string): number {
    let from = 0;
    let to = this.#ranges.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#ranges[middle] as Range).lo <= key) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /** The position of the first range with keys at or above `key`. */
  #firstReaching(key: string): number {
    const above = this.#firstAbove(key);
    const before = this.#ranges[above - 1];
    return before !== undefined && (before.hi === null || before.hi > key) ? above - 1 : above;
  }
}

/** What a check may cost: a check that exceeds it answers `unknown`, never that all is well. */

/** Limits of one check. The clock is handed in; without `time` nothing reads one. */
export interface CheckLimits {
  /** Calls of the model's `step`, over all parts: a bound that gives the same answer on every machine. */
  readonly stepsMax?: number;
  /** What the search of one part may keep, roughly. */
  readonly memoryBytesMax?: number;
  readonly time?: { readonly limitMs: number; readonly nowMs: () => number };
}

/** Which limit was reached. */
export type Limit = 'steps' | 'memory' | 'time';

/** What the search of one part may keep where the caller does not say. */
export const memoryBytesMaxDefault = 512 * 1024 * 1024;

/** Steps between two looks at the clock. */
const stepsPerLook = 512;

/** Spends the limits of one check. */
export class Budget {
  readonly memoryBytesMax: number;
  readonly #stepsMax: number;
  readonly #time: CheckLimits['time'];
  readonly #startMs: number;
  #steps = 0;
  #exceeded: Limit | undefined;

  constructor(limits: CheckLimits) {
    this.memoryBytesMax = limits.memoryBytesMax ?? memoryBytesMaxDefault;
    this.#stepsMax = limits.stepsMax ?? Number.POSITIVE_INFINITY;
    this.#time = limits.time;
    this.#startMs = limits.time?.nowMs() ?? 0;
  }

  /** Steps of the model so far. */
  get steps(): number {
    return this.#steps;
  }

  /** The limit that is used up for good; memory is not, since each part has its own. */
  get exceeded(): Limit | undefined {
    return this.#exceeded;
  }

  /** Counts one step of the model. */
  spend(): void {
    this.#steps++;
    if (this.#steps >= this.#stepsMax) this.#exceeded ??= 'steps';
    if (this.#steps % stepsPerLook === 1) this.look();
  }

  /** Looks at the clock. */
  look(): void {
    if (this.#time !== undefined && this.#time.nowMs() - this.#startMs >= this.#time.limitMs) this.#exceeded ??= 'time';
  }
}

/** When a client asks again: waits that grow, that follow how long answers take lately, and that differ between clients. */

/** How long a client waits for answers. */
export interface RetryOptions {
  /** The first wait for an answer, longer where answers take longer lately; further ones are half as long again each time, up to `retryMsMax`. */
  readonly retryMs: number;
  readonly retryMsMax: number;
  /** From 0 to 1: spreads retries, so that clients that lost one server do not ask the next all at once. */
  readonly random: () => number;
}

/** Something that is sent again where no answer comes. */
export interface Retry {
  retryAtMs: number;
  waitMs: number;
}

const backOff = 1.5;

/** The share of the last answer in `#usualMs`. */
const smoothing = 1 / 8;

/** The times of one client. */
export class RetryClock {
  readonly #options: RetryOptions;
  /** How long answers took lately, from the first try on. */
  #usualMs = 0;
  /** Requests of one moment share it, so that they are sent again in one bundle. */
  #spread: number;
  #wakeAtMs = Infinity;

  constructor(options: RetryOptions) {
    this.#options = options;
    this.#spread = this.#drawSpread();
  }

  /** No deadline and no retry lies before it. */
  get wakeAtMs(): number {
    return this.#wakeAtMs;
  }

  /** Something is to be done at `timeMs`. */
  wakeBy(timeMs: number): void {
    if (timeMs < this.#wakeAtMs) this.#wakeAtMs = timeMs;
  }

  /** Nothing is to be done before `timeMs`: for who has looked at all there is. */
  sleepUntil(timeMs: number): void {
    this.#wakeAtMs = timeMs;
  }

  /** An answer took `ms`. */
  answeredAfter(ms: number): void {
    this.#usualMs += (ms - this.#usualMs) * smoothing;
  }

  /** The wait for an answer to a request that is sent for the first time. A service that is slow under load gets slower where it is asked everything twice. */
  get firstWaitMs(): number {
    const { retryMs, retryMsMax } = this.#options;
    return Math.min(Math.max(retryMs, 2 * this.#usualMs), retryMsMax);
  }

  /** When a wait that begins now is over. */
  after(nowMs: number, waitMs: number): number {
    const atMs = nowMs + Math.ceil(waitMs * this.#spread);
    this.wakeBy(atMs);
    return atMs;
  }

  /** Begins the next, longer, wait of `retry`. */
  backOff(retry: Retry, nowMs: number): void {
    retry.waitMs = Math.min(retry.waitMs * backOff, this.#options.retryMsMax);
    retry.retryAtMs = this.after(nowMs, retry.waitMs);
  }

  /** What is sent from now on is sent again at other times than what was sent before. */
  spreadAnew(): void {
    this.#spread = this.#drawSpread();
  }

  #drawSpread(): number {
    return 0.75 + 0.5 * this.#options.random();
  }
}

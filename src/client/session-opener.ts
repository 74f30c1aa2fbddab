/**
 * How a client comes by a session: one question under way at a time, with one nonce for all its tries, so that a server that
 * holds it does not hold it twice, and the answer to any try will do.
 */
import type { Retry, RetryClock, RetryOptions } from './retry-clock.js';

/** The question for a session that is under way. `M` the message, `T` whom it is sent to. */
export interface Opening<M, T> extends Retry {
  readonly message: M;
  target: T;
  /** Times that nobody answered. */
  tries: number;
}

/** The longest pause, in longest waits between two tries. */
const pauseMaxInWaits = 8;

/** Opens the sessions of one client. */
export class SessionOpener<M, T> {
  readonly #options: RetryOptions;
  readonly #clock: RetryClock;
  #underWay: Opening<M, T> | undefined;
  #pauseMs = 0;
  #notBeforeMs = 0;
  /** Sessions that expired soon after they were opened, one after the other. */
  #shortLived = 0;

  constructor(options: RetryOptions, clock: RetryClock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** The question that has no answer yet. */
  get underWay(): Opening<M, T> | undefined {
    return this.#underWay;
  }

  /** When the question is asked again; `Infinity` where there is none. */
  get retryAtMs(): number {
    return this.#underWay?.retryAtMs ?? Infinity;
  }

  /** Begins to ask `target`; the message to send, none while a question is under way or in a pause, whose end the clock is told. */
  begin(nowMs: number, target: T, message: () => M): M | undefined {
    if (this.#underWay !== undefined) return undefined;
    if (nowMs < this.#notBeforeMs) {
      this.#clock.wakeBy(this.#notBeforeMs);
      return undefined;
    }
    const waitMs = this.#options.retryMs;
    const retryAtMs = this.#clock.after(nowMs, waitMs);
    this.#underWay = { message: message(), target, waitMs, retryAtMs, tries: 0 };
    return this.#underWay.message;
  }

  /** The question, if its wait for an answer is over; the caller sends it again. */
  due(nowMs: number): Opening<M, T> | undefined {
    return nowMs >= this.retryAtMs ? this.#underWay : undefined;
  }

  /** Counts a try without an answer, and begins a longer wait. */
  again(opening: Opening<M, T>, nowMs: number): void {
    opening.tries++;
    this.#clock.backOff(opening, nowMs);
  }

  /** The question is answered, or nobody needs the answer any more. */
  end(): void {
    this.#underWay = undefined;
  }

  /**
   * A session that was opened at `openedAtMs` has expired. Where one after the other dies young there are more sessions in use than
   * the servers remember, and each that is opened ends another: the client pauses, twice as long each time, so that those of others
   * live until they are answered.
   */
  expired(openedAtMs: number, nowMs: number): void {
    const { retryMs, retryMsMax } = this.#options;
    this.#shortLived = nowMs - openedAtMs < retryMsMax ? this.#shortLived + 1 : 0;
    this.#pauseMs =
      this.#shortLived < 2 ? 0 : Math.min(Math.max(2 * this.#pauseMs, retryMs), pauseMaxInWaits * retryMsMax);
    this.#notBeforeMs = nowMs;
    if (this.#pauseMs === 0) return;
    // Those that lost their sessions at one moment come back at different ones.
    this.#clock.spreadAnew();
    this.#notBeforeMs = this.#clock.after(nowMs, this.#pauseMs);
  }
}

/** What a client asks again, and when: requests without an answer, and the question for a session (README.md, "What clients add"). */
import type { RetryClock } from '../../../src/client/retry-clock.js';
import type { LaneEffects } from './lane.js';
import type { ClientCoreOptions } from './options.js';
import type { Pending, Window } from './pending.js';
import type { Repeater, Repeats } from './repeats.js';
import type { Sessions } from './sessions.js';

/** What retries do to the client. */
export interface RetryEffects extends LaneEffects {
  /** Takes a request back, to be sent again in its turn. */
  hold(pending: Pending): void;
  /** Sends what there is room for. */
  pump(nowMs: number): void;
}

/** The retries of one client. */
export class Retries implements Repeater {
  readonly #options: ClientCoreOptions;
  readonly #clock: RetryClock;
  readonly #sessions: Sessions;
  readonly #repeats: Repeats;
  readonly #effects: RetryEffects;

  constructor(
    options: ClientCoreOptions,
    clock: RetryClock,
    sessions: Sessions,
    repeats: Repeats,
    effects: RetryEffects,
  ) {
    this.#options = options;
    this.#clock = clock;
    this.#sessions = sessions;
    this.#repeats = repeats;
    this.#effects = effects;
  }

  /** The next deadline or end of a wait, of what is outstanding and of the question for a session. */
  wakeAtMs(nowMs: number): number {
    let wakeMs = this.#sessions.retryAtMs;
    for (const { deadlineMs, retryAtMs, target } of this.#sessions.outstanding()) {
      wakeMs = Math.min(wakeMs, deadlineMs);
      // What may be sent and was not waits for others, not for the time.
      if (target !== undefined || retryAtMs > nowMs) wakeMs = Math.min(wakeMs, retryAtMs);
    }
    return wakeMs;
  }

  /** Sends again, in one bundle, what has waited long enough. */
  askAgain(nowMs: number): void {
    const { ordered } = this.#options;
    const outstanding = this.#sessions.outstanding();
    const due = outstanding.filter((p) => nowMs >= p.retryAtMs && (p.target !== undefined || !ordered));
    if (due.length === 0 && !this.#sessions.isDue(nowMs)) return;
    this.#clock.spreadAnew();
    this.#sessions.askAgain(nowMs);
    if (!ordered) this.#askAgainEach(due, nowMs);
    else if (due.length > 0) this.#askAgainInOrder(due, outstanding, nowMs);
  }

  /** Sends a request again that was postponed; of an ordered session all that goes with it. */
  repeat(pending: Pending, nowMs: number): void {
    const { window } = pending;
    if (window === undefined) return;
    if (!this.#options.ordered) this.#effects.send(window, pending, this.#effects.targetOf(pending), nowMs);
    else {
      for (const other of this.#mayBeLost(window.all())) this.#effects.hold(other);
      this.#effects.pump(nowMs);
    }
  }

  #askAgainEach(due: readonly Pending[], nowMs: number): void {
    const { send, targetOf } = this.#effects;
    const again: Pending[] = [];
    for (const pending of due) {
      const wasSent = pending.target !== undefined;
      if (wasSent && !this.#repeats.admits(targetOf(pending), [pending], this, nowMs, this.#clock.firstWaitMs)) {
        this.#waitOnce(pending, nowMs);
        continue;
      }
      again.push(pending);
      if (wasSent) this.#countSilence(pending, nowMs);
    }
    for (const pending of again) send(pending.window as Window, pending, targetOf(pending), nowMs);
  }

  /** All there is of the session: one lost request holds up the rest. */
  #askAgainInOrder(due: readonly Pending[], outstanding: readonly Pending[], nowMs: number): void {
    const together = this.#mayBeLost(outstanding);
    const first = together[0];
    if (first?.target === undefined) return;
    if (!this.#repeats.admits(first.target, together, this, nowMs, this.#clock.firstWaitMs)) {
      for (const pending of due) this.#waitOnce(pending, nowMs);
      return;
    }
    for (const pending of due) this.#countSilence(pending, nowMs);
    for (const pending of together) this.#effects.hold(pending);
  }

  /** What is on its way to a host from which a reply may be lost. */
  #mayBeLost(outstanding: readonly Pending[]): readonly Pending[] {
    return outstanding.filter(({ target }) => target !== undefined && target !== this.#options.reliableHost);
  }

  /** Another wait as long as the last one: nobody was asked. */
  #waitOnce(pending: Pending, nowMs: number): void {
    pending.retryAtMs = this.#clock.after(nowMs, pending.waitMs);
  }

  #countSilence(pending: Pending, nowMs: number): void {
    pending.silences++;
    pending.redirects = 0;
    this.#clock.backOff(pending, nowMs);
  }
}

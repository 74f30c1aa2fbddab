/** In which order the requests of an ordered session leave its client (README.md, "Why this is safe", "Order within a session"). */

import { isAstray, type Pending, type Window } from './pending.js';
import { isWrite } from './requests.js';

/** What a lane is told of hosts, and does to the world. */
export interface LaneEffects {
  /** The host to ask. */
  targetOf(pending: Pending): number;
  /** Sends; false where that could not be done now. */
  send(window: Window, pending: Pending, host: number, nowMs: number): boolean;
}

/**
 * Lets requests leave one after the other. One follows others only to the same host, so that they arrive there one behind the
 * other; and no read of which a reply may ever have been lost, on whichever host it was executed: what is executed behind it makes
 * it impossible to ask again, and the host that is asked now may have heard from the other one that the read was executed.
 */
export class Lane {
  readonly #effects: LaneEffects;
  #window: Window | undefined;
  /** Those with seqnos below were sent, and the last of them allowed what to follow. */
  #cursor = 0;
  /** The host of the last of them, and whether it may be followed there. */
  #lastHost = -1;
  #lastFollowed = false;

  constructor(effects: LaneEffects) {
    this.#effects = effects;
  }

  /** The request with this seqno is to be sent again. */
  backTo(seqno: number): void {
    if (seqno < this.#cursor) this.#cursor = seqno;
  }

  /** Sends the requests of `window` that are next. */
  advance(window: Window, nowMs: number): void {
    // A session's seqnos have nothing to do with those of the one before.
    this.#cursor = window === this.#window ? Math.max(this.#cursor, window.floor) : window.floor;
    this.#window = window;
    for (; this.#cursor < window.next; this.#cursor++) {
      const pending = window.get(this.#cursor);
      if (pending === undefined) continue;
      const first = pending.seqno === window.floor;
      const host = pending.target ?? this.#effects.targetOf(pending);
      const follows = this.#lastFollowed && this.#lastHost === host;
      if (!first && !follows) return;
      if (pending.target === undefined) {
        if (nowMs < pending.retryAtMs || !this.#effects.send(window, pending, host, nowMs)) return;
      }
      const repeatable = !pending.maybeUnheard || isWrite(pending.command);
      this.#lastHost = host;
      // Behind one that asks its way nothing would be executed, and what was sent may be lost with it.
      this.#lastFollowed = repeatable && !isAstray(pending) && (first || follows);
    }
  }
}

/**
 * Which requests without an answer clients repeat at once. Where answers are long, most were not lost: they queue at the host, which has
 * to make each one again for each repetition, and has no room for it. So repetitions are few there, and the next ones follow the answers.
 */
import type { Outcome } from '../commands.js';
import type { Pending } from './pending.js';
import { valueBytesOf } from './requests.js';

/** Bytes of values that the requests repeated at once carry, and ask for as far as clients can tell. */
const repeatBytesMax = 1 << 20;

/** The length of values read, while none was told: eight reads are repeated at once. */
const answerBytesFirst = repeatBytesMax / 8;

/** The share of the last value in `#answerBytes` where it is shorter than those before. */
const smoothing = 1 / 8;

/** How often the time between rounds doubles without an answer. */
const doublingsMax = 2;

/** Who repeats requests of its own. */
export interface Repeater {
  /** Sends `pending`, and all that goes with it, again. */
  repeat(pending: Pending, nowMs: number): void;
}

/** The repetitions at one host. */
class HostRepeats {
  /** The length of the values that were read lately. */
  #answerBytes = answerBytesFirst;
  /** Of the round under way. */
  #bytes = 0;
  #roundEndsAtMs = 0;
  /** Rounds since the last answer. */
  #silentRounds = 0;
  /** What waited long enough and was not repeated. */
  readonly #postponed = new Map<Pending, Repeater>();

  answered(outcome: Outcome): void {
    this.#silentRounds = 0;
    if (outcome.tag !== 'value') return;
    const bytes = outcome.value?.length ?? 0;
    this.#answerBytes = Math.max(bytes, this.#answerBytes + (bytes - this.#answerBytes) * smoothing);
  }

  /** Whether what goes together may be repeated now. A round that is over is followed by the next: it lasts `waitMs`, and longer the longer no answer came. */
  admits(together: readonly Pending[], nowMs: number, waitMs: number): boolean {
    if (nowMs >= this.#roundEndsAtMs) {
      this.#bytes = 0;
      this.#roundEndsAtMs = nowMs + waitMs * 2 ** Math.min(this.#silentRounds++, doublingsMax);
    }
    if (this.#bytes >= repeatBytesMax) return false;
    for (const pending of together) this.#bytes += this.#weightOf(pending);
    return true;
  }

  postpone(pending: Pending, repeater: Repeater): void {
    this.#postponed.set(pending, repeater);
  }

  forget(pending: Pending): void {
    this.#postponed.delete(pending);
  }

  /** What an answer makes room for: those postponed first, in a round of their own. They are postponed no longer. */
  next(nowMs: number, waitMs: number): readonly (readonly [Pending, Repeater])[] {
    if (this.#postponed.size === 0) return none;
    this.#bytes = 0;
    this.#roundEndsAtMs = nowMs + waitMs;
    const next: (readonly [Pending, Repeater])[] = [];
    for (const postponed of this.#postponed) {
      if (this.#bytes >= repeatBytesMax) break;
      this.#bytes += this.#weightOf(postponed[0]);
      next.push(postponed);
    }
    for (const [pending] of next) this.#postponed.delete(pending);
    return next;
  }

  #weightOf({ command }: Pending): number {
    return command.tag === 'get' ? this.#answerBytes : valueBytesOf(command);
  }
}

const none: readonly (readonly [Pending, Repeater])[] = [];

/** The repetitions of clients that share a way to the hosts. At least one request is repeated at each host in each round. */
export class Repeats {
  /** By index. */
  readonly #hosts = new Map<number, HostRepeats>();
  /** Where a request is postponed. */
  readonly #postponedAt = new Map<Pending, HostRepeats>();

  /** The host answered one of `repeater`'s requests, after which further ones may be repeated there. */
  answered(host: number, outcome: Outcome, nowMs: number, waitMs: number): void {
    const repeats = this.#at(host);
    repeats.answered(outcome);
    for (const [pending, repeater] of repeats.next(nowMs, waitMs)) {
      this.#postponedAt.delete(pending);
      repeater.repeat(pending, nowMs);
    }
  }

  /**
   * Whether `together`, which `repeater` sends in one go and which has a first request, may be repeated at the host now. If not it is postponed: its first request
   * is handed back once answers make room, unless it is admitted or forgotten before.
   */
  admits(host: number, together: readonly Pending[], repeater: Repeater, nowMs: number, waitMs: number): boolean {
    const repeats = this.#at(host);
    const first = together[0] as Pending;
    this.forget(first);
    if (repeats.admits(together, nowMs, waitMs)) return true;
    repeats.postpone(first, repeater);
    this.#postponedAt.set(first, repeats);
    return false;
  }

  /** `pending` is sent now, or is not waited for any more. */
  forget(pending: Pending): void {
    if (this.#postponedAt.size === 0) return;
    this.#postponedAt.get(pending)?.forget(pending);
    this.#postponedAt.delete(pending);
  }

  #at(host: number): HostRepeats {
    let repeats = this.#hosts.get(host);
    if (repeats === undefined) {
      repeats = new HostRepeats();
      this.#hosts.set(host, repeats);
    }
    return repeats;
  }
}

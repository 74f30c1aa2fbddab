/**
 * Which requests without an answer a client repeats at once. Where answers are long, most were not lost: they queue at the host, which has
 * to make each one again for each repetition, and has no room for it. So repetitions are few there, and the next ones follow the answers.
 */
import type { Outcome } from '../commands.js';
import type { Pending } from './pending.js';
import { valueBytesOf } from './requests.js';

/** Bytes of values that the requests repeated at once carry, and ask for as far as the client can tell. */
const repeatBytesMax = 1 << 20;

/** The length of values read, while none was told: eight reads are repeated at once. */
const answerBytesFirst = repeatBytesMax / 8;

/** The share of the last value in `#answerBytes` where it is shorter than those before. */
const smoothing = 1 / 8;

/** How often the time between rounds doubles without an answer. */
const doublingsMax = 2;

/** The repetitions of one client, whose requests are in no order. */
export class Repeats {
  /** The length of the values that were read lately. */
  #answerBytes = answerBytesFirst;
  /** Of the round under way. */
  #bytes = 0;
  #roundEndsAtMs = 0;
  /** Rounds since the last answer. */
  #silentRounds = 0;
  /** What waited long enough and was not repeated; some may have been answered meanwhile. */
  readonly #postponed = new Set<Pending>();

  /** A request was answered. */
  answered(outcome: Outcome): void {
    this.#silentRounds = 0;
    if (outcome.tag !== 'value') return;
    const bytes = outcome.value?.length ?? 0;
    this.#answerBytes = Math.max(bytes, this.#answerBytes + (bytes - this.#answerBytes) * smoothing);
  }

  /** Begins another round of repetitions, unless one is under way: it lasts `waitMs`, and longer the longer no answer came. */
  begin(nowMs: number, waitMs: number): void {
    if (nowMs < this.#roundEndsAtMs) return;
    this.#bytes = 0;
    this.#roundEndsAtMs = nowMs + waitMs * 2 ** Math.min(this.#silentRounds++, doublingsMax);
  }

  /** Whether `pending` may be repeated in this round; if not, it is postponed. At least one may in each. */
  admits(pending: Pending): boolean {
    const admitted = this.#bytes < repeatBytesMax;
    if (admitted) this.#bytes += this.#weightOf(pending);
    else this.#postponed.add(pending);
    return admitted;
  }

  /** `pending` is repeated now, or is not waited for any more. */
  done(pending: Pending): void {
    this.#postponed.delete(pending);
  }

  /** What an answer makes room for: those postponed first, in a round of their own. They are postponed no longer. */
  next(nowMs: number, waitMs: number): readonly Pending[] {
    if (this.#postponed.size === 0) return none;
    this.#bytes = 0;
    this.#roundEndsAtMs = nowMs + waitMs;
    const next: Pending[] = [];
    for (const pending of this.#postponed) {
      if (!this.admits(pending)) break;
      next.push(pending);
    }
    for (const pending of next) this.#postponed.delete(pending);
    return next;
  }

  /** Nothing is waited for any more. */
  clear(): void {
    this.#postponed.clear();
  }

  #weightOf({ command }: Pending): number {
    return command.tag === 'get' ? this.#answerBytes : valueBytesOf(command);
  }
}

const none: readonly Pending[] = [];

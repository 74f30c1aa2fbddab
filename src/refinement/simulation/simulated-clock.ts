/** The clock of one simulated host: monotonic, with an offset and a rate of its own, and timers that follow it. */
import type { VirtualTime } from './virtual-time.js';

interface Timer {
  readonly timeMs: number;
  readonly callback: () => void;
  cancel: () => void;
}

/** Below one millisecond, so that a timer that is due is not taken for one that is not because of rounding. */
const roundingMs = 1e-6;

/** A clock that runs at a multiple of simulated time, and may jump forward. It never goes back: hosts read a monotonic clock. */
export class SimulatedClock {
  readonly #time: VirtualTime;
  /** Simulated time and clock time at the last change of rate. */
  #fromMs: number;
  #clockMs: number;
  #rate = 1;
  readonly #timers = new Set<Timer>();

  constructor(time: VirtualTime, offsetMs: number) {
    this.#time = time;
    this.#fromMs = time.nowMs;
    this.#clockMs = offsetMs;
  }

  /** What the host reads, in whole milliseconds. */
  readonly nowMs = (): number => Math.floor(this.#exactMs() + roundingMs);

  /** Calls back when the clock shows `timeMs`; the result cancels it. */
  readonly at = (timeMs: number, callback: () => void): (() => void) => {
    const timer: Timer = { timeMs, callback, cancel: () => undefined };
    this.#timers.add(timer);
    this.#arm(timer);
    return () => {
      timer.cancel();
      this.#timers.delete(timer);
    };
  };

  /** From now on the clock runs `rate` times as fast as simulated time. */
  setRate(rate: number): void {
    this.#change(this.#exactMs(), rate);
  }

  /** Moves the clock forward at once. */
  jump(ms: number): void {
    this.#change(this.#exactMs() + Math.max(0, ms), this.#rate);
  }

  #exactMs(): number {
    return this.#clockMs + (this.#time.nowMs - this.#fromMs) * this.#rate;
  }

  #change(clockMs: number, rate: number): void {
    this.#fromMs = this.#time.nowMs;
    this.#clockMs = clockMs;
    this.#rate = rate;
    for (const timer of this.#timers) {
      timer.cancel();
      this.#arm(timer);
    }
  }

  #arm(timer: Timer): void {
    timer.cancel = this.#time.at(this.#fromMs + (timer.timeMs - this.#clockMs) / this.#rate, () => {
      this.#timers.delete(timer);
      timer.callback();
    });
  }
}

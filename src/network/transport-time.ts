/** Time as a transport has it: Node's own, or that of a simulation. */

/** Calls `callback` once, `delayMs` from now; the result cancels it. */
export type After = (delayMs: number, callback: () => void) => () => void;

/** A clock and timers that go with it. */
export interface TransportTime {
  /** Milliseconds; never goes back. */
  readonly nowMs: () => number;
  readonly after: After;
}

/** Node's timers. They keep no process alive: an open socket does. */
export const realAfter: After = (delayMs, callback) => {
  const timer = setTimeout(callback, Math.max(1, Math.ceil(delayMs))).unref();
  return () => clearTimeout(timer);
};

/** One timer for a time that is put off often: it is moved only when it fires too early, or would fire too late. */
export class Alarm {
  readonly #time: TransportTime;
  readonly #ring: () => void;
  #atMs = 0;
  #armed: { readonly atMs: number; readonly cancel: () => void } | undefined;

  /** `ring` sets the alarm again where it wants to. */
  constructor(time: TransportTime, ring: () => void) {
    this.#time = time;
    this.#ring = ring;
  }

  /** Rings at `atMs`, in place of any earlier wish. */
  set(atMs: number): void {
    this.#atMs = atMs;
    if (this.#armed === undefined || atMs < this.#armed.atMs) this.#arm();
  }

  clear(): void {
    this.#armed?.cancel();
    this.#armed = undefined;
  }

  #arm(): void {
    this.clear();
    // At least a millisecond: sums of fractions round, and a timer that is early by that would be set for no time at all.
    const cancel = this.#time.after(Math.max(1, this.#atMs - this.#time.nowMs()), this.#fire);
    this.#armed = { atMs: this.#atMs, cancel };
  }

  readonly #fire = (): void => {
    // A simulated host that was paused gets its timers late, cancelled ones too.
    if (this.#armed === undefined) return;
    this.#armed = undefined;
    if (this.#atMs > this.#time.nowMs()) this.#arm();
    else this.#ring();
  };
}

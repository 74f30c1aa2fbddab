/** Time as a running node has it: a monotonic clock in whole milliseconds, and the timers of Node. */
import type { LoopTime } from './main-loop.js';

/** The longest wait of a Node timer; a longer one would fire at once. */
const timerMsMax = 2 ** 31 - 1;

/** Whole milliseconds since the process started. Never goes back, and has no relation to the clocks of other processes. */
export const monotonicNowMs = (): number => Math.floor(performance.now());

/** The time of a real main loop. */
export const realTime: LoopTime = {
  nowMs: monotonicNowMs,
  // After the poll for IO: what arrived meanwhile is in the inbox before the step.
  soon: (callback) => {
    setImmediate(callback);
  },
  at: (timeMs, callback) => {
    // Rounded up, so that the cut-off clock has reached the time when the timer fires.
    const waitMs = Math.min(Math.max(Math.ceil(timeMs - performance.now()), 0), timerMsMax);
    const timer = setTimeout(callback, waitMs);
    return () => clearTimeout(timer);
  },
};

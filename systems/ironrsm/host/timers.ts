/** The timers that belong to no other role, in milliseconds of the replica's clock. */

/** The native state of the timers. */
export interface Timers {
  nextHeartbeatMs: number;
  nextProgressCheckMs: number;
  /** `opsComplete` at the last progress check. */
  opsAtLastCheck: number;
}

/** Timers that have all run out. */
export const newTimers = (): Timers => ({ nextHeartbeatMs: 0, nextProgressCheckMs: 0, opsAtLastCheck: 0 });

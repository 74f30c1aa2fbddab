/** The timers that belong to no other role, in milliseconds of the replica's clock. */
import type { Parameters } from '../configuration.js';

/** The native state of the timers. */
export interface Timers {
  nextHeartbeatMs: number;
  nextProgressCheckMs: number;
  /** Between the last progress check and the next: longer while what is sent again brings nothing forward. */
  retransmitMs: number;
  /** `opsComplete` at the last progress check. */
  opsAtLastCheck: number;
}

/** Timers that have all run out. */
export const newTimers = ({ retransmitPeriodMs }: Parameters): Timers => ({
  nextHeartbeatMs: 0,
  nextProgressCheckMs: 0,
  retransmitMs: retransmitPeriodMs,
  opsAtLastCheck: 0,
});

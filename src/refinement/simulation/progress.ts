/**
 * Liveness of a simulated run: once the faults have healed, what must happen, and how soon. After the second phase of
 * TigerBeetle's simulator; the property is IronFleet's (SOSP 2015, section 5.1.4: a live quorum, bounded delays).
 */
import type { Check, Violation } from '../../spec/check.js';
import type { EndPoint } from '../../spec/endpoint.js';

/** The cluster at the moment of the heal, and from then on. */
export interface Healed<S> {
  /** Hosts that did not crash. */
  readonly running: readonly EndPoint[];
  /** The protocol state of a host, as it is when asked for. */
  readonly stateOf: (host: EndPoint) => S;
}

/** What a system demands after a heal. */
export interface Progress {
  /** Host steps of the whole cluster within which all of it must have happened. */
  readonly withinSteps: number;
  /** Simulated milliseconds within which all of it must have happened. */
  readonly withinMs: number;
  /** Whether all of it has happened; asked after every step, so cheap. */
  readonly reached: () => boolean;
  /** What has not happened yet, in words. */
  readonly waitingFor: () => readonly string[];
  /** What must also hold on the way, such as a bound on view changes; asked once, at the end. */
  readonly check?: () => Check;
}

/** The violation of a run that ended without what was demanded. */
export const noProgress = (progress: Progress, steps: number, ms: number): Violation => ({
  code: 'NO_PROGRESS',
  rule: 'after the faults heal, what was asked for happens within a bound',
  evidence: {
    waitingFor: progress.waitingFor(),
    steps,
    simulatedMs: Math.round(ms),
    withinSteps: progress.withinSteps,
    withinMs: progress.withinMs,
  },
});

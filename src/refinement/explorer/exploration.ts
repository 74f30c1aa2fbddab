/** What an exploration answers, and what it may be told. */
import type { Violation } from '../../spec/check.js';
import type { FaultKind } from './fault.js';

/** Where an exploration stands. */
export interface Progress {
  readonly generated: number;
  readonly distinct: number;
  /** States found and not yet explored. */
  readonly queue: number;
  readonly depth: number;
  readonly seconds: number;
}

/** Limits and reports; every field may be left out. */
export interface ExploreOptions {
  /** Takes states that are equal up to the model's symmetry as one. Throws `ExploreRefusal` with leads-to, or without `canonical`. */
  readonly symmetry?: boolean;
  /** Stops when more different states than this were found. */
  readonly statesMax?: number;
  readonly timeLimitMs?: number;
  /** Called about once a second. */
  readonly onProgress?: (progress: Progress) => void;
  /** Stops at the next chance, as a limit does. */
  readonly signal?: AbortSignal;
  /** A file that holds what was explored so far, written every `checkpointEveryMs` (a minute unless told) and at a limit. */
  readonly checkpoint?: string;
  readonly checkpointEveryMs?: number;
  /** A file written by `checkpoint`, from which to go on. */
  readonly resume?: string;
  /** A monotonic clock. */
  readonly nowMs?: () => number;
}

/** Options that do not fit the model, or a checkpoint that does not: one sentence. */
export class ExploreRefusal extends Error {
  override readonly name = 'ExploreRefusal';
}

/** A state of a counterexample as people see it, and the action that led to it; none for the first. */
export interface ShownStep {
  readonly action: string | undefined;
  readonly state: string;
}

/** A property that does not hold. */
export interface FoundViolation extends Violation {
  readonly trace: readonly ShownStep[];
  /** For leads-to: the place in the trace from which it goes round for ever; the last state is that at this place again. */
  readonly loopFrom: number | undefined;
}

/** Why an exploration ended before all states were explored. */
export type StopReason = 'states' | 'time' | 'memory' | 'interrupted' | 'violation' | 'fault';

/** How often an action was taken, and to how many states it was the first to lead. */
export interface ActionCoverage {
  readonly action: string;
  readonly generated: number;
  readonly distinct: number;
}

export interface Exploration {
  readonly model: string;
  /** Initial states and successors, known ones and those that change nothing included. */
  readonly generated: number;
  /** Different states within the bounds. */
  readonly distinct: number;
  /** Steps from an initial state to the farthest state explored. */
  readonly depth: number;
  /** Every reachable state within the bounds was explored and judged. */
  readonly complete: boolean;
  readonly stopped: StopReason | undefined;
  /** Different states beyond the bounds, neither judged nor explored; 0: the answer holds without bounds. */
  readonly cut: number;
  /** States that no step changes. */
  readonly ends: number;
  readonly seconds: number;
  /** An upper bound for the chance that a state was missed because two have one fingerprint; 0 for exact keys. */
  readonly collisionProbability: number;
  readonly actions: readonly ActionCoverage[];
  readonly classes: Readonly<Record<string, number>>;
  /** States in which each `sometimes` property holds. */
  readonly reached: Readonly<Record<string, number>>;
  readonly found: readonly FoundViolation[];
  /** What is wrong with the model itself, and how to get there. */
  readonly fault:
    | { readonly kind: FaultKind; readonly sentence: string; readonly trace: readonly ShownStep[] }
    | undefined;
}

/** What a simulated run is asked for, and what it answers. */
import type { Violation } from '../../spec/check.js';
import type { FaultName, FaultStrengths, FaultsFired } from './faults.js';
import type { ShownStep } from './shown-step.js';

/** What a run is asked for. */
export interface RunOptions {
  readonly seed: number;
  /** Host steps of the whole cluster after which the faults heal. */
  readonly steps: number;
  /** Simulated milliseconds after which the faults heal, if that comes first. */
  readonly simulatedMs?: number | undefined;
  readonly faults: readonly FaultName[];
  /** Strengths of faults in every run, in place of those that its seed draws. */
  readonly strengths?: Partial<FaultStrengths> | undefined;
  readonly nodes: number | undefined;
  /** Requests of all clients together in a simulated second; the system's own choice unless given. */
  readonly rate?: number | undefined;
  /** Clients, and requests of each before the heal, at most; the system's own choice unless given. */
  readonly clients?: number | undefined;
  readonly requests?: number | undefined;
}

/** A violation, where it happened, and the steps of that node before it. */
export interface Found extends Violation {
  readonly check: string;
  readonly seed: number;
  readonly node: string;
  readonly step: number;
  readonly timeMs: number;
  /** For a violation that stops a node: whether nothing of the refused step left it. */
  readonly stoppedBeforeRelease: boolean | undefined;
  readonly trace: readonly ShownStep[];
}

/** What a run did. */
export interface RunResult {
  readonly seed: number;
  /** Host steps of both phases. */
  readonly steps: number;
  readonly stepsChecked: number;
  readonly specSteps: number;
  /** Simulated time of both phases. */
  readonly simulatedMs: number;
  /** Host steps from the heal until everything demanded had happened; 0 where no progress was demanded. */
  readonly livenessSteps: number;
  /** Simulated milliseconds of the same. */
  readonly livenessMs: number;
  readonly faultsFired: FaultsFired;
  readonly reached: Readonly<Record<string, number>>;
  /** SHA-256 over every step of every node, in order: equal for equal runs. */
  readonly traceHash: string;
  readonly found: Found | undefined;
  /** Why a check has no answer, where one ran into its limits. */
  readonly inconclusive?: string | undefined;
}

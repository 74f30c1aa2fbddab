/** What a suite consists of. */

/** How much a suite does. */
export interface SuiteBudget {
  /** Of the first simulated run, and of what fast-check draws. */
  readonly seed: number;
  /** Simulated runs. */
  readonly runs: number;
  /** Host steps of each run before its faults heal. */
  readonly steps: number;
  /** Messages that fast-check draws for each property of the codec. */
  readonly codecRuns: number;
  /** Runs whose size, faults and length fast-check draws, and makes smaller where one fails. */
  readonly scheduleRuns: number;
}

/** One case: `run` throws or rejects where it does not hold. */
export interface SuiteCase {
  readonly name: string;
  readonly run: () => void | Promise<void>;
}

/** A case that does not hold; the message says why, and how to see it again. */
export class SuiteFailure extends Error {
  override readonly name = 'SuiteFailure';
}

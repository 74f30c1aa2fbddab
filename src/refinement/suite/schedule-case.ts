/** Runs whose seed, length and faults fast-check draws: where one fails it looks for one with fewer faults and fewer steps. */
import * as fc from 'fast-check';
import { type FaultName, faultNames } from '../simulation/faults.js';
import type { Runs } from './runs.js';
import type { SuiteBudget, SuiteCase } from './suite-case.js';

/** Runs tried to make a failing one smaller, at most. */
const shrinkingMs = 10_000;

/** Each fault by itself may be on. */
const faultSets: fc.Arbitrary<readonly FaultName[]> = fc.subarray([...faultNames]);

/** The case of `runs`. */
export const scheduleCase = (runs: Runs, { seed, steps, scheduleRuns }: SuiteBudget): SuiteCase => ({
  name: 'runs of any length under any set of faults hold',
  run: () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 2 ** 31 - 1 }),
        fc.integer({ min: 1, max: steps }),
        faultSets,
        (drawn, length, faults) => runs.passes({ seed: drawn, steps: length, faults, nodes: undefined }),
      ),
      { seed, numRuns: scheduleRuns, interruptAfterTimeLimit: shrinkingMs, includeErrorInReport: true },
    ),
});

/**
 * The refinement suite of a system: every check of docs/reduction.md as a named case that a test runner calls. It knows no test
 * runner; `ironkeel/vitest` puts it into one.
 */
import type { Host } from '../host/host.js';
import type { Tagged } from './cluster.js';
import { silentCanaries } from './simulation/canary.js';
import type { SimulatedSystem } from './simulation/simulated-system.js';
import { simulate } from './simulator.js';
import { codecCase } from './suite/codec-case.js';
import { initCase } from './suite/init-case.js';
import { type Regressions, readRegressions } from './suite/regressions.js';
import { Runs } from './suite/runs.js';
import { scheduleCase } from './suite/schedule-case.js';
import { type SuiteBudget, type SuiteCase, SuiteFailure } from './suite/suite-case.js';

export { type Regression, type Regressions, readRegressions } from './suite/regressions.js';
export { type SuiteBudget, type SuiteCase, SuiteFailure } from './suite/suite-case.js';

/** What a suite is asked for. */
export interface SuiteOptions extends Partial<Omit<SuiteBudget, 'seed'>> {
  /** Of the first simulated run, and of what fast-check draws; 1 unless given. */
  readonly seed?: number | undefined;
  /** Path of the file of runs that once failed; they run first. Without it none are kept. */
  readonly regressions?: string | undefined;
  /** Whether a run that fails is added to that file. */
  readonly saveRegressions?: boolean | undefined;
}

/** A suite, ready to be run. */
export interface Suite {
  /** With the seed: `lock refines its service (seed 1)`. */
  readonly title: string;
  readonly cases: readonly SuiteCase[];
}

const defaults: SuiteBudget = { seed: 1, runs: 50, steps: 1000, codecRuns: 1000, scheduleRuns: 10 };

const withoutUndefined = (options: SuiteOptions): Partial<SuiteBudget> =>
  Object.fromEntries(Object.entries(options).filter(([key, value]) => key in defaults && value !== undefined));

/**
 * The suite of `system`. Its simulated runs have the seeds `seed` to `seed + runs - 1` and are made once, by the first case that
 * looks at them. Throws where the file of regressions cannot be read.
 */
export const suiteOf = <C, H extends Host<M, W>, S, M extends Tagged, Step extends Tagged, W, G, Spec, SpecStep>(
  system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>,
  options: SuiteOptions = {},
): Suite => {
  const { name } = system.definition;
  const budget: SuiteBudget = { ...defaults, ...withoutUndefined(options) };
  const regressions: Regressions | undefined =
    options.regressions === undefined ? undefined : readRegressions(options.regressions, name);
  const saved = options.saveRegressions === true ? regressions : undefined;
  const runs = new Runs(name, (run) => simulate(system, run), budget, saved);
  return {
    title: `${name} refines its service (seed ${budget.seed})`,
    cases: [
      ...(regressions?.runs ?? []).map((run) => runs.regressionCase(run)),
      {
        name: 'the checks report what is planted for them',
        run: async () => {
          const silent = await silentCanaries(system, simulate);
          if (silent.length > 0) throw new SuiteFailure(silent.join('\n'));
        },
      },
      initCase(system, budget),
      ...codecCase(name, system.definition.refinement.codec, system.strangers, budget),
      ...runs.cases(),
      scheduleCase(runs, budget),
    ],
  };
};

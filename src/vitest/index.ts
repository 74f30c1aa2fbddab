/** `ironkeel/vitest`: a system's refinement suite in a test file, and matchers. The only door that loads vitest. */
import { describe, expect, it } from 'vitest';
import type { Host } from '../host/host.js';
import type { Tagged } from '../refinement/cluster.js';
import type { HostRefinement } from '../refinement/host-refinement.js';
import type { SimulatedSystem } from '../refinement/simulation/simulated-system.js';
import { type SuiteOptions, suiteOf } from '../refinement/suite.js';
import type { Packet } from '../spec/packet.js';
import type { Service } from '../spec/service.js';
import { toBeJustifiedBy, toHold, toRefine } from './matchers.js';

export { arbitraryOf } from '../refinement/arbitrary.js';
export {
  type Suite,
  type SuiteBudget,
  type SuiteCase,
  SuiteFailure,
  type SuiteOptions,
  suiteOf,
} from '../refinement/suite.js';

declare module 'vitest' {
  interface Matchers<T> {
    /** A check found nothing wrong. */
    toHold(): T;
    /** A packet may be sent by a service in a state. */
    toBeJustifiedBy<Spec, SpecStep, M>(
      service: Service<Spec, SpecStep, M>,
      state: Spec,
      sent?: readonly Packet<M>[],
    ): T;
    /** A host's state abstracts to a state of the protocol. */
    toRefine<C, H, S, M, Step, W>(refinement: HostRefinement<C, H, S, M, Step, W>, state: S): T;
  }
}

expect.extend({ toHold, toBeJustifiedBy, toRefine });

const seedFromEnvironment = (): number | undefined => {
  const text = process.env.IRONKEEL_SEED;
  if (text === undefined || text === '') return undefined;
  const seed = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(seed))
    throw new Error(`IRONKEEL_SEED is a whole number of at least 0, and not "${text}"`);
  return seed;
};

/** What the suite in a test file is asked for. */
export interface RefinementSuiteOptions extends Omit<SuiteOptions, 'saveRegressions'> {
  /** Real time that one case may take. */
  readonly timeoutMs?: number;
}

/**
 * Declares the suite of `system` in the test file that calls this. The environment goes before the options: IRONKEEL_SEED is the
 * first seed; with IRONKEEL_SAVE_REGRESSIONS=1 a run that fails is added to the file of regressions.
 */
export const refinementSuite = <
  C,
  H extends Host<M, W>,
  S,
  M extends Tagged,
  Step extends Tagged,
  W,
  G,
  Spec,
  SpecStep,
>(
  system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>,
  { timeoutMs = 120_000, ...options }: RefinementSuiteOptions = {},
): void => {
  const suite = suiteOf(system, {
    ...options,
    seed: seedFromEnvironment() ?? options.seed,
    saveRegressions: process.env.IRONKEEL_SAVE_REGRESSIONS === '1',
  });
  describe(suite.title, () => {
    for (const { name, run } of suite.cases) it(name, run, timeoutMs);
  });
};

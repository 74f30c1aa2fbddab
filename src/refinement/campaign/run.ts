/** One run of a campaign, done twice where its determinism is in question. */
import type { RunOptions } from '../simulation/run-result.js';
import type { Simulation } from './simulation.js';
import type { CampaignRun } from './sums.js';

/** What to run. */
export interface RunOrder {
  readonly options: RunOptions;
  /** Whether to run it again, and compare the traces. */
  readonly twice: boolean;
}

/** Runs a seed. An exception says which seed it was. */
export const runOnceOrTwice = async ({ run }: Simulation, { options, twice }: RunOrder): Promise<CampaignRun> => {
  try {
    const result = await run(options);
    const again = twice ? await run(options) : undefined;
    return { result, same: again === undefined ? undefined : again.traceHash === result.traceHash };
  } catch (error) {
    throw new Error(`the run of seed ${options.seed} did not end`, { cause: error });
  }
};

/** Campaigns: many seeds, their sums, and whether they reached what makes them worth something. */
import { runOnceOrTwice } from './campaign/run.js';
import type { Simulation } from './campaign/simulation.js';
import { type CampaignResult, CampaignSums } from './campaign/sums.js';
import type { RunOptions } from './simulation/run-result.js';

export { type Simulation, simulationOf } from './campaign/simulation.js';
export { type CampaignResult, CampaignSums } from './campaign/sums.js';

/** A part of a campaign: of every `count` seeds the one at `index`, from 0. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** What a campaign is asked for: runs with the seeds `seed` to `seed + runs - 1`, or a shard of them. */
export interface CampaignOptions extends RunOptions {
  readonly runs: number;
  readonly shard?: Shard | undefined;
  /** Real time after which the campaign ends, incomplete. */
  readonly timeLimitMs?: number | undefined;
  /** Runs every seed twice, and compares the traces. */
  readonly twice?: boolean | undefined;
  /** Told after each run how far the sums are. */
  readonly onRun?: (sums: CampaignSums) => void;
}

/** A campaign that shows nothing: a worker ended, a run did not, or a canary was not reported. */
export class CampaignFailure extends Error {
  override readonly name = 'CampaignFailure';
}

/** Canaries that no check reported. */
export class SilentCanaries extends CampaignFailure {
  /** One sentence for each. */
  readonly canaries: readonly string[];

  constructor(canaries: readonly string[]) {
    super(`the checks do not check: ${canaries.join(' ')}`);
    this.canaries = canaries;
  }
}

/** The seeds of a campaign, in their order. Shards of one campaign have no seed in common, and together all of them. */
export const seedsOf = ({ seed, runs, shard = { index: 0, count: 1 } }: CampaignOptions): readonly number[] => {
  const seeds: number[] = [];
  for (let i = shard.index; i < runs; i += shard.count) seeds.push(seed + i);
  return seeds;
};

/** Runs the canaries, then seeds until a violation or the end, in this thread. Throws `CampaignFailure`. */
export const campaign = async (simulation: Simulation, options: CampaignOptions): Promise<CampaignResult> => {
  const begunMs = performance.now();
  const silent = await simulation.silentCanaries();
  if (silent.length > 0) throw new SilentCanaries(silent);
  const seeds = seedsOf(options);
  const sums = new CampaignSums(seeds.length);
  for (const [place, seed] of seeds.entries()) {
    if (performance.now() - begunMs > (options.timeLimitMs ?? Infinity)) break;
    sums.add(place, await runOnceOrTwice(simulation, { options: { ...options, seed }, twice: options.twice === true }));
    options.onRun?.(sums);
    if (sums.complete) break;
    // Lets signals in.
    await new Promise(setImmediate);
  }
  return sums.result();
};

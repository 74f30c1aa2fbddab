/** Campaigns: many seeds, their sums, and whether they reached what makes them worth something. */
import type { Found, RunOptions, RunResult } from './simulator.js';

/** What a campaign is asked for: runs with the seeds `seed` to `seed + runs - 1`. */
export interface CampaignOptions extends RunOptions {
  readonly runs: number;
  readonly onRun?: (result: RunResult, done: number) => void;
}

/** The sums of a campaign. */
export interface CampaignResult {
  readonly runs: number;
  readonly steps: number;
  readonly stepsChecked: number;
  readonly specSteps: number;
  readonly simulatedMs: number;
  readonly faultsFired: Readonly<Record<string, number>>;
  readonly reached: Readonly<Record<string, number>>;
  /** Violations, at most one a run; a campaign ends with its first. */
  readonly found: readonly Found[];
  /** Goals that no run reached: what the campaign shows about them is nothing. */
  readonly unreached: readonly string[];
  /** Of the single run of a campaign of one. */
  readonly traceHash: string | undefined;
}

const addTo = (sums: Record<string, number>, more: Readonly<Record<string, number>>): void => {
  for (const [name, count] of Object.entries(more)) sums[name] = (sums[name] ?? 0) + count;
};

/** Runs seeds until a violation or the end. */
export const campaign = async (
  run: (options: RunOptions) => Promise<RunResult>,
  options: CampaignOptions,
): Promise<CampaignResult> => {
  const sums = { steps: 0, stepsChecked: 0, specSteps: 0, simulatedMs: 0 };
  const faultsFired: Record<string, number> = {};
  const reached: Record<string, number> = {};
  const found: Found[] = [];
  let traceHash: string | undefined;
  let runs = 0;
  while (runs < options.runs && found.length === 0) {
    const result = await run({ ...options, seed: options.seed + runs });
    runs++;
    sums.steps += result.steps;
    sums.stepsChecked += result.stepsChecked;
    sums.specSteps += result.specSteps;
    sums.simulatedMs += result.simulatedMs;
    addTo(faultsFired, result.faultsFired);
    addTo(reached, result.reached);
    traceHash = result.traceHash;
    if (result.found !== undefined) found.push(result.found);
    options.onRun?.(result, runs);
  }
  const unreached = Object.keys(reached).filter((goal) => reached[goal] === 0);
  return { runs, ...sums, faultsFired, reached, found, unreached, traceHash: runs === 1 ? traceHash : undefined };
};

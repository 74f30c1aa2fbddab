/** Runs a campaign on as many threads as it is worth, with a line of progress. */
import { availableParallelism } from 'node:os';
import { campaignInWorkers } from '../../refinement/campaign/workers.js';
import { type CampaignOptions, type CampaignResult, type CampaignSums, campaign } from '../../refinement/campaign.js';
import type { Simulation } from '../simulations.js';

/** Below this many steps of all runs together, starting threads takes longer than the runs. */
const stepsWorthThreads = 60_000;

/** Threads load built files; from sources (tests) and with a planted bug, whose loader patches this thread alone, there is one. */
const threadsWork = (): boolean => import.meta.url.endsWith('.js') && process.env.IRONKEEL_PLANT === undefined;

const jobsFor = ({ runs, steps }: CampaignOptions, asked: number | undefined): number => {
  if (!threadsWork()) return 1;
  if (asked !== undefined) return Math.min(asked, runs);
  return runs * steps < stepsWorthThreads ? 1 : Math.min(availableParallelism(), runs);
};

const progressMs = 200;

/** A line on stderr that says how far the campaign is, where that is a terminal. */
const progressLine = (runs: number): { readonly show: (sums: CampaignSums) => void; readonly clear: () => void } => {
  if (!process.stderr.isTTY) return { show: () => undefined, clear: () => undefined };
  const begunMs = performance.now();
  let shownMs = begunMs;
  return {
    show: (sums) => {
      const nowMs = performance.now();
      if (nowMs - shownMs < progressMs) return;
      shownMs = nowMs;
      const rate = Math.round((1000 * sums.steps) / (nowMs - begunMs));
      const { reached, all } = sums.goals;
      process.stderr.write(`\r\x1b[K${sums.runs} of ${runs} runs, ${rate} steps/s, ${reached} of ${all} goals`);
    },
    clear: () => {
      if (shownMs > begunMs) process.stderr.write('\r\x1b[K');
    },
  };
};

/** Runs the campaign; `jobs` threads where that is given and possible. */
export const runCampaign = async (
  system: string,
  simulation: Simulation,
  options: CampaignOptions,
  jobs: number | undefined,
): Promise<CampaignResult> => {
  const threads = jobsFor(options, jobs);
  const line = progressLine(Math.ceil(options.runs / (options.shard?.count ?? 1)));
  const watched = { ...options, onRun: line.show };
  const module = new URL('../simulations.js', import.meta.url).href;
  try {
    if (threads === 1) return await campaign(simulation, watched);
    return await campaignInWorkers(simulation, { module, table: 'simulations', name: system }, watched, threads);
  } finally {
    line.clear();
  }
};

/** Campaigns on several worker threads. Which thread runs which seed, and how fast, does not change the result. */
import { Worker } from 'node:worker_threads';
import { CampaignFailure, type CampaignOptions, SilentCanaries, seedsOf } from '../campaign.js';
import type { RunResult } from '../simulation/run-result.js';
import type { Simulation } from './simulation.js';
import { type CampaignResult, CampaignSums } from './sums.js';
import type { SimulationSource, WorkerAnswer, WorkerOrder } from './worker.js';

/** Runs that a thread has at hand, so that it does not wait for its next order. */
const ordersAhead = 2;

/** Runs a campaign on `jobs` threads. `simulation` is that of `source`: a seed that violates is run again in this thread. */
export const campaignInWorkers = async (
  simulation: Simulation,
  source: SimulationSource,
  options: CampaignOptions,
  jobs: number,
): Promise<CampaignResult> => {
  const crew = new Crew(simulation, options);
  try {
    return await crew.work(source, jobs);
  } finally {
    await crew.dismiss();
  }
};

class Crew {
  readonly #simulation: Simulation;
  readonly #options: CampaignOptions;
  readonly #seeds: readonly number[];
  readonly #sums: CampaignSums;
  readonly #workers: Worker[] = [];
  #nextPlace = 0;
  /** The lowest place that violated: later ones need not run. */
  #violatedPlace = Infinity;
  #end: (result: CampaignResult) => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;

  constructor(simulation: Simulation, options: CampaignOptions) {
    this.#simulation = simulation;
    this.#options = options;
    this.#seeds = seedsOf(options);
    this.#sums = new CampaignSums(this.#seeds.length);
  }

  work(source: SimulationSource, jobs: number): Promise<CampaignResult> {
    return new Promise((resolve, reject) => {
      const { timeLimitMs } = this.#options;
      const timer =
        timeLimitMs === undefined ? undefined : setTimeout(() => this.#end(this.#sums.result()), timeLimitMs);
      this.#end = (result) => {
        clearTimeout(timer);
        resolve(result);
      };
      this.#fail = (error) => {
        clearTimeout(timer);
        reject(error);
      };
      for (let i = 0; i < jobs; i++) this.#hire(source);
    });
  }

  async dismiss(): Promise<void> {
    for (const worker of this.#workers) worker.removeAllListeners();
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #hire(source: SimulationSource): void {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: source });
    this.#workers.push(worker);
    worker.on('message', (answer: WorkerAnswer) => this.#take(worker, answer));
    worker.on('error', (error) => this.#fail(new CampaignFailure('a worker of the campaign failed', { cause: error })));
    // Workers end only when they are dismissed: whatever else ends one, its runs have not passed.
    worker.on('exit', (code) => this.#fail(new CampaignFailure(`a worker of the campaign ended by itself (${code})`)));
  }

  #take(worker: Worker, answer: WorkerAnswer): void {
    switch (answer.tag) {
      case 'ready':
        for (let i = 0; i < ordersAhead; i++) this.#order(worker);
        break;
      case 'silent':
        this.#fail(new SilentCanaries(answer.canaries));
        break;
      case 'failed':
        this.#fail(new CampaignFailure(answer.message));
        break;
      default:
        this.#order(worker);
        this.#count(answer).catch(this.#fail);
    }
  }

  #order(worker: Worker): void {
    const place = this.#nextPlace;
    const seed = this.#seeds[place];
    if (seed === undefined || place > this.#violatedPlace) return;
    this.#nextPlace++;
    const { steps, simulatedMs, faults, nodes, rate, clients, requests, twice } = this.#options;
    const options = { seed, steps, simulatedMs, faults, nodes, rate, clients, requests };
    worker.postMessage({ place, options, twice: twice === true } satisfies WorkerOrder);
  }

  async #count({ place, result, violated, same }: Extract<WorkerAnswer, { tag: 'ran' }>): Promise<void> {
    let whole: RunResult = { ...result, found: undefined };
    if (violated) {
      this.#violatedPlace = Math.min(this.#violatedPlace, place);
      whole = await this.#simulation.run({ ...this.#options, seed: result.seed });
    }
    this.#sums.add(place, { result: whole, same: whole.traceHash === result.traceHash ? same : false });
    this.#options.onRun?.(this.#sums);
    if (this.#sums.complete) this.#end(this.#sums.result());
  }
}

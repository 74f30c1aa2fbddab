/** The sums of a campaign, taken in the order of the seeds, so that they do not depend on which run ended first. */
import type { Found, RunResult } from '../simulation/run-result.js';

/** What a campaign showed. */
export interface CampaignResult {
  readonly runs: number;
  readonly steps: number;
  readonly stepsChecked: number;
  readonly specSteps: number;
  readonly simulatedMs: number;
  /** The longest liveness phase: host steps, and simulated milliseconds, from the heal to the goal. */
  readonly livenessStepsMax: number;
  readonly livenessMsMax: number;
  readonly faultsFired: Readonly<Record<string, number>>;
  readonly reached: Readonly<Record<string, number>>;
  /** Violations, at most one a run; a campaign ends with its first, that of the lowest seed. */
  readonly found: readonly Found[];
  /** Goals that no run reached: what the campaign shows about them is nothing. */
  readonly unreached: readonly string[];
  /** Of the single run of a campaign of one. */
  readonly traceHash: string | undefined;
  /** Whether every run that was asked for ended, or those up to a violation did. */
  readonly complete: boolean;
  /** Seeds whose second run took other steps than the first. */
  readonly differing: readonly number[];
  /** Seeds of which a check had no answer, and why. */
  readonly undecided: readonly { readonly seed: number; readonly why: string }[];
}

/** A run, and whether doing it again gave the same trace; `undefined` where it was done once. */
export interface CampaignRun {
  readonly result: RunResult;
  readonly same: boolean | undefined;
}

const addTo = (sums: Record<string, number>, more: Readonly<Record<string, number>>): void => {
  for (const [name, count] of Object.entries(more)) sums[name] = (sums[name] ?? 0) + count;
};

/** Adds up runs, given in any order, up to the first violation in the order of their places. */
export class CampaignSums {
  readonly #early = new Map<number, CampaignRun>();
  readonly #sums = { steps: 0, stepsChecked: 0, specSteps: 0, simulatedMs: 0 };
  readonly #max = { livenessStepsMax: 0, livenessMsMax: 0 };
  readonly #faultsFired: Record<string, number> = {};
  readonly #reached: Record<string, number> = {};
  readonly #found: Found[] = [];
  readonly #differing: number[] = [];
  readonly #undecided: { readonly seed: number; readonly why: string }[] = [];
  readonly #runsAsked: number;
  #traceHash: string | undefined;
  #runs = 0;

  constructor(runsAsked: number) {
    this.#runsAsked = runsAsked;
  }

  /** Runs that count: all before the first that is missing, or up to a violation. */
  get runs(): number {
    return this.#runs;
  }

  /** Whether nothing more can change the result. */
  get complete(): boolean {
    return this.#found.length > 0 || this.#runs === this.#runsAsked;
  }

  /** Host steps so far. */
  get steps(): number {
    return this.#sums.steps;
  }

  /** Goals that some run reached, of all goals seen. */
  get goals(): { readonly reached: number; readonly all: number } {
    const counts = Object.values(this.#reached);
    return { reached: counts.filter((count) => count > 0).length, all: counts.length };
  }

  /** Takes the run at `place` of the campaign, counting from 0. */
  add(place: number, run: CampaignRun): void {
    this.#early.set(place, run);
    for (let next = this.#early.get(this.#runs); next !== undefined; next = this.#early.get(this.#runs)) {
      if (this.complete) return;
      this.#early.delete(this.#runs);
      this.#addNext(next);
    }
  }

  result(): CampaignResult {
    const reached = this.#reached;
    return {
      runs: this.#runs,
      ...this.#sums,
      ...this.#max,
      faultsFired: this.#faultsFired,
      reached,
      found: this.#found,
      unreached: Object.keys(reached).filter((goal) => reached[goal] === 0),
      traceHash: this.#runs === 1 ? this.#traceHash : undefined,
      complete: this.complete,
      differing: this.#differing,
      undecided: this.#undecided,
    };
  }

  #addNext({ result, same }: CampaignRun): void {
    this.#runs++;
    for (const name of ['steps', 'stepsChecked', 'specSteps', 'simulatedMs'] as const) this.#sums[name] += result[name];
    this.#max.livenessStepsMax = Math.max(this.#max.livenessStepsMax, result.livenessSteps);
    this.#max.livenessMsMax = Math.max(this.#max.livenessMsMax, result.livenessMs);
    addTo(this.#faultsFired, result.faultsFired);
    addTo(this.#reached, result.reached);
    this.#traceHash = result.traceHash;
    if (result.found !== undefined) this.#found.push(result.found);
    if (result.inconclusive !== undefined) this.#undecided.push({ seed: result.seed, why: result.inconclusive });
    if (same === false) this.#differing.push(result.seed);
  }
}

/**
 * Smaller runs with the same violation, for violations of the whole run: no progress after the faults heal. What is left out is
 * an option of the run, so each attempt is a run like any other, judged to its end.
 */
import type { Found, RunOptions } from '../simulation/run-result.js';

/** Runs a seed; what it found. */
export type FindIn = (options: RunOptions) => Promise<Found | undefined>;

/** What a run drew where its options left the choice. */
export interface DrawnSizes {
  readonly nodes: number;
  readonly clients: number;
}

/** What the search came to. */
export interface SmallerRun {
  readonly run: RunOptions;
  readonly attempts: number;
  /** Whether it ended because nothing smaller shows the violation, and not because it was told to. */
  readonly minimal: boolean;
}

/** Requests of a client before the heal that are tried. */
const requestsTried = [0, 1, 2, 4, 8];

/** Fewest steps first: a run that makes progress ends soon, and one that makes none lasts until its bound. */
class RunSearch {
  readonly #find: FindIn;
  readonly #found: Found;
  readonly #more: () => boolean;
  #best: RunOptions;
  #attempts = 0;
  #spent = false;

  constructor(find: FindIn, start: RunOptions, found: Found, more: () => boolean) {
    this.#find = find;
    this.#best = start;
    this.#found = found;
    this.#more = more;
  }

  async go({ nodes, clients }: DrawnSizes): Promise<SmallerRun> {
    for (let before: RunOptions | undefined; before !== this.#best && !this.#spent; ) {
      before = this.#best;
      await this.#fewerSteps();
      await this.#fewerFaults();
      await this.#fewer('nodes', upTo(2, this.#best.nodes ?? nodes));
      await this.#fewer('clients', upTo(1, this.#best.clients ?? clients));
      if (clients > 0)
        await this.#fewer(
          'requests',
          requestsTried.filter((r) => r < (this.#best.requests ?? Infinity)),
        );
    }
    return { run: this.#best, attempts: this.#attempts, minimal: !this.#spent };
  }

  async #try(options: RunOptions): Promise<boolean> {
    this.#spent ||= !this.#more();
    if (this.#spent) return false;
    this.#attempts++;
    const again = await this.#find(options);
    if (again === undefined || again.code !== this.#found.code || again.rule !== this.#found.rule) return false;
    this.#best = options;
    return true;
  }

  /** The smallest of 0, 1, 2, 4, ... that will do, then halfway down to the one before it. */
  async #fewerSteps(): Promise<void> {
    const most = this.#best.steps;
    let low = -1;
    for (let steps = 0; steps < most; steps = Math.max(1, 2 * steps)) {
      if (await this.#try({ ...this.#best, steps })) break;
      low = steps;
    }
    while (this.#best.steps - low > 1 && !this.#spent) {
      const steps = Math.floor((low + this.#best.steps) / 2);
      if (!(await this.#try({ ...this.#best, steps }))) low = steps;
    }
  }

  /** None, or one alone; else each of them left out. */
  async #fewerFaults(): Promise<void> {
    const { faults } = this.#best;
    for (const alone of faults.length > 1 ? [[], ...faults.map((fault) => [fault])] : [[]])
      if (await this.#try({ ...this.#best, faults: alone })) return;
    for (const fault of faults)
      await this.#try({ ...this.#best, faults: this.#best.faults.filter((f) => f !== fault) });
  }

  async #fewer(what: 'nodes' | 'clients' | 'requests', counts: readonly number[]): Promise<void> {
    for (const count of counts) if (await this.#try({ ...this.#best, [what]: count })) return;
  }
}

/** From `least` to below `most`. */
const upTo = (least: number, most: number): readonly number[] =>
  Array.from({ length: Math.max(0, most - least) }, (_, i) => least + i);

/** Fewer steps before the heal, faults, hosts, clients and requests, as long as the same rule is broken and `more()` says to go on. */
export const smallerRun = (
  find: FindIn,
  start: RunOptions,
  found: Found,
  drawn: DrawnSizes,
  more: () => boolean,
): Promise<SmallerRun> => new RunSearch(find, start, found, more).go(drawn);

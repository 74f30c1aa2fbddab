/** The simulated runs of a suite, made once and looked at by several cases, one for each check. */
import type { CheckKind } from '../check-kind.js';
import { faultNames } from '../simulation/faults.js';
import type { Found, RunOptions, RunResult } from '../simulation/run-result.js';
import { showValue } from '../values.js';
import { type Regression, type Regressions, saveRegression } from './regressions.js';
import { type SuiteBudget, type SuiteCase, SuiteFailure } from './suite-case.js';

/** A case for each group of checks: what it says, and the checks of which none may report. */
const groups: readonly { readonly name: string; readonly checks: readonly CheckKind[] }[] = [
  {
    name: 'every step of every host is one that the protocol allows, and can be reduced to an atomic one',
    checks: ['RC', 'RED', 'HOST', 'JUDGE'],
  },
  { name: 'input of strangers stops nobody', checks: ['SEC'] },
  { name: 'every step of the cluster keeps every invariant', checks: ['INV'] },
  { name: 'every step of the cluster refines the service', checks: ['REF'] },
  { name: 'what clients are told is linearizable', checks: ['LIN'] },
  { name: 'after the faults heal, what was asked for happens', checks: ['LIVE'] },
];

const evidenceBudget = 2000;

/** Runs seeds of one system. */
export class Runs {
  readonly #system: string;
  readonly #run: (options: RunOptions) => Promise<RunResult>;
  readonly #budget: SuiteBudget;
  readonly #saved: Regressions | undefined;
  #results: Promise<readonly RunResult[]> | undefined;

  /** `saved`: the file to which runs that fail are added. */
  constructor(
    system: string,
    run: (options: RunOptions) => Promise<RunResult>,
    budget: SuiteBudget,
    saved: Regressions | undefined,
  ) {
    this.#system = system;
    this.#run = run;
    this.#budget = budget;
    this.#saved = saved;
  }

  /** One case for each group of checks, and one for the goals. */
  cases(): readonly SuiteCase[] {
    return [
      ...groups.map(({ name, checks }) => ({ name, run: () => this.#nothingFoundBy(checks) })),
      { name: 'the runs reach what makes them worth something', run: () => this.#goalsReached() },
    ];
  }

  /** A run that failed once. */
  regressionCase(run: Regression): SuiteCase {
    const faults = run.faults.length === faultNames.length ? '' : `, faults ${run.faults.join(' ') || 'none'}`;
    return {
      name: `a run that failed once holds (seed ${run.seed}, ${run.steps} steps${faults})`,
      run: () => this.passes(run),
    };
  }

  /** Makes one run; throws `SuiteFailure` where a check reports, and saves the run where that was asked for. */
  async passes(options: RunOptions): Promise<void> {
    const { found, inconclusive } = await this.#run(options);
    if (found !== undefined) throw this.#failure(options, found);
    if (inconclusive !== undefined) throw new SuiteFailure(`seed ${options.seed} shows nothing: ${inconclusive}`);
  }

  #all(): Promise<readonly RunResult[]> {
    this.#results ??= this.#runAll();
    return this.#results;
  }

  #optionsOf(seed: number): RunOptions {
    return { seed, steps: this.#budget.steps, faults: faultNames, nodes: undefined };
  }

  async #runAll(): Promise<readonly RunResult[]> {
    const results: RunResult[] = [];
    for (let i = 0; i < this.#budget.runs; i++) results.push(await this.#run(this.#optionsOf(this.#budget.seed + i)));
    return results;
  }

  async #nothingFoundBy(checks: readonly CheckKind[]): Promise<void> {
    for (const { seed, found, inconclusive } of await this.#all()) {
      if (found !== undefined && (checks as readonly string[]).includes(found.check))
        throw this.#failure(this.#optionsOf(seed), found);
      if (inconclusive !== undefined && checks.includes('LIN'))
        throw new SuiteFailure(`seed ${seed} shows nothing: ${inconclusive}`);
    }
  }

  /** One run cannot reach everything; many that did not have shown less than it seems. */
  async #goalsReached(): Promise<void> {
    const results = await this.#all();
    const goals = Object.keys(results[0]?.reached ?? {});
    const unreached = goals.filter((goal) => results.every(({ reached }) => (reached[goal] ?? 0) === 0));
    if (unreached.length === 0) return;
    throw new SuiteFailure(
      `${results.length} runs of ${this.#system} from seed ${this.#budget.seed} never reached: ${unreached.join(', ')}; ask for more runs or steps`,
    );
  }

  #failure(options: RunOptions, found: Found): SuiteFailure {
    const { seed, steps, faults } = options;
    if (this.#saved !== undefined) saveRegression(this.#saved, { seed, steps, faults, nodes: options.nodes ?? null });
    const where = found.step > 0 ? `step ${found.step} of ${found.node}` : found.node;
    const subset = faults.length === faultNames.length ? '' : ` --faults ${faults.join(',') || 'none'}`;
    const nodes = options.nodes === undefined ? '' : ` --nodes ${options.nodes}`;
    return new SuiteFailure(
      [
        `${found.check} ${found.code} in seed ${seed}, ${where}: ${found.rule}`,
        showValue(found.evidence, evidenceBudget),
        ...(found.trace.at(-1)?.events ?? []).map((event) => `  ${event}`),
        `again: IRONKEEL_SEED=${seed} npx vitest run -t "${this.#system} refines"`,
        `or: npx ironkeel simulate ${this.#system} --seed ${seed} --runs 1 --steps ${steps}${subset}${nodes}`,
      ].join('\n'),
    );
  }
}

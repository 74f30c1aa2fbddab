/**
 * Counterexamples that are whole runs: what they violate is said of a run with its liveness phase, and of no list of steps. A
 * file holds the options of the run; its steps are those that the seed leads to.
 */
import type { Host } from '../../host/host.js';
import type { EndPoint } from '../../spec/endpoint.js';
import { E } from '../../spec/prelude.js';
import type { Tagged } from '../cluster.js';
import type { Found, RunOptions, RunResult } from '../simulation/run-result.js';
import type { SimulatedSystem } from '../simulation/simulated-system.js';
import { simulate } from '../simulator.js';
import type { Counterexample } from './counterexample.js';
import {
  isSame,
  type Made,
  type MakeOptions,
  type ReplayedCounterexample,
  type ShownExecution,
  shownIn,
} from './counterexample-results.js';
import { headOf, runOptionsOf, violationOf } from './plain-form.js';
import { Recorder } from './recorder.js';
import { smallerRun } from './run-search.js';
import { receivesIn, type Schedule } from './schedule.js';
import { type ExecutedStep, execute, type FoundInSchedule } from './scheduled-run.js';

/** Steps that are shown of a whole run, at most: states of thousands help nobody. */
const windowSteps = 200;

export class WholeRuns<C, H extends Host<M, W>, S, M extends Tagged, Step extends Tagged, W, G, Spec, SpecStep> {
  readonly #system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>;

  constructor(system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>) {
    this.#system = system;
  }

  /** A counterexample of `found`, which `run` leads to. */
  async make(
    run: RunOptions,
    found: Found,
    { plant, shrink: limits }: MakeOptions,
    recorded: Made['recorded'],
    clients: number,
    nodes: number,
  ): Promise<Made> {
    const endMs = limits === undefined ? 0 : limits.nowMs() + limits.msMax;
    const find = async (options: RunOptions) => (await simulate(this.#system, options)).found;
    const more = () => limits !== undefined && limits.nowMs() < endMs;
    const { run: small, attempts, minimal } = await smallerRun(find, run, found, { nodes, clients }, more);
    const recorder = new Recorder<C>();
    const again = await simulate(recorder.watch(this.#system), small);
    const twice = await simulate(this.#system, small);
    return {
      counterexample: {
        ...headOf(this.#system.definition.name, small, plant),
        cluster: null,
        schedule: null,
        violation: violationOf(again.found ?? found),
        traceHash: recorder.traceHash,
      },
      recorded,
      kept: { steps: recorder.schedule.length, receives: receivesIn(recorder.schedule) },
      attempts,
      minimal: limits !== undefined && minimal,
      healedAfter: stepsBeforeHeal(again),
      deterministic: again.traceHash === twice.traceHash,
    };
  }

  /** Runs it twice. `Left`: why the file does not fit. */
  async replay(file: Counterexample): Promise<E.Either<string, ReplayedCounterexample>> {
    const options = runOptionsOf(file.run);
    if (E.isLeft(options)) return options;
    const [one, two] = [new Recorder<C>(), new Recorder<C>()];
    const { found } = await simulate(one.watch(this.#system), options.right);
    await simulate(two.watch(this.#system), options.right);
    const violation = found === undefined ? undefined : { ...found, check: found.check as FoundInSchedule['check'] };
    return E.right({
      found: violation,
      steps: one.schedule.length,
      traceHash: one.traceHash,
      same: one.traceHash === file.traceHash && isSame(violation, file),
      partedAt: one.traceHash === two.traceHash ? undefined : one.schedule.length,
    });
  }

  /** The last steps of the run, executed as a schedule. `Left`: why that is not possible. */
  async show(file: Counterexample): Promise<E.Either<string, ShownExecution>> {
    const options = runOptionsOf(file.run);
    if (E.isLeft(options)) return options;
    const recorder = new Recorder<C>();
    const result = await simulate(recorder.watch(this.#system), options.right);
    const withClients = this.#system.scheduledClients !== undefined;
    const schedule = withClients ? recorder.scheduleWithClients : recorder.schedule;
    const window = new Window<S, M, Step, Spec>(windowSteps);
    // Every step was judged in full a moment ago.
    const execution = execute(this.#system, recorder.cluster, schedule, {
      judged: 'changes',
      clients: withClients,
      // Hosts that wait repeat themselves, and the network loses little once it has healed.
      origin: 'last',
      onStep: (step) => window.add(step),
    });
    if (execution.traceHash !== (withClients ? recorder.traceHashWithClients : recorder.traceHash))
      return E.left('the steps of the run are not those of its schedule, so that there is nothing to export');
    const { found } = result;
    const steps = window.steps;
    const at = steps.length - 1;
    return E.right({
      ...shownIn(this.#system, recorder.cluster, steps, window.before, window.specBefore),
      window: {
        leftOut: execution.happened.length - steps.length,
        healedAfter: placeAfter(schedule, stepsBeforeHeal(result), new Set(recorder.cluster.hosts)),
      },
      found: found && { ...found, check: found.check as FoundInSchedule['check'], at },
    });
  }
}

const stepsBeforeHeal = ({ steps, livenessSteps }: RunResult): number => steps - livenessSteps;

/** How many steps of hosts and clients there are up to and including the hosts' step number `count`, from 1. */
const placeAfter = (schedule: Schedule, count: number, hosts: ReadonlySet<EndPoint>): number => {
  let seen = 0;
  for (const [at, { node }] of schedule.entries()) {
    if (seen === count) return at;
    if (hosts.has(node)) seen++;
  }
  return schedule.length;
};

/** The last steps of an execution, and the states before them. */
class Window<S, M, Step, Spec> {
  readonly steps: ExecutedStep<S, M, Step, Spec>[] = [];
  /** Hosts that stepped before the window. */
  readonly before = new Map<EndPoint, S>();
  readonly #size: number;
  #specBefore: Spec | undefined;

  constructor(size: number) {
    this.#size = size;
  }

  /** None where the window holds every step. */
  get specBefore(): Spec | undefined {
    return this.#specBefore;
  }

  add(step: ExecutedStep<S, M, Step, Spec>): void {
    this.steps.push(step);
    const left = this.steps.length > this.#size ? this.steps.shift() : undefined;
    if (left === undefined) return;
    if (left.after !== undefined) this.before.set(left.scheduled.node, left.after);
    this.#specBefore = left.spec;
  }
}

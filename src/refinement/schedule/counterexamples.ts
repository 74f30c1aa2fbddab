/** What can be done with a system's counterexamples: find and shrink, run again, look at. */
import type { Host } from '../../host/host.js';
import type { EndPoint } from '../../spec/endpoint.js';
import { E } from '../../spec/prelude.js';
import type { Tagged } from '../cluster.js';
import type { RunOptions } from '../simulation/run-result.js';
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
import type { PlainConstants } from './plain-constants.js';
import { clusterOf, headOf, plainSchedule, readSchedule, runOptionsOf, violationOf } from './plain-form.js';
import { type DrawnCluster, Recorder } from './recorder.js';
import { receivesIn, type Schedule } from './schedule.js';
import { type ExecutedStep, type Execution, execute, type FoundInSchedule } from './scheduled-run.js';
import { type Failing, kindOfViolation, type SearchLimits } from './search.js';
import { type Shrunk, shrink } from './shrink.js';
import { subjectOf } from './subject.js';
import { WholeRuns } from './whole-runs.js';

export type {
  Made,
  MakeOptions,
  ReplayedCounterexample,
  ShownExecutedStep,
  ShownExecution,
} from './counterexample-results.js';

/** A system's counterexamples. */
export interface Counterexamples {
  /** Runs a seed again and makes a counterexample of its violation. `Left`: one sentence on why there is none. */
  make(run: RunOptions, options: MakeOptions): Promise<E.Either<string, Made>>;
  /** `Left`: why the file does not fit the system. */
  replay(file: Counterexample): Promise<E.Either<string, ReplayedCounterexample>>;
  /** `Left`: why there is nothing to look at. */
  show(file: Counterexample): Promise<E.Either<string, ShownExecution>>;
}

/** The counterexamples of a system. Without `plain` its clusters are drawn again from a seed, and never lose a host. */
export const counterexamplesOf = <
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
  plain?: PlainConstants<C>,
): Counterexamples => new Maker(system, plain);

/** What a file with a schedule says. */
interface ReadSchedule<C> {
  readonly cluster: DrawnCluster<C>;
  readonly schedule: Schedule;
  /** Whether the clients' history is judged. */
  readonly clients: boolean;
}

class Maker<C, H extends Host<M, W>, S, M extends Tagged, Step extends Tagged, W, G, Spec, SpecStep>
  implements Counterexamples
{
  readonly #system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>;
  readonly #plain: PlainConstants<C> | undefined;
  readonly #wholeRuns: WholeRuns<C, H, S, M, Step, W, G, Spec, SpecStep>;

  constructor(system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>, plain: PlainConstants<C> | undefined) {
    this.#system = system;
    this.#plain = plain;
    this.#wholeRuns = new WholeRuns(system);
  }

  async make(run: RunOptions, options: MakeOptions): Promise<E.Either<string, Made>> {
    const recorder = new Recorder<C>();
    const { found } = await simulate(recorder.watch(this.#system), run);
    if (found === undefined) return E.left(`seed ${run.seed} shows no violation when it is run again`);
    const { cluster } = recorder;
    const clients = found.check === 'LIN';
    const schedule = clients ? recorder.scheduleWithClients : recorder.schedule;
    const traceHash = clients ? recorder.traceHashWithClients : recorder.traceHash;
    const recorded = { steps: schedule.length, receives: receivesIn(schedule) };
    const execution = execute(this.#system, cluster, schedule, { clients });
    const shows = execution.found?.code === found.code && execution.found.rule === found.rule;
    // The clients of a schedule are not the run's own: what they make of it counts only where every step is the same.
    if (!shows || (clients && execution.traceHash !== traceHash)) {
      const { hosts } = cluster;
      return E.right(await this.#wholeRuns.make(run, found, options, recorded, recorder.clients, hosts.length));
    }
    const start: Failing<DrawnCluster<C>> = { cluster, schedule: execution.happened, execution };
    const again = execute(this.#system, cluster, execution.happened, { clients });
    const deterministic = execution.traceHash === traceHash && partedAt(execution, again) === undefined;
    const small = deterministic && options.shrink !== undefined ? this.#shrunk(start, options.shrink) : undefined;
    const { cluster: kept, execution: last, schedule: steps } = small ?? start;
    return E.right({
      counterexample: {
        ...headOf(this.#system.definition.name, run, options.plant),
        cluster: clusterOf(this.#plain?.describe(kept.constants)),
        schedule: plainSchedule(last.happened, this.#system.definition.refinement.codec),
        violation: violationOf(last.found as FoundInSchedule),
        traceHash: last.traceHash,
      },
      recorded,
      kept: { steps: steps.length, receives: receivesIn(steps) },
      attempts: small?.attempts ?? 0,
      minimal: small?.minimal ?? false,
      healedAfter: undefined,
      deterministic,
    });
  }

  async replay(file: Counterexample): Promise<E.Either<string, ReplayedCounterexample>> {
    const read = await this.#read(file);
    if (E.isLeft(read)) return read;
    if (read.right === undefined) return this.#wholeRuns.replay(file);
    const { cluster, schedule, clients } = read.right;
    const [one, two] = [0, 1].map(() => execute(this.#system, cluster, schedule, { clients })) as [
      Execution,
      Execution,
    ];
    return E.right({
      found: one.found,
      steps: one.happened.length,
      traceHash: one.traceHash,
      same: one.traceHash === file.traceHash && isSame(one.found, file),
      partedAt: partedAt(one, two),
    });
  }

  async show(file: Counterexample): Promise<E.Either<string, ShownExecution>> {
    const read = await this.#read(file);
    if (E.isLeft(read)) return read;
    if (read.right === undefined) return this.#wholeRuns.show(file);
    const { cluster, schedule, clients } = read.right;
    const steps: ExecutedStep<S, M, Step, Spec>[] = [];
    const { found } = execute(this.#system, cluster, schedule, { clients, onStep: (step) => steps.push(step) });
    return E.right({ ...shownIn(this.#system, cluster, steps), window: undefined, found });
  }

  /** The schedule of a file, and its cluster; none where the whole run is the counterexample. */
  async #read(file: Counterexample): Promise<E.Either<string, ReadSchedule<C> | undefined>> {
    if (file.schedule === null) return E.right(undefined);
    const clients = file.violation.check === 'LIN';
    if (clients && this.#system.scheduledClients === undefined)
      return E.left("the clients of the system record no history, and the file's violation is of one");
    const cluster = await this.#clusterOf(file);
    if (E.isLeft(cluster)) return cluster;
    const schedule = readSchedule(file.schedule, this.#system.definition.refinement.codec);
    if (E.isLeft(schedule)) return schedule;
    return E.right({ cluster: cluster.right, schedule: schedule.right, clients });
  }

  /** Searches with as few judges as the violation needs; where everything judged together sees another one first, with all. */
  #shrunk(start: Failing<DrawnCluster<C>>, limits: SearchLimits): Shrunk<DrawnCluster<C>> | undefined {
    const subject = subjectOf(this.#system, this.#plain);
    const found = start.execution.found as FoundInSchedule;
    for (const everything of [false, true]) {
      const small = shrink(subject, start, found, limits, everything);
      const clients = found.check === 'LIN';
      const execution = execute(this.#system, small.cluster, small.schedule, { clients });
      if (execution.found === undefined || kindOfViolation(execution.found) !== kindOfViolation(found)) continue;
      return { ...small, schedule: execution.happened, execution };
    }
    return undefined;
  }

  async #clusterOf({ cluster, run }: Counterexample): Promise<E.Either<string, DrawnCluster<C>>> {
    if (cluster === null) return this.#drawnAgain(run);
    if (this.#plain === undefined) return E.left('the system cannot make a cluster from the constants in the file');
    const nodes = cluster.nodes.map(({ id, address }) => ({ id, address: address as EndPoint }));
    const { application, administrators, parameters } = cluster;
    const constants = this.#plain.restore({
      nodes,
      application: application ?? undefined,
      ...(administrators === undefined ? {} : { administrators: administrators.map((a) => a as EndPoint) }),
      parameters,
    });
    if (E.isLeft(constants)) return E.left(`the cluster in the file is not valid: ${constants.left.join('; ')}`);
    return E.right({ constants: constants.right, hosts: nodes.map((node) => node.address) });
  }

  async #drawnAgain(run: Counterexample['run']): Promise<E.Either<string, DrawnCluster<C>>> {
    const options = runOptionsOf(run);
    if (E.isLeft(options)) return options;
    const recorder = new Recorder<C>();
    await simulate(recorder.watch(this.#system), { ...options.right, steps: 1 });
    return E.right(recorder.cluster);
  }
}

/** The step, from 1, at which two executions of one schedule part; none where they agree. */
const partedAt = (one: Execution, two: Execution): number | undefined => {
  for (let at = 0; at < Math.max(one.hashes.length, two.hashes.length); at++) {
    if (one.hashes[at] !== two.hashes[at]) return at + 1;
  }
  return one.found?.code === two.found?.code && one.found?.rule === two.found?.rule ? undefined : one.happened.length;
};

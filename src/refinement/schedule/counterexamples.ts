/** What can be done with a system's counterexamples: find and shrink, run again, look at. */
import type { Host } from '../../host/host.js';
import type { EndPoint } from '../../spec/endpoint.js';
import { E } from '../../spec/prelude.js';
import type { Tagged } from '../cluster.js';
import type { Found, RunOptions } from '../simulation/run-result.js';
import type { SimulatedSystem } from '../simulation/simulated-system.js';
import { simulate } from '../simulator.js';
import type { Counterexample } from './counterexample.js';
import type { PlainConstants } from './plain-constants.js';
import { clusterOf, headOf, plainSchedule, readSchedule, runOptionsOf, violationOf } from './plain-form.js';
import { type DrawnCluster, Recorder } from './recorder.js';
import { smallerRun } from './run-search.js';
import { receivesIn } from './schedule.js';
import { type ExecutedStep, type Execution, execute, type FoundInSchedule } from './scheduled-run.js';
import { type Failing, kindOfViolation, type SearchLimits } from './search.js';
import { type Shrunk, shrink } from './shrink.js';
import { subjectOf } from './subject.js';

/** How a counterexample is to be made. */
export interface MakeOptions {
  readonly plant: string | undefined;
  /** None for one that is kept as it was found. */
  readonly shrink: SearchLimits | undefined;
}

/** A counterexample, and how it came about. */
export interface Made {
  readonly counterexample: Counterexample;
  /** Steps and receives of the run, and of the counterexample. */
  readonly recorded: { readonly steps: number; readonly receives: number };
  readonly kept: { readonly steps: number; readonly receives: number };
  readonly attempts: number;
  /** False where the search for a smaller one met a limit. */
  readonly minimal: boolean;
  /** False where the same steps did not lead to the same things twice: a host's step depends on more than it is given. */
  readonly deterministic: boolean;
}

/** What running a counterexample again came to. */
export interface ReplayedCounterexample {
  readonly found: Pick<FoundInSchedule, 'check' | 'code' | 'rule' | 'evidence' | 'node'> | undefined;
  readonly steps: number;
  readonly traceHash: string;
  /** Hash and violation are those of the file. */
  readonly same: boolean;
  /** The step, from 1, at which two executions of the one schedule parted; none where they agree. */
  readonly partedAt: number | undefined;
}

/** A step of an executed counterexample, with the system's types hidden; states without what the constants give back. */
export type ShownExecutedStep = ExecutedStep<unknown, Tagged, Tagged, unknown>;

/** An executed counterexample, to look at. */
export interface ShownExecution {
  readonly system: string;
  readonly hosts: readonly EndPoint[];
  readonly initial: ReadonlyMap<EndPoint, unknown>;
  readonly initialSpec: unknown;
  readonly steps: readonly ShownExecutedStep[];
  readonly found: FoundInSchedule | undefined;
  /** The message of a packet's bytes; none for bytes that are no message. */
  readonly decode: (bytes: Uint8Array) => Tagged | undefined;
}

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

class Maker<C, H extends Host<M, W>, S, M extends Tagged, Step extends Tagged, W, G, Spec, SpecStep>
  implements Counterexamples
{
  readonly #system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>;
  readonly #plain: PlainConstants<C> | undefined;

  constructor(system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>, plain: PlainConstants<C> | undefined) {
    this.#system = system;
    this.#plain = plain;
  }

  async make(run: RunOptions, options: MakeOptions): Promise<E.Either<string, Made>> {
    const recorder = new Recorder<C>();
    const { found } = await simulate(recorder.watch(this.#system), run);
    if (found === undefined) return E.left(`seed ${run.seed} shows no violation when it is run again`);
    const { cluster, schedule } = recorder;
    const recorded = { steps: schedule.length, receives: receivesIn(schedule) };
    const execution = execute(this.#system, cluster, schedule);
    const shows = execution.found?.code === found.code && execution.found.rule === found.rule;
    if (!shows) return E.right(await this.#makeRun(run, found, options, recorded));
    const start: Failing<DrawnCluster<C>> = { cluster, schedule: execution.happened, execution };
    const again = execute(this.#system, cluster, execution.happened);
    const deterministic = execution.traceHash === recorder.traceHash && partedAt(execution, again) === undefined;
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
      deterministic,
    });
  }

  async replay(file: Counterexample): Promise<E.Either<string, ReplayedCounterexample>> {
    if (file.schedule === null) return this.#replayRun(file);
    const cluster = await this.#clusterOf(file);
    if (E.isLeft(cluster)) return cluster;
    const schedule = readSchedule(file.schedule, this.#system.definition.refinement.codec);
    if (E.isLeft(schedule)) return schedule;
    const [one, two] = [0, 1].map(() => execute(this.#system, cluster.right, schedule.right)) as [Execution, Execution];
    return E.right({
      found: one.found,
      steps: one.happened.length,
      traceHash: one.traceHash,
      same: one.traceHash === file.traceHash && isSame(one.found, file),
      partedAt: partedAt(one, two),
    });
  }

  async show(file: Counterexample): Promise<E.Either<string, ShownExecution>> {
    if (file.schedule === null)
      return E.left('the counterexample is a whole run: its steps are not in the file, and there is nothing to export');
    const cluster = await this.#clusterOf(file);
    if (E.isLeft(cluster)) return cluster;
    const schedule = readSchedule(file.schedule, this.#system.definition.refinement.codec);
    if (E.isLeft(schedule)) return schedule;
    const { definition, model } = this.#system;
    const { protocol, codec, trace } = definition.refinement;
    const { constants, hosts } = cluster.right;
    const steps: ShownExecutedStep[] = [];
    const { found } = execute(this.#system, cluster.right, schedule.right, {
      onStep: (step) => steps.push({ ...step, before: trace.strip(step.before), after: trace.strip(step.after) }),
    });
    return E.right({
      system: definition.name,
      hosts,
      initial: new Map(hosts.map((me): [EndPoint, unknown] => [me, trace.strip(protocol.init(constants, me))])),
      initialSpec: model(constants).refinement.service.init,
      steps,
      found,
      decode: (bytes) => {
        const message = codec.decode(bytes);
        return E.isRight(message) ? message.right : undefined;
      },
    });
  }

  /** Searches with as few judges as the violation needs; where everything judged together sees another one first, with all. */
  #shrunk(start: Failing<DrawnCluster<C>>, limits: SearchLimits): Shrunk<DrawnCluster<C>> | undefined {
    const subject = subjectOf(this.#system, this.#plain);
    const found = start.execution.found as FoundInSchedule;
    for (const everything of [false, true]) {
      const small = shrink(subject, start, found, limits, everything);
      const execution = execute(this.#system, small.cluster, small.schedule);
      if (execution.found === undefined || kindOfViolation(execution.found) !== kindOfViolation(found)) continue;
      return { ...small, schedule: execution.happened, execution };
    }
    return undefined;
  }

  async #makeRun(
    run: RunOptions,
    found: Found,
    { plant, shrink: limits }: MakeOptions,
    recorded: Made['recorded'],
  ): Promise<Made> {
    const endMs = limits === undefined ? 0 : limits.nowMs() + limits.msMax;
    const find = async (options: RunOptions) => (await simulate(this.#system, options)).found;
    const more = () => limits !== undefined && limits.nowMs() < endMs;
    const small = await smallerRun(find, run, found, more);
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
      attempts: 0,
      minimal: false,
      deterministic: again.traceHash === twice.traceHash,
    };
  }

  async #replayRun(file: Counterexample): Promise<E.Either<string, ReplayedCounterexample>> {
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

const isSame = (found: ReplayedCounterexample['found'], { violation }: Counterexample): boolean =>
  found !== undefined &&
  found.check === violation.check &&
  found.code === violation.code &&
  found.rule === violation.rule &&
  found.node === violation.node;

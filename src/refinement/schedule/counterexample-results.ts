/** What making a counterexample, running it again and looking at it come to. */
import type { Host } from '../../host/host.js';
import type { EndPoint } from '../../spec/endpoint.js';
import { E } from '../../spec/prelude.js';
import type { Tagged } from '../cluster.js';
import type { SimulatedSystem } from '../simulation/simulated-system.js';
import type { Counterexample } from './counterexample.js';
import type { DrawnCluster } from './recorder.js';
import type { ExecutedStep, FoundInSchedule } from './scheduled-run.js';
import type { SearchLimits } from './search.js';

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
  /** For a whole run: the host steps before the faults healed. */
  readonly healedAfter: number | undefined;
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

/** Where the steps shown stand in a whole run. */
export interface ShownWindow {
  /** Steps of hosts and clients before the first one shown. */
  readonly leftOut: number;
  /** Steps of hosts and clients before the faults healed. */
  readonly healedAfter: number;
}

/** An executed counterexample, to look at. */
export interface ShownExecution {
  readonly system: string;
  readonly hosts: readonly EndPoint[];
  /** The states before the first of `steps`. */
  readonly initial: ReadonlyMap<EndPoint, unknown>;
  readonly initialSpec: unknown;
  readonly steps: readonly ShownExecutedStep[];
  /** For a whole run, of which `steps` are the last ones. */
  readonly window: ShownWindow | undefined;
  readonly found: FoundInSchedule | undefined;
  /** The message of a packet's bytes; none for bytes that are no message. */
  readonly decode: (bytes: Uint8Array) => Tagged | undefined;
}

/** Whether a violation is that of the file. */
export const isSame = (found: ReplayedCounterexample['found'], { violation }: Counterexample): boolean =>
  found !== undefined &&
  found.check === violation.check &&
  found.code === violation.code &&
  found.rule === violation.rule &&
  found.node === violation.node;

/** Steps as people see them, in states without what the constants give back; `before`: the states of hosts that stepped earlier. */
export const shownIn = <C, H extends Host<M, W>, S, M extends Tagged, Step extends Tagged, W, G, Spec, SpecStep>(
  { definition, model }: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>,
  { constants, hosts }: DrawnCluster<C>,
  steps: readonly ExecutedStep<S, M, Step, Spec>[],
  before: ReadonlyMap<EndPoint, S> = new Map(),
  specBefore: Spec = model(constants).refinement.service.init,
): Omit<ShownExecution, 'found' | 'window'> => {
  const { protocol, codec, trace } = definition.refinement;
  const strip = (state: S | undefined): unknown => (state === undefined ? undefined : trace.strip(state));
  const stateOf = (me: EndPoint): S => before.get(me) ?? protocol.init(constants, me);
  return {
    system: definition.name,
    hosts,
    initial: new Map(hosts.map((me): [EndPoint, unknown] => [me, strip(stateOf(me))])),
    initialSpec: specBefore,
    steps: steps.map((step) => ({ ...step, before: strip(step.before), after: strip(step.after) })),
    decode: (bytes) => {
      const message = codec.decode(bytes);
      return E.isRight(message) ? message.right : undefined;
    },
  };
};

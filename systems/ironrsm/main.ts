/** IronRSM as the command line and the simulator take it: host and refinement together, and the constants from a cluster's configuration. */
import type { ClusterDescription, SystemDefinition } from '../../src/refinement/system.js';
import { E } from '../../src/spec/prelude.js';
import type { AnyApplication, Application } from './application.js';
import { counter } from './applications/counter.js';
import { kv } from './applications/kv.js';
import { type Configuration, defaultParameters, type Parameters } from './configuration.js';
import { type ReplicaAction, ReplicaHost } from './host.js';
import type { RsmMessage } from './messages.js';
import type { Replica, ReplicaStep } from './protocol.js';
import { ironrsmRefinement } from './refinement.js';

/** Forgets the type of the state, into which a replica does not look. */
const opaque = <A>(app: Application<A>): AnyApplication => ({
  name: app.name,
  initial: app.initial,
  apply: (state, request) => app.apply(state as A, request),
  snapshot: (state) => app.snapshot(state as A),
  restore: app.restore,
});

/** The applications that a configuration may name. */
export const applications: Readonly<Record<string, AnyApplication>> = { kv: opaque(kv), counter: opaque(counter) };

/** The bounds of each parameter, both allowed. */
export const parameterRanges: Readonly<Record<keyof Parameters, { readonly min: number; readonly max: number }>> = {
  logLengthMax: { min: 2, max: 65_536 },
  batchRequestsMax: { min: 1, max: 4096 },
  requestBytesMax: { min: 16, max: 1_048_576 },
  pipelineMax: { min: 1, max: 1024 },
  receiveMax: { min: 1, max: 65_536 },
  resendOpsMax: { min: 1, max: 1024 },
  heartbeatPeriodMs: { min: 5, max: 60_000 },
  quietHeartbeatPeriodMs: { min: 5, max: 600_000 },
  viewTimeoutMs: { min: 20, max: 600_000 },
  viewTimeoutMsMax: { min: 20, max: 3_600_000 },
  retransmitPeriodMs: { min: 5, max: 60_000 },
};

/** A full batch must fit a message: the transport puts no larger one together. */
const batchBytesMax = 16 * 1024 * 1024;

/** What no single parameter shows. */
const mistakesIn = (p: Parameters): readonly string[] => {
  const mistakes: string[] = [];
  if (p.viewTimeoutMs > p.viewTimeoutMsMax) {
    mistakes.push(`viewTimeoutMs (${p.viewTimeoutMs}) must not be above viewTimeoutMsMax (${p.viewTimeoutMsMax})`);
  }
  if (p.viewTimeoutMs < 2 * p.heartbeatPeriodMs) {
    mistakes.push(
      `viewTimeoutMs (${p.viewTimeoutMs}) must be at least twice heartbeatPeriodMs (${p.heartbeatPeriodMs}), or suspicions do not arrive within an epoch`,
    );
  }
  if (p.pipelineMax >= p.logLengthMax) {
    mistakes.push(`pipelineMax (${p.pipelineMax}) must be below logLengthMax (${p.logLengthMax})`);
  }
  if (p.batchRequestsMax * p.requestBytesMax > batchBytesMax) {
    mistakes.push(
      `batchRequestsMax times requestBytesMax is ${p.batchRequestsMax * p.requestBytesMax} bytes, and must be at most ${batchBytesMax}: lower one of them`,
    );
  }
  return mistakes;
};

/** The constants of a cluster: defaults, and what its configuration says. `Left`: one sentence for each mistake. */
export const ironrsmConstants = (cluster: ClusterDescription): E.Either<readonly string[], Configuration> => {
  const app = applications[cluster.application ?? ''];
  if (app === undefined) {
    return E.left([`application must be one of ${Object.keys(applications).join(', ')}`]);
  }
  const unknown = Object.keys(cluster.parameters).filter((key) => !(key in defaultParameters));
  if (unknown.length > 0) return E.left(unknown.map((key) => `unknown parameter "${key}"`));
  const parameters: Parameters = { ...defaultParameters, ...cluster.parameters };
  const mistakes = mistakesIn(parameters);
  if (mistakes.length > 0) return E.left(mistakes);
  return E.right({ replicas: cluster.nodes.map((n) => n.address), app, parameters });
};

/** The system. */
export const ironrsm: SystemDefinition<Configuration, ReplicaHost, Replica, RsmMessage, ReplicaStep, ReplicaAction> = {
  name: 'ironrsm',
  refinement: ironrsmRefinement,
  createHost: (constants, me) => new ReplicaHost(constants, me),
  constants: ironrsmConstants,
};

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
  piece: (state, after, bytesMax) => app.piece(state as A, after, bytesMax),
  join: (state, bytes) => app.join(state as A, bytes),
});

/** The applications that a configuration may name. */
export const applications: Readonly<Record<string, AnyApplication>> = { kv: opaque(kv), counter: opaque(counter) };

/** Bytes of the largest message that a replica makes on purpose; the transport puts larger ones together, but they get lost more easily. */
const messageBytes = 16 * 1024 * 1024;

/** The bounds of each parameter, both allowed. */
export const parameterRanges: Readonly<Record<keyof Parameters, { readonly min: number; readonly max: number }>> = {
  logLengthMax: { min: 2, max: 65_536 },
  voteBytesMax: { min: 1024, max: 2 ** 30 },
  batchRequestsMax: { min: 1, max: 4096 },
  batchBytesMax: { min: 1024, max: messageBytes },
  requestBytesMax: { min: 16, max: messageBytes },
  requestsHeldMax: { min: 1, max: 2 ** 24 },
  sessionsMax: { min: 1, max: 2 ** 20 },
  // Ids of sessions are below 2^40: keys of requests stay below 2^52.
  sessionWindow: { min: 1, max: 4096 },
  replyBytesMax: { min: 1024, max: 2 ** 30 },
  pipelineMax: { min: 1, max: 1024 },
  receiveMax: { min: 1, max: 65_536 },
  resendOpsMax: { min: 1, max: 1024 },
  retainOpsMax: { min: 1, max: 2 ** 24 },
  retainBytesMax: { min: 0, max: 2 ** 34 },
  catchUpOpsMax: { min: 1, max: 65_536 },
  catchUpBytesMax: { min: 1024, max: messageBytes },
  pieceBytesMax: { min: 1024, max: messageBytes },
  transferTriesMax: { min: 1, max: 1000 },
  heartbeatPeriodMs: { min: 5, max: 60_000 },
  quietHeartbeatPeriodMs: { min: 5, max: 600_000 },
  viewTimeoutMs: { min: 20, max: 600_000 },
  viewTimeoutMsMax: { min: 20, max: 3_600_000 },
  retransmitPeriodMs: { min: 5, max: 60_000 },
  retransmitPeriodMsMax: { min: 5, max: 600_000 },
};

/** What no single parameter shows. */
const mistakesIn = (p: Parameters): readonly string[] => {
  const mistakes: string[] = [];
  const notAbove = (low: keyof Parameters, high: keyof Parameters): void => {
    if (p[low] > p[high]) mistakes.push(`${low} (${p[low]}) must not be above ${high} (${p[high]})`);
  };
  notAbove('viewTimeoutMs', 'viewTimeoutMsMax');
  notAbove('retransmitPeriodMs', 'retransmitPeriodMsMax');
  if (p.viewTimeoutMs < 2 * p.heartbeatPeriodMs) {
    mistakes.push(
      `viewTimeoutMs (${p.viewTimeoutMs}) must be at least twice heartbeatPeriodMs (${p.heartbeatPeriodMs}), or suspicions do not arrive within an epoch`,
    );
  }
  if (p.pipelineMax >= p.logLengthMax) {
    mistakes.push(`pipelineMax (${p.pipelineMax}) must be below logLengthMax (${p.logLengthMax})`);
  }
  // What a supply holds beyond the log's length is dropped, and asked for again only once the replica stands still.
  notAbove('catchUpOpsMax', 'logLengthMax');
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

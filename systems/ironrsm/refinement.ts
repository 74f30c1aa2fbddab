/**
 * How IronRSM's three layers meet: the witnesses of a replica, and the refinement of the service by a cluster. With
 * components.ts the only place that knows both the host and the protocol.
 */
import type { ClusterModel } from '../../src/refinement/cluster.js';
import type { HostRefinement, StepContext, StepInvariant } from '../../src/refinement/host-refinement.js';
import { holds, violated } from '../../src/spec/check.js';
import { unreachable } from '../../src/spec/prelude.js';
import { components } from './components.js';
import type { Configuration } from './configuration.js';
import { ballotOrder, RsmHistory, specOf } from './history.js';
import type { ReplicaAction, ReplicaHost } from './host.js';
import { ironrsmInvariants } from './invariants.js';
import { type RsmMessage, rsmCodec } from './messages.js';
import { ironrsmProtocol, type Replica, type ReplicaStep } from './protocol.js';
import { type RsmSpec, type RsmStep, rsmService } from './spec.js';

const witness = (
  action: ReplicaAction,
  { received, toSelf, timeMs }: StepContext<RsmMessage>,
): ReplicaStep | undefined => {
  switch (action.action) {
    case 'process': {
      const packet = (action.from === 'receive' ? received : toSelf)[action.index];
      if (packet === undefined) return undefined;
      return { tag: 'process', packet, timeMs: packet.message.tag === 'heartbeat' ? timeMs : undefined };
    }
    case 'nominate':
      return { tag: 'nominate', count: action.count };
    case 'checkProgress': {
      const { fetchFrom, askFrom } = action;
      return timeMs === undefined ? undefined : { tag: 'checkProgress', timeMs, fetchFrom, askFrom };
    }
    case 'enterNewView':
    case 'enterPhase2':
    case 'truncate':
    case 'decide':
    case 'execute':
    case 'catchUp':
      return { tag: action.action };
    case 'checkViewTimeout':
    case 'checkSuspicions':
    case 'heartbeat':
      return timeMs === undefined ? undefined : { tag: action.action, timeMs };
    default:
      return unreachable(action);
  }
};

/** Judged on every node, on every step. */
const stepInvariants: readonly StepInvariant<Replica>[] = [
  {
    name: "a replica's promise and position never go back",
    source: 'IronFleet RSL, CommonProof: MaxBal and OpsComplete are monotonic',
    check: (before, after) => {
      const promised = ballotOrder(before.acceptor.maxBal, after.acceptor.maxBal) <= 0;
      const executed = before.executor.opsComplete <= after.executor.opsComplete;
      const truncated = before.acceptor.truncationPoint <= after.acceptor.truncationPoint;
      if (promised && executed && truncated) return holds;
      return violated('STEP_INVARIANT', "a replica's promise and position never go back", {
        promised,
        executed,
        truncated,
      });
    },
  },
];

/** What the judge of a replica knows. */
export const ironrsmRefinement: HostRefinement<
  Configuration,
  ReplicaHost,
  Replica,
  RsmMessage,
  ReplicaStep,
  ReplicaAction
> = {
  protocol: ironrsmProtocol,
  codec: rsmCodec,
  witness,
  components,
  stepInvariants,
  trace: {
    strip: ({ constants: _, ...state }) => state,
    restore: (initial, stripped) => ({ ...(stripped as Replica), constants: initial.constants }),
  },
};

/** What is stated over a whole cluster. */
export const ironrsmCluster = (
  configuration: Configuration,
): ClusterModel<Replica, RsmMessage, RsmHistory, RsmSpec, RsmStep> => ({
  history: () => new RsmHistory(configuration),
  remember: (history, change) => history.remember(change.sends),
  invariants: ironrsmInvariants,
  refinement: {
    service: rsmService(configuration),
    steps: (cluster) => {
      const { steps, appended } = cluster.history;
      if (appended === 0) return [];
      return steps.slice(steps.length - appended).flatMap((taken) => taken.map(({ step }) => step));
    },
    abstract: (cluster) => {
      // From scratch: the packets say what was chosen, whatever the running history says.
      const history = new RsmHistory(configuration);
      history.remember([...cluster.sent.tagged('2a'), ...cluster.sent.tagged('2b')]);
      return specOf(history);
    },
  },
});

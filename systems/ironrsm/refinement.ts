/**
 * How IronRSM's three layers meet: the witnesses and the abstraction function of a replica, and the refinement of the
 * service by a cluster. The only file that knows both the host and the protocol.
 */
import { PersistentMap } from '../../src/protocol/persistent-map.js';
import type { ClusterModel } from '../../src/refinement/cluster.js';
import type {
  Component,
  HostRefinement,
  StepContext,
  StepInvariant,
  TableComponent,
} from '../../src/refinement/host-refinement.js';
import { holds, violated } from '../../src/spec/check.js';
import { unreachable } from '../../src/spec/prelude.js';
import type { Configuration } from './configuration.js';
import { ballotOrder, RsmHistory } from './history.js';
import type { ReplicaAction, ReplicaHost } from './host.js';
import { ironrsmInvariants } from './invariants.js';
import { type RsmMessage, rsmCodec, type Vote } from './messages.js';
import { ironrsmProtocol, type Promised, type Replica, type ReplicaStep } from './protocol.js';
import { type ExecuteBatch, type RsmSpec, requestKey, rsmService } from './spec.js';

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
    case 'enterNewView':
    case 'enterPhase2':
    case 'truncate':
    case 'decide':
    case 'execute':
      return { tag: action.action };
    case 'checkViewTimeout':
    case 'checkSuspicions':
    case 'heartbeat':
    case 'checkProgress':
      return timeMs === undefined ? undefined : { tag: action.action, timeMs };
    default:
      return unreachable(action);
  }
};

const promisesOf = (host: ReplicaHost): PersistentMap<number, Promised> =>
  PersistentMap.of(
    [...host.proposer.promises].map(([sender, p]): [number, Promised] => [
      sender,
      {
        truncationPoint: p.truncationPoint,
        votes: PersistentMap.of(p.votes.map((v): [number, Vote] => [v.opn, { ballot: v.ballot, batch: v.batch }])),
      },
    ]),
  );

type Table = PersistentMap<string | number, unknown>;

const table = (
  name: string,
  native: (host: ReplicaHost) => ReadonlyMap<string | number, unknown>,
  protocol: (state: Replica) => unknown,
): TableComponent<ReplicaHost, Replica> => ({
  kind: 'table',
  name,
  hostAt: (host, key) => native(host).get(key),
  hostKeys: (host) => native(host).keys(),
  hostSize: (host) => native(host).size,
  protocol: (state) => protocol(state) as Table,
});

const keyed = (map: unknown): ReadonlyMap<string | number, unknown> => map as ReadonlyMap<string | number, unknown>;

const queueComponent: TableComponent<ReplicaHost, Replica> = {
  kind: 'table',
  name: 'proposer.queue',
  hostAt: ({ proposer }, position) => proposer.queueAt(position as number),
  hostKeys: function* ({ proposer }) {
    for (let position = proposer.queueFirst; position < proposer.queueNext; position++) yield position;
  },
  hostSize: ({ proposer }) => proposer.queueNext - proposer.queueFirst,
  protocol: (s) => s.proposer.queue.items as Table,
};

/** The abstraction function, in parts. */
const components: readonly Component<ReplicaHost, Replica>[] = [
  {
    kind: 'whole',
    name: 'proposer.phase',
    host: ({ proposer: p }) => ({
      phase: p.phase,
      ballot: p.ballot,
      nextOpn: p.nextOpn,
      first: p.queueFirst,
      next: p.queueNext,
    }),
    protocol: ({ proposer: p }) => ({
      phase: p.phase,
      ballot: p.ballot,
      nextOpn: p.nextOpn,
      first: p.queue.first,
      next: p.queue.next,
    }),
  },
  { kind: 'whole', name: 'proposer.promises', host: promisesOf, protocol: (s) => s.proposer.promises },
  {
    kind: 'whole',
    name: 'acceptor',
    host: ({ acceptor: a }) => ({ maxBal: a.maxBal, truncationPoint: a.truncationPoint, checkpoints: a.checkpoints }),
    protocol: ({ acceptor: a }) => ({
      maxBal: a.maxBal,
      truncationPoint: a.truncationPoint,
      checkpoints: a.checkpoints,
    }),
  },
  { kind: 'whole', name: 'learner.maxBal', host: (h) => h.learner.maxBal, protocol: (s) => s.learner.maxBal },
  {
    kind: 'whole',
    name: 'executor',
    host: ({ executor: e }) => ({ opsComplete: e.opsComplete, decided: e.decided ?? null }),
    protocol: ({ executor: e }) => ({ opsComplete: e.opsComplete, decided: e.decided }),
  },
  {
    kind: 'whole',
    name: 'election',
    host: ({ election: e }) => ({
      view: e.view,
      suspectors: e.suspectors,
      epochEndMs: e.epochEndMs,
      epochLengthMs: e.epochLengthMs,
    }),
    protocol: ({ election: e }) => ({
      view: e.view,
      suspectors: e.suspectors,
      epochEndMs: e.epochEndMs,
      epochLengthMs: e.epochLengthMs,
    }),
  },
  { kind: 'whole', name: 'timers', host: (h) => ({ ...h.timers }), protocol: (s) => s.timers },
  { kind: 'persistent', name: 'executor.app', host: (h) => h.executor.app, protocol: (s) => s.executor.app },
  queueComponent,
  table(
    'proposer.queued',
    (h) => keyed(h.proposer.queued),
    (s) => s.proposer.queued,
  ),
  table(
    'acceptor.votes',
    (h) => keyed(h.acceptor.votes),
    (s) => s.acceptor.votes,
  ),
  table(
    'learner.slots',
    (h) => keyed(h.learner.slots),
    (s) => s.learner.slots,
  ),
  table(
    'executor.replies',
    (h) => keyed(h.executor.replies),
    (s) => s.executor.replies,
  ),
  table(
    'election.fresh',
    (h) => keyed(h.election.fresh),
    (s) => s.election.fresh,
  ),
  table(
    'election.waiting',
    (h) => keyed(h.election.waiting),
    (s) => s.election.waiting,
  ),
];

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

/** The spec's state after the operations that a history knows to be chosen without a gap. */
const abstractFrom = (history: RsmHistory): RsmSpec => ({
  app: history.folds.at(-1)?.app,
  replies: PersistentMap.of(
    history.executes
      .flat()
      .map(({ request: r, reply }): [string, Uint8Array] => [requestKey(r.client, r.seqno), reply]),
  ),
});

/** What is stated over a whole cluster. */
export const ironrsmCluster = (
  configuration: Configuration,
): ClusterModel<Replica, RsmMessage, RsmHistory, RsmSpec, ExecuteBatch> => ({
  history: () => new RsmHistory(configuration),
  remember: (history, change) => history.remember(change.sends),
  invariants: ironrsmInvariants,
  refinement: {
    service: rsmService(configuration),
    steps: (cluster) => {
      const { executes, appended } = cluster.history;
      if (appended === 0) return [];
      return executes.slice(executes.length - appended).map((executed) => ({ batch: executed.map((e) => e.request) }));
    },
    abstract: (cluster) => {
      // From scratch: the votes in the set of sent packets say what was chosen, whatever the running history says.
      const history = new RsmHistory(configuration);
      history.remember([...cluster.sent.tagged('2b')]);
      return abstractFrom(history);
    },
  },
});

/**
 * How the lock's three layers meet: the witnesses and the abstraction function of a node, and the refinement of the service
 * by a cluster. The only file that knows both the host and the protocol.
 */
import type { ClusterModel } from '../../src/refinement/cluster.js';
import type { Component, HostRefinement, StepContext } from '../../src/refinement/host-refinement.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import type { LockConfiguration } from './configuration.js';
import type { LockAction, LockHost } from './host.js';
import { grantsIn, type LockHistory, lockInvariants, remember } from './invariants.js';
import { type LockMessage, lockCodec } from './messages.js';
import { lockProtocol, type Node, type NodeStep, type Place, type Role } from './protocol.js';
import { type Grant, type LockSpec, lockService } from './spec.js';

/** The protocol step that a host claims to have made. */
const witness = (action: LockAction, { received, timeMs }: StepContext<LockMessage>): NodeStep | undefined => {
  if (action.action === 'grant' || action.action === 'resend') {
    return timeMs === undefined ? undefined : { tag: action.action, timeMs };
  }
  const packet = received[action.index];
  if (packet === undefined) return undefined;
  if (action.action !== 'accept') return { tag: action.action, packet };
  return timeMs === undefined ? undefined : { tag: 'accept', packet, timeMs };
};

const placeOf = ({ ring, parameters }: LockHost): Place => ({
  me: ring.me,
  previous: ring.before,
  next: ring.after,
  parameters,
});

/** The host keeps two flags and one time where the protocol has a role; both flags at once are no role. */
const roleOf = ({ holds, awaitsAnswer, dueMs }: LockHost): Role | undefined => {
  if (holds) return awaitsAnswer ? undefined : { tag: 'holding', grantAtMs: dueMs };
  return awaitsAnswer ? { tag: 'granting', resendAtMs: dueMs } : { tag: 'waiting' };
};

/** The abstraction function, in parts: together they are the whole state of a node. */
const components: readonly Component<LockHost, Node>[] = [
  { kind: 'whole', name: 'place', host: placeOf, protocol: (s) => s.place },
  { kind: 'whole', name: 'role', host: roleOf, protocol: (s) => s.role },
  { kind: 'whole', name: 'epoch', host: (h) => h.epoch, protocol: (s) => s.epoch },
];

/** What the judge of a node knows. */
export const lockRefinement: HostRefinement<LockConfiguration, LockHost, Node, LockMessage, NodeStep, LockAction> = {
  protocol: lockProtocol,
  codec: lockCodec,
  witness,
  components,
  stepInvariants: [],
  trace: {
    strip: ({ place: _, ...state }) => state,
    restore: (initial, stripped) => ({ ...(stripped as Node), place: initial.place }),
  },
};

/** What is stated over a whole cluster. */
export const lockCluster = ({
  nodes,
}: LockConfiguration): ClusterModel<Node, LockMessage, LockHistory, LockSpec, Grant> => ({
  history: () => ({ holders: nodes.slice(0, 1) }),
  remember,
  invariants: lockInvariants,
  refinement: {
    service: lockService(nodes),
    // The lock changes hands when a grant is first sent; every other step is a stutter.
    steps: ({ hosts }, change) => grantsIn(change.sends, hosts).map(({ holder }) => ({ holder })),
    abstract: ({ hosts, sent }) => {
      const history: EndPoint[] = nodes.slice(0, 1);
      for (const { epoch, holder } of grantsIn(sent.tagged('transfer'), hosts)) history[epoch - 1] = holder;
      return { history };
    },
  },
});

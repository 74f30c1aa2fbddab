/**
 * Why the lock is safe: what is true of every reachable state of a cluster, weakest first, after the proof of IronFleet's
 * lock (SOSP 2015, section 3.3).
 */
import {
  type Change,
  type Cluster,
  type ClusterInvariant,
  type Evidence,
  everyHost,
  everyPacket,
  everyStep,
  ofHistory,
} from '../../src/refinement/cluster.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
import type { LockMessage } from './messages.js';
import type { Node } from './protocol.js';

/** Ghost: to whom the lock was granted, in order; in epoch `e` it was `holders[e - 1]`. A grant in flight counts. */
export interface LockHistory {
  readonly holders: EndPoint[];
}

export type LockCluster = Cluster<Node, LockMessage, LockHistory>;
type LockInvariant = ClusterInvariant<Node, LockMessage, LockHistory>;

const source = 'IronFleet, SOSP 2015: the invariants of the lock';

/** The grants among `packets`, without those that strangers may have sent. */
export const grantsIn = (
  packets: readonly Packet<LockMessage>[],
  nodes: { has(host: EndPoint): boolean },
): readonly { readonly epoch: number; readonly holder: EndPoint }[] =>
  packets.flatMap(({ source: granter, target, message }) =>
    message.tag === 'transfer' && nodes.has(granter) ? [{ epoch: message.epoch, holder: target }] : [],
  );

/** Extends the history by the grants of a change. A grant of any other epoch than the next one is left to the invariants. */
export const remember = ({ holders }: LockHistory, change: Change<Node, LockMessage>, { hosts }: LockCluster): void => {
  for (const { epoch, holder } of grantsIn(change.sends, hosts)) if (epoch === holders.length + 1) holders.push(holder);
};

const epochsGrow: LockInvariant = everyStep('the epoch of a node never goes back', source, (before, after) =>
  after.epoch >= before.epoch ? undefined : { node: after.place.me, before: before.epoch, after: after.epoch },
);

const epochsWereGranted: LockInvariant = everyHost(
  'a node is in an epoch that was granted to it, or in none',
  source,
  ({ epoch }, node, { history }) =>
    epoch === 0 || history.holders[epoch - 1] === node ? undefined : { node, epoch, holders: history.holders.length },
);

const transfersFollowHistory: LockInvariant = everyPacket(
  'the epoch of a transfer is that of its target in the history, and its source held the lock before',
  source,
  'transfer',
  ({ source: granter, target, message }, { hosts, history }) => {
    if (!hosts.has(granter)) return undefined;
    const [before, after] = [history.holders[message.epoch - 2], history.holders[message.epoch - 1]];
    return before === granter && after === target
      ? undefined
      : { granter, target, epoch: message.epoch, before, after };
  },
);

const lockedFollowsHistory: LockInvariant = everyPacket(
  'a locked names an epoch in which its source was the holder',
  source,
  'locked',
  ({ source: node, message }, { hosts, history }) => {
    const holder = history.holders[message.epoch - 1];
    return !hosts.has(node) || holder === node ? undefined : { node, epoch: message.epoch, holder };
  },
);

const lastMayHold: LockInvariant = everyHost(
  'only the last node of the history may hold the lock, in the epoch that is the length of the history',
  source,
  ({ role, epoch }, node, { history: { holders } }) =>
    role.tag !== 'holding' || (epoch === holders.length && holders.at(-1) === node)
      ? undefined
      : { node, epoch, holders: holders.length, last: holders.at(-1) },
);

/** The property that gives the lock its name. A grant in flight counts as no holder. */
const atMostOneHolder: LockInvariant = ofHistory(
  'at most one node holds the lock',
  'IronFleet, SOSP 2015, section 2',
  ({ hosts }) => {
    const holders = [...hosts].filter(([, node]) => node.role.tag === 'holding').map(([host]) => host);
    return holders.length <= 1 ? undefined : { holders };
  },
);

/** What retransmission adds. IronFleet's lock has no such invariant: there, a lost grant is the end. */
const lockIsNeverLost: LockInvariant = ofHistory(
  'the last node of the history holds the lock, or its granter still sends the grant',
  'retransmission (README.md)',
  ({ hosts, history: { holders } }): Evidence => {
    const epoch = holders.length;
    const [granter, last] = [hosts.get(holders.at(-2) as EndPoint), hosts.get(holders.at(-1) as EndPoint)];
    const arrived = last?.epoch === epoch && last.role.tag === 'holding';
    const onItsWay = granter?.epoch === epoch - 1 && granter.role.tag === 'granting';
    return arrived || onItsWay ? undefined : { epoch, granter, last };
  },
);

/** All of them. */
export const lockInvariants: readonly LockInvariant[] = [
  epochsGrow,
  epochsWereGranted,
  transfersFollowHistory,
  lockedFollowsHistory,
  lastMayHold,
  atMostOneHolder,
  lockIsNeverLost,
];
